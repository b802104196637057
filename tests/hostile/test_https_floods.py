"""Handshakes with the HTTP server: too many, of rubbish, or half of one."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
from tests.hostile.handshakes import RUBBISH, context, hello
from tests.hostile.target import Target, parse
from tests.security.certificates import make, whole

MB = 1 << 20

#: More than may shake hands at the same time.
MANY = 600


class Guarded(Target):
    """A server with HTTPS, asked over connections of its own; nobody looks at its certificate."""

    def start(self) -> None:
        super().start()
        self.client.close()
        self.client = type(self.client)(base_url=self.url, timeout=60, verify=context())

    def reach(self, address: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 60, source_address=(address, 0))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("https")
    ours = make(folder, "ours")
    target = Guarded(
        folder,
        SslEnabled=True,
        SslCertificate=str(whole(folder / "ours.pem", ours)),
        HttpRequestTimeout=2,
    )
    yield target
    assert target.complaints() == []
    assert target.stop() == 0


def is_served(target: Guarded, address: str) -> None:
    with context().wrap_socket(target.reach(address)) as connection:
        connection.sendall(b"GET /system HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            while piece := connection.recv(1 << 16):
                received += piece
    assert parse(received).status == 200


@pytest.mark.parametrize("begun", [False, True])
def test_handshakes_that_stop(guarded: Guarded, begun: bool) -> None:
    """They keep out nobody, of their own address or another, and are gone in time."""
    is_served(guarded, "127.0.0.1")
    before = guarded.descriptors()
    said = hello() if begun else b""
    with guarded.growing_at_most(128 * MB), contextlib.ExitStack() as stack:
        for number in range(MANY):
            caller = stack.enter_context(guarded.reach(f"127.0.1.{1 + number % 3}"))
            with contextlib.suppress(ConnectionError):
                caller.sendall(said)
        is_served(guarded, "127.0.0.2")
        is_served(guarded, "127.0.1.1")
        assert guarded.descriptors() <= before + MANY // 2
        guarded.settled(before + 8)


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish(guarded: Guarded, rubbish: bytes) -> None:
    is_served(guarded, "127.0.0.1")
    before, lines = guarded.descriptors(), len(guarded.lines)
    with guarded.growing_at_most(32 * MB):
        for _ in range(100):
            with guarded.reach() as caller:
                received = b""
                with contextlib.suppress(OSError):
                    caller.sendall(rubbish)
                    caller.shutdown(socket.SHUT_WR)
                    while piece := caller.recv(1000):
                        received += piece
                # An alert at most (RFC 8446 6).
                assert received == b"" or (received[0] == 21 and len(received) <= 7)
    is_served(guarded, "127.0.0.1")
    guarded.settled(before + 8)
    # A scanner does not fill the log.
    assert len(guarded.lines) - lines < 50


def test_silence_after_the_handshake(guarded: Guarded) -> None:
    is_served(guarded, "127.0.0.1")
    before = guarded.descriptors()
    with guarded.growing_at_most(128 * MB):
        callers = [
            context().wrap_socket(guarded.reach(f"127.0.1.{1 + at % 50}")) for at in range(300)
        ]
        is_served(guarded, "127.0.0.2")
        # Cut off by the server, although none of them ever closes.
        guarded.settled(before + 8)
    for caller in callers:
        caller.close()
