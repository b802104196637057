"""Text to bytes in a Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 section 6.1.2.5).

Encoding never fails: characters that the character set lacks become question marks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hornburg.dicom.charsets import Charset

__all__ = ["encode_text"]


class _Set(NamedTuple):
    """A repertoire: its codec, its escape sequence, and in which half of the bytes it lies."""

    codec: str
    escape: bytes
    high: bool = True


# PS3.3 tables C.12-3 and C.12-4, by the number of the ISO registry.
_SETS = {
    "13": _Set("shift_jis", b"\x1b)I"),
    "58": _Set("gb2312", b"\x1b$)A"),
    "87": _Set("iso2022_jp", b"\x1b$B", high=False),
    "100": _Set("latin-1", b"\x1b-A"),
    "101": _Set("iso8859-2", b"\x1b-B"),
    "109": _Set("iso8859-3", b"\x1b-C"),
    "110": _Set("iso8859-4", b"\x1b-D"),
    "126": _Set("iso8859-7", b"\x1b-F"),
    "127": _Set("iso8859-6", b"\x1b-G"),
    "138": _Set("iso8859-8", b"\x1b-H"),
    "144": _Set("iso8859-5", b"\x1b-L"),
    "148": _Set("iso8859-9", b"\x1b-M"),
    "149": _Set("euc_kr", b"\x1b$)C"),
    "159": _Set("iso2022_jp_2", b"\x1b$(D", high=False),
    "166": _Set("tis-620", b"\x1b-T"),
    "203": _Set("iso8859-15", b"\x1b-b"),
}
_NEVER_FIRST = frozenset(("58", "87", "149", "159"))
"""Repertoires that are announced by their escape sequence, wherever they are named."""

_NUMBER = re.compile(r"ISO[_ ](?:2022[ _])?(?:IR[ _])?(\d{1,3})", re.IGNORECASE)
_TO_ASCII = b"\x1b(B"
_RESETS = frozenset("\\\t\n\f\r")
_RESETS_PN = frozenset("\\^=\t\n\f\r")


def encode_text(text: str, charset: Charset, vr: str = "LO") -> bytes:
    """The bytes of a text, several values joined by a backslash, without padding."""
    if text.isascii():
        return text.encode("ascii")
    if not charset.extended:
        return text.encode(charset.codec, "replace")
    numbers = [_number(term) for term in charset.terms]
    known = [number for number in numbers if number in _SETS]
    if not known:
        # ISO_IR 6, or nothing that is known: only ASCII means the same to everybody.
        return text.encode("ascii", "replace")
    if len(known) == 1 and known[0] == numbers[0] and known[0] not in _NEVER_FIRST:
        only = _SETS[known[0]]
        if only.codec.startswith(("latin", "iso8859")):
            return text.encode(only.codec, "replace")
        return b"".join([_in_set(letter, only) or b"?" for letter in text])
    first = None if numbers[0] in _NEVER_FIRST else _SETS.get(numbers[0])
    return _encode_extended(
        text,
        first,
        [_SETS[number] for number in known],
        _RESETS_PN if vr == "PN" else _RESETS,
    )


def _encode_extended(
    text: str, first: _Set | None, sets: list[_Set], resets: frozenset[str]
) -> bytes:
    # PS3.5 6.1.2.5.3: the sets of the beginning must be active before each delimiter and at the
    # end. Not all readers know that a delimiter brings them back, so the escape sequence is written.
    out = bytearray()
    low: _Set | None = None
    high = first
    for letter in text:
        found = None if letter < "\x80" else _find(letter, sets)
        if low is not None and (found is None or found[0] is not low):
            out += _TO_ASCII
            low = None
        if found is None:
            if letter in resets and high is not first:
                out += first.escape if first is not None else b""
                high = first
            out += letter.encode("ascii", "replace")
            continue
        wanted, raw = found
        if wanted.high and high is not wanted:
            out += wanted.escape
            high = wanted
        elif not wanted.high and low is not wanted:
            out += wanted.escape
            low = wanted
        out += raw
    if low is not None:
        out += _TO_ASCII
    if first is not None and high is not first:
        out += first.escape
    return bytes(out)


def _find(letter: str, sets: list[_Set]) -> tuple[_Set, bytes] | None:
    for one in sets:
        raw = _in_set(letter, one)
        if raw:
            return one, raw
    return None


def _in_set(letter: str, one: _Set) -> bytes:
    """The bytes of a character in one repertoire, empty when it isn't there."""
    if letter < "\x80":
        return letter.encode("ascii")
    try:
        raw = letter.encode(one.codec)
    except UnicodeEncodeError:
        return b""
    if not one.high:
        # Python's codec writes the escape sequences itself, round each character.
        if not raw.startswith(one.escape):
            return b""
        return raw[len(one.escape) :].removesuffix(_TO_ASCII)
    if one.codec == "shift_jis":
        # Only the half-width katakana of it are JIS X 0201.
        return raw if len(raw) == 1 and raw[0] >= 0x80 else b""
    return raw if raw[0] >= 0x80 else b""


def _number(term: str) -> str:
    found = _NUMBER.fullmatch(term)
    return found[1] if found is not None else ""
