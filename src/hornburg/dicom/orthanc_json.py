"""Orthanc's JSON of a data set, in its three forms: ``full``, ``short`` and ``simplify``.

The forms are those of ``/instances/{id}/tags`` with and without ``?short``, and of
``/instances/{id}/simplified-tags``. The walk is iterative and writes one flat list of pieces, so
that neither depth nor copying grows with the nesting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from hornburg.dicom.dataset import DataSet
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.scan import Entry
from hornburg.dicom.values import plain_text
from hornburg.dicom.vrs import BINARY, TEXT, resolve

__all__ = ["Form", "encode", "encode_header", "encode_items"]

Form = Literal["full", "short", "simplify"]

_quote = msgspec.json.Encoder().encode
_PIXEL_DATA = 0x7FE00010
_NOTHING: frozenset[int] = frozenset()
_SLACK = 4096


def encode(
    source: DicomFile | DataSet,
    form: Form = "full",
    *,
    ignore_length: Collection[int] = _NOTHING,
    max_length: int = 256,
    only: Collection[int] | None = None,
) -> bytes:
    """The JSON of a data set, without the meta header.

    Args:
        ignore_length: tags that are never ``TooLong``.
        max_length: the longest value that is shown, in bytes of UTF-8; 0 is no limit.
        only: when given, the tags of the outermost data set that are wanted.
    """
    dataset = source.dataset if isinstance(source, DicomFile) else source
    rows: Iterable[tuple[int, Entry]] = dataset.entries.items()
    if only is not None:
        keep = frozenset(only)
        rows = [row for row in rows if row[0] in keep]
    elif dataset.entries and next(reversed(dataset.entries)) > _PIXEL_DATA:
        # Orthanc shows nothing of what follows the pixel data, whether there is any or not.
        rows = [row for row in rows if row[0] <= _PIXEL_DATA]
    return _write(dataset, iter(rows), form, frozenset(ignore_length), max_length)


def encode_header(file: DicomFile, form: Form = "full") -> bytes:
    """The JSON of the meta header, as of ``/instances/{id}/header``: the values that have text."""
    only = [tag for tag, entry in file.meta.entries.items() if entry[0] not in ("OB", "UN")]
    return encode(file.meta, form, only=only)


def encode_items(dataset: DataSet, tag: int) -> bytes:
    """The items of a sequence as a JSON array in the form ``simplify``, without TooLong values."""
    whole = encode(dataset, "simplify", max_length=0, only=(tag,))
    head = _heads("simplify", dataset.dictionary, tag, dataset.creator(tag)).value
    return whole[len(head) : -1]


class _Heads(NamedTuple):
    """What is written before a text, instead of nothing, instead of too much, before items."""

    value: bytes
    null: bytes
    too_long: bytes
    items: bytes


@lru_cache(maxsize=16384)
def _heads(form: Form, dictionary: Dictionary, tag: int, creator: str) -> _Heads:
    name = _quote(dictionary.keyword(tag, creator))
    if form == "simplify":
        key = b"," + name + b":"
        return _Heads(key, key + b"null", key + b"null", key + b"[")
    key = f',"{tag >> 16:04x},{tag & 0xFFFF:04x}":'.encode()
    if form == "short":
        return _Heads(key, key + b"null", key + b"null", key + b"[")
    key += b'{"Name":' + name
    sequence = key + b',"Type":"Sequence","Value":['
    if creator:
        # Orthanc gives it for values, never for sequences.
        key += b',"PrivateCreator":' + _quote(creator)
    key += b',"Type":'
    return _Heads(
        key + b'"String","Value":',
        key + b'"Null","Value":null}',
        key + b'"TooLong","Value":null}',
        sequence,
    )


def cache_size() -> int:
    """How many heads are kept; private creators make them, so their number is bounded."""
    return _heads.cache_info().currsize


class _Frame:
    """A data set that is being written; ``start`` is the place of its first member."""

    __slots__ = ("dataset", "names", "pending", "rows", "siblings", "start")

    def __init__(
        self,
        dataset: DataSet,
        rows: Iterator[tuple[int, Entry]],
        siblings: Iterator[DataSet],
        start: int,
    ) -> None:
        self.dataset = dataset
        self.rows = rows
        self.siblings = siblings
        self.start = start
        # For simplify: where each member is written, by name, and the one that is under way.
        self.names: dict[bytes, tuple[int, int]] = {}
        self.pending: tuple[bytes, int] | None = None


def _write(
    root: DataSet,
    rows: Iterator[tuple[int, Entry]],
    form: Form,
    ignore_length: frozenset[int],
    max_length: int,
) -> bytes:
    tail = b"}" if form == "full" else b""
    simplify = form == "simplify"
    # A text of this many bytes can't be too long: each gives at most three bytes of UTF-8.
    short = max_length // 3 if max_length else 256
    pieces = [b"{"]
    append = pieces.append
    stack = [_Frame(root, rows, iter(()), 1)]
    while stack:
        frame = stack[-1]
        dataset = frame.dataset
        dictionary, buffer, charset = dataset.dictionary, dataset.buffer, dataset.charset
        if frame.pending is not None:
            _place(pieces, frame.names, *frame.pending)
            frame.pending = None
        for tag, entry in frame.rows:
            creator = dataset.creator(tag) if tag & 0x10000 else ""
            head = _heads(form, dictionary, tag, creator)
            if entry[3] is not None:
                siblings = dataset.children(entry)
                first = next(siblings, None)
                if simplify:
                    frame.pending = (head.value, len(pieces))
                if first is not None:
                    append(head.items + b"{")
                    stack.append(_Frame(first, iter(first.entries.items()), siblings, len(pieces)))
                    break
                append(head.items + b"]" + tail)
            elif entry[0] in TEXT and 0 <= entry[2] <= short:
                raw = bytes(buffer[entry[1] : entry[1] + entry[2]])
                append(head.value + _quote(plain_text(raw, entry[0], charset)) + tail)
            else:
                limit = 0 if tag in ignore_length else max_length
                shown = _shown(dataset, tag, entry, limit)
                if shown is None:
                    append(head.null)
                elif shown == b"":
                    append(head.too_long)
                else:
                    append(head.value + shown + tail)
            if simplify:
                _place(pieces, frame.names, head.value, len(pieces) - 1)
                frame.pending = None
        else:
            stack.pop()
            _drop_comma(pieces, frame.start)
            sibling = next(frame.siblings, None)
            if sibling is not None:
                append(b"},{")
                stack.append(
                    _Frame(sibling, iter(sibling.entries.items()), frame.siblings, len(pieces))
                )
            elif stack:
                append(b"}]" + tail)
    append(b"}")
    return b"".join(pieces)


def _place(
    pieces: list[bytes], names: dict[bytes, tuple[int, int]], name: bytes, begin: int
) -> None:
    """Note where a member is; of two with one name the later stays, as Orthanc has it."""
    before = names.get(name)
    if before is not None:
        first, end = before
        pieces[first:end] = [b""] * (end - first)
    names[name] = (begin, len(pieces))


def _drop_comma(pieces: list[bytes], start: int) -> None:
    for place in range(start, len(pieces)):
        if pieces[place]:
            pieces[place] = pieces[place][1:]
            return


def _shown(dataset: DataSet, tag: int, entry: Entry, limit: int) -> bytes | None:
    """The value as a JSON string, none when it has no text, and no bytes when it is too long."""
    if limit and entry[2] > 4 * limit + _SLACK:
        # Far too long to be copied; binary numbers of that size have a longer text still.
        return None if resolve(entry[0], dataset.signed) in BINARY else b""
    found = dataset.show(tag, entry)
    if found is None:
        return None
    if limit and len(found) * 4 > limit and len(found.encode()) > limit:
        return b""
    return _quote(found)
