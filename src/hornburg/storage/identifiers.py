"""The one form of name that a stored file may have."""

from __future__ import annotations

import re

from hornburg.errors import CorruptedError

__all__ = ["check_uuid", "is_uuid"]

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in lower case (RFC 9562, section 4)."""
    return _UUID.fullmatch(text) is not None


def check_uuid(text: str) -> str:
    """Answer the text itself; names come from the index, this makes any other path impossible.

    Raises:
        CorruptedError: it is no UUID in lower case.
    """
    if not is_uuid(text):
        raise CorruptedError(f"{text[:64]!r} is no identifier of an attachment")
    return text
