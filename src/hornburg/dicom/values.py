"""Values as Orthanc prints them: text of any VR, without padding."""

from __future__ import annotations

from struct import Struct
from struct import unpack as struct_unpack

from hornburg.dicom.charsets import Charset
from hornburg.dicom.vrs import CHARSET, FORMATS, TEXT

__all__ = ["numbers", "plain_text", "text"]

_LITTLE = {vr: (Struct("<" + letter), size) for vr, (letter, size) in FORMATS.items()}
_BIG = {vr: (Struct(">" + letter), size) for vr, (letter, size) in FORMATS.items()}


def numbers(raw: bytes, vr: str, big: bool = False) -> tuple[float, ...]:
    """The numbers of a value of binary numbers; bytes too few for one more are left out."""
    letter, size = FORMATS[vr]
    count = len(raw) // size
    order = ">" if big else "<"
    return struct_unpack(f"{order}{count}{letter}", raw[: count * size])


def plain_text(raw: bytes, vr: str, charset: Charset) -> str:
    """The text of a value of characters.

    PS3.5 6.2 pads values with a space or, for UIDs, a NUL; a value ends at the first NUL, as it
    does for Orthanc, and its trailing spaces mean nothing. Leading spaces are kept.
    """
    end = raw.find(b"\0")
    if end >= 0:
        raw = raw[:end]
    raw = raw.rstrip(b" ")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    if vr in CHARSET:
        return charset.decode(raw, vr).rstrip(" ")
    # PS3.5 6.1.2.2: other VRs are ASCII; what isn't comes from writers who don't know.
    return charset.decode(raw, vr)


def text(raw: bytes, vr: str, charset: Charset, big: bool = False) -> str | None:
    """A value as text, several ones joined by a backslash; none for what is only bytes.

    Numbers have 17 significant digits, so that reading them back gives the same bits; of tags
    (VR ``AT``) only the first is shown, as Orthanc does.
    """
    if vr in TEXT:
        return plain_text(raw, vr, charset)
    known = (_BIG if big else _LITTLE).get(vr)
    if known is not None:
        head, size = known
        if len(raw) == size:
            value = head.unpack(raw)[0]
            return f"{value:.17g}" if vr in ("FL", "FD") else str(value)
        if len(raw) < size:
            return None
        values = numbers(raw, vr, big)
        if vr in ("FL", "FD"):
            return "\\".join([f"{value:.17g}" for value in values])
        return "\\".join(map(str, values))
    if vr == "AT" and len(raw) >= 4:
        group, element = struct_unpack(">HH" if big else "<HH", raw[:4])
        return f"{group:04x},{element:04x}"
    return None
