"""Any bytes as text, and back: values of metadata are bytes to clients and text to the index.

UTF-8 stays what it is, but for NUL, which databases don't keep. NUL, and bytes that are no part
of UTF-8, become characters of the last private use area: U+10FF00, and U+10FF80 to U+10FFFF.
Those characters themselves are written byte by byte, so that there is one way back.
"""

from __future__ import annotations

import re

__all__ = ["from_text", "to_text"]

_BASE = 0x10FF00
_ESCAPED = re.compile("[\U0010ff00\U0010ff80-\U0010ffff]")
_NUL = chr(_BASE)
_SURROGATE = re.compile("[\udc80-\udcff]")
_SURROGATE_BASE = 0xDC00


def to_text(content: bytes) -> str:
    """The text that stands for these bytes."""
    text = content.decode("utf-8", "surrogateescape")
    if not text.isascii():
        text = _ESCAPED.sub(lambda found: _each(found[0].encode()), text)
        text = _SURROGATE.sub(lambda found: chr(ord(found[0]) - _SURROGATE_BASE + _BASE), text)
    return text.replace("\0", _NUL)


def _each(content: bytes) -> str:
    return "".join(chr(_BASE + byte) for byte in content)


def from_text(text: str) -> bytes:
    """The bytes that a text stands for."""
    if text.isascii():
        return text.encode()
    text = _ESCAPED.sub(_byte, text)
    return text.encode("utf-8", "surrogateescape")


def _byte(found: re.Match[str]) -> str:
    byte = ord(found[0]) - _BASE
    return chr(_SURROGATE_BASE + byte) if byte else "\0"
