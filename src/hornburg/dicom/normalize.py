"""The form in which texts are compared: without case, accents and outer spaces."""

from __future__ import annotations

import unicodedata

__all__ = ["normalize"]


def normalize(text: str) -> str:
    """Fold a value for searching.

    Letters that are another letter with an accent become that letter, in upper case; other
    scripts stay as they are. Leading and trailing spaces, and the padding NUL of UIDs (PS3.5
    6.2), are dropped.
    """
    text = text.strip(" \0\t\r\n")
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFD", text.upper())
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)
