"""Start the two servers: Orthanc as Debian packages it, and Hornburg, with one configuration."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.compat.exchange import Server

__all__ = ["Pair", "free_ports", "is_subject_orthanc", "running"]

#: What both get, whatever else a table asks for.
_COMMON: dict[str, Any] = {
    "Name": "Compat",
    "DicomServerEnabled": False,
    "Plugins": [],
    "StableAge": 3600,
    "SaveJobs": False,
    # Debian's 1.10 has no data set of its own for these.
    "UserMetadata": {"mine": 1500},
    "UserContentType": {"note": 1600, "report": [1601, "application/pdf"]},
}

_PATIENCE = 30.0


class Pair(tuple[Server, Server]):
    """Orthanc and the server that is compared with it."""

    __slots__ = ()

    @property
    def orthanc(self) -> Server:
        return self[0]

    @property
    def subject(self) -> Server:
        return self[1]


@contextlib.contextmanager
def running(folder: Path, credentials: str = "", **options: Any) -> Iterator[Pair]:
    """Both servers, each on a free loopback port with a folder of its own below ``folder``.

    ``COMPAT_SUBJECT=orthanc`` compares Orthanc with itself: what fails then is a fault of a table.
    """
    orthanc = _binary("Orthanc", "/usr/sbin")
    if orthanc is None:
        pytest.skip("Orthanc is not installed (Debian's package orthanc)")
    hornburg = Path(sys.executable).with_name("hornburg")
    commands = {
        "orthanc": [orthanc],
        "subject": [orthanc] if is_subject_orthanc() else [str(hornburg), "serve"],
    }
    with contextlib.ExitStack() as stack:
        pair = Pair(
            stack.enter_context(_one(name, command, folder / name, credentials, options))
            for name, command in commands.items()
        )
        yield pair


def is_subject_orthanc() -> bool:
    """Whether Orthanc is compared with itself."""
    return os.environ.get("COMPAT_SUBJECT") == "orthanc"


def _binary(name: str, *also: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *also]))


@contextlib.contextmanager
def _one(
    name: str, command: list[str], folder: Path, credentials: str, options: dict[str, Any]
) -> Iterator[Server]:
    folder.mkdir(parents=True)
    port, dicom_port = free_ports(2)
    configuration = folder / "configuration.json"
    places = {
        "HttpPort": port,
        "DicomPort": dicom_port,
        "StorageDirectory": str(folder / "storage"),
    }
    configuration.write_text(json.dumps(_COMMON | options | places))
    clean = {key: value for key, value in os.environ.items() if "__" not in key}
    # Without it, each DICOM message of Orthanc's waits 40 ms for an acknowledgement.
    clean["TCP_NODELAY"] = "1"
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, str(configuration)], stdout=output, stderr=output, cwd=folder, env=clean
        )
    try:
        _await(name, process, port, log)
        with contextlib.closing(Server(name, port, credentials, dicom_port)) as server:
            yield server
    finally:
        if command[0].endswith("Orthanc"):
            # It takes seconds to stop, and its folder is thrown away.
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"{name} did not stop within 10 s of SIGTERM")


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on.

    They are below those that the system gives to connections, which would take them again before
    a server can.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("", port))
            if port not in found:
                found.append(port)
    return found


def _await(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/system")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    pytest.fail(f"{name} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
