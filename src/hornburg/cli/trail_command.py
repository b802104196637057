"""``hornburg trail``: the audit trail read and verified, whether the server runs or not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from rich.console import Console
from rich.text import Text

from hornburg.errors import HornburgError, ParameterOutOfRangeError
from hornburg.security.trail.chain import TrailError
from hornburg.security.trail.reading import Wanted, lines_of, moment
from hornburg.security.trail.verify import verify as look_at
from hornburg.settings import Settings, load

__all__ = ["trail"]

trail = cyclopts.App(name="trail", help="The audit trail: shown and verified.")

AsJson = Annotated[bool, cyclopts.Parameter(name="--json", negative="")]


@trail.command
def show(
    *configuration: Path,
    user: str = "",
    patient: str = "",
    study: str = "",
    resource: str = "",
    action: str = "",
    outcome: str = "",
    since: str = "",
    until: str = "",
    as_json: AsJson = False,
) -> None:
    """Print what happened, in the order in which it was written.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    user
        A user, a title, or the symbolic name of a modality.
    patient
        A PatientID, or the Orthanc identifier of a patient.
    study
        A StudyInstanceUID, or the Orthanc identifier of a study.
    resource
        Any Orthanc identifier.
    action
        Such as view, download, upload, delete, settings, login-failed.
    outcome
        success, refused or failed.
    since
        The first moment, such as 2026-01-31 or 2026-01-31T08:30 (UTC).
    until
        The first moment that is not shown any more.
    as_json
        The lines as they stand.
    """
    settings = _settings(configuration)
    wanted = Wanted(
        user=user,
        patient=patient,
        study=study,
        resource=resource,
        action=action,
        outcome=outcome,
        since=_moment("--since", since),
        until=_moment("--until", until),
    )
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        for line in lines_of(_folder(settings), wanted):
            if as_json:
                sys.stdout.write(json.dumps(line) + "\n")
            else:
                console.print(_row(line))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise TrailError(f"The audit trail can't be read: {error.strerror}") from None


@trail.command
def verify(*configuration: Path, as_json: AsJson = False) -> int:
    """Look for lines that were changed, taken out, put in another order or cut off; exit status 1
    when there are any.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    as_json
        Print the verdict for programs.
    """
    settings = _settings(configuration)
    verdict = look_at(_folder(settings), settings.trail.key(settings.storage_directory))
    if as_json:
        answer = {
            "whole": verdict.is_whole,
            "files": verdict.files,
            "lines": verdict.lines,
            "last": {"seq": verdict.last.seq, "hash": verdict.last.hash},
            "count": verdict.count,
            "findings": [_told(one) for one in verdict.findings],
            "notes": [_told(one) for one in verdict.notes],
        }
        print(json.dumps(answer, indent=2))
        return 0 if verdict.is_whole else 1
    for one in verdict.notes:
        print(f"to be known: {one}")
    for one in verdict.findings:
        print(f"wrong: {one}")
    if verdict.count > len(verdict.findings):
        print(f"and {verdict.count - len(verdict.findings):,} more")
    words = "whole" if verdict.is_whole else "not as it was written"
    print(
        f"{verdict.lines:,} lines in {verdict.files:,} files; the trail is {words}; the last line "
        f"is {verdict.last.seq} with the hash {verdict.last.hash}"
    )
    return 0 if verdict.is_whole else 1


def _told(one: Any) -> dict[str, Any]:
    return {"file": one.file, "line": one.line, "words": one.words}


def _settings(configuration: Sequence[Path]) -> Settings:
    return load(configuration, os.environ)


def _folder(settings: Settings) -> Path:
    folder = settings.trail.folder(settings.storage_directory)
    if not folder.is_dir():
        raise HornburgError(f"There is no audit trail in {folder}")
    return folder


def _moment(option: str, text: str) -> float:
    try:
        return moment(text)
    except ValueError:
        raise ParameterOutOfRangeError(
            f"{option} is {text[:64]!r}; allowed is a date or a time such as 2026-01-31T08:30, "
            "in UTC unless it says otherwise"
        ) from None


def _row(line: dict[str, Any]) -> Text:
    """A line for people."""
    words = [str(line.get("time", ""))[:23], str(line.get("action", ""))]
    if line.get("outcome") != "success":
        words.append(str(line.get("outcome", "")).upper())
    who = line.get("user") or line.get("aet") or line.get("kind") or "anonymous"
    words.append(f"{who}@{line['address']}" if line.get("address") else str(who))
    told = (line.get(name) for name in ("method", "route", "what", "status", "detail"))
    words += [str(value) for value in told if value]
    if "count" in line:
        words.append(f"{line['count']} times")
    if "answers" in line:
        words.append(f"by {', '.join(line.get('keys', [])) or 'nothing'}: {line['answers']} found")
    for one in line.get("subjects", ()):
        ids = one.get("ids", [])
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        named = [f"{name}={one[name]}" for name in ("PatientID", "StudyInstanceUID") if name in one]
        words.append(f"[{' '.join([*named, str(one.get('level')), *map(str, ids[:1])])}{more}]")
    text = "  ".join(words)
    # What stands in a line came from outside in part: it must not move the cursor.
    return Text("".join(letter if letter.isprintable() else "?" for letter in text))
