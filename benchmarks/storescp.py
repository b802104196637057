"""DCMTK's storescp, which has no index and flushes nothing: measured for scale only."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import dcmtk
from benchmarks.errors import BenchmarkError
from benchmarks.servers import free_ports

__all__ = ["LABEL", "check_files", "installed", "running"]

LABEL = "storescp"
_START_SECONDS = 10.0


def installed() -> bool:
    """Whether the program is there."""
    return shutil.which("storescp") is not None


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """The port of a storescp that writes each file to `folder`, and forks for each association."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_ports(1)[0]
    command = ["storescp", "-q", "--fork", "-aet", dcmtk.SERVER_AET, "-od", str(folder), str(port)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dcmtk.environment(),
    )
    try:
        end = time.monotonic() + _START_SECONDS
        while not dcmtk.echo(port):
            if process.poll() is not None or time.monotonic() > end:
                raise BenchmarkError("storescp does not answer")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def check_files(folder: Path, expected: int) -> None:
    """Raise `BenchmarkError` unless there are `expected` files."""
    counted = sum(1 for _ in folder.iterdir())
    if counted != expected:
        raise BenchmarkError(f"storescp holds {counted} files, sent {expected}")
