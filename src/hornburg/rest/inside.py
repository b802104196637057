"""Requests of the server's own plug-ins and scripts: the REST API without a socket.

They don't come through the door: who asks is known, and no filter of a plug-in is asked about the
plug-in itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from hornburg.errors import BadRequestError, TooLargeError
from hornburg.hooks.port import Caller
from hornburg.hooks.specs import Answer
from hornburg.rest.admission import one_form
from hornburg.rest.door import Answered
from hornburg.security.policy import FULL, Access
from hornburg.security.principals import Kind, Principal

__all__ = ["MOST_ANSWER", "caller_of"]

App = Callable[[Any, Any, Any], Awaitable[None]]

#: Bytes of an answer: it is kept in memory.
MOST_ANSWER = 1 << 30

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})


def caller_of(app: App, answered: Answered) -> Caller:
    """What carries the calls of plug-ins.

    Args:
        app: the REST API, behind its door.
        answered: told of each answer, as the door tells of its own (the audit trail).
    """

    async def call(
        name: str, method: str, uri: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """Ask, as the plug-in of this name.

        Raises:
            BadRequestError: that is no request.
            TooLargeError: the answer has more than :data:`MOST_ANSWER` bytes.
        """
        scope = _scope(name, method, uri, body, headers)
        exchange = _Exchange(body)
        try:
            await app(scope, exchange.receive, exchange.send)
        finally:
            exchange.over.set()
            answered(scope, exchange.status)
        return exchange.answer()

    return call


def _scope(
    name: str, method: str, uri: str, body: bytes, headers: Mapping[str, str]
) -> dict[str, Any]:
    if method not in _METHODS or not uri.startswith("/") or not uri.isprintable():
        raise BadRequestError("A call is GET, POST, PUT or DELETE of a path that begins with /")
    path, _, arguments = uri.partition("?")
    path = unquote(path)
    principal = Principal(name, Kind.INSIDE)
    state = {
        "principal": principal,
        "access": Access(principal, FULL.granted),
        "username": "",
        "address": "",
        "session": None,
        "host": b"localhost",
    }
    own = {"host": "localhost", "content-length": str(len(body))}
    given = {key.lower(): value for key, value in headers.items()}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": arguments.encode(),
        "headers": [_header(key, value) for key, value in (given | own).items()],
        "client": None,
        "server": None,
        "state": state,
    }
    one_form(scope)
    return scope


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    try:
        return name.encode("ascii"), value.encode("latin-1")
    except UnicodeEncodeError:
        raise BadRequestError("A header of the call has characters that headers can't") from None


class _Exchange:
    """The body on its way in, and the answer on its way out."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._parts: list[bytes] = []
        self._size = 0
        self._headers: dict[str, str] = {}
        self.status = 500
        self.over = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message.get("headers", ())
            }
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            self._size += len(body)
            if self._size > MOST_ANSWER:
                raise TooLargeError(
                    f"The answer is larger than {MOST_ANSWER >> 20} MB, which is the most inside"
                )
            self._parts.append(body)

    def answer(self) -> Answer:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return Answer(
            bytes(body), self.status, self._headers.get("content-type", ""), self._headers
        )
