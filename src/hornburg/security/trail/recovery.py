"""Where the trail goes on after a stop, and what it says of what is not as it was left.

What the server finds at its start becomes the first line that it writes, so that it is never
forgotten: the end of a line that was not finished, lines that went with the power, and lines that
are gone without excuse. Of the latter the numbers stay free, and ``hornburg trail verify`` tells
of them for ever.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornburg.security.trail.anchor import Anchor, anchor_file, read_anchor
from hornburg.security.trail.chain import (
    LONGEST_LINE,
    START,
    Position,
    new_key,
    parse,
    read_key,
)
from hornburg.security.trail.files import files_of

__all__ = ["DAMAGED", "REPAIRED", "Found", "find_end"]

DAMAGED = "trail-damaged"
"""The action of a line that says what is missing or was changed."""

REPAIRED = "trail-repaired"
"""The action of a line that says what a crash has left."""

#: Where numbers go on when nobody knows which the last one was: behind all that one file holds.
_JUMP = 1 << 32


@dataclass(slots=True)
class Found:
    """Where to go on: the key, the last line, the file that holds it (``None``: begin a new
    one), and lines to write first."""

    key: bytes
    last: Position = START
    file: Path | None = None
    statements: list[dict[str, Any]] = field(default_factory=list)

    def say(self, action: str, detail: str) -> None:
        """Have this said in the chain."""
        outcome = "failed" if action == DAMAGED else "success"
        self.statements.append(
            {"action": action, "outcome": outcome, "door": "server", "detail": detail}
        )


def find_end(folder: Path, key_file: Path) -> Found:
    """Look where the trail ends, and cut off a line that was never finished.

    Raises:
        TrailError: the key can't be read or made.
        OSError: a file can't be read.
    """
    files = files_of(folder)
    key = read_key(key_file)
    if key is None:
        found = Found(new_key(key_file))
        if files:
            found.last = Position(files[-1][0] + _JUMP, START.hash)
            found.say(DAMAGED, f"the key {key_file.name} is missing, and a new one was made")
        return found
    found = Found(key)
    anchor = _anchor(found, anchor_file(key_file), there_must_be_one=bool(files))
    line, is_damaged = None, False
    for _, file in reversed(files):
        raw = _last_line(found, file)
        if not raw:
            file.unlink()  # begun, and nothing more
            continue
        line = parse(key, raw)
        is_damaged = line is None or not line.sealed
        if is_damaged:
            found.say(DAMAGED, f"the last line of {file.name} is not as it was written")
        else:
            found.file = file
        break
    if is_damaged:
        _pass_over(found, files, anchor)
    else:
        _compare(found, START if line is None else line.position, anchor)
    return found


def _pass_over(found: Found, files: list[tuple[int, Path]], anchor: Anchor | None) -> None:
    """Go on behind a last line that says nothing."""
    found.last = Position(files[-1][0] + _JUMP, START.hash) if anchor is None else anchor.last


def _anchor(found: Found, file: Path, *, there_must_be_one: bool) -> Anchor | None:
    try:
        anchor = read_anchor(found.key, file)
    except ValueError as error:
        found.say(DAMAGED, f"{file.name}: {error}")
        return None
    if anchor is None and there_must_be_one:
        found.say(DAMAGED, f"{file.name} is missing")
    return anchor


def _compare(found: Found, last: Position, anchor: Anchor | None) -> None:
    """Hold the last line that is there against the one that should be."""
    found.last = last
    if anchor is None or last == anchor.last or last.seq > anchor.last.seq:
        return
    missing = anchor.last.seq - last.seq
    if missing and anchor.excuses(last.seq):
        found.say(
            REPAIRED,
            f"the last {missing} lines had not reached the disk when the power was cut",
        )
        return
    if missing:
        found.say(DAMAGED, f"lines {last.seq + 1} to {anchor.last.seq} are missing")
    else:
        found.say(DAMAGED, f"line {last.seq}, the last one, was changed")
    # Their numbers are not given to others.
    found.last, found.file = anchor.last, None


def _last_line(found: Found, file: Path) -> bytes:
    """The last line of a file; what stands behind it without a line feed is cut off."""
    with file.open("r+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        start = max(0, size - 2 * LONGEST_LINE)
        opened.seek(start)
        tail = opened.read(2 * LONGEST_LINE)
        end = tail.rfind(b"\n") + 1
        if end < len(tail):
            opened.truncate(start + end)
            os.fsync(opened.fileno())
            found.say(
                REPAIRED,
                f"{len(tail) - end} bytes of a line that was not finished were cut off {file.name}",
            )
    return tail[:end].removesuffix(b"\n").rpartition(b"\n")[2]
