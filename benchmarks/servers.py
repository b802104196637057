"""The servers under measure: started on a free loopback port, stopped by their process id."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import dcmtk
from benchmarks.errors import BenchmarkError

__all__ = ["HORNBURG", "ORTHANC", "Kind", "Server", "free_ports"]

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_LOG_TAIL_LINES = 30
_CLIENT = {
    "AET": dcmtk.CLIENT_AET,
    "Host": "127.0.0.1",
    "Port": 104,
    "AllowEcho": True,
    "AllowStore": True,
    "AllowFind": True,
    "AllowGet": True,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A server program; `command` is followed by the name of a configuration file.

    `settings` are options of its own beside those that all share, `login` is the user and the
    password that its requests carry, as `user:password`.
    """

    name: str
    command: tuple[str, ...]
    version_option: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    login: str = ""

    @property
    def authorization(self) -> str:
        """The Authorization header of every request, or nothing."""
        return f"Basic {base64.b64encode(self.login.encode()).decode()}" if self.login else ""

    def installed(self) -> bool:
        """Whether the program is there."""
        return shutil.which(self.command[0], path=_search_path()) is not None

    def version(self) -> str:
        """The last word of the first line that the program says of its version."""
        command = [_program(self.command[0]), self.version_option]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.split("\n", 1)[0].split()[-1]


# Debian puts Orthanc where only the administrator's PATH leads.
def _search_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])


def _program(name: str) -> str:
    found = shutil.which(name, path=_search_path())
    if found is None:
        raise BenchmarkError(f"{name} is not installed")
    return found


HORNBURG = Kind("Hornburg", ("hornburg", "serve"), "--version")
ORTHANC = Kind("Orthanc", ("Orthanc",), "--version")


class Server:
    """One running server with its folder; use it as a context manager.

    `settings` are added to the options that all servers share. `folder` holds the storage, the
    configuration and the log. With `dicom` it also listens for DICOM, on `dicom_port`, and the
    client of `benchmarks.dcmtk` may store, find and get.
    """

    def __init__(self, kind: Kind, folder: Path, *, dicom: bool = False, **settings: Any) -> None:
        self.kind = kind
        self.folder = folder
        self.port = 0
        self.dicom_port = 0
        self._dicom = dicom
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.dicom_port = free_ports(2)
        configuration = self.folder / "configuration.json"
        configuration.write_text(json.dumps(self._configuration(), indent=1))
        program, *arguments = self.kind.command
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [_program(program), *arguments, str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=dcmtk.environment(),
            )
        try:
            self._wait_until_ready()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.stop()
        if isinstance(error, BenchmarkError):
            error.add_note(f"--- end of the log of {self.kind.name}\n{self._log_tail()}")

    def _configuration(self) -> dict[str, Any]:
        return {
            "Name": "Benchmark",
            "HttpPort": self.port,
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": self._dicom,
            "DicomAet": dcmtk.SERVER_AET,
            "DicomPort": self.dicom_port,
            "DicomModalities": {"bench": _CLIENT},
            "SyncStorageArea": True,
            "StorageCompression": False,
            "OverwriteInstances": False,
            "Plugins": [],
            **self.kind.settings,
            **self._settings,
        }

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            self.check_alive()
            try:
                self.get("/system", timeout=1)
            except (OSError, http.client.HTTPException, BenchmarkError):
                time.sleep(0.05)
                continue
            if self._dicom and not dcmtk.echo(self.dicom_port):
                time.sleep(0.05)
                continue
            # Somebody else's server on the same port would answer for one that is ending.
            time.sleep(0.3)
            self.check_alive()
            return
        raise BenchmarkError(f"{self.kind.name} did not answer within {_START_SECONDS:.0f} s")

    @property
    def pid(self) -> int:
        """The process id; the server must have been started."""
        assert self._process is not None
        return self._process.pid

    def check_alive(self) -> None:
        """Raise `BenchmarkError` when the process has ended."""
        if self._process is None or self._process.poll() is not None:
            raise BenchmarkError(f"{self.kind.name} has ended by itself")

    def get(self, path: str, *, timeout: float = 60) -> Any:
        """The JSON answer of a GET."""
        return self.call("GET", path, timeout=timeout)

    def call(self, method: str, path: str, body: str | None = None, *, timeout: float = 60) -> Any:
        """The JSON answer; raises `BenchmarkError` unless the status is 200."""
        return json.loads(self.raw(method, path, body, timeout=timeout))

    def raw(self, method: str, path: str, body: str | None = None, *, timeout: float = 60) -> bytes:
        """The bytes of the answer; raises `BenchmarkError` unless the status is 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, self._headers())
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchmarkError(
                f"{self.kind.name} {method} {path}: {answer.status} {data[:300]!r}"
            )
        return data

    def _headers(self) -> dict[str, str]:
        given = self.kind.authorization
        return {"Authorization": given} if given else {}

    def check_count(self, expected: int) -> None:
        """Raise `BenchmarkError` unless the server holds `expected` instances."""
        counted = self.get("/statistics")["CountInstances"]
        if counted != expected:
            raise BenchmarkError(f"{self.kind.name} holds {counted} instances, sent {expected}")

    def peak_memory(self) -> int:
        """The peak resident memory of the server and its child processes, in bytes."""
        self.check_alive()
        return sum(_peak_memory(pid) for pid in _family(self.pid))

    def cpu_seconds(self) -> float:
        """Processor time that the server and its children have used."""
        return sum(_cpu_seconds(pid) for pid in _family(self.pid))

    def stop(self) -> None:
        """End the process, first politely."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    def _log_tail(self) -> str:
        log = self.folder / "log"
        if not log.exists():
            return "(no log)"
        return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now, no two the same."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        listed = [int(child) for child in children.read_text().split()]
    except OSError:
        listed = []
    return [pid, *(member for child in listed for member in _family(child))]


def _peak_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    # After the name in brackets, which may hold spaces, user and system time are 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
