"""The DICOM JSON Model of a data set (PS3.18 annex F)."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterator

import msgspec

from hornburg.dicom.charsets import Charset
from hornburg.dicom.dataset import DataSet, Element
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.scan import Entry
from hornburg.dicom.values import numbers
from hornburg.dicom.vrs import BINARY, FORMATS, UNSPLIT

__all__ = ["BulkDataUri", "Location", "encode"]

Location = tuple[int, ...]
"""A tag, or a tag, the number of an item from 1, a tag, and so on down to the element."""

BulkDataUri = Callable[[Location, Element], "str | None"]
"""Says where a value can be fetched, or nothing for a value that goes into the JSON."""

_json = msgspec.json.Encoder().encode
_SPECIFIC_CHARACTER_SET = 0x00080005
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LOOSE_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_SAFE_INTEGER = 1 << 53
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def encode(source: DicomFile | DataSet, bulk_data_uri: BulkDataUri | None = None) -> bytes:
    """The JSON object of a data set.

    Group lengths are left out (F.2.2). Texts are UTF-8, and Specific Character Set says so. The
    fragments of encapsulated pixel data have no form in JSON: without a URI only the VR is given.
    """
    root = source.dataset if isinstance(source, DicomFile) else source
    pieces = [b"{"]
    append = pieces.append
    stack = [_Frame(root, 0, iter(()), 0, 1)]
    while stack:
        frame = stack[-1]
        dataset = frame.dataset
        for tag, entry in frame.rows:
            if not tag & 0xFFFF:
                continue
            element = Element(dataset, tag, entry)
            if not element.is_sequence:
                append(b',"%08X":{"vr":"%s"' % (tag, element.vr.encode()))
                uri = bulk_data_uri(_location(stack, tag), element) if bulk_data_uri else None
                append(_value(element, uri))
                continue
            append(b',"%08X":{"vr":"SQ"' % tag)
            items = dataset.children(entry)
            first = next(items, None)
            if first is None:
                append(b"}")
                continue
            append(b',"Value":[{')
            stack.append(_Frame(first, tag, items, 1, len(pieces)))
            break
        else:
            stack.pop()
            if len(pieces) > frame.start:
                pieces[frame.start] = pieces[frame.start][1:]
            item = next(frame.siblings, None)
            if item is not None:
                append(b"},{")
                number = frame.number + 1
                stack.append(_Frame(item, frame.tag, frame.siblings, number, len(pieces)))
            elif stack:
                append(b"}]}")
    append(b"}")
    return b"".join(pieces)


class _Frame:
    """A data set that is being written: which item of which sequence it is, and where it starts."""

    __slots__ = ("dataset", "number", "rows", "siblings", "start", "tag")

    def __init__(
        self,
        dataset: DataSet,
        tag: int,
        siblings: Iterator[DataSet],
        number: int,
        start: int,
    ) -> None:
        self.dataset = dataset
        self.tag = tag
        self.siblings = siblings
        self.number = number
        self.rows: Iterator[tuple[int, Entry]] = iter(dataset.entries.items())
        self.start = start


def _location(stack: list[_Frame], tag: int) -> Location:
    place: list[int] = []
    for frame in stack[1:]:
        place += (frame.tag, frame.number)
    return (*place, tag)


def _value(element: Element, uri: str | None) -> bytes:
    """What follows the VR, with the closing brace."""
    if element.length == 0:
        return b"}"
    if uri is not None:
        return b',"BulkDataURI":' + _json(uri) + b"}"
    vr = element.vr
    if vr in BINARY:
        if element.encapsulated:
            return b"}"
        return b',"InlineBinary":"' + b64encode(element.raw) + b'"}'
    if vr == "AT":
        values: list[object] = _tags(element)
    elif vr in FORMATS:
        values = [_binary_number(value) for value in numbers(element.raw, vr, element.dataset.big)]
    else:
        values = _texts(element.raw, vr, element.tag, element.dataset.charset)
    return b',"Value":' + _json(values) + b"}" if values else b"}"


def _tags(element: Element) -> list[object]:
    units = numbers(element.raw, "US", element.dataset.big)
    pairs = zip(units[::2], units[1::2], strict=False)
    return [f"{int(group):04X}{int(item):04X}" for group, item in pairs]


def _binary_number(value: float) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        # RFC 8259 has no such numbers.
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > _SAFE_INTEGER:
        return str(value)  # F.2.3: SV and UV may be strings, for readers whose numbers are doubles.
    return value


def _texts(raw: bytes, vr: str, tag: int, charset: Charset) -> list[object]:
    if tag == _SPECIFIC_CHARACTER_SET:
        return ["ISO_IR 192"]
    text = charset.decode(raw, vr).rstrip(" \0")
    if not text:
        return []
    if vr in UNSPLIT:
        return [text]
    parts = [part.rstrip(" \0") for part in text.split("\\")]
    if vr == "PN":
        return [_name(part) for part in parts]
    if vr in ("DS", "IS"):
        return [_text_number(part.strip()) for part in parts]
    return [part or None for part in parts]


def _name(text: str) -> object:
    """F.2.2: the component groups of a name, those that have something."""
    groups = zip(_GROUPS, text.split("=", 2), strict=False)
    return {key: group for key, group in groups if group} or None


def _text_number(text: str) -> object:
    """DS and IS as numbers, with the digits that they have; as strings when they are none."""
    if not text:
        return None
    if len(text) > 32 or not _LOOSE_NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return text
    if _NUMBER.fullmatch(text):
        return msgspec.Raw(text.encode())
    # Forms that DS and IS allow and JSON doesn't: a plus sign, leading zeros, a bare point.
    return int(text) if _INTEGER.fullmatch(text) else float(text)
