"""Everything that a plug-in can do: one base class, and what its hooks are given and answer.

A plug-in overrides some methods of :class:`Plugin`; what it leaves alone costs nothing. Each may
be a plain function, which runs on a thread of the plug-in, or an ``async def``, which runs on the
event loop and must not block it.

A *filter* decides. It has ``PluginTimeLimit`` seconds; one that raises, that takes longer, or that
answers something else than it may denies, and the log says so with the plug-in's name.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from hornburg.security.principals import NOBODY, Permission, Principal

__all__ = [
    "EVENTS",
    "HOOKS",
    "Action",
    "Answer",
    "AssociationRequest",
    "Event",
    "FindRequest",
    "Handler",
    "HttpRequest",
    "Plugin",
    "QueryTags",
    "ReceivedInstance",
    "RemoteEntity",
    "RestApi",
    "Route",
    "RouteRequest",
    "ServerPort",
]

_EMPTY: Mapping[str, Any] = {}

EVENTS = frozenset(
    [
        *(f"New{level}" for level in ("Patient", "Study", "Series", "Instance")),
        *(f"Deleted{level}" for level in ("Patient", "Study", "Series", "Instance")),
        *(f"Stable{level}" for level in ("Patient", "Study", "Series")),
        "CompletedSeries",
        "UpdatedMetadata",
        "UpdatedAttachment",
        "UpdatedModalities",
        "UpdatedPeers",
        "JobSubmitted",
        "JobSuccess",
        "JobFailure",
        "OrthancStarted",
        "OrthancStopped",
    ]
)
"""The kinds of events, in Orthanc's words (Orthanc Book, users/rest, "Tracking changes", and the
change types of its SDK)."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request of HTTP, before anything is done for it.

    Attributes:
        method: in capitals. ``HEAD`` is shown as ``GET``, whose head it is.
        uri: path and arguments, as they came.
        path: the path in its one form, decoded.
        query: the arguments, decoded; of one that is there twice, the last.
        address: the IP address of the client, after ``TrustedProxies``.
        username: the *verified* user, "" when nobody had to say who they are.
        headers: by their names in lower case, without ``Authorization`` and ``Cookie``.
        principal: who is asking, and how that was shown.
    """

    method: str
    uri: str
    path: str
    query: Mapping[str, str]
    address: str
    username: str
    headers: Mapping[str, str]
    principal: Principal = NOBODY


@dataclass(frozen=True, slots=True)
class ReceivedInstance:
    """An instance that has come and is not kept yet.

    Attributes:
        tags: gives the tags by name, as ``/instances/{id}/simplified-tags`` shows them; they are
            made when it is called.
        buffer: the whole DICOM file. It is not valid after the hook has answered.
        origin: Orthanc's words: ``RequestOrigin``, and as far as the door can tell ``RemoteIp``,
            ``RemoteAet``, ``CalledAet``, ``Username``.
        info: ``HasPixelData``, ``TransferSyntaxUID``.
    """

    tags: Callable[[], Mapping[str, Any]]
    buffer: Any
    origin: Mapping[str, Any]
    info: Mapping[str, Any] = field(default_factory=dict)


class Action(enum.Enum):
    """What :meth:`Plugin.change_received` wants; other bytes are given as ``bytes``."""

    KEEP = "keep"
    DISCARD = "discard"


QueryTags: TypeAlias = Mapping[str, "str | Sequence[QueryTags]"]
"""A query: ``gggg,eeee`` in lower case -> text as DICOM has it, "" for universal matching; or the
items of a sequence."""


@dataclass(frozen=True, slots=True)
class RemoteEntity:
    """The application entity at the other end.

    ``name`` is its symbolic name in ``DicomModalities``, when it has one there.
    """

    aet: str = ""
    called_aet: str = ""
    address: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class FindRequest:
    """A C-FIND, either way. ``level`` is PATIENT, STUDY, SERIES, IMAGE or WORKLIST, or what else
    the identifier says."""

    tags: QueryTags
    level: str
    remote: RemoteEntity


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """Somebody who wants an association, and whom the rules of the configuration let in.

    ``certificate`` is the subject of the TLS certificate that was shown, ``CN=…,O=…``, or "".
    """

    aet: str
    called_aet: str
    address: str
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened.

    Attributes:
        kind: one of :data:`EVENTS`.
        level: ``Patient``, ``Study``, ``Series`` or ``Instance``; "" for what is none.
        public_id: of the resource, or of the job.
        metadata: of a new instance, by name: ``Origin``, ``RemoteAET``, ``RemoteIP``,
            ``HttpUsername``, ``CalledAET``, ``ReceptionDate`` …
        date: UTC, ``20200131T235959``; "" when the event is in no log.
    """

    kind: str
    level: str = ""
    public_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """A request to a route of a plug-in.

    Attributes:
        method: in capitals.
        path: the path in its one form.
        parameters: the parts of the path that the pattern names.
        query: the arguments, decoded; of one that is there twice, the last.
        headers: by their names in lower case, without ``Authorization`` and ``Cookie``.
        body: at most :attr:`Route.most_body` bytes.
        principal: who is asking; the permission of the route was checked.
    """

    method: str
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    principal: Principal


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a route, and of a call to the REST API."""

    body: bytes = b""
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[RouteRequest], "Answer | Awaitable[Answer]"]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a plug-in.

    Attributes:
        method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
        path: ``/mine/{name}/report``; a name in braces stands for one part of the path.
        permission: what whoever asks must have, for all resources: a plug-in doesn't see limits
            to some patients or labels.
        handler: answers. A plain function runs on a thread of the plug-in, one after the other.
        most_body: bytes of a body; a longer one is refused.
    """

    method: str
    path: str
    permission: Permission
    handler: Handler
    most_body: int = 1 << 20


class RestApi(Protocol):
    """The REST API of this server, without a socket."""

    async def call(
        self,
        method: str,
        uri: str,
        body: bytes = b"",
        headers: Mapping[str, str] = _EMPTY,
    ) -> Answer:
        """Ask, with all permissions, as the server itself. Errors of the API are answers too.

        Raises:
            UnavailableError: the server is not up yet, or stops.
        """
        ...


class ServerPort(RestApi, Protocol):
    """What a plug-in gets of the server."""

    @property
    def name(self) -> str:
        """The name under which the plug-in calls, and logs."""
        ...

    @property
    def log(self) -> logging.Logger:
        """The log of the server, under the name of the plug-in."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of the configuration as JSON has them, read only, secrets left out."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """The plug-in's own member of ``PluginOptions``, read only."""
        ...

    def call_and_wait(
        self,
        method: str,
        uri: str,
        body: bytes = b"",
        headers: Mapping[str, str] = _EMPTY,
    ) -> Answer:
        """:meth:`call` for plain functions.

        Raises:
            UnavailableError: as for :meth:`call`.
            RuntimeError: it is called on the event loop, which it would block for ever.
        """
        ...


class Plugin:
    """The base of all plug-ins.

    Attributes:
        name: how logs, ``/plugins`` and the audit trail call it; by default that of its file.
        version: for ``/plugins/{id}``.
        description: for ``/plugins/{id}``.
        one_thread: plain filters, event handlers and routes share one thread, so that nothing of
            the plug-in runs twice at the same time. Otherwise filters have a thread of their own,
            and needn't wait for a slow handler.
        heartbeat_period: seconds between two calls of :meth:`heartbeat`; 0 for none.
        hooks: the names of the hooks that are in use, once the plug-in is loaded; ``None`` for
            all methods that it overrides.
    """

    name: str = ""
    version: str = ""
    description: str = ""
    one_thread: bool = False
    heartbeat_period: float = 0
    hooks: frozenset[str] | None = None

    def filter_http(self, request: HttpRequest) -> bool | Awaitable[bool]:
        """Whether a request of HTTP may go on (the SDK's IncomingHttpRequestFilter2); it gets 403
        otherwise. Asked when it is known who asks and before anything is done. Calls of plug-ins
        are not asked about."""
        return True

    def change_received(
        self, instance: ReceivedInstance
    ) -> Action | bytes | Awaitable[Action | bytes]:
        """Keep an instance as it came, discard it, or give the DICOM file that is kept instead.
        Asked before the filters, which see the new file."""
        return Action.KEEP

    def filter_received(self, instance: ReceivedInstance) -> bool | Awaitable[bool]:
        """Whether an instance is kept, whoever brings it. ``False`` discards it, and the sender
        is told that all is well: REST says ``FilteredOut``, C-STORE 0x0000."""
        return True

    def filter_cstore(self, instance: ReceivedInstance) -> int | Awaitable[int | None] | None:
        """The status of a C-STORE (PS3.4 table B.2-1): 0x0000 or ``None`` keeps the instance,
        anything else is answered and the instance discarded. Asked after ``filter_received``."""
        return None

    def filter_find(self, request: FindRequest) -> QueryTags | Awaitable[QueryTags | None] | None:
        """Another query instead of one that came, ``None`` for the same. Raise to refuse it."""
        return None

    def filter_outgoing_find(
        self, request: FindRequest
    ) -> QueryTags | Awaitable[QueryTags | None] | None:
        """Another query instead of one that this server is about to send, ``None`` for the same.
        Raise to refuse it. The level and the keys of the hierarchy are added afterwards."""
        return None

    def filter_worklist(
        self, request: FindRequest
    ) -> QueryTags | Awaitable[QueryTags | None] | None:
        """Another query instead of one for worklists that came, ``None`` for the same. Raise to
        refuse it."""
        return None

    def filter_association(self, request: AssociationRequest) -> bool | Awaitable[bool]:
        """Whether an association is accepted; it is rejected otherwise (A-ASSOCIATE-RJ). Asked
        after the rules of the configuration."""
        return True

    def routes(self) -> Iterable[Route]:
        """Routes of the plug-in's own; asked once, when the server starts."""
        return ()

    def on_event(self, event: Event) -> Awaitable[None] | None:
        """React to what has happened. Events come one after another, in order; when 10,000 wait,
        the next are dropped, and the log says how many."""

    def on_start(self) -> Awaitable[None] | None:
        """The server listens, and calls are answered. Comes before all events."""

    def on_stop(self) -> Awaitable[None] | None:
        """The server stops, calls are still answered; what takes longer than ``PluginTimeLimit``
        is left behind."""

    def heartbeat(self) -> Awaitable[None] | None:
        """Called every ``heartbeat_period`` seconds, in line with the events."""


HOOKS = (
    "filter_http",
    "change_received",
    "filter_received",
    "filter_cstore",
    "filter_find",
    "filter_outgoing_find",
    "filter_worklist",
    "filter_association",
    "routes",
    "on_event",
    "on_start",
    "on_stop",
    "heartbeat",
)
"""The names of all hooks."""
