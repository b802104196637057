"""Requests below what an HTTP library sends: lengths, chunks, versions. The statuses count."""

from __future__ import annotations

import socket

import pytest
from tests.compat.cases import fill
from tests.compat.conftest import Names
from tests.compat.open import OPEN, still_open
from tests.compat.servers import Pair

_LOOKUP = b"POST /tools/lookup HTTP/1.1\r\nHost: localhost\r\n"

_REQUESTS = {
    "plain": b"GET /tools/now HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.0": b"GET /tools/now HTTP/1.0\r\n\r\n",
    "body without length": _LOOKUP + b"Connection: close\r\n\r\n",
    "chunks": _LOOKUP + b"Transfer-Encoding: chunked\r\n\r\n4\r\nCMP1\r\n0\r\n\r\n",
    "a GET with a body": b"GET /tools/now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "expecting 100": (
        b"POST /instances HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nABCD"
    ),
    "no request": b"nothing\r\n\r\n",
    "unknown method": b"NOTHING /system HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two requests in a row": b"GET /tools/now HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2,
}


@pytest.mark.parametrize("name", _REQUESTS)
def test_status(name: str, stocked: tuple[Pair, Names]):
    pair, _ = stocked
    theirs, ours = (_status(server.port, _REQUESTS[name]) for server in pair)
    assert theirs == ours


@pytest.mark.parametrize("length", ["-1", "abc", "1e3"])
def test_a_length_that_is_none(length: str, stocked: tuple[Pair, Names]):
    pair, _ = stocked
    for server in pair:
        answered = _status(server.port, _LOOKUP + f"Content-Length: {length}\r\n\r\nCMP1".encode())
        # Orthanc says 411; a parser that finds the request malformed says 400 (RFC 9110 15.5.1).
        assert answered in (400, 411), server.name


_PATHS = [
    pytest.param(path, marks=[still_open(name)] if (name := f"wire: {path}") in OPEN else [])
    for path in (
        "/system",
        "/tools/default-encoding",
        "/tools/metrics-prometheus",
        "/instances/{ct}/file",
    )
]


@pytest.mark.parametrize("path", _PATHS)
def test_content_types_name_a_parameter_once(path: str, stocked: tuple[Pair, Names]):
    pair, names = stocked
    answer = pair.subject.ask("GET", fill(path, names), None, {})
    whole = answer.headers["content-type"]
    parameters = [part.split("=")[0].strip() for part in whole.split(";")[1:]]
    assert len(parameters) == len(set(parameters)), whole


def _status(port: int, request: bytes) -> int:
    """The status of the last answer; ``100 Continue`` doesn't count."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answers = b""
        wanted = request.count(b" HTTP/1") or 1
        while True:
            statuses = [
                int(part[3:6])
                for part in answers.split(b"HTTP/1")[1:]
                if part[3:6].isdigit() and part[3:6] != b"100"
            ]
            if len(statuses) >= wanted:
                return statuses[-1]
            received = connection.recv(65536)
            assert received, f"closed after {answers[:200]!r}"
            answers += received
