"""The DICOM clients: DCMTK's programs, started and timed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.errors import BenchmarkError

__all__ = [
    "CLIENT_AET",
    "SERVER_AET",
    "Taken",
    "echo",
    "environment",
    "find",
    "get",
    "installed",
    "store",
    "version",
]

CLIENT_AET = "BENCH"
SERVER_AET = "ARCHIVE"
_PROGRAMS = ("echoscu", "findscu", "getscu", "storescu")
_TITLES = ("-aet", CLIENT_AET, "-aec", SERVER_AET)
_LOG_TAIL_CHARACTERS = 300
_QUERY_TIMEOUT = 120.0

# What findscu and getscu say of every answer, without the time: it is counted afterwards.
_LOGGING = """\
log4cplus.rootLogger = WARN, out
log4cplus.logger.dcmtk.apps.findscu = INFO
log4cplus.logger.dcmtk.apps.getscu = INFO
log4cplus.logger.dcmtk.dcmnet = INFO
log4cplus.appender.out = log4cplus::ConsoleAppender
log4cplus.appender.out.layout = log4cplus::PatternLayout
log4cplus.appender.out.layout.ConversionPattern = %m%n
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds from the start of the first client to the end of the last; processor time of all."""

    seconds: float
    client_cpu_seconds: float

    @property
    def client_share(self) -> float:
        return self.client_cpu_seconds / self.seconds

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.seconds + other.seconds, self.client_cpu_seconds + other.client_cpu_seconds
        )


def installed() -> bool:
    """Whether all programs that are needed are there."""
    return all(shutil.which(program) for program in _PROGRAMS)


def version() -> str:
    """DCMTK's version, such as `3.6.7`."""
    command = ["echoscu", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    # The first line is "$dcmtk: echoscu v3.6.7 2022-04-22 $".
    return done.stdout.split()[2].removeprefix("v")


def environment() -> dict[str, str]:
    """The environment of clients and servers.

    Debian's DCMTK leaves Nagle's algorithm on, so that on loopback each small message waits 40 ms
    for a delayed acknowledgement. It is switched off on both sides: for storescu and the like, and
    for storescp and Orthanc, which use the same library.
    """
    return {**os.environ, "TCP_NODELAY": "1"}


def echo(port: int) -> bool:
    """Whether C-ECHO is answered."""
    command = ["echoscu", "-q", "-to", "5", "-ta", "5", "-td", "5", *_TITLES]
    done = subprocess.run(
        [*command, "127.0.0.1", str(port)], capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0


def store(
    port: int, folder: Path, files: Sequence[str], associations: int, timeout: float
) -> Taken:
    """Send `files` of `folder` by storescu, in order; each association has an equal part of them.

    storescu ends at the first answer that isn't success. Raises `BenchmarkError`.
    """
    edges = [number * len(files) // associations for number in range(associations + 1)]
    commands = [
        ["storescu", *_TITLES, "127.0.0.1", str(port), *files[start:end]]
        for start, end in pairwise(edges)
    ]
    logs = [folder / f"storescu-{number}.log" for number in range(len(commands))]
    return _timed(commands, folder, logs, timeout)


def find(
    port: int, folder: Path, queries: Sequence[str], repeats: int, answers: Path | None = None
) -> tuple[Taken, str]:
    """Send the query files of `folder` by findscu, each `repeats` times, on one association.

    Returns the time and what findscu said. The answers are written to the folder `answers`, or
    thrown away. Raises `BenchmarkError`.
    """
    output = ["-sr"] if answers is None else ["-sr", "-X", "-od", str(answers)]
    command = ["findscu", *output, "--repeat", str(repeats)]
    return _said(port, folder, command, queries)


def get(
    port: int, folder: Path, query: str, repeats: int, answers: Path | None = None
) -> tuple[Taken, str]:
    """Send one query file of `folder` by getscu `repeats` times, on one association.

    Otherwise as `find`. More than two files in one call end getscu 3.6.7 by a segmentation fault.
    """
    output = ["--ignore"] if answers is None else ["+B", "-od", str(answers)]
    return _said(port, folder, ["getscu", *output, "--repeat", str(repeats)], [query])


def _said(port: int, folder: Path, command: list[str], queries: Sequence[str]) -> tuple[Taken, str]:
    configuration, log = folder / "logging.cfg", folder / "log"
    configuration.write_text(_LOGGING)
    command += ["-S", *_TITLES, "-lc", configuration.name, "127.0.0.1", str(port), *queries]
    taken = _timed([command], folder, [log], _QUERY_TIMEOUT)
    return taken, log.read_text(errors="replace")


def _timed(commands: list[list[str]], folder: Path, logs: list[Path], timeout: float) -> Taken:
    """Run all at the same time; the servers under measure must not end meanwhile."""
    with ExitStack() as stack:
        outputs = [stack.enter_context(log.open("wb")) for log in logs]
        busy, begin = _children_cpu_seconds(), time.perf_counter()
        clients = [
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            for command, output in zip(commands, outputs, strict=True)
        ]
        _wait(clients, commands, begin + timeout)
        taken = Taken(time.perf_counter() - begin, _children_cpu_seconds() - busy)
    for client, command, log in zip(clients, commands, logs, strict=True):
        if client.returncode:
            said = log.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:]
            raise BenchmarkError(f"{command[0]} failed ({client.returncode}): {said}")
    return taken


def _wait(clients: list[subprocess.Popen[bytes]], commands: list[list[str]], end: float) -> None:
    try:
        for client in clients:
            client.wait(max(0.0, end - time.perf_counter()))
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{commands[0][0]} was not done in time") from error
    finally:
        for client in clients:
            if client.poll() is None:
                client.kill()
                client.wait()


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
