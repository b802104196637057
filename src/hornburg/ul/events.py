"""What an association is made of: the same values are sent and received.

They are frozen and check themselves when they are built: what is wrong raises
:class:`~hornburg.ul.errors.LocalProtocolError`, which ``Connection.receive`` turns into an
A-ABORT when the values came from the peer. Titles and the application context are not checked
here, because a request with a bad one has to be answered with a rejection
(:func:`hornburg.ul.refusal.refusal`); the writers check those that we send.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from hornburg import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from hornburg.ul.errors import LocalProtocolError

__all__ = [
    "APPLICATION_CONTEXT",
    "Abort",
    "AssociateAccept",
    "AssociateReject",
    "AssociateRequest",
    "Closed",
    "CommonExtended",
    "ContextResult",
    "DataReceived",
    "Event",
    "PresentationContext",
    "ReleaseReply",
    "ReleaseRequest",
    "RoleSelection",
    "UserIdentity",
]

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
"""The only one there is (PS3.7 annex A.2.1)."""

_UID_SIZE = 64


def _check_number(what: str, value: int, most: int, least: int = 0) -> None:
    if not least <= value <= most:
        raise LocalProtocolError(f"{what} is {value}; it may be {least} to {most}")


def _check_uid(what: str, uid: str) -> None:
    """One to 64 visible ASCII characters: what is no UID matches nothing, and harms no log."""
    if not 0 < len(uid) <= _UID_SIZE or not uid.isascii() or not uid.isprintable() or " " in uid:
        raise LocalProtocolError(f"{what} is no UID of 1 to {_UID_SIZE} characters: {uid[:70]!r}")


def _check_context_id(context_id: int) -> None:
    if not 1 <= context_id <= 255 or context_id % 2 == 0:
        raise LocalProtocolError(
            f"Presentation context ID {context_id}: it is an odd number from 1 to 255"
        )


def _check_distinct(context_ids: list[int]) -> None:
    if len(set(context_ids)) != len(context_ids):
        raise LocalProtocolError("Two presentation contexts have the same ID")


def _check_window(asynchronous: tuple[int, int] | None) -> None:
    for number in asynchronous or ():
        _check_number("A number of the asynchronous operations window", number, 0xFFFF)


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """A proposal: what is talked about, and in which of the encodings (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_context_id(self.context_id)
        _check_uid("The abstract syntax", self.abstract_syntax)
        if not self.transfer_syntaxes:
            raise LocalProtocolError(
                f"Presentation context {self.context_id} names no transfer syntax"
            )
        for uid in self.transfer_syntaxes:
            _check_uid("A transfer syntax", uid)


@dataclass(frozen=True, slots=True)
class ContextResult:
    """The answer to a proposal (PS3.8 9.3.3.2).

    ``result``: 0 acceptance, 1 rejected by the user, 2 no reason, 3 abstract syntax not
    supported, 4 transfer syntaxes not supported. ``transfer_syntax`` counts for 0 alone.
    """

    context_id: int
    result: int
    transfer_syntax: str = ""

    def __post_init__(self) -> None:
        _check_context_id(self.context_id)
        _check_number("The result of a presentation context", self.result, 4)
        if self.result == 0:
            _check_uid("The accepted transfer syntax", self.transfer_syntax)


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """Which roles the requestor takes for a SOP class (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool

    def __post_init__(self) -> None:
        _check_uid("The SOP class of a role selection", self.sop_class_uid)


@dataclass(frozen=True, slots=True)
class CommonExtended:
    """The service class and the general SOP classes of a SOP class (PS3.7 D.3.3.6)."""

    sop_class_uid: str
    service_class_uid: str
    related: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_uid("The SOP class of a common extended negotiation", self.sop_class_uid)
        _check_uid("The service class of a common extended negotiation", self.service_class_uid)
        for uid in self.related:
            _check_uid("A related general SOP class", uid)


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Who is asking (PS3.7 D.3.3.7); its two values are secrets and not in its ``repr``.

    ``kind``: 1 user name, 2 user name and passcode, 3 Kerberos, 4 SAML, 5 JSON Web Token.
    """

    kind: int
    response_requested: bool
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        _check_number("The type of a user identity", self.kind, 255, 1)
        _check_number("The length of a user identity", len(self.primary), 0xFFFF)
        _check_number("The length of a passcode", len(self.secondary), 0xFFFF)


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2).

    ``maximum_length`` is the largest P-DATA-TF that its sender takes, without the first 6 bytes;
    0 is no limit. ``asynchronous`` is the number of operations invoked and performed.
    ``extended`` holds SOP class UIDs with their application information (PS3.7 D.3.3.5).
    ``application_context`` is empty when a received request has none.
    """

    called_aet: str
    calling_aet: str
    contexts: tuple[PresentationContext, ...]
    maximum_length: int = 16384
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version: str = IMPLEMENTATION_VERSION_NAME
    roles: tuple[RoleSelection, ...] = ()
    asynchronous: tuple[int, int] | None = None
    identity: UserIdentity | None = None
    extended: tuple[tuple[str, bytes], ...] = ()
    common_extended: tuple[CommonExtended, ...] = ()
    application_context: str = APPLICATION_CONTEXT

    def __post_init__(self) -> None:
        _check_number("The number of presentation contexts", len(self.contexts), 128, 1)
        _check_distinct([context.context_id for context in self.contexts])
        _check_number("The maximum length", self.maximum_length, 0xFFFFFFFF)
        _check_window(self.asynchronous)


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC (PS3.8 9.3.3); the titles are those of the request, and mean nothing.

    ``identity_response`` is the server's answer to a user identity, and as secret.
    """

    called_aet: str
    calling_aet: str
    contexts: tuple[ContextResult, ...]
    maximum_length: int = 16384
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version: str = IMPLEMENTATION_VERSION_NAME
    roles: tuple[RoleSelection, ...] = ()
    asynchronous: tuple[int, int] | None = None
    identity_response: bytes | None = field(default=None, repr=False)
    extended: tuple[tuple[str, bytes], ...] = ()

    def __post_init__(self) -> None:
        _check_number("The number of presentation contexts", len(self.contexts), 128)
        _check_distinct([context.context_id for context in self.contexts])
        _check_number("The maximum length", self.maximum_length, 0xFFFFFFFF)
        _check_window(self.asynchronous)


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """A-ASSOCIATE-RJ; the numbers have names in :mod:`hornburg.ul.rejections`."""

    result: int
    source: int
    reason: int

    def __post_init__(self) -> None:
        for number in (self.result, self.source, self.reason):
            _check_number("A number of a rejection", number, 255)


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT, of the peer or of us; the numbers have names in :mod:`hornburg.ul.rejections`.

    ``fault`` is what the peer did wrong, for the log, when ``receive`` gives an abort of our
    own; it is empty when the peer aborted.
    """

    source: int = 0
    reason: int = 0
    fault: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for number in (self.source, self.reason):
            _check_number("A number of an abort", number, 255)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A-RELEASE-RQ."""


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """A-RELEASE-RP."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The transport went while there was an association, or while one was made."""


class DataReceived(NamedTuple):
    """One presentation data value: a fragment of a command or of a data set (PS3.8 annex E.2).

    ``data`` looks into what was received and is valid until the next call of ``receive``. A
    named tuple, as it is built for every PDU and costs a third of a frozen dataclass.
    """

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


Event = (
    AssociateRequest
    | AssociateAccept
    | AssociateReject
    | ReleaseRequest
    | ReleaseReply
    | Abort
    | DataReceived
    | Closed
)
