"""What browsers and proxies may be told: hosts, origins, forwarded addresses."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BrowserOptions"]


@dataclass(frozen=True, kw_only=True)
class BrowserOptions:
    """What browsers and proxies may be told: hosts, origins, forwarded addresses."""
