"""What the trail is told: one event, and whom it is about."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from hornburg.security.principals import NOBODY, Permission, Principal

__all__ = [
    "ACTIONS",
    "LEVELS",
    "MOST_SUBJECTS",
    "SHARED",
    "Event",
    "Identity",
    "Outcome",
    "Subject",
]

LEVELS = ("patient", "study", "series", "instance")
"""The words of lines for the numbers of :class:`hornburg.dicom.levels.Level`."""

#: Resources that one line names; of more there are more lines.
MOST_SUBJECTS = 100

SHARED = frozenset(
    {
        *("anyone", "view", "download", "send", "query-remote", "jobs", "worklists"),
        *("login-failed", "request"),
    }
)
"""Actions of which equal ones within a second share a line, which counts them: reads, and what
anybody can have refused as often as they like."""


ACTIONS = (
    *(permission.value for permission in Permission),
    *("account", "login", "login-failed", "logout"),
    *("association", "association-refused", "request"),
    *("start", "stop", "trail-file", "trail-retention", "trail-repaired", "trail-damaged"),
    *("trail-lost", "syslog-lost"),
)
"""All words that a line may have as its action."""


class Outcome(enum.Enum):
    """How it ended; the value is the word of the lines."""

    SUCCESS = "success"
    REFUSED = "refused"
    FAILED = "failed"


class Identity(NamedTuple):
    """Whose a resource is: Orthanc identifiers of patient and study, PatientID, StudyInstanceUID.

    What is below the level of the resource is empty.
    """

    patient: str
    study: str
    patient_id: str
    study_uid: str


class Subject(NamedTuple):
    """A resource: its level (0 patient to 3 instance), its Orthanc identifier, and whose it is;
    ``None`` is looked up when the line is written."""

    level: int
    public_id: str
    identity: Identity | None = None


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One thing that happened.

    Attributes:
        action: the word of a permission (:class:`hornburg.security.principals.Permission`), or
            another of :data:`ACTIONS`, such as ``account`` (tokens, sessions) and ``request``
            (refused before it was known what for).
        outcome: how it ended.
        status: the status of HTTP or DIMSE, 0 without one.
        who: who did it.
        door: ``rest``, ``dicom``, ``job``, ``command`` or ``server``.
        method, route: of HTTP; the template of the route, such as ``/studies/{id}``, never
            arguments.
        aet, called: the titles of a DICOM association.
        subjects: what it was done to; more than ``MOST_SUBJECTS`` become several lines.
        answers: how many resources a find answered, ``None`` when it was none.
        keys: the names, never the values, of what was searched by.
        what: which setting, which job, which destination.
        detail: more words, such as why somebody was refused.
        count: how often.
    """

    action: str
    outcome: Outcome = Outcome.SUCCESS
    status: int = 0
    who: Principal = NOBODY
    door: str = "server"
    method: str = ""
    route: str = ""
    aet: str = ""
    called: str = ""
    subjects: tuple[Subject, ...] = ()
    answers: int | None = None
    keys: tuple[str, ...] = ()
    what: str = ""
    detail: str = ""
    count: int = 1
