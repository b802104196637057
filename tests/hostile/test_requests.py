"""Requests that break the rules of HTTP, or use those that few know."""

from __future__ import annotations

import pytest
from tests.hostile.target import Target

CLOSE = b"Host: x\r\nConnection: close\r\n"
LAST = b"GET /system HTTP/1.1\r\n" + CLOSE + b"\r\n"
POST = b"POST /instances HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"CONNECT a:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"FOO /system HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET /syst\xe9m HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET ?x HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET /system HTTP/1.1\nHost: x\nConnection: close\n\n",
        b"GET /system HTTP/1.1\r\nX: a\r\n b\r\n" + CLOSE + b"\r\n",
        b"GET /system HTTP/1.1\r\nX: a\0b\r\n" + CLOSE + b"\r\n",
        # RFC 9112 6.3: what a proxy in front could read in another way.
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + LAST,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length : 5\r\n\r\nhello",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n",
        CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
    ],
)
def test_refused(target: Target, request_: bytes) -> None:
    answer = target.say(request_)
    assert answer.status in (400, 501)
    assert answer.all("x-content-type-options") == ["nosniff"]
    # Nothing behind it is read as another request.
    assert answer.raw.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", 204), ("TRACE", 405), ("PATCH", 405), ("PROPFIND", 405), ("HEAD", 200)],
)
def test_methods(target: Target, method: str, status: int) -> None:
    answer = target.ask(method, "/system", headers={"Cookie": "secret"})
    assert answer.status == status
    assert b"secret" not in answer.raw


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_other_method_than_its_own(target: Target, stored: dict[str, str], name: str) -> None:
    path = stored["Path"]
    assert target.ask("GET", f"{path}?_method=DELETE", headers={name: "DELETE"}).status == 200
    form = {name: "DELETE", "Content-Type": "application/x-www-form-urlencoded"}
    assert target.ask("POST", f"{path}?_method=DELETE", b"_method=DELETE", form).status == 405
    assert target.ask("GET", path).status == 200


def test_a_request_line_of_its_own(target: Target) -> None:
    assert target.say(b"GET //system/ HTTP/1.1\r\n" + CLOSE + b"\r\n").status == 200
    assert target.say(b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n").status == 404


@pytest.mark.parametrize(
    ("target_line", "status"),
    [
        (b"http://localhost/system", 200),
        (b"http://someone@127.0.0.1:8042/system?x", 200),
        (b"http://elsewhere/system", 421),
        (b"https://localhost@elsewhere/system", 421),
    ],
)
def test_the_host_of_an_absolute_target_counts(
    target: Target, target_line: bytes, status: int
) -> None:
    line = b"GET %b HTTP/1.1\r\n" % target_line
    for host in (b"Host: localhost\r\n", b"Host: elsewhere\r\n"):
        answer = target.say(line + host + b"Connection: close\r\n\r\n")
        assert answer.status == status


@pytest.mark.parametrize(
    "codings", [b"gzip, chunked", b"GZIP,chunked", b"gzip\r\nTransfer-Encoding: chunked"]
)
def test_other_codings_of_transfers(target: Target, codings: bytes) -> None:
    head = b"POST /instances HTTP/1.1\r\n%bTransfer-Encoding: %b\r\n\r\n" % (CLOSE, codings)
    assert target.say(head + b"3\r\nabc\r\n0\r\n\r\n").status in (400, 501)
    head = b"POST /tools/find HTTP/1.1\r\n%bTransfer-Encoding: Chunked \r\n\r\n" % CLOSE
    body = b'{"Level":"Study","Query":{}}'
    assert target.say(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)).status == 200


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2"])
def test_other_versions(target: Target, version: bytes) -> None:
    answer = target.say(b"GET /system %b\r\n" % version + CLOSE + b"\r\n")
    assert answer.status in (400, 505)


def test_a_path_of_64_kilobytes(target: Target) -> None:
    for length, statuses in ((60_000, (404,)), (70_000, (400, 431))):
        line = b"GET /" + b"a" * length + b" HTTP/1.1\r\n"
        assert target.say(line + CLOSE + b"\r\n").status in statuses


def test_a_head_without_end(target: Target) -> None:
    line = b"X-More: " + b"a" * 1000 + b"\r\n"
    with target.growing_at_most(8 << 20):
        answer = target.say(b"GET /system HTTP/1.1\r\n", *[line] * 2000)
    assert answer.status == 431


def test_many_headers(target: Target) -> None:
    head = b"GET /system HTTP/1.1\r\n" + b"a:b\r\n" * 10_000
    assert target.say(head + CLOSE + b"\r\n").status == 200


def test_pipelines(target: Target, stored: dict[str, str]) -> None:
    """Answers keep the order of their requests, whichever way each of them takes."""
    paths = [stored["Path"], "/tools/now", f"{stored['Path']}/file?x", "/nothing"] * 100
    requests = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths)
    raw = target.say(requests + LAST).raw
    assert raw.count(b"HTTP/1.1 200 OK") == 301
    assert raw.count(b"HTTP/1.1 404") == 100
    assert raw.index(b"text/plain") < raw.index(b"application/dicom") < raw.index(b" 404 ")


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.3"])
def test_another_protocol_is_not_taken(target: Target, protocol: bytes, instance: bytes) -> None:
    """RFC 9110 7.8: the request is answered in HTTP/1.1, its body is its own, and what follows it
    is a request."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\n"
    raw = target.say(b"GET /system HTTP/1.1\r\nHost: x\r\n" + wish + b"\r\n" + LAST).raw
    assert raw.count(b"HTTP/1.1 200 OK") == 2
    counted = POST + wish + b"Content-Length: %d\r\n\r\n" % len(instance)
    chunks = b"%x\r\n%b\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(instance), instance)
    chunked = POST + wish + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    for whole in (counted + instance + LAST, chunked + LAST):
        for parts in ([whole], [whole[:100], whole[100:300], whole[300:]]):
            raw = target.say(*parts).raw
            assert raw.count(b"HTTP/1.1 ") == raw.count(b"HTTP/1.1 200 OK") == 2


def test_a_body_behind_an_upgrade_is_no_request(target: Target) -> None:
    inner = b"DELETE /changes HTTP/1.1\r\nHost: x\r\n\r\n"
    head = POST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
    with target.connect() as connection:
        for part in (head % len(inner), inner):
            connection.sendall(part)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 ") == received.count(b"HTTP/1.1 400 ") == 1


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"0\r\n", b"a: b\r\n" * 10_000), (b"0\r\na: ", b"x" * 60_000), (b"5;", b"x" * 60_000)],
    ids=["trailers", "trailer", "extension of a chunk"],
)
def test_what_is_no_body_has_an_end(target: Target, start: bytes, more: bytes) -> None:
    with target.growing_at_most(16 << 20):
        target.say(CHUNKED + start, *[more] * 400)


def test_small_chunks_are_a_body(target: Target) -> None:
    """The smallest chunk has six bytes around one: that is no attack."""
    body = b"1\r\nx\r\n" * 600_000
    assert (
        target.say(
            CHUNKED.replace(b"x\r\n", b"x\r\nConnection: close\r\n") + body + b"0\r\n\r\n"
        ).status
        == 400
    )


def test_trailers_are_no_headers(target: Target, instance: bytes) -> None:
    """RFC 9110 6.5.1."""
    body = b"%x\r\n%b\r\n0\r\nContent-Encoding: gzip\r\n\r\n" % (len(instance), instance)
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert target.say(head + body).status == 200


@pytest.mark.parametrize("end", [b" ", b"\t", b" \t "])
def test_blanks_round_a_length_are_not_part_of_it(
    target: Target, instance: bytes, end: bytes
) -> None:
    """RFC 9110 5.5."""
    head = POST + b"Connection: close\r\nContent-Length:%b%d%b\r\n\r\n" % (
        end,
        len(instance),
        end,
    )
    assert target.say(head + instance).status == 200


@pytest.mark.parametrize("length", [10**10, 10**18])
def test_a_body_that_is_promised_alone(target: Target, length: int) -> None:
    with target.growing_at_most(4 << 20):
        assert target.say(POST + b"Content-Length: %d\r\n\r\n" % length).status == 413
