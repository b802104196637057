"""Measures uploads: every round on fresh servers with empty folders."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.load import Upload, upload
from benchmarks.operations import MEMORY_MARGIN_MB, UploadOperation
from benchmarks.plan import Contestant, Plan, say
from benchmarks.results import Row
from benchmarks.servers import Server

__all__ = ["measure_uploads"]

_TIMEOUT = 300.0
_WARM_UP = Upload("MR", patients=1, studies=1, series=1, instances=40, seed="warm up")


def measure_uploads(plan: Plan, operations: list[UploadOperation]) -> list[Row]:
    """A row for each operation, and one for the peak memory afterwards."""
    rows = [Row(operation.name, "/s", plan.goal(operation.goal)) for operation in operations]
    memory = Row("peak memory, uploads", "MB", MEMORY_MARGIN_MB)
    for number in range(plan.rounds):
        for contestant in plan.contestants:
            say(f"uploads, round {number + 1} of {plan.rounds}, {contestant.label}")
            folder = plan.fresh(f"upload-{contestant.slug}")
            _round(plan, contestant, folder, list(zip(operations, rows, strict=True)), memory)
    return [*rows, memory]


def _round(
    plan: Plan,
    contestant: Contestant,
    folder: Path,
    operations: list[tuple[UploadOperation, Row]],
    memory: Row,
) -> None:
    with Server(contestant.kind, folder) as server:
        upload(server, _WARM_UP, timeout=_TIMEOUT)
        sent = _WARM_UP.count
        for operation, row in operations:
            what = operation.quick if plan.quick else operation.what
            # What others have left to be written is not ours to wait for.
            os.sync()
            result = upload(server, what, timeout=_TIMEOUT)
            sent += what.count
            server.check_count(sent)
            row.add(contestant.label, what.count / result["seconds"])
            row.note_client(result["client_cpu_seconds"] / result["seconds"])
        memory.add(contestant.label, server.peak_memory() / 1e6)
