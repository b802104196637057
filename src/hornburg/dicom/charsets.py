"""Specific Character Set: bytes to text (PS3.3 C.12.1.1.2, PS3.5 section 6.1).

Decoding never fails: bytes that mean nothing in their character set become U+FFFD.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ORTHANC_ENCODINGS", "Charset", "charset_of"]

ORTHANC_ENCODINGS = {
    "Ascii": "ISO_IR 6",
    "Utf8": "ISO_IR 192",
    "Latin1": "ISO_IR 100",
    "Latin2": "ISO_IR 101",
    "Latin3": "ISO_IR 109",
    "Latin4": "ISO_IR 110",
    "Latin5": "ISO_IR 148",
    "Cyrillic": "ISO_IR 144",
    "Windows1251": "WINDOWS-1251",
    "Arabic": "ISO_IR 127",
    "Greek": "ISO_IR 126",
    "Hebrew": "ISO_IR 138",
    "Thai": "ISO_IR 166",
    "Japanese": "ISO_IR 13",
    "Chinese": "GB18030",
    "JapaneseKanji": "ISO 2022 IR 87",
    "Korean": "ISO 2022 IR 149",
    "SimplifiedChinese": "ISO 2022 IR 58",
}
"""Orthanc's names (option ``DefaultEncoding``), and the defined term of each."""

_SINGLE = {
    "": "latin-1",
    "6": "latin-1",
    "13": "shift_jis",
    "100": "latin-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "126": "iso8859-7",
    "127": "iso8859-6",
    "138": "iso8859-8",
    "144": "iso8859-5",
    "148": "iso8859-9",
    "166": "tis-620",
    "203": "iso8859-15",
}
"""Python's codec for both halves of the single-byte repertoires (PS3.3 table C.12-2)."""

_MULTI = {"58": "gb2312", "87": "iso2022_jp", "149": "euc_kr", "159": "iso2022_jp_2"}
"""The repertoires that need an escape sequence (PS3.3 table C.12-4)."""

_ALONE = {
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 GBK": "gbk",
    "ISO 2022 58": "gb2312",
    "WINDOWS-1251": "cp1251",
}
"""Complete encodings, without code extensions (PS3.3 table C.12-5)."""


class _Set(NamedTuple):
    """What an escape sequence designates: half 0 or 1, codec, and the prefix that it needs."""

    half: int
    codec: str
    prefix: bytes = b""


# PS3.3 tables C.12-3 and C.12-4.
_ESCAPES = {
    b"\x1b(B": _Set(0, "ascii"),
    b"\x1b(J": _Set(0, "shift_jis"),
    b"\x1b)I": _Set(1, "shift_jis"),
    b"\x1b-A": _Set(1, "latin-1"),
    b"\x1b-B": _Set(1, "iso8859-2"),
    b"\x1b-C": _Set(1, "iso8859-3"),
    b"\x1b-D": _Set(1, "iso8859-4"),
    b"\x1b-F": _Set(1, "iso8859-7"),
    b"\x1b-G": _Set(1, "iso8859-6"),
    b"\x1b-H": _Set(1, "iso8859-8"),
    b"\x1b-L": _Set(1, "iso8859-5"),
    b"\x1b-M": _Set(1, "iso8859-9"),
    b"\x1b-T": _Set(1, "tis-620"),
    b"\x1b-b": _Set(1, "iso8859-15"),
    b"\x1b$B": _Set(0, "iso2022_jp", b"\x1b$B"),
    b"\x1b$@": _Set(0, "iso2022_jp", b"\x1b$@"),
    b"\x1b$(D": _Set(0, "iso2022_jp_2", b"\x1b$(D"),
    b"\x1b$)C": _Set(1, "euc_kr"),
    b"\x1b$)A": _Set(1, "gb2312"),
}

_TOKEN = re.compile(
    rb"(?P<escape>\x1b(?:\$[()][A-D]|[$()\-.][@-Za-z]))|(?P<low>[\x21-\x7e]+)|(?P<high>[\x80-\xff]+)"
    rb"|(?P<other>[\x00-\x20\x7f])",
)
_TERM = re.compile(r"ISO[_ ](?:2022[ _])?(?:IR[ _])?(\d{1,3})")


class Charset:
    """The meaning of the bytes of a data set. Make it with :func:`charset_of`."""

    __slots__ = ("codec", "extended", "terms")

    def __init__(self, terms: tuple[str, ...], codec: str, extended: bool) -> None:
        self.terms = terms
        self.codec = codec
        self.extended = extended

    def decode(self, raw: bytes, vr: str = "LO") -> str:
        """The text of a value. Escape sequences and encodings hold as PS3.5 6.1.2.5 says."""
        if b"\x1b" in raw and self.extended:
            return _decode_extended(raw, self.codec, _RESETS_PN if vr == "PN" else _RESETS)
        if raw.isascii():
            return raw.decode("ascii")
        return raw.decode(self.codec, "replace")


_RESETS = frozenset(b"\\")
_RESETS_PN = frozenset(b"\\^=")


def _decode_extended(raw: bytes, first: str, resets: frozenset[int]) -> str:
    # PS3.5 6.1.2.5.3: the sets active at the beginning come back at the end of a line, a page,
    # a value, and for names at the end of each component and component group.
    initial = (_Set(0, first if first == "shift_jis" else "ascii"), _Set(1, first))
    g0, g1 = initial
    parts = []
    for token in _TOKEN.finditer(raw):
        kind, piece = token.lastgroup, token[0]
        if kind == "low":
            if g0.prefix:
                parts.append((g0.prefix + piece + b"\x1b(B").decode(g0.codec, "replace"))
            else:
                parts.append(piece.decode("ascii"))
                if not resets.isdisjoint(piece):
                    g0, g1 = initial
        elif kind == "high":
            parts.append(piece.decode(g1.codec, "replace"))
        elif kind == "escape":
            designated = _ESCAPES.get(piece)
            if designated is None:
                parts.append("\ufffd")
            elif designated.half:
                g1 = designated
                if g0.prefix:
                    # PS3.5 6.1.2.5.3 wants ESC ( B before a delimiter; pydicom, for one, writes
                    # only the escape sequence of the other half.
                    g0 = initial[0]
            else:
                g0 = designated
        else:
            parts.append(piece.decode("ascii"))
            if piece in b"\t\n\f\r":
                g0, g1 = initial
    return "".join(parts)


@lru_cache(maxsize=256)
def charset_of(text: str, default: str = "Latin1") -> Charset:
    """The character set that a value of (0008,0005) names, in text with backslashes.

    ``default`` is Orthanc's name of what holds when the value is empty or names nothing known.
    """
    terms = tuple(term.strip(" \0") for term in text.split("\\"))
    codecs = [found for found in map(_codec, terms) if found is not None]
    fallback = ORTHANC_ENCODINGS.get(default, "ISO_IR 100")
    if not any(terms) or not codecs:
        return Charset(terms, _codec(fallback) or "latin-1", extended=True)
    first = _codec(terms[0])
    return Charset(terms, first or codecs[0], extended=first not in _ALONE.values())


def _codec(term: str) -> str | None:
    term = term.upper()
    alone = _ALONE.get(term) or _ALONE.get(term.replace(" ", "_", 1))
    if alone is not None:
        return alone
    found = _TERM.fullmatch(term)
    number = found[1] if found is not None else ("" if term == "" else None)
    if number is None:
        return None
    if number == "192":
        return "utf-8"
    if number in ("58", "149"):
        return _MULTI[number]
    # Without an escape sequence these hold ASCII only; Shift JIS is what careless writers mean.
    return "shift_jis" if number in ("87", "159") else _SINGLE.get(number)
