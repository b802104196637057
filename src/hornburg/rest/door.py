"""The outermost layer of HTTP: who comes in, and what they are told who don't.

A plain ASGI function round the application, because it runs for every request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from hornburg.archive.parts import Archive
from hornburg.errors import HornburgError, UnauthorizedError, UnavailableError
from hornburg.rest.admission import Admission, Head
from hornburg.rest.answers import JSON
from hornburg.rest.errors import describe, log_refusal, unexpected
from hornburg.rest.headers import cors_headers, preflight_headers
from hornburg.rest.patience import patient
from hornburg.rest.requests import Incoming
from hornburg.security.identify import Forgotten, WrongCredentialsError
from hornburg.security.policy import Access
from hornburg.security.principals import Permission
from hornburg.security.throttle import TooManyAttemptsError

__all__ = ["Answered", "Door"]

# The messages of ASGI (https://asgi.readthedocs.io) are plain dictionaries.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Direct = Callable[[Incoming], Awaitable[bytes]]
Answered = Callable[[Any, int], None]
"""Told of each request that was answered: the scope, and the status."""

log = logging.getLogger("hornburg.rest")

#: RFC 7617 section 2; the realm is Orthanc's, so that clients find their stored passwords.
_CHALLENGE = (b"www-authenticate", b'Basic realm="Orthanc Secure Area", charset="UTF-8"')

_LOGIN = (b"location", b"/login")


class Door:
    """Lets requests in.

    Adds to the scope's ``state`` what :class:`hornburg.rest.admission.Admission` finds out:
    ``principal``, ``access``, ``username`` ("" when nobody had to say), ``address``.

    Args:
        app: what is behind the door.
        archive: whose settings say how errors are told.
        admission: who comes in.
        direct: what is answered without the framework, by method and path: routes where its
            share of the time would be felt, and the permission that they need.
        answered: told of each answer (the audit trail).
    """

    def __init__(
        self,
        app: App,
        archive: Archive,
        admission: Admission,
        direct: Mapping[tuple[str, str], tuple[Permission, Direct]],
        answered: Answered | None = None,
    ) -> None:
        settings = archive.settings
        self._app = app
        self._archive = archive
        self._admission = admission
        self._direct = direct
        self._answered = answered
        self._metrics = archive.metrics
        self._describe = settings.http_describe_errors
        self._has_pages = settings.orthanc_explorer_enabled
        self._patience = settings.http_request_timeout

    @property
    def forgotten(self) -> Forgotten:
        """Tells when an answer of :meth:`at_once` is not to be relied on any more."""
        return self._admission.forgotten

    def at_once(self, authorization: bytes | None, host: bytes | None, peer: str) -> Access | None:
        """For the express way: what a plain request may do, when that is at hand."""
        return self._admission.at_once(authorization, host, peer)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        started = time.monotonic()
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                origin = scope["state"].get("origin")
                if origin is not None:
                    message["headers"] = [*message["headers"], *cors_headers(origin)]
            await send(message)

        self._metrics.active_requests += 1
        asked = scope
        try:
            asked = await self._take(scope, receive, watched)
        except asyncio.CancelledError:
            # The server stops, and this request had its time to finish.
            log.warning("%s %s was broken off by the stop", scope["method"], scope["path"])
            if status is None:
                await self._refuse(scope, send, UnavailableError("The server is stopping"))
        finally:
            self._metrics.active_requests -= 1
            seconds = time.monotonic() - started
            self._metrics.request_done(status or 500, seconds)
            if self._answered is not None:
                self._answered(asked, status or 500)
            if log.isEnabledFor(logging.DEBUG):
                # The path has identifiers alone; what is searched stands in bodies and arguments.
                log.debug(
                    "%s %s %d %.1f ms",
                    scope["method"],
                    scope["path"],
                    status or 500,
                    seconds * 1000,
                )

    async def _take(self, scope: dict[str, Any], receive: Receive, send: Send) -> dict[str, Any]:
        """Answer the request; gives the scope as the application left it."""
        head: Head = {}
        try:
            head = self._admission.receive(scope)
            if scope["method"] == "OPTIONS":
                wanted = _preflight(scope)
                if wanted is not None:
                    await _send(send, HTTPStatus.NO_CONTENT, b"", wanted)
                    return scope
            await self._admission.admit(scope, head)
        except HornburgError as error:
            _log_stranger(scope, error)
            if isinstance(error, UnauthorizedError) and self._is_person(scope, head):
                await _send(send, HTTPStatus.SEE_OTHER, b"", [_LOGIN])
            else:
                await self._refuse(scope, send, error)
            return scope
        if scope["method"] == "HEAD":
            # uvicorn, which keeps the scope, sends the head of the answer alone (RFC 9110 9.3.2).
            # The state is one and the same: what the application finds out is for the trail, too.
            scope["state"]["head"] = True
            scope = {**scope, "method": "GET"}
        receive = patient(receive, self._patience)
        direct = self._direct.get((scope["method"], scope["path"]))
        if direct is not None and scope["state"]["access"].may_all(direct[0]):
            await self._answer(direct[1], scope, receive, send)
        else:
            await self._app(scope, receive, send)
        return scope

    async def _answer(self, direct: Direct, scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await direct(Incoming(self._archive, scope, receive))
        except HornburgError as error:
            log_refusal(scope, error)
            await self._refuse(scope, send, error)
            return
        except Exception as error:  # noqa: BLE001 - told to the log and, as a number, to the client
            await self._refuse(scope, send, unexpected(scope, error))
            return
        await _send(send, 200, body, [])

    async def _refuse(self, scope: Any, send: Send, error: HornburgError) -> None:
        outside = error.outside
        body = b""
        if self._describe:
            body = describe(outside, str(error), scope["method"], scope["path"])
        # The rest of the body is not read.
        headers = [(b"connection", b"close")]
        if outside is UnauthorizedError.outside:
            headers.append(_CHALLENGE)
        if isinstance(error, TooManyAttemptsError):
            headers.append((b"retry-after", b"%d" % error.seconds))
        await _send(send, outside.http, body, headers)

    def _is_person(self, scope: Any, head: Head) -> bool:
        """Whether a browser opens the home page, and would rather see a form than the box that it
        shows at a 401."""
        return (
            self._has_pages
            and scope["path"] == "/"
            and scope["method"] in ("GET", "HEAD")
            and b"authorization" not in head
            and any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
        )


def _preflight(scope: Any) -> list[tuple[bytes, bytes]] | None:
    origin = scope["state"].get("origin")
    if origin is None:
        return None
    asked = dict(scope["headers"])
    if b"access-control-request-method" not in asked:
        return None
    return preflight_headers(asked.get(b"access-control-request-headers"))


def _log_stranger(scope: dict[str, Any], error: HornburgError) -> None:
    """Who guesses passwords leaves a trace; who says nothing yet is a browser on its first try."""
    if isinstance(error, (WrongCredentialsError, TooManyAttemptsError)):
        state = scope["state"]
        state["tried"] = error.user
        whose = f" of user {error.user!r}" if error.user else ""
        more = " unseen" if isinstance(error, TooManyAttemptsError) else ""
        address = state["address"] or "nowhere"
        log.warning("credentials%s from %s were refused%s", whose, address, more)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    usual: list[tuple[bytes, bytes]] = []
    if status != HTTPStatus.NO_CONTENT:
        usual = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": usual + headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
