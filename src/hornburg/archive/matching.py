"""What a query's text asks of a tag (PS3.4 C.2.2.2), and whether a value answers to it.

The same rules hold for the tags that the index compares and for those that are read from files:
:meth:`Criterion.condition` is for the former, :meth:`Criterion.accepts` for the latter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hornburg.dicom.levels import Level
from hornburg.dicom.vrs import BINARY, FORMATS, UNSPLIT
from hornburg.errors import BadRequestError, ParameterOutOfRangeError
from hornburg.index.base import Condition, Match
from hornburg.index.text import clean, fold

__all__ = ["MOST_CHARACTERS", "Criterion", "criterion", "glob_matches", "split_range"]

#: A list of UIDs in one query; C-FIND and QIDO bound their messages further.
MOST_CHARACTERS = 1 << 20

#: PS3.4 C.2.2.2.5: only these are compared as ranges.
_RANGES = frozenset(("DA", "TM", "DT"))

#: PS3.4 C.2.2.2.4: wildcards are for texts, and numbers are none even where they are written so.
_NO_WILDCARDS = _RANGES | BINARY - {"UN"} | {"AS", "AT", "DS", "IS", "UI", *FORMATS}

#: PS3.5 table 6.2-1, DT: the offset from UTC is from -1200 to +1400.
_DATE_TIME = re.compile(r"[0-9.]{4,21}(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9])?")


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is asked of one tag; ``values`` as in :class:`~hornburg.index.base.Condition`.

    ``splits`` tells that a backslash in a value of this tag separates several of them, any of
    which may answer.
    """

    match: Match
    values: tuple[str, ...]
    case_sensitive: bool = False
    splits: bool = True

    def condition(self, level: Level, name: str) -> Condition:
        """The same for a main tag, for the index to compare."""
        return Condition(level, name, self.match, self.values, self.case_sensitive)

    def accepts(self, value: str) -> bool:
        """Whether a value answers."""
        if self._accepts_one(value):
            return True
        return self.splits and "\\" in value and any(map(self._accepts_one, value.split("\\")))

    def _accepts_one(self, value: str) -> bool:
        prepare = clean if self.case_sensitive else fold
        value, wanted = prepare(value), [prepare(text) for text in self.values]
        if self.match is Match.RANGE:
            # As in the index: an empty value lies in no range, and an end such as 2020 holds
            # what only says it more precisely.
            low, high = wanted
            return (low or "!") <= value <= f"{high}~"
        if self.match is Match.WILDCARD:
            return any(glob_matches(pattern, value) for pattern in wanted)
        return value in wanted


def criterion(
    name: str, vr: str, text: str, *, case_sensitive: bool = False, tag: str = ""
) -> Criterion | None:
    """Read what a query asks of a tag; none is universal matching (PS3.4 C.2.2.2.3).

    Args:
        name: how the caller wrote the tag, for errors.
        vr: the VR of the tag.
        text: one value, a list with backslashes, a pattern, or a range of dates or times.
        case_sensitive: whether letters must have the same case and accents; dates, times, UIDs
            and numbers have none.
        tag: ``gggg,eeee``, for errors.

    Raises:
        ParameterOutOfRangeError: wildcards, or a range that is none, where they can't be.
        BadRequestError: a value for a tag that can't be compared, or one that is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadRequestError(f"{name}: {len(text)} characters, at most {MOST_CHARACTERS} allowed")
    text = text.strip(" \0\t\r\n")
    if not text:
        return None
    if vr == "SQ" or (vr in BINARY and vr != "UN"):
        raise BadRequestError(f"{name}: a tag of VR {vr} can only be asked with an empty value")
    splits = vr not in UNSPLIT
    values = tuple(part for part in text.split("\\") if part) if splits else (text,)
    if not values:
        return None
    if vr in _NO_WILDCARDS and ("*" in text or "?" in text):
        raise ParameterOutOfRangeError(f"Wildcards are not allowed on tag {tag or name}")
    if vr in _RANGES and len(values) == 1:
        ends = split_range(name, vr, text)
        if ends == ("", ""):
            return None
        if ends is not None:
            return Criterion(Match.RANGE, ends, False, splits)
    exact = case_sensitive and vr not in _NO_WILDCARDS
    if "*" in text or "?" in text:
        patterns = tuple(re.sub(r"\*{2,}", "*", value) for value in values)
        return Criterion(Match.WILDCARD, patterns, exact, splits)
    return Criterion(Match.EQUAL if len(values) == 1 else Match.LIST, values, exact, splits)


def split_range(name: str, vr: str, text: str) -> tuple[str, str] | None:
    """The ends of ``a-b``, ``a-`` or ``-b``; none when the text is a single value.

    Raises:
        ParameterOutOfRangeError: it has too many ``-``.
    """
    if "-" not in text or (vr == "DT" and _DATE_TIME.fullmatch(text)):
        return None
    for at, letter in enumerate(text):
        if letter != "-":
            continue
        low, high = text[:at], text[at + 1 :]
        if vr == "DT" and (_is_end(low) and _is_end(high)):
            return low, high
        if vr != "DT" and "-" not in high:
            return low.strip(), high.strip()
        if vr != "DT":
            break
    raise ParameterOutOfRangeError(
        f"{name}: {text[:64]!r} is neither a value of VR {vr} nor a range such as a-b, a- or -b"
    )


def _is_end(text: str) -> bool:
    return not text or _DATE_TIME.fullmatch(text) is not None


def glob_matches(pattern: str, value: str) -> bool:
    """Match ``*`` (any characters) and ``?`` (one); the time is bounded by the product of lengths.

    Each piece between stars is taken at the first place where it fits, which is enough.
    """
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return len(value) == len(pattern) and _fits(pattern, value, 0)
    first, last = pieces[0], pieces[-1]
    end = len(value) - len(last)
    if end < len(first) or not _fits(first, value, 0) or not _fits(last, value, end):
        return False
    at = len(first)
    for piece in pieces[1:-1]:
        found = _first_fit(piece, value, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _fits(piece: str, value: str, at: int) -> bool:
    return all(letter in ("?", value[at + place]) for place, letter in enumerate(piece))


def _first_fit(piece: str, value: str, start: int, end: int) -> int:
    if "?" not in piece:
        return value.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((at for at in places if _fits(piece, value, at)), -1)
