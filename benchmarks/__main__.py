"""The command: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks import dcmtk, secured, storescp
from benchmarks.dicom_operations import DICOM_READS, STORES, DicomRead, StoreOperation
from benchmarks.dicom_reads import measure_dicom_reads
from benchmarks.errors import BenchmarkError
from benchmarks.load import client_name
from benchmarks.lookups import measure_lookups
from benchmarks.machine import describe
from benchmarks.operations import LOOKUPS, UPLOADS, Lookup, UploadOperation
from benchmarks.plan import Contestant, Plan, say
from benchmarks.report import as_markdown, as_text, put_into
from benchmarks.results import Run
from benchmarks.servers import HORNBURG, ORTHANC
from benchmarks.stores import measure_stores
from benchmarks.uploads import measure_uploads

_HERE = Path(__file__).parent
_Operation = TypeVar("_Operation", UploadOperation, Lookup, StoreOperation, DicomRead)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description="Hornburg and Orthanc side by side")
    parser.add_argument("--only", metavar="NAME", default="", help="operations with NAME in them")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each (5; quick: 2)")
    parser.add_argument("--quick", action="store_true", help="less data, short rounds")
    parser.add_argument(
        "--keep", action="store_true", help="keep the loaded archives for next time"
    )
    parser.add_argument("--python-client", action="store_true", help="don't use wrk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", action="store_true", help="write RESULTS.md")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--hornburg-only", action="store_true")
    who.add_argument("--orthanc-only", action="store_true")
    who.add_argument(
        "--orthanc-twice", action="store_true", help="check the bench itself: ratios must be near 1"
    )
    who.add_argument(
        "--secured",
        action="store_true",
        help="Hornburg with users, rules and the audit trail beside Hornburg without",
    )
    return parser.parse_args()


def _contestants(arguments: argparse.Namespace) -> list[Contestant]:
    hornburg, orthanc = Contestant("Hornburg", HORNBURG), Contestant("Orthanc", ORTHANC)
    if arguments.hornburg_only:
        return [hornburg]
    if arguments.orthanc_only:
        return [orthanc]
    if arguments.orthanc_twice:
        return [Contestant("Orthanc again", ORTHANC), orthanc]
    if arguments.secured:
        return secured.contestants()
    if not ORTHANC.installed():
        say("Orthanc is not installed (Debian package orthanc): Hornburg alone is measured")
        return [hornburg]
    return [hornburg, orthanc]


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        contestants=_contestants(arguments),
        work=_HERE / ".work",
        rounds=arguments.rounds or (2 if arguments.quick else 5),
        seconds=1 if arguments.quick else 3,
        patients=125 if arguments.quick else 1250,
        quick=arguments.quick,
        keep=arguments.keep,
        python_client=arguments.python_client,
        every_goal=secured.GOAL if arguments.secured else None,
    )


def _empty_run(plan: Plan) -> Run:
    plan.work.mkdir(parents=True, exist_ok=True)
    labels = [contestant.label for contestant in plan.contestants]
    return Run(
        machine=describe(plan.work),
        versions={one.label: one.kind.version() for one in plan.contestants},
        ours=labels[0],
        reference=labels[1] if len(labels) > 1 else None,
        settings={
            "rounds": plan.rounds,
            "seconds of reading": plan.seconds,
            "instances to read": f"{plan.patients * 80:,}",
            "connections": 4,
            "reading client": client_name(python=plan.python_client),
        },
    )


def _measure(plan: Plan, only: str) -> Run:
    run = _empty_run(plan)
    uploads, lookups = _chosen(UPLOADS, only), _chosen(LOOKUPS, only)
    stores, reads = _chosen(STORES, only), _chosen(DICOM_READS, only)
    if not (uploads or lookups or stores or reads):
        raise BenchmarkError(f"no operation has {only!r} in its name; there are: {_names()}")
    if uploads:
        run.rows += measure_uploads(plan, uploads)
    if lookups:
        run.rows += measure_lookups(plan, lookups)
    if stores or reads:
        _measure_dicom(plan, run, stores, reads)
    if not run.rows:
        raise BenchmarkError("nothing was measured")
    plan.clean()
    return run


def _measure_dicom(
    plan: Plan, run: Run, stores: list[StoreOperation], reads: list[DicomRead]
) -> None:
    if not dcmtk.installed():
        say("DCMTK is not installed (Debian package dcmtk): DICOM operations are left out")
        return
    run.versions["DCMTK"] = dcmtk.version()
    if stores:
        beside = storescp.installed() and run.reference == "Orthanc"
        run.scale = storescp.LABEL if beside else None
        run.rows += measure_stores(plan, stores, scale=beside)
    if reads:
        run.rows += measure_dicom_reads(plan, reads)


def _names() -> str:
    names = [one.name for one in UPLOADS] + [one.name for one in LOOKUPS]
    names += [one.name for one in STORES] + [one.name for one in DICOM_READS]
    return "; ".join(names)


def _chosen(operations: Sequence[_Operation], only: str) -> list[_Operation]:
    return [one for one in operations if only.lower() in one.name.lower()]


def main() -> int:
    """Measure, print the table; 1 when something failed or a goal was missed."""
    arguments = _arguments()
    plan = _plan(arguments)
    if arguments.markdown and (len(plan.contestants) < 2 or arguments.orthanc_twice):
        say("RESULTS.md is written from runs that compare Hornburg with something only")
        return 2
    try:
        run = _measure(plan, arguments.only)
    except BenchmarkError as error:
        say("\n".join([f"benchmarks: {error}", *getattr(error, "__notes__", [])]))
        return 1
    print(as_text(run))
    if arguments.json:
        arguments.json.write_text(json.dumps(run.as_json(), indent=1))
    if arguments.markdown:
        heading = secured.HEADING if arguments.secured else "Beside Orthanc"
        put_into(_HERE / "RESULTS.md", heading, as_markdown(run))
    reference = run.reference or run.ours
    missed = [row for row in run.rows if row.problem or row.reached(run.ours, reference) is False]
    return 1 if missed and run.reference else 0


if __name__ == "__main__":
    sys.exit(main())
