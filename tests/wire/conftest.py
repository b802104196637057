"""A real server in a process of its own, over real sockets."""

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

#: A start takes a second; on a busy machine it may take several.
_PATIENCE = 60


class Server:
    """``hornburg serve`` on a port that the system chose."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration = folder / "hornburg.json"
        self.configuration.write_text(json.dumps({"HttpPort": 0, **options}))
        self.storage = Path(options.get("StorageDirectory", folder / "OrthancStorage"))
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        listening = threading.Event()
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
        if not listening.wait(_PATIENCE) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines))
        self.client = httpx2.Client(base_url=self.url, timeout=_PATIENCE)

    def _read(self, log: IO[str], listening: threading.Event) -> None:
        for line in log:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
            found = re.search(r"listens on (http://127\.0\.0\.1:(\d+))", line)
            if found:
                self.url, self.port = found[1], int(found[2])
                listening.set()
        listening.set()

    def said(self, words: str) -> None:
        """Wait until the log says something."""
        with self._news:
            found = self._news.wait_for(
                lambda: any(words in line for line in self.lines), timeout=_PATIENCE
            )
        assert found, "\n".join(self.lines)

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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A function that starts a server with the given options."""
    started: list[Server] = []

    def start(folder: Path | None = None, **options: Any) -> Server:
        made = Server(folder or tmp_path / f"server{len(started)}", options)
        started.append(made)
        return made

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()
