"""Reading the trail back: what happened, oldest first, as far as it was asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from hornburg.errors import ParameterOutOfRangeError
from hornburg.security.trail.chain import LONGEST_LINE
from hornburg.security.trail.events import ACTIONS, Outcome
from hornburg.security.trail.files import files_of, first_of, raw_lines, time_of

__all__ = ["Wanted", "lines_of", "moment", "newest_of"]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; what is empty is not looked at.

    ``user`` is the name of a user, a title or a symbolic name; ``patient`` a PatientID or an
    Orthanc identifier, ``study`` a StudyInstanceUID or one, ``resource`` any Orthanc identifier;
    ``since`` (inclusive) and ``until`` (exclusive) are Unix times.
    """

    user: str = ""
    patient: str = ""
    study: str = ""
    resource: str = ""
    action: str = ""
    outcome: str = ""
    since: float = 0.0
    until: float = 0.0

    def __post_init__(self) -> None:
        """Words that no line can have are refused.

        Whoever asks for "deleted" must not be told that nothing was.

        Raises:
            ParameterOutOfRangeError: there is no such action or outcome.
        """
        outcomes = tuple(one.value for one in Outcome)
        for name, word, words in (
            ("action", self.action, ACTIONS),
            ("outcome", self.outcome, outcomes),
        ):
            if word and word not in words:
                raise ParameterOutOfRangeError(
                    f"No {name} is called {word[:64]!a}; allowed are {', '.join(words)}"
                )

    def has(self, line: dict[str, Any]) -> bool:
        """Whether a line is wanted."""
        if self.action and line.get("action") != self.action:
            return False
        if self.outcome and line.get("outcome") != self.outcome:
            return False
        if self.user and self.user not in (line.get("user"), line.get("aet")):
            return False
        if (self.since or self.until) and not self._is_in_time(line):
            return False
        subjects = line.get("subjects", ())
        if self.patient and not any(self._is_patient(one) for one in subjects):
            return False
        if self.study and not any(self._is_study(one) for one in subjects):
            return False
        return not self.resource or any(self.resource in _ids(one) for one in subjects)

    def _is_in_time(self, line: dict[str, Any]) -> bool:
        try:
            begin = time_of(line["time"])
            end = time_of(line.get("until", line["time"]))
        except (KeyError, TypeError, ValueError):
            return False
        return end >= self.since and (not self.until or begin < self.until)

    def _is_patient(self, one: dict[str, Any]) -> bool:
        if self.patient in (one.get("PatientID"), one.get("patient")):
            return True
        return one.get("level") == "patient" and self.patient in _ids(one)

    def _is_study(self, one: dict[str, Any]) -> bool:
        if self.study in (one.get("StudyInstanceUID"), one.get("study")):
            return True
        return one.get("level") == "study" and self.study in _ids(one)


def moment(text: str) -> float:
    """The Unix time of a date or a time as people write it, UTC unless it says otherwise; 0 for an
    empty text.

    Raises:
        ValueError: it is none.
    """
    if not text:
        return 0.0
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _ids(one: dict[str, Any]) -> list[str]:
    ids: list[str] = one.get("ids", [])
    return ids


def lines_of(folder: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The lines that are wanted. What is no line is passed over: verifying tells of it.

    Raises:
        TrailError: the folder can't be read.
        OSError: a file can't be read.
    """
    for file in _files(folder, wanted):
        yield from _lines_in(file, wanted)


def newest_of(folder: Path, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """The newest ``limit`` of them, oldest first. Older files are not read when newer ones have
    as many.

    Raises:
        TrailError: the folder can't be read.
        OSError: a file can't be read.
    """
    found: list[dict[str, Any]] = []
    for file in reversed(_files(folder, wanted)):
        found[:0] = deque(_lines_in(file, wanted), maxlen=limit - len(found))
        if len(found) == limit:
            break
    return found


def _files(folder: Path, wanted: Wanted) -> list[Path]:
    """The files that may have some. A file is older than the beginning of the next one; how much
    newer its lines are than its own nobody knows, since they may have waited."""
    files = [file for _, file in files_of(folder)]
    if not wanted.since:
        return files
    return [
        file
        for file, after in zip_longest(files, files[1:])
        if after is None or (began := first_of(after)) is None or began >= wanted.since
    ]


def _lines_in(file: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        return  # retention has just removed it
    with opened:
        for raw, _ in raw_lines(opened):
            if len(raw) > LONGEST_LINE:
                continue
            try:
                line = _decode(raw)
            except (msgspec.MsgspecError, RecursionError):
                continue
            if _is_ours(line) and wanted.has(line):
                yield line


def _is_ours(line: dict[str, Any]) -> bool:
    """Whether its members have the form of ours, as far as anybody who reads it relies on it."""
    subjects = line.get("subjects", [])
    return (
        _are_texts(line.get("keys", []))
        and isinstance(subjects, list)
        and all(isinstance(one, dict) and _are_texts(one.get("ids", [])) for one in subjects)
    )


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)
