"""Texts on their way into SQLite: valid, bounded, folded for searching; and its wildcards."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hornburg.dicom.normalize import normalize
from hornburg.errors import ParameterOutOfRangeError

__all__ = [
    "FOLDED_LENGTH",
    "after_prefix",
    "clean",
    "fold",
    "fold_pattern",
    "glob",
    "json_list",
    "literal_prefix",
]

#: Searches look at the first so many characters of a value. A name has at most 3 x 64 (PS3.5
#: table 6.2-1, PN); an index over longer texts would only make every page of it hold fewer.
FOLDED_LENGTH = 256

#: SQLite refuses patterns above 50,000 bytes (https://www.sqlite.org/limits.html); no value that
#: is compared is that long.
_LONGEST_PATTERN = 4096

_REPLACEMENT = "�"


def clean(text: str) -> str:
    """A text that SQLite can hold and read whole.

    Halves of surrogate pairs, for which UTF-8 has no form, are joined or replaced by U+FFFD, and
    so is NUL, at which SQLite's functions stop (https://www.sqlite.org/nulinstr.html).
    """
    text = text.replace("\0", _REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def json_list(texts: Iterable[str]) -> str:
    """Texts as the one value that ``json_each`` takes apart."""
    return msgspec.json.encode([clean(text) for text in texts]).decode()


def fold(text: str) -> str:
    """The form in which a value is stored for searching, and that what is looked for takes too.

    Without case, accents and outer spaces, and cut to :data:`FOLDED_LENGTH` characters, so that two values which begin with the
    same 256 characters are the same to a search.
    """
    # Accents and spaces may still go, so not yet to the very length.
    return fold_pattern(text[: 4 * FOLDED_LENGTH])[:FOLDED_LENGTH].rstrip(" \t\r\n")


def fold_pattern(text: str) -> str:
    """The same, not cut: the end of a pattern says as much as its beginning."""
    return normalize(clean(text.strip("\0")))


def glob(pattern: str) -> str:
    """A pattern of PS3.4 C.2.2.2.4 as one of SQLite's GLOB, whose "[" is escaped.

    Raises:
        ParameterOutOfRangeError: it is too long.
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise ParameterOutOfRangeError(
            f"A search pattern has {len(pattern)} characters, at most {_LONGEST_PATTERN} are allowed"
        )
    return clean(pattern).replace("[", "[[]")


def literal_prefix(pattern: str) -> str:
    """What stands before the first wildcard."""
    for at, letter in enumerate(pattern):
        if letter in "*?":
            return pattern[:at]
    return pattern


def after_prefix(prefix: str) -> str | None:
    """The least text above all that begin with ``prefix``, in the order of code points."""
    while prefix:
        last = ord(prefix[-1]) + 1
        if 0xD800 <= last <= 0xDFFF:
            last = 0xE000
        if last <= 0x10FFFF:
            return prefix[:-1] + chr(last)
        prefix = prefix[:-1]
    return None
