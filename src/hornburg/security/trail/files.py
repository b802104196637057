"""The files of a trail: ``trail-000000000001.jsonl``, named by the number of their first line."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from hornburg.security.trail.chain import LONGEST_LINE, TrailError

__all__ = ["Lock", "files_of", "first_of", "name_of", "raw_lines", "time_of", "time_text"]

_NAME = re.compile(r"trail-([0-9]{12,18})\.jsonl", re.ASCII)
_LOCK = "trail.lock"


def name_of(seq: int) -> str:
    """The name of the file that begins with this line."""
    return f"trail-{seq:012d}.jsonl"


def files_of(folder: Path) -> list[tuple[int, Path]]:
    """The files of a trail with the number of their first line, in order.

    Raises:
        TrailError: the folder can't be read.
    """
    try:
        found = [
            (int(match[1]), file)
            for file in folder.iterdir()
            if (match := _NAME.fullmatch(file.name))
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrailError(f"The audit trail in {folder}: {error.strerror}") from None
    return sorted(found)


def raw_lines(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The lines of a file without their line feeds, and whether there was one; a line that is
    longer than any of ours comes in pieces."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line.removesuffix(b"\n"), line.endswith(b"\n")


def time_text(seconds: float) -> str:
    """A time as lines have it: UTC with microseconds (RFC 3339)."""
    micros = round(seconds * 1e6)
    return f"{_second(micros // 1_000_000)}.{micros % 1_000_000:06d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _First(msgspec.Struct):
    time: str


_first = msgspec.json.Decoder(_First).decode


def time_of(text: str) -> float:
    """The Unix time of a :func:`time_text`.

    Raises:
        ValueError: it is no time.
    """
    return datetime.fromisoformat(text).timestamp()


def first_of(file: Path) -> float | None:
    """When a file was begun, ``None`` when it doesn't say."""
    try:
        with file.open("rb") as opened:
            return time_of(_first(opened.readline(LONGEST_LINE)).time)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


class Lock:
    """One process writes a trail at a time."""

    def __init__(self, folder: Path) -> None:
        self._file: BinaryIO = (folder / _LOCK).open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise TrailError(
                f"The audit trail in {folder} is written by another Hornburg: stop that one, or "
                "choose another AuditTrail.Directory"
            ) from None

    def release(self) -> None:
        """Let others write."""
        self._file.close()

    @staticmethod
    def is_held(folder: Path) -> bool:
        """Whether somebody writes at this moment."""
        try:
            with (folder / _LOCK).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
