"""All checks, run over one configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hornburg.security.audit import access, dicom, host, transport
from hornburg.security.audit.check import Check, Facts, Grade, Verdict
from hornburg.settings import Settings

__all__ = ["CHECKS", "Report", "audit"]

CHECKS: tuple[Check, ...] = (*access.CHECKS, *transport.CHECKS, *dicom.CHECKS, *host.CHECKS)
"""Every line of the checklist."""


@dataclass(frozen=True, slots=True)
class Report:
    """What each check has found, in the order of the checklist."""

    lines: tuple[tuple[Check, Verdict], ...]

    def count(self, grade: Grade) -> int:
        """How many verdicts have a grade."""
        return sum(verdict.grade is grade for _, verdict in self.lines)

    @property
    def summary(self) -> str:
        """One line: ``2 fail, 3 warn, 20 pass``."""
        return ", ".join(f"{self.count(grade)} {grade.value}" for grade in reversed(Grade))

    def to_json(self) -> dict[str, Any]:
        """The report as programs read it."""
        return {
            "Summary": {grade.value: self.count(grade) for grade in reversed(Grade)},
            "Checks": [
                {
                    "Name": check.name,
                    "Title": check.title,
                    "Grade": verdict.grade.value,
                    "Found": verdict.found,
                    "Why": check.why,
                    "Fix": verdict.fix,
                }
                for check, verdict in self.lines
            ],
        }


def audit(settings: Settings, *, now: datetime | None = None, uid: int | None = None) -> Report:
    """Grade a configuration.

    Args:
        settings: as loaded; the files that they name are looked at.
        now: with a time zone; the time of this machine by default.
        uid: the user of the system that runs the server; who asks by default.
    """
    facts = Facts(settings, now or datetime.now(UTC), os.geteuid() if uid is None else uid)
    return Report(tuple((check, verdict) for check in CHECKS for verdict in check.verdicts(facts)))
