"""Data sets that differ in some texts alone, such as the answers to one query.

All that is the same in each is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

from hornburg.dicom.charsets import charset_of
from hornburg.dicom.elements import (
    CHARSET_TAG,
    Elements,
    Form,
    Value,
    deflated,
    encode_in,
    form_of,
)
from hornburg.dicom.encode import value_bytes
from hornburg.dicom.vrs import BINARY, FORMATS, LONG, resolve

__all__ = ["Prepared"]

_LONGEST_SHORT = 0xFFFF
_LONGEST = 0xFFFFFFFF


class _Row(NamedTuple):
    """A text that changes, and all that stands between the last one and its length."""

    empty: bytes
    start: bytes
    length: Callable[[int], bytes]
    longest: int
    vr: str
    #: Whether its bytes are its characters, where these are ASCII.
    plain: bool
    pad: bytes
    tag: int
    before: bytes


class Prepared:
    """Makes data sets of texts.

    Args:
        fixed: what is the same in all of them.
        changing: tag and VR of what is not, whatever ``fixed`` has there; in the order in which
            the texts will come.
        transfer_syntax: as for :func:`hornburg.dicom.elements.encode`.
        term: their Specific Character Set.

    Raises:
        EncodeError: ``fixed`` has a value that its VR can't hold.
    """

    __slots__ = ("_charset", "_end", "_form", "_order", "_rows")

    def __init__(
        self,
        fixed: Elements,
        changing: Sequence[tuple[int, str]],
        *,
        transfer_syntax: str,
        term: str,
    ) -> None:
        self._form = form_of(transfer_syntax)
        self._charset = charset_of(term, "Ascii")
        waiting = {**fixed, CHARSET_TAG: Value("CS", term)}
        for tag, _vr in changing:
            waiting.pop(tag, None)
        order = sorted(range(len(changing)), key=lambda at: changing[at][0])
        self._order = None if order == list(range(len(order))) else order
        self._rows = []
        for at in order:
            tag, vr = changing[at]
            before = {one: waiting.pop(one) for one in list(waiting) if one < tag}
            self._rows.append(self._row(tag, vr, self._fixed(before)))
        self._end = self._fixed(waiting)

    def encoded(self, texts: Sequence[str]) -> bytes:
        """A data set.

        Raises:
            EncodeError: a text that its VR can't hold.
        """
        order, charset, big = self._order, self._charset, self._form.big
        if order is not None:
            texts = [texts[at] for at in order]
        pieces: list[bytes] = []
        append = pieces.append
        for row, text in zip(self._rows, texts, strict=True):
            empty, start, length, longest, vr, plain, pad, tag, before = row
            if not text:
                append(empty)
                continue
            if plain and text.isascii():
                raw = text.encode("ascii")
                if len(raw) & 1:
                    raw += pad
            else:
                raw = value_bytes(vr, text, charset, big)
            if len(raw) > longest:
                # PS3.5 6.2.2: a value too long for its VR is of VR UN.
                head = self._form.heads.long.pack(tag >> 16, tag & 0xFFFF, b"UN", len(raw))
                append(before + head)
            else:
                append(start)
                append(length(len(raw)))
            append(raw)
        append(self._end)
        joined = b"".join(pieces)
        return deflated(joined) if self._form.deflates else joined

    def _fixed(self, elements: Elements) -> bytes:
        return encode_in(elements, self._form, self._charset) if elements else b""

    def _row(self, tag: int, vr: str, before: bytes) -> _Row:
        vr = resolve(vr, False)
        head, length, longest = _head(self._form, tag, vr)
        plain = vr not in FORMATS and vr not in BINARY and vr != "AT"
        pad = b"\0" if vr == "UI" else b" "
        start = before + head
        return _Row(start + length(0), start, length, longest, vr, plain, pad, tag, before)


def _head(form: Form, tag: int, vr: str) -> tuple[bytes, Callable[[int], bytes], int]:
    """What stands before a length, what makes the bytes of one, and the longest."""
    order = ">" if form.big else "<"
    numbers = Struct(order + "HH").pack(tag >> 16, tag & 0xFFFF)
    if form.implicit:
        return numbers, Struct(order + "I").pack, _LONGEST
    if vr in LONG:
        return numbers + vr.encode() + b"\0\0", Struct(order + "I").pack, _LONGEST
    return numbers + vr.encode(), Struct(order + "H").pack, _LONGEST_SHORT
