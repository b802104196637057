"""Measures C-FIND and C-GET: all servers hold the same archive, and are asked in turns."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.filewriter import dcmwrite

from benchmarks import dcmtk
from benchmarks.dicom_operations import DicomArchive, DicomRead
from benchmarks.errors import BenchmarkError
from benchmarks.loaded import loaded_folder
from benchmarks.operations import MEMORY_MARGIN_MB
from benchmarks.plan import Contestant, Plan, say
from benchmarks.results import Row
from benchmarks.servers import Server

__all__ = ["Asked", "measure_dicom_reads"]

_MEMORY_FILE_SYSTEM = Path("/dev/shm")

# What the client says of each answer, and of a query that was answered whole.
_ANSWER = {"find": "Received Find Response ", "get": "Received C-STORE Request "}
_WHOLE = {
    "find": "Received Final Find Response (Success)",
    "get": "Received C-GET Response (Success)",
}


@dataclass(frozen=True, slots=True)
class _Loaded:
    contestant: Contestant
    server: Server


@dataclass(frozen=True, slots=True)
class Asked:
    """Query files in `folder`, and how many answers all of them together have."""

    read: DicomRead
    folder: Path
    names: list[str]
    answers: int

    def send(self, server: Server, repeats: int) -> tuple[float, dcmtk.Taken]:
        """Ask all queries `repeats` times, every answer must come; the rate, and the time."""
        kind = self.read.kind
        if kind == "find":
            times = repeats
            taken, said = dcmtk.find(server.dicom_port, self.folder, self.names, times)
        else:
            times = repeats * self.read.times
            taken, said = self._get_all(server, repeats)
        counted = (said.count(_WHOLE[kind]), said.count(_ANSWER[kind]))
        expected = (times * len(self.names), times * self.answers)
        if counted != expected:
            raise BenchmarkError(
                f"{server.kind.name} gave {counted[1]} answers to {counted[0]} queries, "
                f"not {expected[1]} to {expected[0]}"
            )
        return (expected[0] if kind == "find" else expected[1]) / taken.seconds, taken

    def _get_all(self, server: Server, repeats: int) -> tuple[dcmtk.Taken, str]:
        """Series by series and from the first again, so that no cache holds the large ones."""
        got = [
            dcmtk.get(server.dicom_port, self.folder, name, self.read.times)
            for _ in range(repeats)
            for name in self.names
        ]
        taken = sum((one for one, _ in got), dcmtk.Taken(0.0, 0.0))
        return taken, "".join(said for _, said in got)


def measure_dicom_reads(plan: Plan, reads: list[DicomRead]) -> list[Row]:
    """A row for each operation, and one for the peak memory afterwards."""
    archive = DicomArchive(quick=plan.quick)
    with ExitStack() as stack:
        folders = [
            (
                contestant,
                stack.enter_context(
                    loaded_folder(plan, contestant, "dicom", archive.contents, archive.studies)
                ),
            )
            for contestant in plan.contestants
        ]
        servers = [
            _Loaded(contestant, stack.enter_context(Server(contestant.kind, folder, dicom=True)))
            for contestant, folder in folders
        ]
        rows = [_measure(plan, servers, archive, read) for read in reads]
        memory = Row("peak memory, C-FIND and C-GET", "MB", MEMORY_MARGIN_MB)
        for loaded in servers:
            memory.add(loaded.contestant.label, loaded.server.peak_memory() / 1e6)
    return [*rows, memory]


def _measure(plan: Plan, servers: list[_Loaded], archive: DicomArchive, read: DicomRead) -> Row:
    """One row; a failure is noted in it, so that the others are measured all the same."""
    row = Row(read.name, "/s", plan.goal(read.goal))
    try:
        with _scratch() as folder:
            asked = _prepared(folder, servers, archive, read)
            repeats = [_repeats(plan, loaded, asked) for loaded in servers]
            for number in range(plan.rounds):
                for loaded, times in zip(servers, repeats, strict=True):
                    label = loaded.contestant.label
                    say(f"{read.name}, round {number + 1} of {plan.rounds}, {label}")
                    rate, taken = asked.send(loaded.server, times)
                    row.add(label, rate)
                    row.note_client(taken.client_share)
    except BenchmarkError as error:
        row.problem = str(error)
        say(f"! {read.name}: {error}")
        for loaded in servers:
            loaded.server.check_alive()
    return row


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for queries, logs and answers, in memory where there is a place for it."""
    place = _MEMORY_FILE_SYSTEM if _MEMORY_FILE_SYSTEM.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def _prepared(
    folder: Path, servers: list[_Loaded], archive: DicomArchive, read: DicomRead
) -> Asked:
    """The query files; each has been asked once, and its answers compared with what was stored."""
    names = []
    answers = 0
    for number, query in enumerate(read.queries(archive)):
        names.append(f"query{number:02}.dcm")
        with (folder / names[-1]).open("wb") as stream:
            dcmwrite(stream, query, implicit_vr=False, little_endian=True)
        expected = read.expected(archive, query)
        answers += len(expected)
        for loaded in servers:
            seen = _answers(folder, loaded.server, read, names[-1])
            if dict(seen) != expected or len(seen) != len(expected):
                raise BenchmarkError(
                    f"{loaded.contestant.label} gives {len(seen)} answers to "
                    f"{names[-1]} of {len(expected)}: {_difference(seen, expected)}"
                )
    return Asked(read, folder, names, answers)


def _answers(folder: Path, server: Server, read: DicomRead, name: str) -> list[tuple[str, Any]]:
    received = folder / "answers"
    received.mkdir()
    if read.kind == "find":
        dcmtk.find(server.dicom_port, folder, [name], 1, received)
    else:
        dcmtk.get(server.dicom_port, folder, name, 1, received)
    seen = [read.seen(path) for path in sorted(received.iterdir())]
    shutil.rmtree(received)
    return seen


def _difference(seen: list[tuple[str, Any]], expected: dict[str, Any]) -> str:
    wrong = [answer for answer in seen if answer not in expected.items()]
    missing = [item for item in expected.items() if item not in seen]
    return f"{wrong[:1]!r} against {missing[:1]!r}"


def _repeats(plan: Plan, loaded: _Loaded, asked: Asked) -> int:
    """How often all queries fill the seconds of a round."""
    repeats = 1
    while True:
        seconds = asked.send(loaded.server, repeats)[1].seconds
        # A short try is mostly the start of the client.
        if seconds > plan.seconds / 4:
            return max(1, round(repeats * plan.seconds / seconds))
        repeats *= 3
