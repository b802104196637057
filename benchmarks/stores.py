"""Measures C-STORE: every round on fresh servers with empty folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import dcmtk, storescp
from benchmarks.dicom_operations import StoreOperation
from benchmarks.load import Upload
from benchmarks.operations import MEMORY_MARGIN_MB
from benchmarks.plan import Contestant, Plan, say
from benchmarks.results import Row
from benchmarks.servers import Server
from hornburg.testing import DatasetFactory

__all__ = ["Files", "measure_stores", "write_files"]

_TIMEOUT = 300.0
_WARM_UP = Upload("MR", patients=1, studies=1, series=1, instances=40, seed="warm up")


@dataclass(frozen=True, slots=True)
class Files:
    """Made-up files of one folder, in the order of patients and series."""

    folder: Path
    names: list[str]

    def send(self, port: int, associations: int) -> dcmtk.Taken:
        return dcmtk.store(port, self.folder, self.names, associations, _TIMEOUT)


@dataclass(frozen=True, slots=True)
class _Prepared:
    operation: StoreOperation
    row: Row
    files: Files


def measure_stores(plan: Plan, operations: list[StoreOperation], *, scale: bool) -> list[Row]:
    """A row for each operation, and one for the peak memory afterwards.

    With `scale`, storescp is measured after the servers.
    """
    rows = [Row(operation.name, "/s", plan.goal(operation.goal)) for operation in operations]
    memory = Row("peak memory, C-STORE", "MB", MEMORY_MARGIN_MB)
    source = plan.work / "dicom-files"
    try:
        say("writing the files to send")
        warm_up = write_files(source / "warm-up", _WARM_UP)
        prepared = [
            _Prepared(
                operation,
                row,
                write_files(
                    source / str(number), operation.quick if plan.quick else operation.what
                ),
            )
            for number, (operation, row) in enumerate(zip(operations, rows, strict=True))
        ]
        for number in range(plan.rounds):
            for contestant in plan.contestants:
                say(f"C-STORE, round {number + 1} of {plan.rounds}, {contestant.label}")
                _round(plan, contestant, warm_up, prepared, memory)
        # Between the servers it would leave the disk to one in another state than to the other.
        for number in range(plan.rounds if scale else 0):
            say(f"C-STORE, round {number + 1} of {plan.rounds}, {storescp.LABEL}")
            _round_of_storescp(plan, warm_up, prepared)
    finally:
        shutil.rmtree(source, ignore_errors=True)
    return [*rows, memory]


def write_files(folder: Path, what: Upload) -> Files:
    """Make up the instances of `what` in `folder`, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = DatasetFactory(what.kind, seed=what.seed).archive(
        patients=what.patients,
        studies=what.studies,
        series=what.series,
        instances=what.instances,
    )
    names = []
    for number, content in enumerate(made):
        names.append(f"{number:05}.dcm")
        (folder / names[-1]).write_bytes(content)
    return Files(folder, names)


def _round(
    plan: Plan, contestant: Contestant, warm_up: Files, prepared: list[_Prepared], memory: Row
) -> None:
    folder = plan.fresh(f"store-{contestant.slug}")
    with Server(contestant.kind, folder, dicom=True) as server:
        _send_all(contestant.label, server.dicom_port, warm_up, prepared, server.check_count)
        memory.add(contestant.label, server.peak_memory() / 1e6)


def _round_of_storescp(plan: Plan, warm_up: Files, prepared: list[_Prepared]) -> None:
    folder = plan.fresh(f"store-{storescp.LABEL}")
    with storescp.running(folder) as port:
        _send_all(
            storescp.LABEL,
            port,
            warm_up,
            prepared,
            lambda sent: storescp.check_files(folder, sent),
        )


def _send_all(
    label: str,
    port: int,
    warm_up: Files,
    prepared: list[_Prepared],
    check: Callable[[int], None],
) -> None:
    warm_up.send(port, 1)
    sent = len(warm_up.names)
    for one in prepared:
        # What others have left to be written is not ours to wait for.
        os.sync()
        taken = one.files.send(port, one.operation.associations)
        sent += len(one.files.names)
        check(sent)
        one.row.add(label, len(one.files.names) / taken.seconds)
        if label != storescp.LABEL:
            one.row.note_client(taken.client_share)
