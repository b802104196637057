"""Sessions of browsers, API tokens, providers of identities."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IdentityOptions"]


@dataclass(frozen=True, kw_only=True)
class IdentityOptions:
    """Sessions of browsers, API tokens, providers of identities."""
