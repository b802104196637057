"""New unique identifiers."""

from __future__ import annotations

import uuid

__all__ = ["generate_uid"]


def generate_uid() -> str:
    """A new UID, of at most 44 characters, from a random UUID (PS3.5 B.2: root ``2.25``)."""
    return f"2.25.{uuid.uuid4().int}"
