"""Who may do what: roles and rules."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PolicyOptions"]


@dataclass(frozen=True, kw_only=True)
class PolicyOptions:
    """Who may do what: roles and rules."""
