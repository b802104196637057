"""Command sets (PS3.7 section 6.3 and annex E): implicit VR little endian, group 0000 alone.

Decoding a C-STORE-RQ and encoding its response are on the hot path of every instance that
arrives, hence one loop over the bytes, and a plan of elements for each command.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from hornburg.dicom.buffer import Buffer
from hornburg.dimse.command_fields import RESPONSE, CommandField, is_response
from hornburg.dimse.errors import CommandError

__all__ = [
    "COMMAND_LIMIT",
    "Command",
    "CommandError",
    "CommandField",
    "decode_command",
    "encode_command",
    "response",
]

#: Bytes of a command set at the most. Real ones stay below 1 KB; only a list of attributes
#: (N-GET-RQ) or of offending elements can make one long.
COMMAND_LIMIT = 1 << 16

_UID_LENGTH = 64  # PS3.5 section 9
_AET_LENGTH = 16  # PS3.5 table 6.2-1, AE
_COMMENT_LENGTH = 64  # PS3.5 table 6.2-1, LO

_NO_DATASET = 0x0101  # PS3.7 table E.1-1: any other value says that a data set follows
_DATASET = 0x0001  # what DCMTK and pynetdicom send


@dataclass(frozen=True, slots=True)
class Command:
    """A command set.

    ``sop_class_uid`` and ``sop_instance_uid`` are the affected or the requested ones, whichever
    the command has. ``field`` is a plain number when PS3.7 doesn't know it. What is absent is
    none, an empty text or an empty tuple; ``message_id`` is 0 in responses and in C-CANCEL,
    ``responded_to`` in requests. ``status`` is present in every response. Texts are without
    padding; tags (``offending``, ``attributes``) are ``group << 16 | element``.
    """

    field: CommandField | int
    message_id: int = 0
    responded_to: int = 0
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    has_dataset: bool = False
    status: int | None = None
    priority: int = 0
    move_destination: str = ""
    move_originator_aet: str = ""
    move_originator_id: int | None = None
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None
    error_comment: str = ""
    error_id: int | None = None
    offending: tuple[int, ...] = ()
    attributes: tuple[int, ...] = ()
    event_type: int | None = None
    action_type: int | None = None

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return is_response(self.field)

    @property
    def name(self) -> str:
        """The name of the command in the standard: ``C-STORE-RQ``."""
        if isinstance(self.field, CommandField):
            return self.field.name.replace("_", "-")
        return f"command 0x{self.field:04X}"


def _uid(value: bytes) -> str:
    # PS3.5 pads UIDs with a NUL; some senders take a space.
    text = value.decode("latin-1").strip(" \0")
    if len(text) > _UID_LENGTH:
        raise CommandError(f"UID of {len(text)} characters, {_UID_LENGTH} are allowed")
    return text


def _title(value: bytes) -> str:
    text = value.decode("latin-1").strip(" \0")
    if len(text) > _AET_LENGTH:
        raise CommandError(f"AE title of {len(text)} characters, {_AET_LENGTH} are allowed")
    return text


def _comment(value: bytes) -> str:
    return value.decode("latin-1").strip(" \0")[:_COMMENT_LENGTH]


def _tags(value: bytes) -> tuple[int, ...]:
    if len(value) % 4:
        raise CommandError(f"list of tags in {len(value)} bytes, 4 for each are allowed")
    return tuple(group << 16 | element for group, element in _TAG.iter_unpack(value))


_Read = Callable[[bytes], Any] | None

#: What each element of group 0000 holds: the attribute, and how it is read; none for a number
#: (US). Elements that are not here are the retired ones of PS3.7 table E.2-1, and are skipped.
_ELEMENTS: dict[int, tuple[str, _Read]] = {
    0x0002: ("sop_class_uid", _uid),
    0x0003: ("requested_class", _uid),
    0x0100: ("field", None),
    0x0110: ("message_id", None),
    0x0120: ("responded_to", None),
    0x0600: ("move_destination", _title),
    0x0700: ("priority", None),
    0x0800: ("has_dataset", None),
    0x0900: ("status", None),
    0x0901: ("offending", _tags),
    0x0902: ("error_comment", _comment),
    0x0903: ("error_id", None),
    0x1000: ("sop_instance_uid", _uid),
    0x1001: ("requested_instance", _uid),
    0x1002: ("event_type", None),
    0x1005: ("attributes", _tags),
    0x1008: ("action_type", None),
    0x1020: ("remaining", None),
    0x1021: ("completed", None),
    0x1022: ("failed", None),
    0x1023: ("warning", None),
    0x1030: ("move_originator_aet", _title),
    0x1031: ("move_originator_id", None),
}

#: Requests that name what they want as requested instead of affected (PS3.7 section 10.3).
_REQUESTED = frozenset(
    {
        CommandField.N_GET_RQ,
        CommandField.N_SET_RQ,
        CommandField.N_ACTION_RQ,
        CommandField.N_DELETE_RQ,
    }
)

#: Requests with a priority (PS3.7 section 9.3).
_PRIORITY = frozenset(
    {
        CommandField.C_STORE_RQ,
        CommandField.C_FIND_RQ,
        CommandField.C_GET_RQ,
        CommandField.C_MOVE_RQ,
    }
)

_FIELDS: dict[int, CommandField] = {field.value: field for field in CommandField}

_HEAD = struct.Struct("<HHI")
_NUMBER = struct.Struct("<HHIH")
_GROUP_LENGTH = struct.Struct("<HHII")
_US = struct.Struct("<H")
_TAG = struct.Struct("<HH")


def decode_command(buffer: Buffer) -> Command:
    """Decode a command set.

    Elements may come in any order, and of those that come twice the last one counts; unknown
    elements are skipped, and one without a value is absent. The group length is not looked at:
    the upper layer has said where the command ends.

    Raises:
        CommandError: more than :data:`COMMAND_LIMIT` bytes, a length that can't be true, a text
            that is too long, or no command field, message identifier, data set type or, in a
            response, no status.
    """
    size = len(buffer)
    if size > COMMAND_LIMIT:
        raise CommandError(f"command set of {size} bytes, {COMMAND_LIMIT} are allowed")
    data = bytes(buffer)
    values: dict[str, Any] = {}
    head, number, elements = _HEAD.unpack_from, _US.unpack_from, _ELEMENTS
    position = 0
    while position < size:
        start = position + 8
        if start > size:
            raise CommandError(f"element of the command set cut off at byte {position} of {size}")
        group, element, length = head(data, position)
        position = start + length
        if position > size:
            raise CommandError(
                f"element ({group:04X},{element:04X}) of {length} bytes at byte {start - 8} of a "
                f"command set of {size} bytes"
            )
        if group or not length:
            continue
        row = elements.get(element)
        if row is None:
            continue
        name, read = row
        if read is not None:
            values[name] = read(data[start:position])
        elif length == 2:
            values[name] = number(data, start)[0]
        else:
            raise CommandError(f"number (0000,{element:04X}) in {length} bytes, 2 are allowed")
    return _command_of(values)


def _command_of(values: dict[str, Any]) -> Command:
    """Check that what every command needs is there (PS3.7 sections 9.3 and 10.3)."""
    field = values.get("field")
    if field is None:
        raise CommandError("command set without a Command Field (0000,0100)")
    values["field"] = _FIELDS.get(field, field)
    kind = values.get("has_dataset")
    if kind is None:
        raise CommandError("command set without a Command Data Set Type (0000,0800)")
    values["has_dataset"] = kind != _NO_DATASET
    if field & RESPONSE or field == CommandField.C_CANCEL_RQ:
        if "responded_to" not in values:
            raise CommandError("command set without Message ID Being Responded To (0000,0120)")
        if field & RESPONSE and "status" not in values:
            raise CommandError("response without a Status (0000,0900)")
    elif "message_id" not in values:
        raise CommandError("request without a Message ID (0000,0110)")
    requested_class = values.pop("requested_class", "")
    requested_instance = values.pop("requested_instance", "")
    if requested_class and (field in _REQUESTED or not values.get("sop_class_uid")):
        values["sop_class_uid"] = requested_class
    if requested_instance and (field in _REQUESTED or not values.get("sop_instance_uid")):
        values["sop_instance_uid"] = requested_instance
    return Command(**values)


@lru_cache(maxsize=64)
def _plan(field: int) -> tuple[Callable[[Command], tuple[Any, ...]], tuple[tuple[int, _Read], ...]]:
    """What takes the values of a command of this kind out of it, and their elements in order."""
    left_out = {"requested_class", "requested_instance"}
    left_out.add("message_id" if is_response(field) else "responded_to")
    if field == CommandField.C_CANCEL_RQ:
        left_out ^= {"message_id", "responded_to"}
    if field not in _PRIORITY:
        left_out.add("priority")
    rows = {element: row for element, row in _ELEMENTS.items() if row[0] not in left_out}
    if field in _REQUESTED:
        rows[0x0003], rows[0x1001] = rows.pop(0x0002), rows.pop(0x1000)
    order = sorted(rows)
    return (
        attrgetter(*(rows[element][0] for element in order)),
        tuple((element, rows[element][1]) for element in order),
    )


def encode_command(command: Command) -> bytes:
    """Encode a command set, group length included.

    Error comments are cut to 64 characters, and what the default repertoire doesn't have is
    replaced: a command set has no character set of its own.

    Raises:
        CommandError: a number, UID or AE title that doesn't fit.
    """
    take, plan = _plan(command.field)
    number = _NUMBER.pack
    parts = [b""]
    try:
        for value, (element, read) in zip(take(command), plan, strict=True):
            if value is None:
                continue
            if read is not None:
                if value:
                    parts.append(_text_element(element, read, value))
            elif element == 0x0800:
                parts.append(number(0, element, 2, _DATASET if value else _NO_DATASET))
            else:
                parts.append(number(0, element, 2, value))
    except struct.error:
        raise CommandError(f"a number or tag of a {command.name} that is too large") from None
    size = sum(map(len, parts))
    if size > COMMAND_LIMIT - _GROUP_LENGTH.size:
        raise CommandError(f"command set of {size} bytes, {COMMAND_LIMIT} are allowed")
    parts[0] = _GROUP_LENGTH.pack(0, 0, 4, size)
    return b"".join(parts)


def _text_element(element: int, read: _Read, value: Any) -> bytes:
    """One element with a UID, an AE title, a comment or tags."""
    if read is _tags:
        raw = b"".join(_TAG.pack(tag >> 16, tag & 0xFFFF) for tag in value)
    elif read is _comment:
        kept = "".join(each if " " <= each <= "~" and each != "\\" else "?" for each in value)
        raw = kept[:_COMMENT_LENGTH].encode("ascii")
    else:
        limit = _UID_LENGTH if read is _uid else _AET_LENGTH
        if len(value) > limit:
            raise CommandError(
                f"(0000,{element:04X}) of {len(value)} characters, {limit} are allowed"
            )
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:
            raise CommandError(f"(0000,{element:04X}) has characters beyond Latin-1") from None
    if len(raw) & 1:
        raw += b"\0" if read is _uid else b" "
    return _HEAD.pack(0, element, len(raw)) + raw


def response(request: Command, status: int, *, has_dataset: bool = False, **fields: Any) -> Command:
    """The response of a request, for the same SOP class and instance.

    Args:
        request: what is answered.
        status: see :mod:`hornburg.dimse.status`.
        has_dataset: whether a data set follows.
        fields: more of :class:`Command`: ``error_comment``, ``offending``, ``remaining``, …

    Raises:
        CommandError: the command has no response.
    """
    if request.field & RESPONSE or request.field == CommandField.C_CANCEL_RQ:
        raise CommandError(f"{request.name} has no response")
    field = request.field | RESPONSE
    # PS3.7 sections 10.1.1 and 10.1.4: what it was the report or the action of is told again.
    if request.event_type is not None:
        fields.setdefault("event_type", request.event_type)
    if request.action_type is not None:
        fields.setdefault("action_type", request.action_type)
    return Command(
        _FIELDS.get(field, field),
        0,
        request.message_id,
        fields.pop("sop_class_uid", request.sop_class_uid),
        fields.pop("sop_instance_uid", request.sop_instance_uid),
        has_dataset,
        status,
        **fields,
    )
