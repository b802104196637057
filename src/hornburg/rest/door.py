"""The outermost layer of HTTP: who is asking, and paths in one form.

A plain ASGI function round the application, because it runs for every request.
"""

from __future__ import annotations

import asyncio
import logging
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hornburg.archive.parts import Archive
from hornburg.errors import (
    BadRequestError,
    HornburgError,
    LengthRequiredError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
)
from hornburg.rest.answers import JSON
from hornburg.rest.errors import describe, log_refusal, unexpected
from hornburg.rest.requests import Incoming
from hornburg.security.browsers import refuse_other_sites
from hornburg.security.users import Users

__all__ = ["Door"]

# The messages of ASGI (https://asgi.readthedocs.io) are plain dictionaries.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Direct = Callable[[Incoming], Awaitable[bytes]]

log = logging.getLogger("hornburg.rest")

#: RFC 7617 section 2; the realm is Orthanc's, so that clients find their stored passwords.
_CHALLENGE = (b"www-authenticate", b'Basic realm="Orthanc Secure Area", charset="UTF-8"')


class Door:
    """Lets requests in.

    Adds to the scope's ``state``: ``username`` ("" when nobody had to say).

    Args:
        app: what is behind the door.
        archive: whose settings say who may come in, and how large a body may be.
        direct: what is answered without the framework, by method and path: routes where its
            share of the time would be felt.
    """

    def __init__(
        self, app: App, archive: Archive, direct: Mapping[tuple[str, str], Direct]
    ) -> None:
        settings = archive.settings
        self._app = app
        self._archive = archive
        self._direct = direct
        self._metrics = archive.metrics
        self._describe = settings.http_describe_errors
        self._users: Users | None = None
        if settings.authentication_required:
            self._users = Users(settings.registered_users or {})
        self._most_body = settings.maximum_request_body_size_mb << 20
        self._patience = settings.http_request_timeout

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
            await send(message)

        self._metrics.active_requests += 1
        try:
            try:
                await self._admit(scope)
            except HornburgError as error:
                if isinstance(error, UnauthorizedError):
                    _log_stranger(scope)
                await self._refuse(scope, watched, error)
            else:
                if scope["method"] == "HEAD":
                    # uvicorn, which keeps the scope, sends the head of the answer alone
                    # (RFC 9110 9.3.2).
                    state = {**scope["state"], "head": True}
                    scope = {**scope, "method": "GET", "state": state}
                direct = self._direct.get((scope["method"], scope["path"]))
                receive = _patient(receive, self._patience)
                if direct is None:
                    await self._app(scope, receive, watched)
                else:
                    await self._answer(direct, scope, receive, watched)
        except asyncio.CancelledError:
            # The server stops, and this request had its time to finish.
            log.warning("%s %s was broken off by the stop", scope["method"], scope["path"])
            if status is None:
                await self._refuse(scope, send, UnavailableError("The server is stopping"))
        finally:
            self._metrics.active_requests -= 1
            seconds = time.monotonic() - started
            self._metrics.request_done(status or 500, seconds)
            if log.isEnabledFor(logging.DEBUG):
                # The path has identifiers alone; what is searched stands in bodies and arguments.
                log.debug(
                    "%s %s %d %.1f ms",
                    scope["method"],
                    scope["path"],
                    status or 500,
                    seconds * 1000,
                )

    def known_user(self, authorization: bytes | None) -> str | None:
        """The user of a request when that can be told at once: "" when nobody has to say, ``None``
        when a closer look is needed."""
        return "" if self._users is None else self._users.remembered(authorization)

    async def _admit(self, scope: Any) -> None:
        authorization = length = site = origin = host = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if authorization is not None:
                    raise BadRequestError("The Authorization header is there twice")
                authorization = value
            elif name == b"content-length":
                length = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"origin":
                origin = value
            elif name == b"host":
                host = value
        refuse_other_sites(scope["method"], site, origin, host)
        username = ""
        if self._users is not None:
            known = await self._users.check(authorization)
            if known is None:
                raise UnauthorizedError("A name and a password are needed, and these are not right")
            username = known
        scope.setdefault("state", {})["username"] = username
        if length is not None:
            if not length.isdigit():
                raise LengthRequiredError("Content-Length is no number of bytes")
            if self._most_body and int(length) > self._most_body:
                raise TooLargeError(
                    f"The body is larger than {self._most_body >> 20} MB, which is the most "
                    "allowed (MaximumRequestBodySizeMB)"
                )
        path = scope["path"]
        if "//" in path or "/." in path or (path[-1:] == "/" and len(path) > 1):
            # Orthanc takes /a//b/ for /a/b; rules that look at paths must see one form only.
            scope["path"] = posixpath.normpath("/" + path.lstrip("/"))
            scope["raw_path"] = scope["path"].encode()
        if "\0" in path:
            raise BadRequestError("The path holds a NUL character")

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
        await _send(send, outside.http, body, headers)


def _log_stranger(scope: dict[str, Any]) -> None:
    """Who guesses passwords leaves a trace; who says nothing yet is a browser on its first try."""
    if any(name == b"authorization" for name, _ in scope["headers"]):
        client = scope.get("client")
        log.warning("credentials from %s were refused", client[0] if client else "nowhere")


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    usual = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": usual + headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _patient(receive: Receive, seconds: int) -> Receive:
    """A client may be slow, but not silent in the middle of its body (HttpRequestTimeout).

    After the body there is only the end of the connection to wait for, as long as it takes.
    """
    in_body = True

    async def wrapped() -> Any:
        nonlocal in_body
        if not in_body:
            return await receive()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        in_body = message["type"] == "http.request" and message.get("more_body", False)
        return message

    return wrapped
