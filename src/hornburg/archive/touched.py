"""What a request has touched, for the audit trail.

A door begins (:func:`collect`) before it serves a request, the verbs of the archive say what they
touch, and the door notes all of it as one event with its outcome. What goes on after the answer (a
job, an ingest whose client hung up) is noted by itself, and as the doing of whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby

import msgspec
from msgspec.structs import replace

from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level
from hornburg.index.base import Reader
from hornburg.security.principals import Kind, Principal
from hornburg.security.trail import Event, Identity, Outcome, Subject
from hornburg.security.trail.trail import Resolver

__all__ = [
    "SERVER",
    "Touched",
    "act_as",
    "answered",
    "asked",
    "collect",
    "collecting",
    "identify",
    "resolver",
    "touch",
    "touch_all",
]

#: Resources of one request that are named; beyond, they are counted.
_MOST = 100_000

SERVER = Principal(kind=Kind.INSIDE)
"""Who does what nobody asked for."""

Named = tuple[int, str]


class Touched:
    """What one request has touched so far.

    ``subjects`` are by action: "" is whatever the request itself is about. ``refused`` are those
    that a filter kept out, by action, too. ``more`` counts those that are not named. ``answers``
    and ``keys`` are of finds. ``who`` and ``door`` are set when the event is noted: from then on,
    everything is an event of its own.
    """

    __slots__ = ("answers", "door", "keys", "more", "refused", "subjects", "who")

    def __init__(self) -> None:
        self.subjects: dict[str, dict[Named, Identity | None]] = {}
        self.refused: dict[str, dict[Named, Identity | None]] = {}
        self.more = 0
        self.answers: int | None = None
        self.keys: dict[str, None] = {}
        self.who: Principal | None = None
        self.door = ""

    def add(
        self,
        action: str,
        level: int,
        public_id: str,
        identity: Identity | None,
        outcome: Outcome = Outcome.SUCCESS,
    ) -> None:
        """One more resource."""
        by_action = self.refused if outcome is Outcome.REFUSED else self.subjects
        subjects = by_action.get(action)
        if subjects is None:
            subjects = by_action[action] = {}
        key = (level, public_id)
        if len(subjects) < _MOST or key in subjects:
            subjects[key] = identity or subjects.get(key)
        else:
            self.more += 1

    def of(self, action: str) -> tuple[Subject, ...]:
        """What was touched by an action."""
        return _subjects(self.subjects.get(action, {}))

    def events(self, event: Event) -> Iterator[Event]:
        """A request as it is noted: ``event``, and whatever it did besides, such as a copy that is
        kept, or an original that is removed. One that brought nothing but what was refused is
        refused itself."""
        if event.subjects or event.action not in self.refused or event.outcome is Outcome.FAILED:
            yield event
        for action, found in self.subjects.items():
            if action not in ("", event.action):
                yield _besides(event, action, Outcome.SUCCESS, found)
        for action, found in self.refused.items():
            yield _besides(event, action, Outcome.REFUSED, found)


def _subjects(found: Mapping[Named, Identity | None]) -> tuple[Subject, ...]:
    return tuple(Subject(level, name, identity) for (level, name), identity in found.items())


def _besides(
    event: Event, action: str, outcome: Outcome, found: Mapping[Named, Identity | None]
) -> Event:
    return replace(
        event,
        action=action,
        outcome=outcome,
        subjects=_subjects(found),
        answers=None,
        keys=(),
        detail="",
    )


_current: ContextVar[Touched | None] = ContextVar("hornburg_touched", default=None)


def collect() -> Touched:
    """From here on, in this task and those that it starts, what is touched comes together."""
    touched = Touched()
    _current.set(touched)
    return touched


@contextmanager
def collecting() -> Iterator[Touched]:
    """The same for one call that may be made from inside of another request."""
    touched = Touched()
    token = _current.set(touched)
    try:
        yield touched
    finally:
        _current.reset(token)


def act_as(who: Principal, door: str) -> None:
    """From here on, everything is the doing of ``who``: for commands."""
    touched = collect()
    touched.who, touched.door = who, door


def touch(
    archive: Archive,
    action: str,
    level: Level,
    public_id: str,
    identity: Identity | None = None,
    outcome: Outcome = Outcome.SUCCESS,
) -> None:
    """Say that something was done to a resource.

    Args:
        archive: whose trail hears of it when there is no request.
        action: the word of a permission, or "" for what the request is about.
        level: of the resource.
        public_id: its Orthanc identifier.
        identity: whose it is, when that is known or won't be later.
        outcome: or that it was refused.
    """
    touched = _current.get()
    if touched is not None and touched.who is None:
        touched.add(action, level, public_id, identity, outcome)
        return
    archive.trail.note(
        Event(
            action=action or "view",
            outcome=outcome,
            who=SERVER if touched is None or touched.who is None else touched.who,
            door="job" if touched is None else touched.door,
            subjects=(Subject(level, public_id, identity),),
        )
    )


def touch_all(archive: Archive, action: str, resources: Iterable[tuple[Level, str]]) -> None:
    """The same for many resources."""
    for level, public_id in resources:
        touch(archive, action, level, public_id)


def asked(keys: Iterable[str]) -> None:
    """Say what is searched by: names, never values."""
    touched = _current.get()
    if touched is not None and touched.who is None:
        touched.keys.update(dict.fromkeys(keys))


def answered(count: int) -> None:
    """Say how many resources a find has answered."""
    touched = _current.get()
    if touched is not None and touched.who is None:
        touched.answers = count + (touched.answers or 0)


# -- whose a resource is ----------------------------------------------------------------------


class _Tags(msgspec.Struct):
    PatientID: str = ""
    StudyInstanceUID: str = ""


_tags = msgspec.json.Decoder(_Tags).decode


def identify(reader: Reader, resources: Sequence[Named]) -> dict[Named, Identity]:
    """Whose resources are; what is not there is left out."""
    found: dict[Named, Identity] = {}
    # Most resources have their study in common.
    known: dict[tuple[str, ...], Identity] = {}
    for number, group in groupby(sorted(resources), key=lambda resource: resource[0]):
        level = Level(number)
        for line in reader.lines(level, [name for _, name in group], Level.PATIENT):
            whose = line.public_ids[:2]
            identity = known.get(whose)
            if identity is None:
                study = whose[1] if level else ""
                uid = _tags(line.main_tags[1]).StudyInstanceUID if level else ""
                patient_id = _tags(line.main_tags[0]).PatientID
                identity = known[whose] = Identity(whose[0], study, patient_id, uid)
            found[number, line.public_ids[-1]] = identity
    return found


def resolver(archive: Archive) -> Resolver:
    """Tells the trail whose resources are."""

    async def resolve(resources: Sequence[Named]) -> Mapping[Named, Identity]:
        return await archive.index.read(lambda reader: identify(reader, resources))

    return resolve
