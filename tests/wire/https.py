"""A server that speaks HTTPS, and who talks to it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.security.certificates import Certified, make
from tests.wire.conftest import Server

__all__ = ["PATIENCE", "HttpsServer", "certified", "client_context", "command", "put"]

PATIENCE = 60


def certified(folder: Path, name: str, **more: Any) -> Certified:
    """A certificate for this machine."""
    return make(folder, name, names="DNS:localhost,IP:127.0.0.1", days=100, **more)


def put(place: Path, source: Path) -> None:
    """Another file under the same name, at once, as certbot does it."""
    new = place.with_suffix(".new")
    new.write_bytes(source.read_bytes())
    new.chmod(0o600)
    os.replace(new, place)


def client_context(trusted: Certified, mine: Certified | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(trusted.certificate))
    if mine is not None:
        context.load_cert_chain(mine.certificate, mine.key)
    return context


def command(*arguments: object, said: bytes = b"", **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    name = shutil.which(str(arguments[0]))
    if name is None:
        pytest.fail(f"{arguments[0]} is not installed here: 'make peers' installs it")
    done = subprocess.run(
        [name, *map(str, arguments[1:])],
        input=said,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        **more,
    )
    words = (done.stdout.decode("latin-1"), done.stderr.decode("latin-1"))
    return subprocess.CompletedProcess(done.args, done.returncode, *words)


class HttpsServer(Server):
    """``hornburg serve`` with certificates of its own, in two files."""

    def __init__(
        self, folder: Path, ours: Certified, mine: Certified | None = None, **options: Any
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ours, self.mine = ours, mine
        self.certificate, self.key = folder / "server.crt", folder / "server.key"
        put(self.certificate, ours.certificate)
        put(self.key, ours.key)
        files = {"SslCertificate": str(self.certificate), "SslPrivateKey": str(self.key)}
        super().__init__(folder, {"SslEnabled": True, **files, **options})

    def start(self) -> None:
        super().start()
        self.client.close()
        self.client = self.caller(self.ours, self.mine)

    def caller(self, trusted: Certified, mine: Certified | None = None) -> httpx2.Client:
        return httpx2.Client(
            base_url=self.url, timeout=PATIENCE, verify=client_context(trusted, mine)
        )

    def connect(self) -> socket.socket:
        """A connection; nothing is sent on it yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def connect_tls(
        self, trusted: Certified | None = None, mine: Certified | None = None
    ) -> ssl.SSLSocket:
        """One that has shaken hands."""
        context = client_context(trusted or self.ours, mine or self.mine)
        return context.wrap_socket(self.connect(), server_hostname="localhost")
