"""One line of the checklist: what is looked at, and what can be found."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hornburg.settings import Settings

__all__ = ["Check", "Facts", "Grade", "Verdict", "failed", "line_of", "passed", "warned"]


class Grade(enum.Enum):
    """How well a line of the checklist is kept; the worst one last."""

    PASS = "pass"  # noqa: S105 - a word, and no password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the audit looks at.

    ``uid`` is the user of the system that asks, ``now`` has a time zone. The files that the
    settings name are looked at on the disk.
    """

    settings: Settings
    now: datetime
    uid: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and the line of the configuration that helps (empty when all is well)."""

    grade: Grade
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line.

    Attributes:
        name: stands in ``docs/security.md`` and in the JSON of the report; it never changes.
        title: what is asked for.
        why: what can happen otherwise.
        look: finds out; gives the worst of what it finds, or several verdicts.
    """

    name: str
    title: str
    why: str
    look: Callable[[Facts], Verdict | list[Verdict]]

    def verdicts(self, facts: Facts) -> list[Verdict]:
        """What was found, at least one verdict."""
        found = self.look(facts)
        return found if isinstance(found, list) else [found]


def passed(found: str) -> Verdict:
    """All is well."""
    return Verdict(Grade.PASS, found)


def warned(found: str, fix: str) -> Verdict:
    """Somebody should decide whether this is meant."""
    return Verdict(Grade.WARN, found, fix)


def failed(found: str, fix: str) -> Verdict:
    """This should not stay so."""
    return Verdict(Grade.FAIL, found, fix)


def line_of(option: str, value: object) -> str:
    """The line of a configuration that sets an option."""
    return f'"{option}": {json.dumps(value)}'
