"""Values to bytes (PS3.5 section 6.2): the other direction of :mod:`hornburg.dicom.values`."""

from __future__ import annotations

import re
from struct import Struct, error

from hornburg.dicom.charset_encode import encode_text
from hornburg.dicom.charsets import Charset
from hornburg.dicom.swap import WORDS, swapped
from hornburg.dicom.vrs import BINARY, CHARSET, FORMATS
from hornburg.errors import BadRequestError

__all__ = ["EncodeError", "value_bytes"]

_LITTLE = {vr: Struct("<" + letter) for vr, (letter, _size) in FORMATS.items()}
_BIG = {vr: Struct(">" + letter) for vr, (letter, _size) in FORMATS.items()}
_TAG = re.compile(r"([0-9a-fA-F]{4}),?([0-9a-fA-F]{4})")
_ZERO_PADDED = BINARY | {"UI"}


class EncodeError(BadRequestError):
    """A value that its VR can't hold."""


def value_bytes(vr: str, value: str | bytes, charset: Charset, big: bool = False) -> bytes:
    """The bytes of a value, of even length.

    Args:
        vr: any VR but SQ.
        value: text, several values joined by a backslash, numbers in decimal digits, tags as
            ``gggg,eeee``; or the bytes themselves, numbers little endian.
        big: whether numbers are wanted big endian.

    Raises:
        EncodeError: the text is not of this VR.
    """
    if isinstance(value, bytes):
        raw = _swapped(vr, value) if big and vr in WORDS else value
    elif not value:
        return b""
    elif vr in CHARSET:
        raw = encode_text(value, charset, vr)
    elif vr in FORMATS:
        return _numbers(vr, value, (_BIG if big else _LITTLE)[vr])
    elif vr == "AT":
        return b"".join([_tag(one, big) for one in value.split("\\")])
    elif vr in BINARY and vr != "UN":
        raise EncodeError(f"A value of VR {vr} is bytes, not a text")
    elif vr == "UN":
        raw = encode_text(value, charset)
    else:
        # PS3.5 6.1.2.2: the other VRs hold ASCII.
        raw = value.encode("ascii", "replace")
    if len(raw) & 1:
        raw += b"\0" if vr in _ZERO_PADDED else b" "
    return raw


def _numbers(vr: str, text: str, head: Struct) -> bytes:
    pieces = []
    convert = float if vr in ("FL", "FD") else int
    for one in text.split("\\"):
        try:
            pieces.append(head.pack(convert(one)))
        except (ValueError, OverflowError, error):
            raise EncodeError(f"{one[:64]!r} is no number of VR {vr}") from None
    return b"".join(pieces)


def _tag(text: str, big: bool) -> bytes:
    found = _TAG.fullmatch(text.strip().strip("()"))
    if found is None:
        raise EncodeError(f"{text[:64]!r} is no tag: gggg,eeee in hexadecimal digits")
    order: str = "big" if big else "little"
    return b"".join([int(part, 16).to_bytes(2, order) for part in found.groups()])  # type: ignore[arg-type]


def _swapped(vr: str, raw: bytes) -> bytes:
    size = WORDS[vr]
    if len(raw) % size:
        raise EncodeError(f"A value of VR {vr} has {len(raw)} bytes, no multiple of {size}")
    return swapped(raw, size)
