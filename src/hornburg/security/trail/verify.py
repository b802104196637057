"""Finding what was changed, taken out, put in another order or cut off."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hornburg.security.trail.anchor import Anchor, anchor_file, read_anchor
from hornburg.security.trail.chain import (
    LONGEST_LINE,
    START,
    Line,
    Position,
    TrailError,
    parse,
    read_key,
)
from hornburg.security.trail.files import Lock, files_of, raw_lines
from hornburg.security.trail.recovery import DAMAGED, REPAIRED
from hornburg.security.trail.retention import RETENTION
from hornburg.security.trail.writer import BEGIN

__all__ = ["Finding", "Verdict", "verify"]

#: Findings that are told; the first ones say most.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: a file, and the number of a line in it (0 for the file itself)."""

    file: str
    line: int
    words: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.words}"


@dataclass(slots=True)
class Verdict:
    """What was looked at, what is wrong (the first hundred, and how many), and what is merely to
    be known."""

    lines: int = 0
    files: int = 0
    last: Position = START
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    notes: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.count

    def find(self, file: str, line: int, words: str) -> None:
        """Something is wrong."""
        self.count += 1
        if len(self.findings) < _MOST:
            self.findings.append(Finding(file, line, words))

    def note(self, file: str, line: int, words: str) -> None:
        """Something happened that is no one's doing."""
        if len(self.notes) < _MOST:
            self.notes.append(Finding(file, line, words))


def verify(folder: Path, key_file: Path) -> Verdict:
    """Look at every line of a trail, also while it is written.

    Raises:
        TrailError: the folder or the key can't be read.
    """
    key = read_key(key_file)
    if key is None:
        if not files_of(folder):
            raise TrailError(f"There is no audit trail in {folder}")
        raise TrailError(f"The key of the audit trail {key_file} is missing")
    verdict = Verdict()
    # The anchor first: meanwhile, lines come behind it.
    anchor = _anchor(verdict, key, anchor_file(key_file))
    is_written = Lock.is_held(folder)
    walk = _Walk(verdict, key, is_written)
    for first, file in files_of(folder):
        try:
            walk.file(first, file)
        except FileNotFoundError:
            continue  # retention has just removed it; its line comes later
        except OSError as error:
            verdict.find(file.name, 0, f"can't be read: {error.strerror}")
    walk.end(anchor)
    return verdict


def _anchor(verdict: Verdict, key: bytes, file: Path) -> Anchor | None:
    error = ""
    for _ in range(2):  # it may be written at this very moment
        try:
            anchor = read_anchor(key, file)
        except ValueError as wrong:
            error = str(wrong)
            continue
        except OSError as wrong:
            error = str(wrong.strerror)
            break
        if anchor is None:
            error = "missing, so that nobody knows whether lines were cut off at the end"
            break
        return anchor
    verdict.find(file.name, 0, error)
    return None


class _Walk:
    """Goes over the lines, and knows what the next one must be."""

    def __init__(self, verdict: Verdict, key: bytes, is_written: bool) -> None:
        self._verdict = verdict
        self._key = key
        self._is_written = is_written
        self._last = START
        self._first_seq = 0
        self._first_file = ""
        self._removed = 0
        self._begins = False

    def file(self, first: int, file: Path) -> None:
        """Look at one file."""
        self._verdict.files += 1
        self._begins = True
        number = 0
        with file.open("rb") as opened:
            for raw, is_finished in raw_lines(opened):
                number += 1
                if is_finished:
                    self._line(first, file.name, number, parse(self._key, raw))
                elif len(raw) > LONGEST_LINE:
                    self._verdict.find(file.name, number, "the line is too long to be one of ours")
                elif not self._is_written:
                    # If more than this is gone, the next line or the anchor tells.
                    self._verdict.note(file.name, number, "the last line was never finished")

    def _line(self, first: int, name: str, number: int, line: Line | None) -> None:
        verdict = self._verdict
        verdict.lines += 1
        if line is None:
            verdict.find(name, number, "this is no line of the trail, or was changed")
            # What the next one should be is not known any more; its own numbers tell.
            self._last = Position(self._last.seq + 1, "")
            self._begins = False
            return
        if not line.sealed:
            verdict.find(name, number, f"line {line.position.seq} was changed: its seal is wrong")
        self._compare(first, name, number, line)
        self._last = line.position
        self._begins = False
        if line.sealed:
            self._hear(name, number, line)

    def _compare(self, first: int, name: str, number: int, line: Line) -> None:
        verdict, seq = self._verdict, line.position.seq
        if not self._first_file:
            self._first_seq, self._first_file = seq, name
            if seq == 1 and line.prev != START.hash:
                verdict.find(name, number, "the first line names one before it")
        elif seq <= self._last.seq:
            verdict.find(name, number, f"line {seq} comes after line {self._last.seq}")
        elif seq > self._last.seq + 1:
            verdict.find(name, number, f"lines {self._last.seq + 1} to {seq - 1} are missing")
        elif self._last.hash and line.prev != self._last.hash:
            verdict.find(name, number, f"the line before line {seq} was changed")
        if self._begins and (line.members.get("action") != BEGIN or seq != first):
            verdict.find(name, number, "this is not the first line of the file")

    def _hear(self, name: str, number: int, line: Line) -> None:
        """What a line says of the trail itself."""
        action, detail = line.members.get("action"), str(line.members.get("detail", ""))
        if action == DAMAGED:
            self._verdict.find(name, number, f"found at a start of the server: {detail}")
        elif action == REPAIRED:
            self._verdict.note(name, number, detail)
        elif action == RETENTION:
            removed = line.members.get("removed")
            if type(removed) is int:
                self._removed = max(self._removed, removed)
            self._verdict.note(name, number, f"removed {detail}")
        elif action == "trail-lost":
            count = line.members.get("count", 1)
            self._verdict.note(name, number, f"{count} events were not written: {detail}")

    def end(self, anchor: Anchor | None) -> None:
        """What is missing at the beginning and at the end."""
        verdict, last = self._verdict, self._last
        verdict.last = last
        if self._first_seq > self._removed + 1:
            verdict.find(
                self._first_file,
                0,
                f"lines {self._removed + 1} to {self._first_seq - 1} and their files are missing",
            )
        if anchor is None or last.seq > anchor.last.seq:
            return
        where = self._first_file and "the end"
        if last.seq < anchor.last.seq:
            words = f"lines {last.seq + 1} to {anchor.last.seq} are missing: they were cut off"
            if anchor.excuses(last.seq):
                verdict.note(where, 0, f"{anchor.last.seq - last.seq} lines went with the power")
            else:
                verdict.find(where or "the trail", 0, words)
        elif last.hash and last.hash != anchor.last.hash:
            verdict.find(where, 0, f"line {last.seq}, the last one, was changed")
