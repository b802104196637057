"""The place of the pixel data in a file, and of its frames (PS3.5 section 8 and annex A.4)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt
from struct import unpack
from typing import Literal

from hornburg.dicom.dataset import DataSet, Element
from hornburg.dicom.fragments import fragments_of

__all__ = ["PIXEL_DATA_TAGS", "PixelData", "pixel_data_of"]

PIXEL_DATA_TAGS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
"""Pixel Data, Float Pixel Data, Double Float Pixel Data."""

_BITS_ALLOCATED = 0x00280100
_NUMBER_OF_FRAMES = 0x00280008
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_MAXIMUM_BIT_FRAMES = 1_000_000
_EXTENDED_OFFSET_TABLE = 0x7FE00001


class PixelData:
    """Where pixel data is. All offsets are of the file, or of the inflated data set.

    ``offset`` is that of the element's tag, ``value_offset`` and ``length`` those of its value.
    """

    __slots__ = (
        "_dataset",
        "_fragments",
        "encapsulated",
        "length",
        "number_of_frames",
        "offset",
        "tag",
        "value_offset",
        "vr",
    )

    def __init__(self, dataset: DataSet, tag: int, implicit: bool) -> None:
        element = dataset[tag]
        self.tag = tag
        self.vr = element.vr
        self.value_offset = element.offset
        self.length = element.length
        self.encapsulated = element.encapsulated
        self.offset = element.offset - _head_size(element, implicit)
        self.number_of_frames = _integer(dataset, _NUMBER_OF_FRAMES) or 1
        self._dataset = dataset
        self._fragments: list[tuple[int, int]] | None = None

    def fragments(self) -> list[tuple[int, int]]:
        """(offset, length) of the fragments, the Basic Offset Table first; empty when native."""
        if not self.encapsulated:
            return []
        if self._fragments is None:
            self._fragments = fragments_of(self._dataset.buffer, self.value_offset, self.length)
        return self._fragments

    def frame_offsets(self) -> Sequence[int]:
        """The offset of each frame: of its first byte, or of its first fragment's item tag.

        A native frame of a number of bits that fills no byte begins inside the byte at its
        offset. Empty when the file can't hold ``number_of_frames``; only the first frame when
        nothing tells where the others begin.
        """
        if self.encapsulated:
            parts = self.fragments()
            if len(parts) < 2:
                return []
            return self._from_tables(parts) or self._from_fragments(parts)
        count, start, length = self.number_of_frames, self.value_offset, self.length
        if _integer(self._dataset, _BITS_ALLOCATED) == 1:
            rows, columns = (_integer(self._dataset, tag) for tag in (_ROWS, _COLUMNS))
            bits = rows * columns
            fits = 0 < bits * count <= length * 8 and count <= _MAXIMUM_BIT_FRAMES
            return [start + bits * frame // 8 for frame in range(count)] if fits else []
        size = length // count
        return range(start, start + size * count, size) if size else []

    def _from_tables(self, rows: list[tuple[int, int]]) -> list[int]:
        """By the Extended Offset Table (PS3.3 C.7.6.3.1.8) or the basic one (PS3.5 A.4)."""
        # Both count from the first byte of the item after the Basic Offset Table.
        first = rows[1][0] - 8
        starts = {offset - 8 for offset, _length in rows[1:]}
        extended = self._dataset.get(_EXTENDED_OFFSET_TABLE)
        tables = [(rows[0], "I", 4)]
        if extended is not None:
            tables.insert(0, ((extended.offset, extended.length), "Q", 8))
        for (place, length), letter, size in tables:
            count = length // size
            if not 0 < count <= len(starts):
                continue  # More frames than fragments: the table lies, and isn't unpacked.
            raw = bytes(self._dataset.buffer[place : place + count * size])
            places = [first + offset for offset in unpack(f"<{count}{letter}", raw)]
            if starts.issuperset(places) and all(map(lt, places, places[1:])):
                return places
        return []

    def _from_fragments(self, rows: list[tuple[int, int]]) -> list[int]:
        count = self.number_of_frames
        if count == len(rows) - 1:
            return [offset - 8 for offset, _length in rows[1:]]
        return [rows[1][0] - 8]


def _head_size(element: Element, implicit: bool) -> int:
    """8 bytes; 12 for the explicit form of OB, OW, OF, OD, UN (PS3.5 7.1.2)."""
    if implicit:
        return 8
    order: Literal["big", "little"] = "big" if element.dataset.big else "little"
    start = element.offset - 12
    head = bytes(element.dataset.buffer[start : start + 4])
    tag = (element.tag >> 16).to_bytes(2, order) + (element.tag & 0xFFFF).to_bytes(2, order)
    return 12 if head == tag else 8


def _integer(dataset: DataSet, tag: int) -> int:
    """A number of a file, such as that of frames; 0 when it is absent or no number."""
    text = (dataset.text(tag) or "").partition("\\")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


def pixel_data_of(dataset: DataSet, implicit: bool) -> PixelData | None:
    """The pixel data of a data set, if it has any."""
    for tag in PIXEL_DATA_TAGS:
        entry = dataset.entries.get(tag)
        if entry is not None and entry[3] is None:
            return PixelData(dataset, tag, implicit)
    return None
