"""Readers of PDUs: one small function for each type, picked from ``READERS``.

A reader gets the whole body of a PDU, after its first 6 bytes; how long it may be was checked
before it was collected. It returns the event.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from hornburg.ul.errors import RefusedRequestError, RemoteProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    DataReceived,
    Event,
    PresentationContext,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.items import Item, UserInformation, items_of, read_user_information, uid_of
from hornburg.ul.limits import Limits
from hornburg.ul.pdu import DATA_HEAD, LEAST_ASSOCIATE, PDV_HEAD, PduType
from hornburg.ul.rejections import AbortReason, RejectResult, RejectSource
from hornburg.ul.titles import title_text

__all__ = ["READERS", "read_data", "read_plain_data"]

ControlEvent = (
    AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseReply | Abort
)


def _twice(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"{what} comes twice", AbortReason.UNEXPECTED_PARAMETER)


def _check_length(information: UserInformation, limits: Limits) -> bool:
    """Whether we can work with the peer's largest P-DATA-TF; 0 is no limit."""
    return not 0 < information.maximum_length < limits.least_length


def _read_request(body: bytes, limits: Limits) -> AssociateRequest:
    # PS3.8 9.3.2: bit 0 is version 1, the only one; the others are not tested.
    if not body[1] & 1:
        raise RefusedRequestError(
            f"The request is of protocol version 0x{body[0]:02X}{body[1]:02X}",
            AssociateReject(RejectResult.PERMANENT, RejectSource.PROVIDER_ACSE, 2),
        )
    application_context: str | None = None
    information: UserInformation | None = None
    contexts: list[PresentationContext] = []
    for kind, item in items_of(body[LEAST_ASSOCIATE:], "the A-ASSOCIATE-RQ"):
        if kind == Item.PROPOSED_CONTEXT:
            if len(contexts) >= limits.contexts:
                raise RemoteProtocolError(f"More than {limits.contexts} presentation contexts")
            contexts.append(_proposed_context(item, limits))
        elif kind == Item.APPLICATION_CONTEXT:
            if application_context is not None:
                raise _twice("The application context")
            application_context = uid_of(item)
        elif kind == Item.USER_INFORMATION:
            if information is not None:
                raise _twice("The user information")
            information = read_user_information(item, limits)
        elif kind == Item.CONTEXT_RESULT:
            raise RemoteProtocolError(
                "The request answers a presentation context", AbortReason.UNEXPECTED_PARAMETER
            )
    information = information or UserInformation()
    if not _check_length(information, limits):
        raise RefusedRequestError(
            f"The peer takes at most {information.maximum_length} bytes at a time; "
            f"{limits.least_length} are the least",
            AssociateReject(RejectResult.PERMANENT, RejectSource.PROVIDER_ACSE, 1),
        )
    return AssociateRequest(
        called_aet=title_text(body[4:20]),
        calling_aet=title_text(body[20:36]),
        contexts=tuple(contexts),
        maximum_length=information.maximum_length,
        implementation_class_uid=information.implementation_class_uid,
        implementation_version=information.implementation_version,
        roles=tuple(information.roles),
        asynchronous=information.asynchronous,
        identity=information.identity,
        extended=tuple(information.extended),
        common_extended=tuple(information.common_extended),
        application_context=application_context or "",
    )


def _proposed_context(item: bytes, limits: Limits) -> PresentationContext:
    if len(item) < 4:
        raise RemoteProtocolError("A presentation context is cut short")
    abstract_syntax: str | None = None
    transfer_syntaxes: list[str] = []
    for kind, value in items_of(item[4:], "a presentation context"):
        if kind == Item.ABSTRACT_SYNTAX:
            if abstract_syntax is not None:
                raise _twice("The abstract syntax of a presentation context")
            abstract_syntax = uid_of(value)
        elif kind == Item.TRANSFER_SYNTAX:
            if len(transfer_syntaxes) >= limits.transfer_syntaxes:
                raise RemoteProtocolError(
                    f"More than {limits.transfer_syntaxes} transfer syntaxes "
                    "in a presentation context"
                )
            transfer_syntaxes.append(uid_of(value))
    return PresentationContext(item[0], abstract_syntax or "", tuple(transfer_syntaxes))


def _read_accept(body: bytes, limits: Limits) -> AssociateAccept:
    information: UserInformation | None = None
    results: list[ContextResult] = []
    for kind, item in items_of(body[LEAST_ASSOCIATE:], "the A-ASSOCIATE-AC"):
        if kind == Item.CONTEXT_RESULT:
            if len(results) >= limits.contexts:
                raise RemoteProtocolError(f"More than {limits.contexts} presentation contexts")
            results.append(_context_result(item))
        elif kind == Item.USER_INFORMATION:
            if information is not None:
                raise _twice("The user information")
            information = read_user_information(item, limits)
        elif kind == Item.PROPOSED_CONTEXT:
            raise RemoteProtocolError(
                "The answer proposes a presentation context", AbortReason.UNEXPECTED_PARAMETER
            )
    information = information or UserInformation()
    if not _check_length(information, limits):
        raise RemoteProtocolError(
            f"The peer takes at most {information.maximum_length} bytes at a time; "
            f"{limits.least_length} are the least"
        )
    return AssociateAccept(
        called_aet=title_text(body[4:20]),
        calling_aet=title_text(body[20:36]),
        contexts=tuple(results),
        maximum_length=information.maximum_length,
        implementation_class_uid=information.implementation_class_uid,
        implementation_version=information.implementation_version,
        roles=tuple(information.roles),
        asynchronous=information.asynchronous,
        identity_response=information.identity_response,
        extended=tuple(information.extended),
    )


def _context_result(item: bytes) -> ContextResult:
    if len(item) < 4:
        raise RemoteProtocolError("A presentation context is cut short")
    context_id, result = item[0], item[2]
    if result != 0:
        # PS3.8 table 9-18: then the transfer syntax is not tested.
        return ContextResult(context_id, result)
    syntaxes = [
        value
        for kind, value in items_of(item[4:], "a presentation context")
        if kind == Item.TRANSFER_SYNTAX
    ]
    if len(syntaxes) != 1:
        raise RemoteProtocolError(
            f"The accepted presentation context {context_id} has {len(syntaxes)} transfer syntaxes"
        )
    return ContextResult(context_id, 0, uid_of(syntaxes[0]))


def _read_reject(body: bytes, limits: Limits) -> AssociateReject:
    return AssociateReject(body[1], body[2], body[3])


def _read_release_request(body: bytes, limits: Limits) -> ReleaseRequest:
    return ReleaseRequest()


def _read_release_reply(body: bytes, limits: Limits) -> ReleaseReply:
    return ReleaseReply()


def _read_abort(body: bytes, limits: Limits) -> Abort:
    return Abort(body[2], body[3])


READERS: dict[int, Callable[[bytes, Limits], ControlEvent]] = {
    PduType.ASSOCIATE_REQUEST: _read_request,
    PduType.ASSOCIATE_ACCEPT: _read_accept,
    PduType.ASSOCIATE_REJECT: _read_reject,
    PduType.RELEASE_REQUEST: _read_release_request,
    PduType.RELEASE_REPLY: _read_release_reply,
    PduType.ABORT: _read_abort,
}


def read_data(body: memoryview, contexts: Container[int]) -> list[DataReceived]:
    """The presentation data values of a P-DATA-TF, without a copy (PS3.8 9.3.5).

    Raises:
        RemoteProtocolError: their lengths don't add up, or a context was not accepted.
    """
    events = []
    position, size = 0, len(body)
    while position < size:
        if size - position < PDV_HEAD.size:
            raise RemoteProtocolError(f"{size - position} bytes are left over in a P-DATA-TF")
        length, context_id, control = PDV_HEAD.unpack_from(body, position)
        stop = position + 4 + length
        if length < 2 or stop > size:
            raise RemoteProtocolError(
                f"A presentation data value announces {length} bytes, "
                f"of which {size - position - 4} are there"
            )
        if context_id not in contexts:
            raise RemoteProtocolError(f"Presentation context {context_id} was not accepted")
        # Annex E.2: the other bits are never tested.
        events.append(
            DataReceived(context_id, control & 1 == 1, control & 2 == 2, body[position + 6 : stop])
        )
        position = stop
    return events


def read_plain_data(
    view: memoryview,
    position: int,
    contexts: Container[int],
    most: int,
    events: list[Event],
) -> int:
    """The quick way of nearly all bytes: whole P-DATA-TFs with one value each, nothing wrong.

    Args:
        most: the longest that is allowed, without the first 6 bytes.
        events: where the data is added.

    Returns:
        The position of whatever else comes; that is left to :func:`read_data` and the others.
    """
    unpack, append, size = DATA_HEAD.unpack_from, events.append, len(view)
    while size - position >= 12:
        kind, length, value_length, context_id, control = unpack(view, position)
        stop = position + 6 + length
        if (
            kind != 4
            or stop > size
            or value_length + 4 != length
            or not 6 <= length <= most
            or context_id not in contexts
        ):
            break
        append(
            DataReceived(context_id, control & 1 == 1, control & 2 == 2, view[position + 12 : stop])
        )
        position = stop
    return position
