"""Routes of plug-ins: beside those of the server, and never in their place."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from litestar import Litestar

from hornburg.archive.parts import Archive
from hornburg.errors import (
    BadRequestError,
    ForbiddenError,
    HornburgError,
    MethodNotAllowedError,
    TooLargeError,
)
from hornburg.hooks.errors import PluginLoadError
from hornburg.hooks.guest import Guest
from hornburg.hooks.specs import Answer, Route, RouteRequest
from hornburg.rest.body import stream
from hornburg.rest.errors import describe, log_refusal, unexpected
from hornburg.rest.permission import access_of, require
from hornburg.rest.requests import Incoming
from hornburg.security.principals import Permission

__all__ = ["PluginRoutes", "paths_of", "with_plugin_routes"]

App = Callable[[Any, Any, Any], Awaitable[None]]
Send = Callable[[Any], Awaitable[None]]

_METHODS = ("GET", "POST", "PUT", "DELETE")
_PART = re.compile(r"[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}", re.ASCII)
_MOST_PARTS = 32

#: Arguments of a request.
_MOST_ARGUMENTS = 1000

#: What plug-ins are not shown.
_SECRET = frozenset({b"authorization", b"cookie", b"x-csrf-token"})

#: RFC 9110 5.1 and 5.5.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

#: What says where an answer ends is ours to say, and so are sessions.
_OURS = frozenset(
    {"connection", "content-length", "content-type", "set-cookie", "transfer-encoding", "upgrade"}
)

_Parts = tuple[str, ...]


class _Known(NamedTuple):
    guest: Guest
    route: Route
    parts: _Parts


def paths_of(app: Litestar) -> list[str]:
    """The paths of the server's own routes, as the framework has them."""
    return [route.path for route in app.routes]


def with_plugin_routes(app: App, archive: Archive, taken: Iterable[str]) -> App:
    """The application, with the routes of plug-ins where there are any.

    Raises:
        PluginLoadError: one is none, or is the server's own, or that of another plug-in.
    """
    if not archive.hooks.has("routes"):
        return app
    found = archive.hooks.routes()
    return PluginRoutes(app, archive, found, taken) if found else app


class PluginRoutes:
    """Takes requests to routes of plug-ins, and leaves all others to the application.

    Args:
        app: the server's own routes.
        archive: of the server.
        routes: those of plug-ins.
        taken: paths of the server's own routes, with ``{name:type}`` for what changes.

    Raises:
        PluginLoadError: as for :func:`with_plugin_routes`.
    """

    def __init__(
        self,
        app: App,
        archive: Archive,
        routes: Sequence[tuple[Guest, Route]],
        taken: Iterable[str],
    ) -> None:
        self._app = app
        self._archive = archive
        self._describe = archive.settings.http_describe_errors
        ours = [tuple(path.strip("/").split("/")) for path in taken]
        self._known: list[_Known] = []
        for guest, route in routes:
            parts = _parts_of(guest, route)
            where = f"Plugins: {guest.name}: {route.method} {route.path}"
            if any(_overlap(own, parts) for own in ours):
                raise PluginLoadError(f"{where} is a route of the server itself")
            for other in self._known:
                same_method = other.route.method == route.method or other.guest is not guest
                if same_method and _overlap(other.parts, parts):
                    raise PluginLoadError(f"{where} is a route of {other.guest.name} already")
            self._known.append(_Known(guest, route, parts))

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts = tuple(scope["path"].strip("/").split("/"))
        matching = [one for one in self._known if _matches(one.parts, parts)]
        if not matching:
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(matching, parts, Incoming(self._archive, scope, receive))
            headers = _headers_of(answer)
        except HornburgError as error:
            log_refusal(scope, error)
            await self._refuse(scope, send, error, matching)
        except Exception as error:  # noqa: BLE001 - told to the log and, as a number, to the client
            await self._refuse(scope, send, unexpected(scope, error), matching)
        else:
            await _send(send, answer.status, answer.body, headers)

    async def _answer(
        self, matching: Sequence[_Known], parts: _Parts, incoming: Incoming
    ) -> Answer:
        scope = incoming.scope
        known = next((one for one in matching if one.route.method == scope["method"]), None)
        if known is None:
            allowed = ", ".join(one.route.method for one in matching)
            raise MethodNotAllowedError(f"Allowed here: {allowed}")
        permission = known.route.permission
        # As the framework has them of the server's own, for the audit trail.
        scope["path_template"], scope["state"]["permission"] = known.route.path, permission
        require(scope, permission, self._archive.trail)
        access = access_of(scope)
        if not access.may_all(permission):
            raise ForbiddenError(
                f"The permission {permission.value!r} is limited to some resources, and the "
                "routes of plug-ins need it for all"
            )
        named = zip(known.parts, parts, strict=True)
        request = RouteRequest(
            method=scope["method"],
            path=scope["path"],
            parameters={name[1:-1]: part for name, part in named if name.startswith("{")},
            query=_query(scope),
            headers={
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in scope["headers"]
                if name not in _SECRET
            },
            body=await _body(incoming, known.route.most_body),
            principal=access.principal,
        )
        answer = await self._archive.hooks.answer_route(known.guest, known.route, request)
        if not _is_sound(answer):
            raise known.guest.wrong_answer(f"{known.route.method} {known.route.path}", answer)
        return answer

    async def _refuse(
        self, scope: Any, send: Send, error: HornburgError, matching: Sequence[_Known]
    ) -> None:
        body = b""
        if self._describe:
            body = describe(error.outside, str(error), scope["method"], scope["path"])
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        if isinstance(error, MethodNotAllowedError):
            headers.append((b"allow", ", ".join(one.route.method for one in matching).encode()))
        await _send(send, error.outside.http, body, headers)


def _parts_of(guest: Guest, route: Route) -> _Parts:
    where = f"Plugins: {guest.name}: {str(route.method)[:16]} {str(route.path)[:200]}"
    if route.method not in _METHODS:
        raise PluginLoadError(f"{where}: the method of a route is one of {', '.join(_METHODS)}")
    if not isinstance(route.permission, Permission):
        raise PluginLoadError(f"{where} states no permission, and every route needs one")
    if not callable(route.handler) or not isinstance(route.most_body, int):
        raise PluginLoadError(f"{where}: a route has a function, and a number of bytes")
    path = route.path if isinstance(route.path, str) else ""
    parts = tuple(path[1:].split("/"))
    sound = path.startswith("/") and len(parts) <= _MOST_PARTS
    dots = any(part in (".", "..") for part in parts)
    if not sound or dots or not all(_PART.fullmatch(part) for part in parts):
        raise PluginLoadError(
            f"{where}: a path is /one/{{name}}/two: letters, digits, . _ ~ - and names in braces"
        )
    if parts[0].startswith("{"):
        raise PluginLoadError(f"{where}: the first part of a path can't be a name in braces")
    return parts


def _overlap(one: _Parts, other: _Parts) -> bool:
    """Whether a path could be meant by both patterns."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left.endswith(":path}"):
            return True
        if left != right and not left.startswith("{") and not right.startswith("{"):
            return False
        if place + 2 == len(one) and one[-1].endswith(":path}"):
            return True
    return len(one) == len(other)


def _matches(pattern: _Parts, parts: _Parts) -> bool:
    return len(pattern) == len(parts) and all(
        left == right or (left.startswith("{") and right != "")
        for left, right in zip(pattern, parts, strict=True)
    )


def _query(scope: Any) -> Mapping[str, str]:
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_ARGUMENTS))
    except ValueError:
        raise BadRequestError(f"More than {_MOST_ARGUMENTS} arguments") from None


async def _body(incoming: Incoming, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in stream(incoming):
        size += len(chunk)
        if size > most:
            raise TooLargeError(f"The body is larger than {most} bytes, which is the most here")
        parts.append(chunk)
    return b"".join(parts)


def _is_sound(answer: Answer) -> bool:
    """Whether an answer can be sent, and holds nothing that would end its head."""
    if not isinstance(answer.body, bytes) or not isinstance(answer.status, int):
        return False
    if not 200 <= answer.status <= 599 or isinstance(answer.status, bool):
        return False
    headers = {**answer.headers, "content-type": answer.media_type}
    return all(
        isinstance(name, str)
        and isinstance(value, str)
        and _TOKEN.fullmatch(name) is not None
        and _VALUE.fullmatch(value) is not None
        for name, value in headers.items()
    )


def _headers_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in answer.headers.items()
        if name.lower() not in _OURS
    ]
    return [(b"content-type", answer.media_type.encode("latin-1")), *headers]


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    if status not in (204, 304):  # RFC 9110 8.6
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    else:
        body = b""
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
