"""Encapsulated values: the fragments of compressed pixel data (PS3.5 annex A.4)."""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError

__all__ = ["fragments_of", "skip_fragments"]

_LITTLE = Struct("<HHI")

_ITEM = 0xFFFEE000
_SEQUENCE_END = 0xFFFEE0DD


def skip_fragments(buffer: Buffer, pos: int, end: int, room: int) -> tuple[int, int]:
    """Walk over fragments from ``pos``; answers where they end, and how many there are.

    The end is the place of the sequence delimiter. Encapsulation is little endian (PS3.5 A.4).

    Raises:
        DicomFormatError: something else than a fragment, more than ``room`` of them, or the end.
    """
    unpack = _LITTLE.unpack_from
    count = 0
    while True:
        try:
            group, element, length = unpack(buffer, pos)
        except StructError:
            raise DicomFormatError("The file ends inside encapsulated pixel data", pos) from None
        if group == 0xFFFE and element == 0xE000:
            count += 1
            if count > room:
                raise DicomFormatError(f"More than {room} fragments of pixel data", pos)
            if length > end - pos - 8:
                raise DicomFormatError(f"A fragment of {length} bytes runs past the end", pos)
            pos += 8 + length
        elif group == 0xFFFE and element == 0xE0DD:
            if pos + 8 > end:
                raise DicomFormatError("The file ends inside encapsulated pixel data", pos)
            return pos, count
        else:
            raise DicomFormatError(
                f"({group:04x},{element:04x}) where a fragment of pixel data should be", pos
            )


def fragments_of(buffer: Buffer, pos: int, length: int) -> list[tuple[int, int]]:
    """(offset, length) of the fragments of a value that :func:`skip_fragments` has walked over.

    The first is the Basic Offset Table. Encapsulation is little endian (PS3.5 A.4).
    """
    unpack = _LITTLE.unpack_from
    end = pos + length
    found = []
    while pos < end:
        size = unpack(buffer, pos)[2]
        found.append((pos + 8, size))
        pos += 8 + size
    return found
