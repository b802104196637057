"""The server under attack, and what must hold after every attack."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.wire.conftest import Server

__all__ = ["Answer", "Target", "parse"]

_PATIENCE = 60


class Answer:
    """What came back over a socket: ``status`` 0 is a connection that was closed at once."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ")
        self.status = int(words[1]) if len(words) > 1 else 0
        self.headers = [
            (name.strip().lower().decode("latin-1"), value.strip().decode("latin-1"))
            for name, _, value in (line.partition(b":") for line in lines[1:])
        ]
        self.raw = data

    def all(self, name: str) -> list[str]:
        """The values of a header, one for each time that it is there."""
        return [value for known, value in self.headers if known == name]


def parse(data: bytes) -> Answer:
    """The first answer in what was received."""
    return Answer(data)


class Target(Server):
    """A server whose insides can be looked at from outside."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, options)

    def connect(self) -> socket.socket:
        """A connection; nothing is sent on it yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def say(self, *parts: bytes, end: bool = False) -> Answer:
        """Send bytes as they are, and read until the server closes.

        With ``end`` nothing more follows, as the other side can see.
        """
        with self.connect() as connection:
            # A server that refuses early closes before everything is sent.
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    connection.sendall(part)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(1 << 20):
                    received += piece
            return parse(received)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """A request with this path, as it is: no client that tidies it."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return self.say(head, body or b"")

    def upload(self, body: bytes, **headers: str) -> Answer:
        """``POST /instances``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/instances", body, named)

    def files_called(self, name: str) -> list[Path]:
        """Files of a name in the folder of the server, and where a path of two dots leads to."""
        places = [*self.folder.rglob("*"), *self.folder.parent.iterdir(), Path("/") / name]
        return [path for path in places if path.name == name and path.exists()]

    def memory(self) -> int:
        """The most memory that the process ever had, in bytes."""
        return self._status("VmHWM") << 10

    def forget_peak(self) -> None:
        """Let the next ``memory`` speak of what comes from here on (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise AssertionError(name)

    def descriptors(self) -> int:
        """How many files and sockets are open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settled(self, descriptors: int) -> None:
        """Wait until no more files and sockets are open than once before."""
        ends = time.monotonic() + _PATIENCE
        while self.descriptors() > descriptors:
            assert time.monotonic() < ends, f"{self.descriptors()} descriptors are open"
            time.sleep(0.01)

    def scratch(self) -> int:
        """How many files are open that have no name any more."""
        return sum(
            os.readlink(entry).endswith("(deleted)")
            for entry in Path(f"/proc/{self.process.pid}/fd").iterdir()
            if entry.is_symlink()
        )

    def leftovers(self) -> set[str]:
        """Files in the storage that the index does not know."""
        known = {
            self.client.get(f"/instances/{one}/attachments/dicom/uuid").text
            for one in self.client.get("/instances").json()
        }
        return self.files() - known

    def complaints(self) -> list[str]:
        """Lines of the log that say of something that it was not foreseen."""
        return [line for line in self.lines if "unexpected" in line or "Traceback" in line]

    @contextlib.contextmanager
    def growing_at_most(self, size: int) -> Iterator[None]:
        """The peak of the memory inside the block is not more than ``size`` bytes above now."""
        self.forget_peak()
        before = self.memory()
        yield
        grown = self.memory() - before
        assert grown <= size, f"{grown >> 20} MB more memory"
