"""The lean client of the benchmarks reads every kind of answer whole, and comes back after a close."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from benchmarks.connection import Connection, encode_request

Script = list[list[bytes]]
GET = encode_request("GET", "/")


def _serve(listener: socket.socket, script: Script) -> None:
    """For each connection of the script: answer each request, then close."""
    for answers in script:
        peer, _ = listener.accept()
        with peer:
            for answer in answers:
                received = b""
                while not received.endswith(b"\r\n\r\n"):
                    received += peer.recv(65536)
                peer.sendall(answer)


@contextmanager
def _server(script: Script) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, script), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def _connected(script: Script) -> Iterator[Connection]:
    with _server(script) as port:
        connection = Connection(port, timeout=10)
        yield connection
        connection.close()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
    ],
)
def test_reads_the_whole_answer(answer: bytes, status: int, body: bytes) -> None:
    with _connected([[answer, answer]]) as connection:
        assert connection.request(GET) == (status, body)
        assert connection.request(GET) == (status, body)
        assert connection.reconnects == 0


def test_sends_again_when_a_kept_connection_was_closed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with _connected([[answer], [answer]]) as connection:
        assert connection.request(GET) == (200, b"ok")
        assert connection.request(GET) == (200, b"ok")
        assert connection.reconnects == 1


def test_a_server_that_closes_at_once_is_an_error() -> None:
    with _connected([[b""]]) as connection, pytest.raises(ConnectionError):
        connection.request(GET)
