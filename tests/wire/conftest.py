"""A real server in a process of its own, over real sockets; and who talks to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest
from tests.wire.dicom_peers import Peers

#: A start takes a second; on a busy machine it may take several.
_PATIENCE = 60


#: Ports that the system chooses, on this machine alone.
_DOORS = {
    "HttpPort": 0,
    "DicomPort": 0,
    "DicomBindAddresses": ["127.0.0.1"],
    # What requests that are written by hand call it.
    "AllowedHosts": ["x"],
}


class Server:
    """``hornburg serve`` on ports that the system chose."""

    #: The port of the DICOM server, 0 when it is off.
    dicom_port = 0

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration = folder / "hornburg.json"
        self.configuration.write_text(json.dumps({**_DOORS, **options}))
        self.storage = Path(options.get("StorageDirectory", folder / "OrthancStorage"))
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        listening = threading.Event()
        self.url = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hornburg", "serve", str(self.configuration)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(
            target=self._read, args=(self.process.stderr, listening), daemon=True
        )
        self._reader.start()
        # The end of the log, without the line that says where it listens, is a failure too.
        if not listening.wait(_PATIENCE) or not self.url:
            self.process.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines))
        self.client = httpx2.Client(base_url=self.url, timeout=_PATIENCE)

    def _read(self, log: IO[str], listening: threading.Event) -> None:
        for line in log:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
            found = re.search(r"listens for DICOM.* on 127\.0\.0\.1:(\d+)", line)
            if found:
                self.dicom_port = int(found[1])
            found = re.search(r"listens on (https?://127\.0\.0\.1:(\d+))", line)
            if found:
                self.url, self.port = found[1], int(found[2])
                listening.set()
        listening.set()

    def said(self, words: str, since: int = 0) -> str:
        """Wait until the log says something; answers the line.

        ``since`` is the number of lines that don't count, as ``len(lines)`` was before.
        """

        def found() -> list[str]:
            return [line for line in self.lines[since:] if words in line]

        with self._news:
            heard = self._news.wait_for(found, timeout=_PATIENCE)
        assert heard, "\n".join(self.lines)
        return heard[0]

    def kill(self) -> None:
        """As a power cut: no signal handler runs."""
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask the server to stop; answers its exit status."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        return status

    def files(self) -> set[str]:
        """The names of all attachments that lie in the storage."""
        return {
            path.name
            for path in self.storage.rglob("*")
            if re.fullmatch(r"[0-9a-f-]{36}", path.name)
        }


def _servers(parent: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(folder: Path | None = None, **options: Any) -> Server:
        made = Server(folder or parent / f"server{len(started)}", options)
        started.append(made)
        return made

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A function that starts a server with the given options."""
    yield from _servers(tmp_path)


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """The same for servers that all tests of a module share."""
    yield from _servers(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Peers]:
    """Other application entities, ended with the test."""
    with Peers(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def module_peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    """Other application entities, ended with the module."""
    with Peers(tmp_path_factory.mktemp("peers")) as started:
        yield started
