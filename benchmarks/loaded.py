"""A server's folder with an archive in it, to read from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.load import Upload, upload
from benchmarks.plan import Contestant, Plan, say
from benchmarks.servers import Server

__all__ = ["loaded_folder"]

_LOAD_TIMEOUT = 1800.0


@contextmanager
def loaded_folder(
    plan: Plan, contestant: Contestant, name: str, contents: Sequence[Upload], studies: int
) -> Iterator[Path]:
    """A folder that holds all of `contents`; loaded now unless an earlier run has kept it."""
    instances = sum(what.count for what in contents)
    folder = plan.work / f"{name}-{contestant.slug}-{instances}"
    complete = folder / "complete"
    try:
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _load(contestant, folder, contents, (studies, instances))
            complete.touch()
        yield folder
    finally:
        if not (plan.keep and complete.exists()):
            shutil.rmtree(folder, ignore_errors=True)


def _load(
    contestant: Contestant, folder: Path, contents: Sequence[Upload], expected: tuple[int, int]
) -> None:
    # This is not measured: it may go without fsync, and studies may be stable at once.
    with Server(contestant.kind, folder, SyncStorageArea=False, StableAge=1) as server:
        say(f"{contestant.label}: loading {expected[1]:,} instances")
        seconds = sum(
            upload(server, what, timeout=_LOAD_TIMEOUT, ahead=False)["seconds"] for what in contents
        )
        say(f"{contestant.label}: loaded at {expected[1] / seconds:,.0f}/s")
        counted = server.get("/statistics")
        if (counted["CountStudies"], counted["CountInstances"]) != expected:
            raise BenchmarkError(f"{contestant.label} holds {counted} instead of {expected}")
