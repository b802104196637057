"""The audit of a configuration: every line of the checklist, graded."""

from __future__ import annotations

from hornburg.security.audit.check import Check, Facts, Grade, Verdict
from hornburg.security.audit.report import CHECKS, Report, audit

__all__ = ["CHECKS", "Check", "Facts", "Grade", "Report", "Verdict", "audit"]
