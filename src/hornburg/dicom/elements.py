"""Data sets that we write ourselves: identifiers of queries, answers, worklists, commitments.

They are small, and plain dictionaries; files are never taken apart into them.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import NamedTuple

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.charsets import ORTHANC_ENCODINGS, Charset, charset_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.encode import EncodeError, value_bytes
from hornburg.dicom.inflate import inflate
from hornburg.dicom.limits import Limits
from hornburg.dicom.scan import scan
from hornburg.dicom.syntax import guess_encoding
from hornburg.dicom.vrs import CHARSET, LONG, TEXT, resolve

__all__ = [
    "CHARSET_TAG",
    "Elements",
    "Form",
    "Value",
    "decode",
    "deflated",
    "elements_of",
    "encode",
    "encode_in",
    "form_of",
]

CHARSET_TAG = 0x00080005
"""Specific Character Set."""

_IMPLICIT = "1.2.840.10008.1.2"
_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"

#: Sequences one inside another in what we write; no query, answer or worklist comes near.
_DEEPEST = 32

#: What a data set of a message may ask of its reader: a storage commitment of 50,000 instances.
_LIMITS = Limits(depth=_DEEPEST, elements=250_000, inflated=64 << 20, always_inflated=4 << 20)


class Value(NamedTuple):
    """The value of one element.

    ``content`` is text as DICOM has it, several values joined by a backslash, numbers in decimal
    digits, tags as ``gggg,eeee``; or bytes as they stand, numbers little endian; or the items of
    a sequence. The empty text is the empty value of any VR.
    """

    vr: str
    content: str | bytes | tuple[Elements, ...] = ""


Elements = dict[int, Value]
"""A data set: tag -> value, in any order."""


class _Heads(NamedTuple):
    short: Struct
    long: Struct
    implicit: Struct


def _heads(order: str) -> _Heads:
    return _Heads(Struct(order + "HH2sH"), Struct(order + "HH2s2xI"), Struct(order + "HHI"))


_LITTLE_HEADS, _BIG_HEADS = _heads("<"), _heads(">")


class Form(NamedTuple):
    """What a transfer syntax says of elements; ``deflates`` is for who joins them."""

    implicit: bool
    big: bool
    heads: _Heads
    deflates: bool


def form_of(transfer_syntax: str) -> Form:
    """The form of a transfer syntax; every one that is not known is explicit little endian."""
    big = transfer_syntax == _BIG
    heads = _BIG_HEADS if big else _LITTLE_HEADS
    return Form(transfer_syntax == _IMPLICIT, big, heads, transfer_syntax == _DEFLATED)


def encode(
    elements: Elements, *, transfer_syntax: str = _IMPLICIT, charset: str = "Latin1"
) -> bytes:
    """The bytes of a data set, sorted by tag, lengths defined, without group lengths.

    Args:
        transfer_syntax: implicit little, explicit big, or deflated explicit little endian; every
            other one is explicit little endian (PS3.5 annex A).
        charset: Orthanc's name of the encoding of texts. The data set's own Specific Character
            Set wins; it is added when there is none and a text needs it.

    Raises:
        EncodeError: a value that its VR can't hold, or sequences nested too deep.
    """
    if CHARSET_TAG not in elements and _needs_charset(elements, 0):
        term = ORTHANC_ENCODINGS.get(charset, "ISO_IR 100")
        elements = {**elements, CHARSET_TAG: Value("CS", term)}
    form = form_of(transfer_syntax)
    raw = encode_in(elements, form, charset_of("", charset))
    return deflated(raw) if form.deflates else raw


def deflated(raw: bytes) -> bytes:
    """A data set as a raw deflate stream of even length (PS3.5 section A.5)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    raw = deflater.compress(raw) + deflater.flush()
    return raw + b"\0" * (len(raw) & 1)


def encode_in(elements: Elements, form: Form, charset: Charset, depth: int = 0) -> bytes:
    """The bytes of elements, sorted by tag; their own Specific Character Set wins.

    Raises:
        EncodeError: as for :func:`encode`.
    """
    if depth > _DEEPEST:
        raise EncodeError(f"Sequences are nested deeper than {_DEEPEST}")
    own = elements.get(CHARSET_TAG)
    if own is not None and isinstance(own.content, str):
        charset = charset_of(own.content, "Ascii")
    implicit, big, heads, _deflates = form
    pieces: list[bytes] = []
    append = pieces.append
    for tag in sorted(elements):
        vr, content = elements[tag]
        group, element = tag >> 16, tag & 0xFFFF
        if element == 0:
            continue
        if group == 0xFFFE:
            raise EncodeError(f"({group:04x},{element:04x}) is no element")
        if vr == "SQ":
            raw = _items(content, form, charset, depth)
        else:
            vr = resolve(vr, False)
            if isinstance(content, tuple):
                raise EncodeError(f"({group:04x},{element:04x}) of VR {vr} can't have items")
            raw = value_bytes(vr, content, charset, big)
        if implicit:
            append(heads.implicit.pack(group, element, len(raw)))
        elif vr in LONG:
            append(heads.long.pack(group, element, vr.encode(), len(raw)))
        elif len(raw) > 0xFFFF:
            # PS3.5 6.2.2: a value too long for its VR is of VR UN.
            append(heads.long.pack(group, element, b"UN", len(raw)))
        else:
            append(heads.short.pack(group, element, vr.encode(), len(raw)))
        append(raw)
    return b"".join(pieces)


def _items(
    content: str | bytes | tuple[Elements, ...], form: Form, charset: Charset, depth: int
) -> bytes:
    if not isinstance(content, tuple):
        if content:
            raise EncodeError("A sequence has items, and neither text nor bytes")
        return b""
    pieces = []
    for item in content:
        raw = encode_in(item, form, charset, depth + 1)
        pieces.append(form.heads.implicit.pack(0xFFFE, 0xE000, len(raw)))
        pieces.append(raw)
    return b"".join(pieces)


def _needs_charset(elements: Elements, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    for vr, content in elements.values():
        if isinstance(content, tuple):
            if any(_needs_charset(item, depth + 1) for item in content):
                return True
        elif vr in CHARSET and not content.isascii():
            return True
    return False


def decode(
    buffer: Buffer,
    transfer_syntax: str = _IMPLICIT,
    *,
    default_charset: str = "Latin1",
    dictionary: Dictionary = DEFAULT,
    limits: Limits = _LIMITS,
) -> DataSet:
    """Read the data set of a message, which has neither preamble nor meta header.

    Raises:
        DicomFormatError: the bytes make no sense, end too early, or pass a limit.
    """
    encoding = guess_encoding(buffer, 0, len(buffer), transfer_syntax, True)
    if encoding.deflated:
        buffer = inflate(buffer, 0, limits)
        encoding = guess_encoding(buffer, 0, len(buffer), transfer_syntax, True, inflated=True)
    entries = scan(
        buffer,
        0,
        len(buffer),
        implicit=encoding.implicit,
        big=encoding.big,
        dictionary=dictionary,
        limits=limits,
    )
    return DataSet(
        buffer,
        entries,
        charset=charset_of("", default_charset),
        dictionary=dictionary,
        big=encoding.big,
        default_charset=default_charset,
    )


def elements_of(dataset: DataSet) -> Elements:
    """A data set that was read, as one that can be changed and written.

    Texts become text, so they may be written in another character set; all else stays bytes.
    """
    elements: Elements = {}
    for element in dataset:
        vr = element.vr
        if element.is_sequence:
            elements[element.tag] = Value("SQ", tuple(elements_of(item) for item in element.items))
        elif vr in TEXT:
            elements[element.tag] = Value(vr, element.text or "")
        elif element.encapsulated:
            raise EncodeError("Encapsulated values are no part of a small data set")
        else:
            elements[element.tag] = Value(
                vr, value_bytes(vr, element.raw, dataset.charset, dataset.big)
            )
    return elements
