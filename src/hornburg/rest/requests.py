"""What handlers need of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from litestar import Request

from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level

if TYPE_CHECKING:
    from hornburg.archive.commitments import Commitments
    from hornburg.archive.modalities import Modalities
    from hornburg.archive.queries import Queries
    from hornburg.archive.remote import Remote
    from hornburg.archive.transcoding import Transcoder
    from hornburg.jobs.engine import Jobs
    from hornburg.security.accepted import Accepted

__all__ = [
    "Incoming",
    "accepted_of",
    "archive_of",
    "commitments_of",
    "flag",
    "jobs_of",
    "level_of",
    "modalities_of",
    "queries_of",
    "remote_of",
    "transcoder_of",
]

Asked = Request[Any, Any, Any]

_LEVELS = {level.plural: level for level in Level}


def archive_of(request: Asked) -> Archive:
    """The archive that this server serves."""
    return cast("Archive", request.app.state.archive)


def jobs_of(request: Asked) -> Jobs:
    """The job engine."""
    return cast("Jobs", request.app.state.jobs)


def modalities_of(request: Asked) -> Modalities:
    """The application entities that this server knows."""
    return cast("Modalities", request.app.state.modalities)


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
        client = self.scope.get("client")
        return Origin(
            "RestApi",
            remote_ip=client[0] if client else "",
            username=self.scope["state"].get("username", ""),
        )


def flag(request: Asked, name: str) -> bool:
    """Whether an argument is there; ``?expand`` and ``?expand=true`` are the same, and
    ``?expand=false`` and ``?expand=0`` say no."""
    value = request.query_params.get(name)
    return value is not None and value.lower() not in ("false", "0")
