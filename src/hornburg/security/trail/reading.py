"""Reading the trail back: what happened, oldest first, as far as it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hornburg.security.trail.chain import LONGEST_LINE
from hornburg.security.trail.files import files_of, first_of, raw_lines, time_of

__all__ = ["Wanted", "lines_of", "moment"]

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
    ids = one.get("ids")
    return ids if isinstance(ids, list) else []


def lines_of(folder: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The lines that are wanted. What is no line is passed over: verifying tells of it.

    Raises:
        TrailError: the folder can't be read.
        OSError: a file can't be read.
    """
    files = [file for _, file in files_of(folder)]
    for number, file in enumerate(files):
        if wanted.since and number + 1 < len(files):
            after = first_of(files[number + 1])
            if after is not None and after < wanted.since:
                continue  # all of it is older
        try:
            opened = file.open("rb")
        except FileNotFoundError:
            continue  # retention has just removed it
        with opened:
            for raw, _ in raw_lines(opened):
                if len(raw) > LONGEST_LINE:
                    continue
                try:
                    line = _decode(raw)
                except (msgspec.MsgspecError, RecursionError):
                    continue
                subjects = line.get("subjects", ())
                if not isinstance(subjects, (list, tuple)):
                    continue
                if all(isinstance(one, dict) for one in subjects) and wanted.has(line):
                    yield line
