"""From events to lines: equal reads become one line, and each line is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hornburg.security.principals import Kind, Principal
from hornburg.security.trail.events import (
    LEVELS,
    MOST_SUBJECTS,
    Event,
    Identity,
    Outcome,
)
from hornburg.security.trail.files import time_text

__all__ = ["Entry", "grouped", "members_of", "quick_reads", "single", "unknown"]

#: Characters of a text in a line.
_LONGEST = 256
_MOST_KEYS = 64

_PLURALS = {"patients": 0, "studies": 1, "series": 2, "instances": 3}
_PARTS = {"": "view", "file": "download", "tags": "view", "simplified-tags": "view"}

# To ask an enumeration for a value takes longer than to look it up.
_OUTCOMES = {outcome: outcome.value for outcome in Outcome}
_KINDS = {kind: kind.value for kind in Kind}

Key = tuple[Any, ...]


@dataclass(slots=True)
class Entry:
    """What becomes a line: an event, from when to when, how often, and with which resources."""

    event: Event
    time: float
    until: float
    count: int = 0
    subjects: dict[tuple[int, str], Identity | None] = field(default_factory=dict)

    def add(self, event: Event, time: float) -> None:
        """One more that is equal but for its resources."""
        self.until = max(self.until, time)
        self.count += event.count
        for level, public_id, identity in event.subjects:
            # Whose it is is known of a resource or it isn't; it doesn't change.
            if identity is not None or (level, public_id) not in self.subjects:
                self.subjects[level, public_id] = identity


def _key_of(event: Event) -> Key:
    return (
        event.action,
        event.outcome,
        event.status,
        event.who,
        event.door,
        event.method,
        event.route,
        event.aet,
        event.called,
        event.answers,
        event.keys,
        event.what,
        event.detail,
    )


def grouped(events: Iterable[tuple[float, Event]]) -> list[Entry]:
    """Events that are equal but for their resources, together."""
    entries: dict[Key, Entry] = {}
    for time, event in events:
        key = _key_of(event)
        entry = entries.get(key)
        if entry is None:
            entry = entries[key] = Entry(event, time, time)
        entry.add(event, time)
    return list(entries.values())


def single(events: Iterable[tuple[float, Event]]) -> list[Entry]:
    """Events one by one."""
    entries = []
    for time, event in events:
        entry = Entry(event, time, time)
        entry.add(event, time)
        entries.append(entry)
    return entries


def quick_reads(
    who: Principal, urls: Sequence[bytes], began: float, until: float
) -> Iterable[Entry]:
    """The entries of URLs that were answered the express way, such as ``/studies/…/tags``."""
    entries: dict[tuple[str, str], Entry] = {}
    for url, count in Counter(urls).items():
        _, plural, public_id, *rest = url.decode("ascii").split("/")
        part = rest[0] if rest else ""
        entry = entries.get((plural, part))
        if entry is None:
            route = f"/{plural}/{{id}}" + (f"/{part}" if part else "")
            event = Event(
                action=_PARTS[part], status=200, who=who, door="rest", method="GET", route=route
            )
            entry = entries[plural, part] = Entry(event, began, until)
        entry.count += count
        entry.subjects[_PLURALS[plural], public_id] = None
    return entries.values()


def members_of(
    entry: Entry, known: Mapping[tuple[int, str], Identity | None]
) -> Iterable[dict[str, Any]]:
    """The lines of an entry: one, or one for each hundred resources."""
    if len(entry.subjects) <= MOST_SUBJECTS:
        yield _members(entry, list(entry.subjects.items()), entry.count, known)
        return
    subjects = list(entry.subjects.items())
    parts = [subjects[at : at + MOST_SUBJECTS] for at in range(0, len(subjects), MOST_SUBJECTS)]
    for number, part in enumerate(parts):
        # So that the counts of all lines add up to what happened.
        rest = entry.count - MOST_SUBJECTS * (len(parts) - 1)
        count = MOST_SUBJECTS if number + 1 < len(parts) else max(rest, 1)
        yield _members(entry, part, count if entry.count > 1 else 1, known)


def _members(
    entry: Entry,
    subjects: Sequence[tuple[tuple[int, str], Identity | None]],
    count: int,
    known: Mapping[tuple[int, str], Identity | None],
) -> dict[str, Any]:
    event, who = entry.event, entry.event.who
    line: dict[str, Any] = {"time": time_text(entry.time)}
    if entry.until - entry.time >= 0.001:
        line["until"] = time_text(entry.until)
    line["action"] = event.action
    line["outcome"] = _OUTCOMES[event.outcome]
    line["door"] = event.door
    if who.kind is not Kind.NOBODY:
        line["kind"] = _KINDS[who.kind]
    for name, text in (
        ("user", who.name),
        ("address", who.address),
        ("proof", who.detail),
        ("aet", event.aet),
        ("called", event.called),
        ("method", event.method),
        ("route", event.route),
        ("what", event.what),
        ("detail", event.detail),
    ):
        if text:
            line[name] = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    if event.status:
        line["status"] = event.status
    if event.keys:
        line["keys"] = [key[:64] for key in event.keys[:_MOST_KEYS]]
    if event.answers is not None:
        line["answers"] = event.answers
    if count > 1:
        line["count"] = count
    if subjects:
        line["subjects"] = _by_study(subjects, known)
    return line


def _by_study(
    subjects: Sequence[tuple[tuple[int, str], Identity | None]],
    known: Mapping[tuple[int, str], Identity | None],
) -> list[dict[str, Any]]:
    """Resources of the same study and level together."""
    found: dict[tuple[int, Identity | None], dict[str, Any]] = {}
    for (level, public_id), given in subjects:
        identity = given if given is not None else known.get((level, public_id))
        entry = found.get((level, identity))
        if entry is None:
            entry = found[level, identity] = {"level": LEVELS[level]}
            if identity is not None:
                entry["PatientID"] = identity.patient_id[:_LONGEST]
                if level:
                    entry["StudyInstanceUID"] = identity.study_uid[:_LONGEST]
                    entry["patient"] = identity.patient
                    if level > 1:
                        entry["study"] = identity.study
            entry["ids"] = []
        entry["ids"].append(public_id)
    return list(found.values())


def unknown(
    entries: Iterable[Entry], known: Mapping[tuple[int, str], Identity | None]
) -> list[tuple[int, str]]:
    """Resources of which nobody has said yet whose they are."""
    return [
        subject
        for entry in entries
        for subject, identity in entry.subjects.items()
        if identity is None and subject not in known
    ]
