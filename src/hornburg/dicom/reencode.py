"""Writing a data set that was read in another encoding (PS3.5 section 7 and annex A).

Values are taken over as they are; only their heads, the byte order of numbers and the lengths of
sequences change. Where the encoding stays the same, heads and sequences are copied as well.
Group lengths are left out: they are retired (PS3.5 7.2), and would have to be true.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.scan import Entries, LittleEndianItems
from hornburg.dicom.swap import WORDS, swapped
from hornburg.dicom.vrs import LONG, resolve

__all__ = ["Change", "Form", "Pixels", "deflated", "reencoded"]

_UNDEFINED = 0xFFFFFFFF
_PIXEL_REPRESENTATION = 0x00280103
_SEQUENCE_END = bytes.fromhex("feffdde000000000")
#: Values up to this size are copied into the piece that holds their head.
_SMALL = 4096

#: Values are swapped and deflated in pieces of this size, in bytes.
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """How a data set is to be written."""

    implicit: bool = False
    big: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A new value of an element, in little endian; its length is even."""

    vr: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Pixels:
    """New pixel data. ``length`` is none for encapsulated pixel data, whose ``pieces`` are the
    items (PS3.5 A.4) without the delimiter; else the pieces are little endian."""

    vr: str
    length: int | None
    pieces: Iterable[Buffer]


Changes = Mapping[int, Change | Pixels | None]


class _Heads:
    """How heads of elements are written in one form."""

    def __init__(self, form: Form) -> None:
        order = ">" if form.big else "<"
        self._implicit = Struct(order + "HHI").pack if form.implicit else None
        self._short = Struct(order + "HH2sH").pack
        self._long = Struct(order + "HH2s2xI").pack
        self.item = Struct(order + "HHI").pack

    def __call__(self, tag: int, vr: str, length: int) -> bytes:
        group, element = tag >> 16, tag & 0xFFFF
        if self._implicit is not None:
            return self._implicit(group, element, length)
        if vr in LONG:
            return self._long(group, element, vr.encode(), length)
        if length > 0xFFFF:
            # PS3.5 6.2.2: a value too long for its VR becomes UN.
            return self._long(group, element, b"UN", length)
        return self._short(group, element, vr.encode(), length)


def deflated(pieces: Iterable[Buffer]) -> Iterator[bytes]:
    """The data set of the deflated transfer syntax, of even length (PS3.5 A.5)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    size = 0
    for piece in pieces:
        with memoryview(piece) as whole:
            for start in range(0, len(whole), _PIECE):
                out = deflater.compress(whole[start : start + _PIECE])
                size += len(out)
                if out:
                    yield out
    out = deflater.flush()
    yield out + b"\0" * ((size + len(out)) % 2)


def reencoded(file: DicomFile, form: Form, changes: Changes) -> Iterator[Buffer]:
    """The data set of a file in another form, in pieces.

    Args:
        changes: new values by tag; none takes an element away.
    """
    return _Writer(file, form).top(changes)


class _Writer:
    def __init__(self, file: DicomFile, form: Form) -> None:
        encoding = file.encoding
        self._entries = file.dataset.entries
        self._buffer = memoryview(file.dataset.buffer)
        self._signed = file.dataset.signed
        self._big = encoding.big
        self._form = form
        self._head = _Heads(form)
        self._same = (encoding.implicit, encoding.big) == (form.implicit, form.big)

    def top(self, changes: Changes) -> Iterator[Buffer]:
        entries = self._entries
        tags = sorted(entries.keys() | changes.keys()) if changes else list(entries)
        out: list[Buffer] = []
        for tag in tags:
            if tag in changes:
                change = changes[tag]
                if isinstance(change, Pixels):
                    yield from out
                    out = []
                    yield from self._pixels(tag, change)
                elif change is not None:
                    out += self._changed(tag, change)
                continue
            if tag & 0xFFFF == 0:
                continue
            vr, offset, length, items = entries[tag]
            vr = resolve(vr, self._signed)
            if self._same:
                self._copy(out, tag, vr, offset, length)
            elif items is None and length > _PIECE:
                yield from out
                out = []
                yield from self._large(tag, vr, offset, length)
            else:
                self._element(out, tag, vr, offset, length, items, self._signed, self._big)
            if len(out) > 1024:
                yield from out
                out = []
        yield from out

    def _changed(self, tag: int, change: Change) -> list[Buffer]:
        value = change.value
        words = WORDS.get(change.vr) if self._form.big else None
        if words is not None:
            value = swapped(value, words)
        return [self._head(tag, change.vr, len(value)) + value]

    def _pixels(self, tag: int, pixels: Pixels) -> Iterator[Buffer]:
        if pixels.length is None:
            yield self._head(tag, pixels.vr, _UNDEFINED)
            yield from pixels.pieces
            yield _SEQUENCE_END
            return
        yield self._head(tag, pixels.vr, pixels.length + pixels.length % 2)
        words = WORDS.get(pixels.vr) if self._form.big else None
        for piece in pixels.pieces:
            yield piece if words is None else swapped(piece, words)
        if pixels.length % 2:
            yield b"\0"

    def _copy(self, out: list[Buffer], tag: int, vr: str, offset: int, length: int) -> None:
        """Head and value as they are."""
        start = offset - 8
        size = length if length >= 0 else -1 - length
        if vr in LONG and not self._form.implicit and self._is_tag(offset - 12, tag):
            start = offset - 12
        out.append(self._buffer[start : offset + size])
        if self._is_open(offset, start):
            order = "big" if self._form.big and length >= 0 and vr == "SQ" else "little"
            out.append(_SEQUENCE_END if order == "little" else self._head.item(0xFFFE, 0xE0DD, 0))

    def _is_tag(self, start: int, tag: int) -> bool:
        order = ">" if self._form.big else "<"
        return start >= 0 and bytes(self._buffer[start : start + 4]) == Struct(order + "HH").pack(
            tag >> 16, tag & 0xFFFF
        )

    def _is_open(self, offset: int, start: int) -> bool:
        """Whether the length in front of a value is undefined."""
        long = self._form.implicit or offset - start == 12 or self._has_no_vr(start)
        return long and bytes(self._buffer[offset - 4 : offset]) == b"\xff\xff\xff\xff"

    def _has_no_vr(self, start: int) -> bool:
        """Whether this is an implicit head among explicit ones (see the scan)."""
        raw = bytes(self._buffer[start + 4 : start + 6])
        return not (raw.isalpha() and raw.isupper())

    def _large(self, tag: int, vr: str, offset: int, length: int) -> Iterator[Buffer]:
        """A value that is given away in pieces when its bytes are swapped."""
        yield self._head(tag, vr, length)
        words = WORDS.get(vr) if self._form.big != self._big else None
        if words is None:
            yield self._buffer[offset : offset + length]
            return
        end = offset + length
        for start in range(offset, end, _PIECE):
            yield swapped(self._buffer[start : min(start + _PIECE, end)], words)

    def _element(
        self,
        out: list[Buffer],
        tag: int,
        vr: str,
        offset: int,
        length: int,
        items: list[Entries] | None,
        signed: bool,
        big: bool,
    ) -> int:
        """Add one element; answers how many bytes it takes."""
        buffer = self._buffer
        if isinstance(items, LittleEndianItems):
            # PS3.5 6.2.2 note 2: inside it is implicit little endian in any file.
            head = self._head(tag, "UN", _UNDEFINED)
            out += (head, buffer[offset : offset + length], _SEQUENCE_END)
            return len(head) + length + 8
        if items is not None:
            return self._sequence(out, tag, offset, items, signed, big)
        if length < 0:
            size = -1 - length
            head = self._head(tag, vr, _UNDEFINED)
            out += (head, buffer[offset : offset + size], _SEQUENCE_END)
            return len(head) + size + 8
        head = self._head(tag, vr, length)
        words = WORDS.get(vr) if self._form.big != big else None
        if words is not None:
            out.append(head + swapped(buffer[offset : offset + length], words))
        elif length <= _SMALL:
            out.append(head + bytes(buffer[offset : offset + length]))
        else:
            out += (head, buffer[offset : offset + length])
        return len(head) + length

    def _sequence(
        self,
        out: list[Buffer],
        tag: int,
        offset: int,
        items: list[Entries],
        signed: bool,
        big: bool,
    ) -> int:
        """Add a sequence, of undefined length with such items when it had one, else counted."""
        is_open = bytes(self._buffer[offset - 4 : offset]) == b"\xff\xff\xff\xff"
        place, item = len(out), self._head.item
        out.append(b"")
        total = 0
        for entries in items:
            here = len(out)
            out.append(b"")
            size = 0
            below = self._signedness(entries, signed, big)
            for inner, (vr, start, length, nested) in entries.items():
                if inner & 0xFFFF:
                    vr = resolve(vr, below)
                    size += self._element(out, inner, vr, start, length, nested, below, big)
            out[here] = item(0xFFFE, 0xE000, _UNDEFINED if is_open else size)
            if is_open:
                out.append(item(0xFFFE, 0xE00D, 0))
            total += size + (16 if is_open else 8)
        out[place] = head = self._head(tag, "SQ", _UNDEFINED if is_open else total)
        if is_open:
            out.append(item(0xFFFE, 0xE0DD, 0))
        return len(head) + total + (8 if is_open else 0)

    def _signedness(self, entries: Entries, above: bool, big: bool) -> bool:
        entry = entries.get(_PIXEL_REPRESENTATION)
        if entry is None or entry[2] != 2:
            return above
        raw = bytes(self._buffer[entry[1] : entry[1] + 2])
        return raw == (b"\0\1" if big else b"\1\0")
