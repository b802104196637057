"""The express way gives the answer of the usual way; what isn't plain takes the usual way."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


@pytest.fixture
def filled(server: Any) -> tuple[Any, dict[str, str]]:
    running = server()
    answer = running.client.post("/instances", content=MAKE.instance(0)).json()
    return running, answer


def ask(running: Any, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    del found["date"]
    connection.close()
    return response.status, found, body


def raw(running: Any, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_both_ways_are_the_same(filled: Any) -> None:
    running, answer = filled
    instance = answer["Path"]
    paths = [
        instance,
        f"/series/{answer['ParentSeries']}",
        f"/studies/{answer['ParentStudy']}",
        f"/patients/{answer['ParentPatient']}",
        f"{instance}/file",
        f"{instance}/tags",
        f"{instance}/simplified-tags",
    ]
    for path in paths:
        usual = ask(running, f"{path}?unknown=1")
        assert usual[0] == 200
        for _ in range(2):
            assert ask(running, path) == usual
            assert ask(running, path, Accept="*/*") == usual


def test_what_is_not_plain(filled: Any) -> None:
    running, answer = filled
    path = f"{answer['Path']}/file"
    _, headers, body = ask(running, path)
    assert ask(running, path)[2] == body
    assert ask(running, path, Range="bytes=0-9")[2] == body[:10]
    assert ask(running, path, **{"If-None-Match": headers["etag"]})[0] == 304
    json = ask(running, path, Accept="application/dicom+json")
    assert json[1]["content-type"] == "application/dicom+json"
    assert ask(running, f"/studies/{'0' * 8}-{'0' * 8}-{'0' * 8}-{'0' * 8}-{'0' * 8}")[0] == 404
    assert ask(running, f"/studies/{answer['ParentStudy']}/file")[0] == 404


def test_after_deletion_nothing_is_answered_from_memory(filled: Any) -> None:
    running, answer = filled
    for part in ("", "/file", "/tags"):
        assert ask(running, answer["Path"] + part)[0] == 200
        assert ask(running, answer["Path"] + part)[0] == 200
    running.client.delete(answer["Path"])
    for part in ("", "/file", "/tags"):
        assert ask(running, answer["Path"] + part)[0] == 404


def test_a_change_is_seen_at_once(filled: Any) -> None:
    running, answer = filled
    study = f"/studies/{answer['ParentStudy']}"
    for number in range(1, 4):
        before = ask(running, study)
        assert ask(running, study) == before
        label = f"{study}/labels/l{number}"
        assert running.client.put(label).status_code == 200
        after = ask(running, study)
        assert after[2].count(b'"l') == number
        assert ask(running, f"{study}?x")[2] == after[2]
    running.client.post("/instances", content=MAKE.instance(0, 0, 1))
    assert len(ask(running, study)[2]) > len(after[2])


def test_head_pipelines_and_old_clients(filled: Any) -> None:
    running, answer = filled
    path = answer["Path"].encode()
    get = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    last = get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    received = raw(running, get * 5 + last)
    assert received.count(b"HTTP/1.1 200 OK") == 6
    mixed = get.replace(path, b"/system") + get + get.replace(path, b"/system") + last
    assert raw(running, mixed).count(b"HTTP/1.1 200 OK") == 4
    old = raw(running, b"GET %b HTTP/1.0\r\n\r\n" % path)
    assert b"200 OK" in old.split(b"\r\n")[0]
    head = raw(running, last.replace(b"GET", b"HEAD"))
    assert head.endswith(b"\r\n\r\n") and b"200 OK" in head


def test_byte_by_byte(filled: Any) -> None:
    running, answer = filled
    request = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % answer["Path"].encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection:
        for at in range(len(request)):
            connection.sendall(request[at : at + 1])
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_credentials_are_asked_for(server: Any) -> None:
    running = server(AuthenticationEnabled=True, RegisteredUsers={"alice": "wonder"})
    good = ("alice", "wonder")
    answer = running.client.post("/instances", content=MAKE.instance(0), auth=good).json()
    for _ in range(2):
        assert running.client.get(answer["Path"], auth=good).status_code == 200
        assert running.client.get(answer["Path"]).status_code == 401
        assert running.client.get(answer["Path"], auth=("alice", "w")).status_code == 401
    twice = b"Authorization: Basic YWxpY2U6d29uZGVy\r\n" * 2
    request = b"GET %b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (answer["Path"].encode(), twice)
    assert b" 400 " in raw(running, request).split(b"\r\n")[0]


def test_endless_heads_and_silent_clients(server: Any) -> None:
    running = server(HttpRequestTimeout=1)
    assert b" 431 " in raw(running, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000)
    assert b" 431 " in raw(running, b"GET /" + b"a" * 100_000)
    assert b" 408 " in raw(running, b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert b" 408 " in raw(running, b"")
    assert b" 400 " in raw(running, b"nonsense\r\n\r\n")
    announced = b"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
    assert b" 400 " in raw(running, announced).split(b"\r\n")[0]
    huge = b"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    assert b" 413 " in raw(running, huge).split(b"\r\n")[0]
    both = (
        b"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /system HTTP/1.1\r\n\r\n"
    )
    assert b" 400 " in raw(running, both).split(b"\r\n")[0]
    assert running.client.get("/system").status_code == 200
