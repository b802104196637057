"""Who is not known comes no further, and what is secret stays so."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import argon2
import pytest
from tests.hostile.target import Target

PASSWORD = "planted-secret-7f3a"
HASHED = "planted-secret-91bc"
PATIENT = "Planted^Patient"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server with one password in plain text and one that is hashed."""
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=1024)
    target = Target(
        tmp_path_factory.mktemp("guarded"),
        AuthenticationEnabled=True,
        RegisteredUsers={"alice": PASSWORD, "bob": hasher.hash(HASHED)},
        DeidentifyLogs=True,
    )
    target.client.auth = ("alice", PASSWORD)
    yield target
    assert target.client.get("/system").status_code == 200
    assert target.stop() == 0
    assert target.complaints() == []


def basic(credentials: bytes | str) -> dict[str, str]:
    raw = credentials if isinstance(credentials, bytes) else credentials.encode()
    return {"Authorization": "Basic " + base64.b64encode(raw).decode()}


def test_no_route_is_open(guarded: Target) -> None:
    paths = guarded.client.get("/openapi.json").json()["paths"]
    count = 0
    for path, operations in paths.items():
        filled = re.sub(r"{\w+}", "x", path)
        for verb in {"get", "put", "post", "delete"} & operations.keys():
            answer = guarded.ask(verb.upper(), filled, b"" if verb in ("put", "post") else None)
            assert answer.status == 401, (verb, path)
            assert answer.all("www-authenticate")
            count += 1
    assert count > 100
    for path in (
        "/",
        "/openapi.json",
        "/nothing",
        "/%2e%2e/system",
        "//system",
        "/tools/../system",
    ):
        for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PATCH"):
            assert guarded.ask(method, path).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        basic("alice:"),
        basic(f"alice:{PASSWORD}x"),
        basic(f"alice:{PASSWORD}\0"),
        basic(f"Alice:{PASSWORD}"),
        basic(f"alice\0:{PASSWORD}"),
        basic(":"),
        basic("alice"),
        basic(b"\xff\xfe:\xff"),
        basic("bob:" + "$argon2id$v=19$m=1024,t=1,p=4$"),
        basic("a" * 40_000 + ":" + "b"),
        {"Authorization": f"Bearer {PASSWORD}"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ===="},
        {"Authorization": "Basic \xff"},
        {"Authorization": ""},
        {"Cookie": f"alice={PASSWORD}"},
        {"X-Forwarded-User": "alice"},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
    ids=range(18),
)
def test_wrong_credentials(guarded: Target, headers: dict[str, str]) -> None:
    assert guarded.ask("GET", "/system", headers=headers).status == 401


def test_right_credentials(guarded: Target) -> None:
    for credentials in (f"alice:{PASSWORD}", f"bob:{HASHED}"):
        assert guarded.ask("GET", "/system", headers=basic(credentials)).status == 200


def test_credentials_of_a_megabyte(guarded: Target) -> None:
    with guarded.growing_at_most(16 << 20):
        head = b"GET /system HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic "
        answer = guarded.say(head, *[b"YWFh" * 4096] * 64, b"\r\n\r\n")
    assert answer.status in (0, 401, 431)


def test_two_headers_are_none(guarded: Target) -> None:
    right, wrong = basic(f"alice:{PASSWORD}")["Authorization"], basic("x:y")["Authorization"]
    for first, second in ((right, wrong), (wrong, right), (right, right)):
        head = f"GET /system HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {first}\r\n"
        answer = guarded.say(f"{head}Authorization: {second}\r\n\r\n".encode())
        assert answer.status == 400


def test_a_connection_is_not_a_user(guarded: Target) -> None:
    """Each request proves anew who sends it."""
    right = basic(f"alice:{PASSWORD}")["Authorization"].encode()
    first = b"GET /system HTTP/1.1\r\nHost: x\r\nAuthorization: " + right + b"\r\n\r\n"
    answer = guarded.say(first + b"GET /system HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer.raw) == [b"200", b"401"]


def test_uploads_of_strangers_leave_nothing(guarded: Target, instance: bytes) -> None:
    before = guarded.files()
    for _ in range(20):
        assert guarded.upload(instance).status in (0, 401)
    assert guarded.files() == before


def test_lines_of_the_log_are_ours(guarded: Target) -> None:
    forged = "2026-01-01 00:00:00,000 E forged"
    right = basic(f"alice:{PASSWORD}")
    guarded.client.put("/tools/log-level", content="trace")
    for path in ("/x%0a", "/x%0d%0a", "/x%e2%80%a8", "/instances/x%0a", "//x%0a", "/x%1b[2J"):
        guarded.ask("GET", path + forged.replace(" ", "%20"), headers=right)
    guarded.client.put("/tools/log-level", content="default")
    assert len([line for line in guarded.lines if "forged" in line]) == 6
    assert not any(line.startswith(forged) for line in guarded.lines)
    assert all(line.isprintable() for line in guarded.lines)


def test_secrets_are_told_nowhere(guarded: Target) -> None:
    from tests.hostile.test_archives import zipped
    from tests.hostile.test_dicom import NAME, element, file

    level = guarded.client.put("/tools/log-level", content="trace")
    assert level.status_code == 200
    named = file({NAME: element(NAME, b"PN", PATIENT.encode())})
    answer = guarded.client.post("/instances", content=named)
    path = json.loads(answer.text)["Path"]
    told = [guarded.client.get("/system").text, guarded.client.get("/openapi.json").text]
    guarded.client.get("/patients", params={"filename": PATIENT})
    guarded.client.post("/tools/find", json={"Level": "Study", "Query": {"PatientName": PATIENT}})
    guarded.client.post("/instances", content=named[:-3])
    guarded.client.post("/instances", content=bytes(zipped(named[:-3], name=PATIENT)))
    guarded.client.get("/system", auth=("mallory", PASSWORD))
    guarded.client.get(f"{path}/nothing")
    guarded.client.delete(path)
    guarded.client.put("/tools/log-level", content="default")
    told += guarded.lines
    assert len(told) > 5
    for line in told:
        for secret in (PASSWORD, HASHED, "$argon2", PATIENT):
            assert secret not in line
