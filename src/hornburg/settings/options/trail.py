"""The audit trail."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrailOptions"]


@dataclass(frozen=True, kw_only=True)
class TrailOptions:
    """The audit trail."""
