"""The machine: the user that the server runs as, folders that it may write to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HostOptions"]


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """The machine: the user that the server runs as, folders that it may write to."""
