"""Patterns with ``*`` and ``?``, compared in a time that no pattern can stretch."""

from __future__ import annotations

__all__ = ["matches"]


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is the whole ``text``; ``*`` stands for any characters, ``?`` for one.

    At most ``len(pattern) * len(text)`` steps, where a regular expression may need far more.
    """
    at = place = star = mark = 0
    starred = False
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            starred, star, mark = True, at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at += 1
            place += 1
        elif starred:
            # The last star takes one character more.
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[at:])
