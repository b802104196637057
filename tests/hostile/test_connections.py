"""Clients that are slow, silent, many, or gone."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.hostile.target import Target, parse

from hornburg.testing.datasets import DatasetFactory

POST = b"POST /instances HTTP/1.1\r\nHost: x\r\n"


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes; fails after a minute without anything."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 408),
        (b"GET /sys", 408),
        (b"GET /system HTTP/1.1\r\nX: ", 408),
        (POST + b"Content-Length: 1000\r\n\r\nab", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe", 400),
    ],
)
def test_silence_has_an_end(target: Target, sent: bytes, status: int) -> None:
    with target.connect() as connection:
        connection.sendall(sent)
        assert parse(rest(connection)).status == status


def test_a_head_letter_by_letter_has_an_end(target: Target) -> None:
    with target.connect() as connection:
        connection.setblocking(False)
        ends = time.monotonic() + 60
        received = b""
        while not received and time.monotonic() < ends:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                connection.send(b"G" if received else b"a")
                received = connection.recv(1000)
            time.sleep(0.05)
        assert parse(received).status in (400, 408)


def test_a_body_that_nobody_reads_has_an_end(target: Target) -> None:
    """The answer came long ago, and the client sends on."""
    with target.connect() as connection:
        connection.sendall(b"GET /tools HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        ends = time.monotonic() + 60
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < ends:
                connection.sendall(b"1\r\nx\r\n")
                time.sleep(0.1)
        assert time.monotonic() < ends


def test_a_client_that_takes_nothing_is_left(target: Target) -> None:
    big = DatasetFactory("CT", size=32 << 20).instance(1)
    path = json.loads(target.upload(big).body)["Path"]
    before = target.descriptors()
    with contextlib.ExitStack() as stack, target.growing_at_most(64 << 20):
        for _ in range(10):
            connection = stack.enter_context(target.connect())
            connection.sendall(f"GET {path}/file HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        ends = time.monotonic() + 60
        while target.descriptors() < before + 10 and time.monotonic() < ends:
            time.sleep(0.01)  # accepted
        while target.descriptors() > before and time.monotonic() < ends:
            time.sleep(0.05)  # left
        assert target.descriptors() <= before
    target.client.delete(path)


def _flood(target: Target, burst: bytes, times: int) -> None:
    """Send, and read nothing; the memory of the server stays, and it answers others."""
    with target.growing_at_most(64 << 20), target.connect() as connection:
        connection.settimeout(0.5)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(times):
                connection.sendall(burst)
        for _ in range(20):
            assert target.client.get("/system").status_code == 200


@pytest.mark.parametrize("part", ["/file", "/tags"])
def test_small_answers_that_nobody_takes_do_not_pile_up(target: Target, part: str) -> None:
    """A client that asks on and on, and reads nothing."""
    small = DatasetFactory("CT", size=64 << 10).instance(2)
    path = json.loads(target.upload(small).body)["Path"]
    request = f"GET {path}{part} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for _ in range(3):
        assert target.ask("GET", path + part).status == 200
    _flood(target, request * 100, 200)
    target.client.delete(path)


def test_requests_that_wait_for_their_turn_do_not_pile_up(target: Target) -> None:
    """A client that sends requests faster than it takes their answers."""
    request = b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n"
    _flood(target, request * 1000, 500)


def test_all_that_were_sent_together_are_answered(target: Target, instance: bytes) -> None:
    """More than one look at the socket brings; among them bodies, and the last one is late."""
    get = b"GET /tools/now HTTP/1.1\r\nHost: x\r\n\r\n"
    head = POST + b"Content-Length: %d\r\n\r\n" % len(instance)
    whole = (get * 500 + head + instance) * 10 + head + instance[:100]
    with target.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(whole,))
        sender.start()
        answers = Answers(connection)
        answers.wait_for(5010)
        sender.join()
        connection.sendall(instance[100:] + get)
        answers.wait_for(5012)
    assert answers.good == 5012


class Answers:
    """Counts the answers on a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._end = b""
        self.good = 0

    def wait_for(self, number: int) -> None:
        """Read until there are as many with 200; fails when the server closes."""
        while self.good < number:
            piece = self._connection.recv(1 << 16)
            assert piece
            text = self._end + piece
            self.good += text.count(b"HTTP/1.1 200")
            # Less than what is counted, so that nothing is counted twice.
            self._end = text[-11:]


def test_idle_connections(target: Target) -> None:
    """So many that others are turned away, and only for so long."""
    target.client.get("/system")
    before = target.descriptors()
    with contextlib.ExitStack() as stack, target.growing_at_most(64 << 20):
        idle = [stack.enter_context(target.connect()) for _ in range(1100)]
        for connection in idle:
            assert parse(rest(connection)).status in (0, 408)
    assert target.client.get("/system").status_code == 200
    assert target.descriptors() <= before + 2


def _files(target: Target) -> set[Path]:
    """All that lies in the storage, but for the audit trail, which tells what was tried."""
    return {
        path
        for path in target.storage.rglob("*")
        if path.is_file() and path.parent.name != "audit-trail"
    }


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"", b"\0" * 128 + b"DICM" + b"\2\0\x10\0"),
        (b"", b"\0" * 1_500_000),
        (b"Content-Encoding: gzip\r\n", bytes.fromhex("1f8b08000000000000ff") + b"\0" * 100),
        (
            b"Content-Type: multipart/form-data; boundary=B\r\n",
            b"--B\r\nContent-Disposition: form-",
        ),
        (
            b"Content-Type: multipart/form-data; boundary=B\r\n",
            b'--B\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"\0" * 1_500_000,
        ),
    ],
)
def test_uploads_that_break_off(target: Target, head: bytes, body: bytes) -> None:
    target.client.get("/system")
    there = _files(target)
    before, times = target.descriptors(), 400 if len(body) < 10_000 else 20
    with target.growing_at_most(64 << 20):
        for number in range(times):
            with target.connect() as connection:
                connection.sendall(POST + head + b"Content-Length: 100000000\r\n\r\n" + body)
                if number % 2:
                    # A reset instead of an end.
                    linger = b"\1\0\0\0\0\0\0\0"
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        ends = time.monotonic() + 60
        while target.descriptors() > before and time.monotonic() < ends:
            time.sleep(0.02)
    assert target.descriptors() <= before
    assert _files(target) <= there
