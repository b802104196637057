"""What the audit trail is told of HTTP requests: one place, after the answer.

The route is named by its template, and what it was about by what the path and the verbs of the
archive name; arguments and bodies, which may hold names of patients, are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from hornburg.archive.touched import Touched, collecting
from hornburg.dicom.levels import Level
from hornburg.rest.openid_login import CALLBACK
from hornburg.rest.requests import Incoming
from hornburg.security.principals import NOBODY, Kind, Permission, Principal
from hornburg.security.trail import Event, Outcome, Subject, Trail

__all__ = ["note_request", "note_what", "noting", "noting_upload"]

_RESOURCE = re.compile(r"/(patients|studies|series|instances)/([0-9a-f]{8}(?:-[0-9a-f]{8}){4})")
_LEVELS = {level.plural: level for level in Level}

#: Routes that the door answers without the framework.
_DIRECT = {("POST", "/instances"): Permission.UPLOAD}

#: Of these the path says what was meant (which modality, job or option), and tells nothing of
#: patients.
_NAMED_BY_PATH = frozenset(
    {
        Permission.CONTROL,
        Permission.JOBS,
        Permission.QUERY_REMOTE,
        Permission.SCRIPTS,
        Permission.SEND,
        Permission.SETTINGS,
    }
)

_REFUSED = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_LOGIN, _LOGOUT = "/login", "/logout"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Of the routes that anyone may ask, what is worth a line: changes of accounts (who makes a token
#: can come in for years), of jobs, and what jobs have made.
_OWN = re.compile(r"/(account|jobs)/.")
_OUTPUT = re.compile(r"/jobs/[^/]+/.")

#: Where in the ``state`` of a scope it stands what was touched.
_TOUCHED = "touched"
_WHAT = "noted_what"

App = Callable[[Any, Any, Any], Awaitable[None]]
Take = Callable[[Incoming], Awaitable[bytes]]


def note_request(trail: Trail, scope: Any, status: int) -> None:
    """Note a request that was answered.

    Args:
        trail: where to.
        scope: of ASGI, as the application left it; its ``state`` has the principal.
        status: of the answer.
    """
    state = scope.get("state") or {}
    who = _who(scope, state)
    touched: Touched = state.get(_TOUCHED) or Touched()
    touched.who, touched.door = who, "job"
    method, path = scope["method"], scope["path"]
    permission = _permission(scope, method, path)
    own = _own(method, path) if permission is Permission.ANYONE else None
    if own is not None:
        word = own
    elif permission in (None, Permission.ANYONE, Permission.METRICS):
        _note_entrance(trail, scope, status, who)
        return
    else:
        word = permission.value
    found = _RESOURCE.match(path)
    subjects = touched.of("") + touched.of(word)
    if found is not None and not _is_among(found[2], subjects):
        subjects = (Subject(_LEVELS[found[1]], found[2]), *subjects)
    if state.get("head"):
        method = "HEAD"
    event = Event(
        action=word,
        outcome=_outcome(status),
        status=status,
        who=who,
        door="rest",
        method=method,
        route=_route(scope, path, found),
        subjects=subjects,
        answers=touched.answers,
        keys=tuple(touched.keys),
        what=_what(state, path) if own or permission in _NAMED_BY_PATH else "",
        detail=f"and {touched.more} more" if touched.more else "",
    )
    for one in touched.events(event):
        trail.note(one)


def note_what(scope: Any, what: str) -> None:
    """Tell what a request was about that its path doesn't name: what it has made."""
    scope["state"][_WHAT] = what


def noting(app: App) -> App:
    """The application, with what each request touches in the ``state`` of its scope."""

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        with collecting() as touched:
            scope.setdefault("state", {})[_TOUCHED] = touched
            await app(scope, receive, send)

    return noted


def noting_upload(take: Take) -> Take:
    """The same for uploads that the door answers without the application.

    Raises:
        TrailBrokenError: a required audit trail can't be written.
    """

    async def noted(incoming: Incoming) -> bytes:
        incoming.archive.trail.check()
        with collecting() as touched:
            incoming.scope["state"][_TOUCHED] = touched
            return await take(incoming)

    return noted


def _own(method: str, path: str) -> str | None:
    """The action of a request for one's own account or jobs; ``None`` for no line of its own."""
    found = _OWN.match(path)
    if found is None or (method in _SAFE and _OUTPUT.match(path) is None):
        return None
    return found[1]


def _what(state: Any, path: str) -> str:
    return str(state.get(_WHAT) or path)


def _who(scope: Any, state: Any) -> Principal:
    principal = state.get("principal")
    if isinstance(principal, Principal):
        return principal
    address = state.get("address")
    if address is None:
        client = scope.get("client")
        address = client[0] if client else ""
    return Principal(address=address) if address else NOBODY


def _permission(scope: Any, method: str, path: str) -> Permission | None:
    handler = scope.get("route_handler")
    if handler is not None:
        stated = handler.opt.get("permission")
        return stated if isinstance(stated, Permission) else None
    state = scope.get("state") or {}
    if "access" not in state:
        return None  # nobody who came in
    # The second is that of a plug-in's route.
    direct: Permission | None = _DIRECT.get((method, path)) or state.get("permission")
    if direct is None and method == "HEAD" and _RESOURCE.match(path):
        return Permission.VIEW
    return direct


def _note_entrance(trail: Trail, scope: Any, status: int, who: Principal) -> None:
    """Logins that fail and succeed, and what is refused before anybody knows what for."""
    method, path = scope["method"], scope["path"]
    if path == _LOGOUT and method == "POST":
        action = "logout"
    elif (path == _LOGIN and method == "POST") or path == CALLBACK:
        action = "login" if status < HTTPStatus.BAD_REQUEST else "login-failed"
    elif status not in _REFUSED:
        return
    elif status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS):
        if who.kind is Kind.NOBODY and not _has_credentials(scope):
            return  # a browser on its first try
        action = "login-failed"
    else:
        action = "request"
    trail.note(
        Event(
            action=action,
            outcome=_outcome(status),
            status=status,
            who=who,
            door="rest",
            method=method,
            route=scope.get("path_template") or "",
            what=(scope.get("state") or {}).get("tried", ""),
        )
    )


def _has_credentials(scope: Any) -> bool:
    return any(name == b"authorization" for name, _ in scope["headers"])


def _outcome(status: int) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.SUCCESS
    return Outcome.REFUSED if status in _REFUSED else Outcome.FAILED


def _route(scope: Any, path: str, found: re.Match[str] | None) -> str:
    template = scope.get("path_template")
    if template:
        return str(template)
    return f"/{found[1]}/{{id}}" if found is not None else path[:64]


def _is_among(public_id: str, subjects: tuple[Subject, ...]) -> bool:
    return any(subject.public_id == public_id for subject in subjects[:8])
