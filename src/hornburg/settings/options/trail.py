"""The audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.trail import TRAIL_ALLOWED, TrailSettings, read_trail

__all__ = ["TrailOptions"]


@dataclass(frozen=True, kw_only=True)
class TrailOptions:
    """The audit trail."""

    audit_trail: Annotated[
        TrailSettings | None,
        Row(
            "AuditTrail",
            "The audit trail: where it is (the folder audit-trail of the storage without "
            "Directory), how long it is kept, which syslog server hears of it.",
            read=read_trail,
            allowed=TRAIL_ALLOWED,
            ours=True,
        ),
    ] = None

    @property
    def trail(self) -> TrailSettings:
        """The section, or its defaults."""
        return self.audit_trail or TrailSettings()
