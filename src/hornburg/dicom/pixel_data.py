"""The place of the pixel data in a file, and of its frames (PS3.5 section 8 and annex A.4)."""

from __future__ import annotations

from struct import iter_unpack

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.fragments import fragments_of

__all__ = ["PIXEL_DATA_TAGS", "PixelData", "pixel_data_of"]

PIXEL_DATA_TAGS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
"""Pixel Data, Float Pixel Data, Double Float Pixel Data."""

_NUMBER_OF_FRAMES = 0x00280008
_EXTENDED_OFFSET_TABLE = 0x7FE00001


class PixelData:
    """Where pixel data is. All offsets are of the file, or of the inflated data set.

    ``offset`` is that of the element's tag, ``value_offset`` and ``length`` those of its value.
    """

    __slots__ = (
        "_buffer",
        "_extended",
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
        # PS3.5 7.1.2: OB, OW, OF, OD have the long form, 12 bytes; the implicit form has 8.
        self.offset = element.offset - (8 if implicit else 12)
        self.number_of_frames = _frame_count(dataset)
        self._buffer: Buffer = dataset.buffer
        self._fragments: list[tuple[int, int]] | None = None
        table = dataset.get(_EXTENDED_OFFSET_TABLE)
        self._extended = table.raw if table is not None and self.encapsulated else b""

    def fragments(self) -> list[tuple[int, int]]:
        """(offset, length) of the fragments, the Basic Offset Table first; empty when native."""
        if not self.encapsulated:
            return []
        if self._fragments is None:
            self._fragments = fragments_of(self._buffer, self.value_offset, self.length)
        return self._fragments

    def frame_offsets(self) -> list[int]:
        """The offset of each frame: of its first byte, or of its first fragment's item tag.

        A native frame's offset is that of its first byte; frames of a number of bits that fills
        no byte begin inside one. The list is shorter than ``number_of_frames`` when the file
        doesn't hold that many, and has one frame when it can't be told where the others begin.
        """
        if not self.encapsulated:
            count = self.number_of_frames
            if count <= 0 or count > max(self.length, 1):
                return []
            return [self.value_offset + self.length * frame // count for frame in range(count)]
        rows = self.fragments()
        if len(rows) < 2:
            return []
        return self._from_tables(rows) or self._from_fragments(rows)

    def _from_tables(self, rows: list[tuple[int, int]]) -> list[int]:
        """By the Extended Offset Table (PS3.3 C.7.6.3.1.8) or the basic one (PS3.5 A.4)."""
        start, size = rows[0]
        # Both count from the first byte of the item after the Basic Offset Table.
        first = rows[1][0] - 8
        starts = {offset - 8 for offset, _length in rows[1:]}
        tables = [
            [row[0] for row in iter_unpack("<Q", self._extended[: len(self._extended) // 8 * 8])],
            [
                row[0]
                for row in iter_unpack("<I", bytes(self._buffer[start : start + size // 4 * 4]))
            ],
        ]
        for table in tables:
            places = [first + offset for offset in table]
            if places and starts.issuperset(places) and sorted(set(places)) == places:
                return places
        return []

    def _from_fragments(self, rows: list[tuple[int, int]]) -> list[int]:
        count = self.number_of_frames
        if count == len(rows) - 1:
            return [offset - 8 for offset, _length in rows[1:]]
        return [rows[1][0] - 8]


def _frame_count(dataset: DataSet) -> int:
    """Number of Frames (0028,0008), 1 when it is absent or no number (PS3.3 C.7.6.6)."""
    text = (dataset.text(_NUMBER_OF_FRAMES) or "").split("\\")[0].strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return max(int(text), 1)
    return 1


def pixel_data_of(dataset: DataSet, implicit: bool) -> PixelData | None:
    """The pixel data of a data set, if it has any."""
    for tag in PIXEL_DATA_TAGS:
        entry = dataset.entries.get(tag)
        if entry is not None and entry[3] is None:
            return PixelData(dataset, tag, implicit)
    return None
