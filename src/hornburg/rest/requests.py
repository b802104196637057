"""What handlers need of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from litestar import Request

from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.seen import seen_by
from hornburg.dicom.levels import Level
from hornburg.errors import ForbiddenError
from hornburg.rest.permission import access_of, permission_of
from hornburg.security.principals import Kind, Permission

if TYPE_CHECKING:
    from hornburg.archive.commitments import Commitments
    from hornburg.archive.jobs.tools import Peering
    from hornburg.archive.modalities import Modalities
    from hornburg.archive.peers import Peers
    from hornburg.archive.queries import Queries
    from hornburg.archive.remote import Remote
    from hornburg.archive.transcoding import Transcoder
    from hornburg.jobs.engine import Jobs
    from hornburg.security.accepted import Accepted

__all__ = [
    "Incoming",
    "accepted_of",
    "account_seen",
    "archive_of",
    "commitments_of",
    "flag",
    "jobs_of",
    "level_of",
    "modalities_of",
    "needs",
    "own_account",
    "peering_of",
    "peers_of",
    "queries_of",
    "remote_of",
    "transcoder_of",
]

Asked = Request[Any, Any, Any]

#: The plug-in that runs scripts.
_LUA = "lua"

_LEVELS = {level.plural: level for level in Level}


def archive_of(request: Asked, permission: Permission | None = None) -> Archive:
    """The archive as who asks may see it for the permission of the route, or another one.

    Raises:
        ForbiddenError: it is not granted, or the route states none.
    """
    if permission is None:
        permission = permission_of(request.route_handler)
        if permission is None:
            raise ForbiddenError("This route is closed")
    whole = cast("Archive", request.app.state.archive)
    return seen_by(whole, access_of(request.scope), permission)


def needs(request: Asked, permission: Permission) -> None:
    """What a part of a route needs besides the permission of the route.

    Raises:
        ForbiddenError: it is not granted.
    """
    access_of(request.scope).scope(permission)


def own_account(request: Asked) -> str:
    """Whose jobs and queries are the own ones of who asks."""
    return access_of(request.scope).principal.account


def account_seen(request: Asked) -> str | None:
    """Whose jobs and queries who asks may see: ``None`` for those of everybody."""
    access = access_of(request.scope)
    return None if access.may(Permission.JOBS) else access.principal.account


def jobs_of(request: Asked) -> Jobs:
    """The job engine."""
    return cast("Jobs", request.app.state.jobs)


def modalities_of(request: Asked) -> Modalities:
    """The application entities that this server knows."""
    return cast("Modalities", request.app.state.modalities)


def peers_of(request: Asked) -> Peers:
    """The servers with the same REST API that this server knows."""
    return cast("Peers", request.app.state.peers)


def peering_of(request: Asked) -> Peering:
    """The way to these."""
    return cast("Peering", request.app.state.peering)


def queries_of(request: Asked) -> Queries:
    """The queries that are remembered."""
    return cast("Queries", request.app.state.queries)


def commitments_of(request: Asked) -> Commitments:
    """The storage commitments that we asked for."""
    return cast("Commitments", request.app.state.commitments)


def accepted_of(request: Asked) -> Accepted:
    """What C-STORE accepts."""
    return cast("Accepted", request.app.state.accepted)


def remote_of(request: Asked) -> Remote:
    """The way to other application entities."""
    return cast("Remote", request.app.state.remote)


def transcoder_of(request: Asked) -> Transcoder:
    """What brings images into another transfer syntax."""
    return archive_of(request).transcoder


def level_of(request: Asked) -> Level:
    """The level that the first part of the path names."""
    return _LEVELS[request.scope["path"].split("/", 2)[1]]


class Incoming:
    """A request with a body, as far as reading that body needs it.

    Args:
        archive: where the body goes.
        scope: the ASGI scope of the request.
        receive: gives the body.
    """

    __slots__ = ("archive", "receive", "scope")

    def __init__(self, archive: Archive, scope: Any, receive: Callable[[], Awaitable[Any]]) -> None:
        self.archive = archive
        self.scope = scope
        self.receive = receive

    @classmethod
    def of(cls, request: Asked) -> Incoming:
        """The same for a request of the framework."""
        return cls(archive_of(request), request.scope, request.receive)

    def header(self, name: bytes) -> str:
        """A header by its name in lower case; empty when it isn't there."""
        for known, value in self.scope["headers"]:
            if known == name:
                return str(value, "latin-1")
        return ""

    def origin(self) -> Origin:
        """Who uploads."""
        principal = access_of(self.scope).principal
        if principal.kind is Kind.INSIDE:
            return Origin("Lua" if principal.name == _LUA else "Plugins")
        state = self.scope["state"]
        return Origin(
            "RestApi",
            remote_ip=state.get("address", ""),
            username=state.get("username", ""),
        )


def flag(request: Asked, name: str) -> bool:
    """Whether an argument is there; ``?expand`` and ``?expand=true`` are the same, and
    ``?expand=false`` and ``?expand=0`` say no."""
    value = request.query_params.get(name)
    return value is not None and value.lower() not in ("false", "0")
