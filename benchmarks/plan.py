"""What a run shall do, as the command line asks for."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Kind

__all__ = ["Contestant", "Plan", "say"]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server with the name that it has in the table."""

    label: str
    kind: Kind

    @property
    def slug(self) -> str:
        """The label as part of a folder's name."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.label.lower())


@dataclass(frozen=True, slots=True)
class Plan:
    """`patients` is the size of the archive to read from, `seconds` the length of one round of
    reading; `keep` leaves the loaded archives in `work` for the next run. `every_goal` is the
    goal of all rates in the place of their own."""

    contestants: list[Contestant]
    work: Path
    rounds: int
    seconds: float
    patients: int
    quick: bool
    keep: bool
    python_client: bool
    every_goal: float | None = None

    def goal(self, own: float) -> float:
        """The least ratio for a rate whose goal against Orthanc is `own`."""
        return own if self.every_goal is None else self.every_goal

    def fresh(self, name: str) -> Path:
        """A folder that doesn't exist yet, for one round.

        It stays until the whole run is over: ext4 passes over the inodes of files that were
        deleted in the last minutes, and then takes 200 us to make a file, not 15.
        """
        rounds = self.work / "rounds"
        rounds.mkdir(parents=True, exist_ok=True)
        return rounds / f"{name}-{len(list(rounds.glob(f'{name}-*')))}"

    def clean(self) -> None:
        """Remove the folders of the rounds."""
        shutil.rmtree(self.work / "rounds", ignore_errors=True)


def say(text: str) -> None:
    """Progress, which is no part of the result."""
    print(text, file=sys.stderr, flush=True)
