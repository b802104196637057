"""Where the time of a C-STORE goes: `python -m benchmarks.profile_store --help`.

py-spy (`pip install py-spy`) watches a fresh Hornburg while storescu sends the files of one
operation of the benchmark. It needs the right to trace other processes.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.dicom_operations import STORES, StoreOperation
from benchmarks.errors import BenchmarkError
from benchmarks.plan import say
from benchmarks.servers import HORNBURG, Server
from benchmarks.stores import write_files

_PYSPY = Path(sys.executable).with_name("py-spy")
_WORK = Path(__file__).parent / ".work"
_PATIENCE = 60.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("profile_store", description="py-spy over C-STORE")
    parser.add_argument("operation", choices=[one.name for one in STORES])
    parser.add_argument("output", type=Path, help="flame graph (.svg), else stacks with counts")
    parser.add_argument("--gil", action="store_true", help="only threads that hold the lock")
    return parser.parse_args()


def _profile(operation: StoreOperation, output: Path, *options: str) -> None:
    form = "flamegraph" if output.suffix == ".svg" else "raw"
    command = [str(_PYSPY), "record", "--format", form, "--output", str(output), *options]
    _WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_WORK) as folder:
        files = write_files(Path(folder, "files"), operation.what)
        with Server(HORNBURG, Path(folder, "server"), dicom=True) as server:
            watcher = subprocess.Popen([*command, "--pid", str(server.pid)])
            try:
                # py-spy needs a moment to find its way about the process.
                time.sleep(1)
                taken = files.send(server.dicom_port, operation.associations)
            finally:
                watcher.send_signal(signal.SIGINT)
                watcher.wait(_PATIENCE)
            server.check_count(len(files.names))
    say(f"{len(files.names) / taken.seconds:,.0f}/s under the profiler")


def main() -> int:
    """Profile one operation; 1 when that failed."""
    arguments = _arguments()
    operation = next(one for one in STORES if one.name == arguments.operation)
    try:
        _profile(operation, arguments.output, *(["--gil"] if arguments.gil else []))
    except (BenchmarkError, FileNotFoundError) as error:
        say(f"profile_store: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
