"""A data set and its elements: a thin view on the buffer that was scanned."""

from __future__ import annotations

from collections.abc import Iterator

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.charsets import Charset, charset_of
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.scan import Entries, Entry, LittleEndianItems
from hornburg.dicom.values import plain_text, text
from hornburg.dicom.vrs import BINARY, TEXT, resolve

__all__ = ["DataSet", "Element"]

_SPECIFIC_CHARACTER_SET = 0x00080005
_PIXEL_REPRESENTATION = 0x00280103
_BYTES = BINARY - {"UN"}


class Element:
    """One element. ``offset`` and ``length`` are the place of its value in the buffer, in bytes."""

    __slots__ = ("_entry", "dataset", "tag")

    def __init__(self, dataset: DataSet, tag: int, entry: Entry) -> None:
        self.dataset = dataset
        self.tag = tag
        self._entry = entry

    @property
    def vr(self) -> str:
        """The value representation; ``SQ`` also for a UN of undefined length."""
        return resolve(self._entry[0], self.dataset.signed)

    @property
    def offset(self) -> int:
        """The first byte of the value."""
        return self._entry[1]

    @property
    def length(self) -> int:
        """The size of the value; of an encapsulated one, all fragments with their heads."""
        length = self._entry[2]
        return length if length >= 0 else -1 - length

    @property
    def encapsulated(self) -> bool:
        """Whether the value is a row of fragments (PS3.5 A.4)."""
        return self._entry[2] < 0

    @property
    def raw(self) -> bytes:
        """The bytes of the value, copied."""
        offset = self._entry[1]
        return bytes(self.dataset.buffer[offset : offset + self.length])

    @property
    def text(self) -> str | None:
        """The value as Orthanc prints it, none for sequences, bytes, and numbers without value."""
        return self.dataset.show(self.tag, self._entry)

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a row of items."""
        return self._entry[3] is not None

    @property
    def item_count(self) -> int:
        """The number of items of a sequence."""
        return len(self._entry[3] or ())

    def item(self, number: int) -> DataSet:
        """One item of a sequence, from 0."""
        return self.dataset.child(self._entry, number)

    @property
    def items(self) -> tuple[DataSet, ...]:
        """The items of a sequence; empty for everything else."""
        return tuple(self.dataset.children(self._entry))

    @property
    def creator(self) -> str:
        """The private creator of a private element, empty when there is none."""
        return self.dataset.creator(self.tag)


class DataSet:
    """Elements by tag, in the order of tags.

    ``entries`` is what :mod:`hornburg.dicom.scan` gives, for code that has no time. ``big`` tells
    the byte order; ``signed`` that Pixel Representation is 1, here or above.
    """

    __slots__ = (
        "_creators",
        "_default_charset",
        "big",
        "buffer",
        "charset",
        "dictionary",
        "entries",
        "signed",
    )

    def __init__(
        self,
        buffer: Buffer,
        entries: Entries,
        *,
        charset: Charset,
        dictionary: Dictionary,
        big: bool = False,
        signed: bool = False,
        default_charset: str = "Latin1",
    ) -> None:
        self.buffer = buffer
        self.entries = entries
        self.big = big
        self.dictionary = dictionary
        self._creators: dict[int, str] = {}
        entry = entries.get(_SPECIFIC_CHARACTER_SET)
        if entry is not None and 0 <= entry[2] <= 1024 and entry[3] is None:
            terms = bytes(buffer[entry[1] : entry[1] + entry[2]]).decode("latin-1")
            if terms.strip(" \0"):
                charset = charset_of(terms, default_charset)
        self.charset = charset
        self._default_charset = default_charset
        entry = entries.get(_PIXEL_REPRESENTATION)
        if entry is not None and entry[2] == 2:
            raw = bytes(buffer[entry[1] : entry[1] + 2])
            signed = raw == (b"\0\1" if big else b"\1\0")
        self.signed = signed

    def __contains__(self, tag: int) -> bool:
        return tag in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        for tag, entry in self.entries.items():
            yield Element(self, tag, entry)

    def __getitem__(self, tag: int) -> Element:
        return Element(self, tag, self.entries[tag])

    def get(self, tag: int) -> Element | None:
        """The element with this tag, if it is there."""
        entry = self.entries.get(tag)
        return None if entry is None else Element(self, tag, entry)

    def text(self, tag: int) -> str | None:
        """The value of an element as Orthanc prints it; none when it is not there or has none."""
        entry = self.entries.get(tag)
        return None if entry is None else self.show(tag, entry)

    def show(self, tag: int, entry: Entry) -> str | None:
        """The value of one of the entries as Orthanc prints it."""
        vr, offset, length, items = entry
        if items is not None or length < 0 or vr in _BYTES:
            return None
        raw = bytes(self.buffer[offset : offset + length])
        if vr in TEXT:
            return plain_text(raw, vr, self.charset)
        if vr != "UN":
            return text(raw, resolve(vr, self.signed), self.charset, self.big)
        # An element of unknown VR is shown if the dictionary knows that its tag is text, with its
        # padding, as Orthanc does: the identifiers of resources depend on it.
        if self.dictionary.vr(tag) not in TEXT:
            return None
        return self.charset.decode(raw.partition(b"\0")[0])

    def creator(self, tag: int) -> str:
        """The private creator of a private tag (PS3.5 7.8.1), empty when there is none."""
        if not tag >> 16 & 1 or tag & 0xFFFF < 0x1000:
            return ""
        block = tag & 0xFFFF0000 | tag >> 8 & 0xFF
        known = self._creators.get(block)
        if known is None:
            known = self._creators[block] = self._read_creator(block)
        return known

    def _read_creator(self, tag: int) -> str:
        entry = self.entries.get(tag)
        if entry is None or not 0 < entry[2] <= 256 or entry[3] is not None:
            return ""
        raw = bytes(self.buffer[entry[1] : entry[1] + entry[2]])
        return plain_text(raw, "LO", self.charset).strip()

    def children(self, entry: Entry) -> Iterator[DataSet]:
        """The items of a sequence among the entries."""
        for number in range(len(entry[3] or ())):
            yield self.child(entry, number)

    def child(self, entry: Entry, number: int) -> DataSet:
        """One item of a sequence among the entries, from 0."""
        items = entry[3] or ()
        return DataSet(
            self.buffer,
            items[number],
            charset=self.charset,
            dictionary=self.dictionary,
            big=self.big and not isinstance(items, LittleEndianItems),
            signed=self.signed,
            default_charset=self._default_charset,
        )
