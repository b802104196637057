"""Writers of PDUs: from an event to its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    CommonExtended,
    PresentationContext,
    RoleSelection,
    UserIdentity,
)
from hornburg.ul.items import Item, pack_item
from hornburg.ul.pdu import FIXED_SIZE, HEAD, PduType
from hornburg.ul.titles import title_bytes

__all__ = [
    "RELEASE_REPLY",
    "RELEASE_REQUEST",
    "write_abort",
    "write_accept",
    "write_reject",
    "write_request",
]

_FIXED = Struct(">Hxx16s16s32x")
_SHORT = Struct(">H")
_LONG = Struct(">I")
_TWO = Struct(">HH")
_VERSION = 1

# The transfer syntax of a context that was not accepted means nothing, yet has to be there.
_NO_SYNTAX = "1.2.840.10008.1.2"

RELEASE_REQUEST = HEAD.pack(PduType.RELEASE_REQUEST, FIXED_SIZE) + bytes(FIXED_SIZE)
RELEASE_REPLY = HEAD.pack(PduType.RELEASE_REPLY, FIXED_SIZE) + bytes(FIXED_SIZE)


def write_request(event: AssociateRequest) -> bytes:
    """A-ASSOCIATE-RQ.

    Raises:
        LocalProtocolError: a title is none, or something is too long for its item.
    """
    user = _common_items(event)
    user += [
        pack_item(Item.COMMON_EXTENDED, *_common_extended(common))
        for common in event.common_extended
    ]
    if event.identity is not None:
        user.append(pack_item(Item.IDENTITY, *_identity(event.identity)))
    body = [
        _FIXED.pack(_VERSION, title_bytes(event.called_aet), title_bytes(event.calling_aet)),
        pack_item(Item.APPLICATION_CONTEXT, _ascii(event.application_context)),
    ]
    body += [_proposal(context) for context in event.contexts]
    body.append(pack_item(Item.USER_INFORMATION, *user))
    return _pdu(PduType.ASSOCIATE_REQUEST, body)


def write_accept(event: AssociateAccept, application_context: str) -> bytes:
    """A-ASSOCIATE-AC.

    Raises:
        LocalProtocolError: a title is none, or something is too long for its item.
    """
    user = _common_items(event)
    if event.identity_response is not None:
        user.append(pack_item(Item.IDENTITY_RESPONSE, *_counted(event.identity_response)))
    body = [
        _FIXED.pack(_VERSION, title_bytes(event.called_aet), title_bytes(event.calling_aet)),
        pack_item(Item.APPLICATION_CONTEXT, _ascii(application_context)),
    ]
    body += [
        pack_item(
            Item.CONTEXT_RESULT,
            bytes((result.context_id, 0, result.result, 0)),
            pack_item(Item.TRANSFER_SYNTAX, _ascii(result.transfer_syntax or _NO_SYNTAX)),
        )
        for result in event.contexts
    ]
    body.append(pack_item(Item.USER_INFORMATION, *user))
    return _pdu(PduType.ASSOCIATE_ACCEPT, body)


def write_reject(event: AssociateReject) -> bytes:
    """A-ASSOCIATE-RJ."""
    return _pdu(PduType.ASSOCIATE_REJECT, [bytes((0, event.result, event.source, event.reason))])


def write_abort(event: Abort) -> bytes:
    """A-ABORT."""
    return _pdu(PduType.ABORT, [bytes((0, 0, event.source, event.reason))])


def _pdu(kind: PduType, parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return HEAD.pack(kind, len(body)) + body


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"{text[:70]!r} is not ASCII") from None


def _counted(value: bytes) -> tuple[bytes, bytes]:
    """The length of a value in 16 bits, and the value."""
    if len(value) > 0xFFFF:
        raise LocalProtocolError(f"A value of {len(value)} bytes; 65535 are allowed")
    return _SHORT.pack(len(value)), value


def _proposal(context: PresentationContext) -> bytes:
    return pack_item(
        Item.PROPOSED_CONTEXT,
        bytes((context.context_id, 0, 0, 0)),
        pack_item(Item.ABSTRACT_SYNTAX, _ascii(context.abstract_syntax)),
        *(pack_item(Item.TRANSFER_SYNTAX, _ascii(uid)) for uid in context.transfer_syntaxes),
    )


def _common_items(event: AssociateRequest | AssociateAccept) -> list[bytes]:
    """The user information that requests and answers share."""
    items = [
        pack_item(Item.MAXIMUM_LENGTH, _LONG.pack(event.maximum_length)),
        pack_item(Item.IMPLEMENTATION_CLASS, _ascii(event.implementation_class_uid)),
    ]
    if event.asynchronous is not None:
        items.append(pack_item(Item.ASYNCHRONOUS, _TWO.pack(*event.asynchronous)))
    items += [pack_item(Item.ROLE, *_role(role)) for role in event.roles]
    if event.implementation_version:
        items.append(
            pack_item(Item.IMPLEMENTATION_VERSION, _ascii(event.implementation_version)[:16])
        )
    items += [
        pack_item(Item.EXTENDED, *_counted(_ascii(uid)), information)
        for uid, information in event.extended
    ]
    return items


def _role(role: RoleSelection) -> Iterable[bytes]:
    return *_counted(_ascii(role.sop_class_uid)), bytes((role.scu, role.scp))


def _common_extended(common: CommonExtended) -> Iterable[bytes]:
    related = b"".join(part for uid in common.related for part in _counted(_ascii(uid)))
    return (
        *_counted(_ascii(common.sop_class_uid)),
        *_counted(_ascii(common.service_class_uid)),
        *_counted(related),
    )


def _identity(identity: UserIdentity) -> Iterable[bytes]:
    return (
        bytes((identity.kind, identity.response_requested)),
        *_counted(identity.primary),
        *_counted(identity.secondary),
    )
