"""Raw values by path: what ``GET /instances/{id}/content/{path}`` gives.

A path goes down by tags and item numbers, such as ``0008-1140/0/0008-1150``, tags in digits or
as keywords. A data set and a sequence answer with what lies below them, pixel data with its
frames or fragments, every other element with its value.
"""

from __future__ import annotations

from typing import NamedTuple

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dataset import DataSet, Element
from hornburg.dicom.fragments import fragments_of
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.swap import WORDS, swapped
from hornburg.dicom.vrs import TEXT
from hornburg.errors import InexistentItemError

__all__ = ["Bytes", "Listing", "content"]


class Listing(NamedTuple):
    """The names of what lies below: tags as ``gggg-eeee``, or numbers from 0."""

    names: list[str]


class Bytes(NamedTuple):
    """A value: ``length`` bytes at ``offset`` of the buffer."""

    buffer: Buffer
    offset: int
    length: int

    def view(self) -> memoryview:
        """The bytes, without a copy."""
        return memoryview(self.buffer)[self.offset : self.offset + self.length]


_PIXEL_DATA = 0x7FE00010
_MAXIMUM_STEPS = 2048


def content(file: DicomFile, path: str) -> Listing | Bytes:
    """What is at a path of a file. Text has its encoding, numbers are little endian.

    Raises:
        InexistentItemError: there is nothing at this path.
    """
    steps = [step for step in path.split("/", _MAXIMUM_STEPS) if step]
    dataset = file.dataset
    while steps:
        element = _element(dataset, steps.pop(0))
        if element.is_sequence:
            if not steps:
                return Listing([str(number) for number in range(element.item_count)])
            dataset = element.item(_number(steps.pop(0), element.item_count))
        else:
            return _leaf(element, steps)
    return Listing([f"{tag >> 16:04x}-{tag & 0xFFFF:04x}" for tag in dataset.entries])


def _element(dataset: DataSet, name: str) -> Element:
    tag = dataset.dictionary.tag(name)
    if tag is None:
        raise InexistentItemError(f"{name!r} is in no DICOM dictionary")
    element = dataset.get(tag)
    if element is None:
        raise InexistentItemError(f"There is no {name} here")
    return element


def _number(text: str, count: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) < count):
        raise InexistentItemError(f"There is no item {text[:32]}: {count} are here, from 0")
    return int(text)


def _leaf(element: Element, steps: list[str]) -> Listing | Bytes:
    if not element.encapsulated and element.tag != _PIXEL_DATA:
        if steps:
            raise InexistentItemError(f"There is nothing below {steps[0][:32]}")
        return _value(element)
    parts = _parts(element)
    if not steps:
        return Listing([str(number) for number in range(len(parts))])
    offset, length = parts[_number(steps[0], len(parts))]
    if len(steps) > 1:
        raise InexistentItemError("There is nothing below a frame")
    if element.encapsulated:
        return Bytes(element.dataset.buffer, offset, length)
    return _value(element)


def _parts(element: Element) -> list[tuple[int, int]]:
    """The fragments of pixel data, the offset table first; native pixel data is one part."""
    if element.encapsulated:
        return fragments_of(element.dataset.buffer, element.offset, element.length)
    return [(element.offset, element.length)]


def _value(element: Element) -> Bytes:
    buffer, offset, length = element.dataset.buffer, element.offset, element.length
    if element.vr in TEXT:
        # Padding beyond an even length is left out, as Orthanc does.
        shown = len(element.raw.rstrip(b" \0"))
        return Bytes(buffer, offset, min(length, shown + shown % 2))
    if element.dataset.big:
        raw = _swapped(element)
        return Bytes(raw, 0, len(raw))
    return Bytes(buffer, offset, length)


def _swapped(element: Element) -> bytes:
    """The value of a big endian file in little endian (PS3.5 7.3)."""
    size = WORDS.get(element.vr)
    return element.raw if size is None else swapped(element.raw, size)
