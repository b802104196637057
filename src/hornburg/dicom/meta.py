"""The preamble and the File Meta Information (PS3.10 section 7.1)."""

from __future__ import annotations

from struct import Struct

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.scan import Entries
from hornburg.dicom.vrs import LONG, SHORT

__all__ = ["read_meta"]

_PREAMBLE = 128
_SHORT = {vr.encode(): vr for vr in SHORT}
_LONG = {vr.encode(): vr for vr in LONG}
_EXPLICIT = Struct("<HH2sH").unpack_from
_LENGTH = Struct("<I").unpack_from
_TRANSFER_SYNTAX_UID = 0x00020010
# What PS3.10 table 7.1-1 gives to elements whose VR a writer left out.
_IMPLICIT = {0x00020000: "UL", 0x00020001: "OB", 0x00020013: "SH", 0x00020016: "AE"}
_MAXIMUM_ELEMENTS = 256


def read_meta(buffer: Buffer, size: int) -> tuple[Entries, int, str, bool]:
    """Read group 2.

    Answers its elements, where the data set begins, the transfer syntax ("" when it isn't
    named), and whether there was a DICM prefix or a meta header at all.

    Raises:
        DicomFormatError: an element of group 2 makes no sense.
    """
    if bytes(buffer[_PREAMBLE : _PREAMBLE + 4]) == b"DICM":
        pos, has_head = _PREAMBLE + 4, True
    elif bytes(buffer[:4]) == b"DICM":
        pos, has_head = 4, True
    else:
        pos, has_head = 0, False
    entries: Entries = {}
    while pos + 8 <= size:
        group, element, raw, length = _EXPLICIT(buffer, pos)
        if group != 2:
            break
        value = pos + 8
        vr = _SHORT.get(raw)
        if vr is None:
            vr = _LONG.get(raw)
            if vr is not None:
                if pos + 12 > size:
                    raise DicomFormatError("The file ends inside the meta header", pos)
                value, length = pos + 12, _LENGTH(buffer, pos + 8)[0]
            elif not has_head and element not in (0, 1):
                break
            else:
                # Writers that leave out the VR: seen, against PS3.10 7.1.
                vr = _IMPLICIT.get(0x00020000 | element, "UI")
                length = _LENGTH(buffer, pos + 4)[0]
        if length > size - value:
            raise DicomFormatError(
                f"The value of ({group:04x},{element:04x}) has {length} bytes, "
                f"{size - value} are left",
                pos,
            )
        if len(entries) >= _MAXIMUM_ELEMENTS:
            raise DicomFormatError(f"More than {_MAXIMUM_ELEMENTS} elements of group 0002", pos)
        entries.setdefault(0x00020000 | element, (vr, value, length, None))
        pos = value + length
    if not entries and not has_head and size < 8:
        raise DicomFormatError("Not a DICOM file: too short", 0)
    entry = entries.get(_TRANSFER_SYNTAX_UID)
    syntax = ""
    if entry is not None and entry[2] <= 128:
        raw = bytes(buffer[entry[1] : entry[1] + entry[2]])
        syntax = raw.split(b"\0")[0].strip().decode("latin-1")
    return entries, pos, syntax, has_head or bool(entries)
