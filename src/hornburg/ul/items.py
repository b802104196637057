"""Items and sub-items of A-ASSOCIATE-RQ and -AC: a type, a length of 16 bits, and a value.

PS3.8 9.3.2 and 9.3.3, annex D.1 and D.3; PS3.7 annex D.3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct

from hornburg.ul.errors import LocalProtocolError, RemoteProtocolError
from hornburg.ul.events import CommonExtended, RoleSelection, UserIdentity
from hornburg.ul.limits import Limits
from hornburg.ul.rejections import AbortReason

__all__ = ["Item", "UserInformation", "items_of", "pack_item", "read_user_information", "uid_of"]

_HEAD = Struct(">BxH")
_TWO = Struct(">HH")
_SHORT = Struct(">H")
_LONG = Struct(">I")
_VERSION_SIZE = 16


class Item(IntEnum):
    """The types of items."""

    APPLICATION_CONTEXT = 0x10
    PROPOSED_CONTEXT = 0x20
    CONTEXT_RESULT = 0x21
    ABSTRACT_SYNTAX = 0x30
    TRANSFER_SYNTAX = 0x40
    USER_INFORMATION = 0x50
    MAXIMUM_LENGTH = 0x51
    IMPLEMENTATION_CLASS = 0x52
    ASYNCHRONOUS = 0x53
    ROLE = 0x54
    IMPLEMENTATION_VERSION = 0x55
    EXTENDED = 0x56
    COMMON_EXTENDED = 0x57
    IDENTITY = 0x58
    IDENTITY_RESPONSE = 0x59


def pack_item(kind: int, *parts: bytes) -> bytes:
    """An item of the given type.

    Raises:
        LocalProtocolError: its value is longer than 65535 bytes.
    """
    value = b"".join(parts)
    if len(value) > 0xFFFF:
        raise LocalProtocolError(f"An item 0x{kind:02X} of {len(value)} bytes; 65535 are allowed")
    return _HEAD.pack(kind, len(value)) + value


def items_of(value: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    """The items in a value, one after the other.

    Raises:
        RemoteProtocolError: an item is longer than what is left.
    """
    position, size = 0, len(value)
    while position < size:
        if size - position < 4:
            raise RemoteProtocolError(f"{size - position} bytes are left over in {what}")
        kind, length = _HEAD.unpack_from(value, position)
        position += 4
        if length > size - position:
            raise RemoteProtocolError(
                f"Item 0x{kind:02X} in {what} announces {length} bytes, "
                f"of which {size - position} are there"
            )
        yield kind, value[position : position + length]
        position += length


def uid_of(value: bytes) -> str:
    """A UID as text; the NULs or blanks with which some peers pad it are left out."""
    return value.decode("latin-1").strip("\0 ")


@dataclass(slots=True)
class UserInformation:
    """What the user information item of a request or an answer said (PS3.8 9.3.2.3)."""

    maximum_length: int = 0
    implementation_class_uid: str = ""
    implementation_version: str = ""
    asynchronous: tuple[int, int] | None = None
    roles: list[RoleSelection] = field(default_factory=list)
    extended: list[tuple[str, bytes]] = field(default_factory=list)
    common_extended: list[CommonExtended] = field(default_factory=list)
    identity: UserIdentity | None = None
    identity_response: bytes | None = field(default=None, repr=False)


def read_user_information(value: bytes, limits: Limits) -> UserInformation:
    """Read the sub-items; those of unknown types are skipped (PS3.8 9.3.1).

    Raises:
        RemoteProtocolError: a sub-item is malformed, comes twice where it may not, or there are
            too many.
        LocalProtocolError: an event that can't be built from the values.
    """
    found = UserInformation()
    seen: set[int] = set()
    for number, (kind, item) in enumerate(items_of(value, "the user information")):
        if number >= limits.user_items:
            raise RemoteProtocolError(
                f"More than {limits.user_items} items in the user information"
            )
        reader = _READERS.get(kind)
        if reader is None:
            continue
        if kind in seen and kind not in _REPEATED:
            raise RemoteProtocolError(
                f"Item 0x{kind:02X} comes twice in the user information",
                AbortReason.UNEXPECTED_PARAMETER,
            )
        seen.add(kind)
        reader(item, found, limits)
    return found


def _exactly(item: bytes, size: int, what: str) -> None:
    if len(item) != size:
        raise RemoteProtocolError(f"{what} has {len(item)} bytes; {size} are needed")


def _field(item: bytes, position: int, what: str) -> tuple[bytes, int]:
    """A value after its length of 16 bits, and the position after it."""
    start = position + 2
    if start > len(item):
        raise RemoteProtocolError(f"{what} is cut short")
    (length,) = _SHORT.unpack_from(item, position)
    if length > len(item) - start:
        raise RemoteProtocolError(
            f"{what} announces {length} bytes, of which {len(item) - start} are there"
        )
    return item[start : start + length], start + length


def _maximum_length(item: bytes, found: UserInformation, limits: Limits) -> None:
    _exactly(item, 4, "The maximum length")
    (found.maximum_length,) = _LONG.unpack(item)


def _implementation_class(item: bytes, found: UserInformation, limits: Limits) -> None:
    found.implementation_class_uid = _visible(item, 64)


def _implementation_version(item: bytes, found: UserInformation, limits: Limits) -> None:
    found.implementation_version = _visible(item, _VERSION_SIZE)


def _visible(item: bytes, size: int) -> str:
    """A text for logs alone: too long, it is cut; what is not visible ASCII becomes ``?``."""
    text = item[:size].decode("latin-1").strip("\0 ")
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text)


def _asynchronous(item: bytes, found: UserInformation, limits: Limits) -> None:
    _exactly(item, 4, "The asynchronous operations window")
    found.asynchronous = _TWO.unpack(item)


def _role(item: bytes, found: UserInformation, limits: Limits) -> None:
    uid, position = _field(item, 0, "The SOP class of a role selection")
    _exactly(item, position + 2, "A role selection")
    # PS3.7 table D.3-9: 1 is support, 0 is none; other values mean nothing.
    found.roles.append(RoleSelection(uid_of(uid), item[position] == 1, item[position + 1] == 1))


def _extended(item: bytes, found: UserInformation, limits: Limits) -> None:
    uid, position = _field(item, 0, "The SOP class of an extended negotiation")
    found.extended.append((uid_of(uid)[:64], item[position:]))


def _common_extended(item: bytes, found: UserInformation, limits: Limits) -> None:
    what = "A common extended negotiation"
    sop_class, position = _field(item, 0, what)
    service_class, position = _field(item, position, what)
    # Version 0 of the item may end here with reserved bytes (PS3.7 table D.3-12).
    listed, _ = _field(item, position, what) if position < len(item) else (b"", position)
    related: list[str] = []
    position = 0
    while position < len(listed):
        uid, position = _field(listed, position, what)
        if len(related) >= limits.user_items:
            raise RemoteProtocolError(f"More than {limits.user_items} related SOP classes")
        related.append(uid_of(uid))
    found.common_extended.append(
        CommonExtended(uid_of(sop_class), uid_of(service_class), tuple(related))
    )


def _identity(item: bytes, found: UserInformation, limits: Limits) -> None:
    if len(item) < 2:
        raise RemoteProtocolError("The user identity is cut short")
    primary, position = _field(item, 2, "The user identity")
    secondary, position = _field(item, position, "The passcode of the user identity")
    _exactly(item, position, "The user identity")
    if max(len(primary), len(secondary)) > limits.identity:
        raise RemoteProtocolError(
            f"A field of the user identity is longer than {limits.identity} bytes"
        )
    found.identity = UserIdentity(item[0], item[1] == 1, primary, secondary)


def _identity_response(item: bytes, found: UserInformation, limits: Limits) -> None:
    response, position = _field(item, 0, "The answer to the user identity")
    _exactly(item, position, "The answer to the user identity")
    found.identity_response = response


_READERS: dict[int, Callable[[bytes, UserInformation, Limits], None]] = {
    Item.MAXIMUM_LENGTH: _maximum_length,
    Item.IMPLEMENTATION_CLASS: _implementation_class,
    Item.ASYNCHRONOUS: _asynchronous,
    Item.ROLE: _role,
    Item.IMPLEMENTATION_VERSION: _implementation_version,
    Item.EXTENDED: _extended,
    Item.COMMON_EXTENDED: _common_extended,
    Item.IDENTITY: _identity,
    Item.IDENTITY_RESPONSE: _identity_response,
}

_REPEATED = {Item.ROLE, Item.EXTENDED, Item.COMMON_EXTENDED}
