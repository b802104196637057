"""Who is not known comes no further, and what is secret stays so."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import argon2
import pytest
from tests.hostile.target import Answer, Target, parse

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


def ask_from(
    target: Target,
    address: str,
    path: str,
    headers: dict[str, str],
    form: dict[str, str] | None = None,
) -> Answer:
    """A request from another address of the loopback; with a form it is a POST."""
    body = b"" if form is None else urlencode(form).encode()
    lines = [f"{'GET' if form is None else 'POST'} {path} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n"
    with socket.create_connection(
        ("127.0.0.1", target.port), timeout=60, source_address=(address, 0)
    ) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while piece := connection.recv(1 << 16):
            received += piece
    return parse(received)


def opened(target: Target, address: str) -> tuple[dict[str, str], dict[str, str]]:
    """The login form: its cookie as a header, and its token as a field."""
    answer = ask_from(target, address, "/login", {})
    cookie = answer.all("set-cookie")[0].partition(";")[0]
    token = re.search(rb'name="token" value="(\w+)"', answer.body)
    assert token is not None
    return {"Cookie": cookie}, {"token": token[1].decode()}


def logged_in(target: Target, address: str, **cookies: str) -> str:
    """Log in; answers the session."""
    headers, token = opened(target, address)
    headers["Cookie"] += "".join(f"; {name}={value}" for name, value in cookies.items())
    form = {"name": "alice", "password": PASSWORD, **token}
    answer = ask_from(target, address, "/login", headers, form)
    assert answer.status == 303
    found = re.fullmatch(
        r"hornburg=([\w-]{43}); Path=/; HttpOnly; SameSite=Strict", answer.all("set-cookie")[0]
    )
    assert found is not None
    return found[1]


def test_guessing_is_slowed(guarded: Target) -> None:
    right = basic(f"alice:{PASSWORD}")
    for number in range(6):
        wrong = basic(f"alice:guess{number}")
        assert ask_from(guarded, "127.0.0.20", "/system", wrong).status == 401
    answer = ask_from(guarded, "127.0.0.20", "/system", right)
    assert answer.status == 429
    (seconds,) = answer.all("retry-after")
    assert int(seconds) >= 1
    # By every door, the short way included, and nobody elsewhere.
    headers, token = opened(guarded, "127.0.0.20")
    form = {"name": "alice", "password": PASSWORD, **token}
    assert ask_from(guarded, "127.0.0.20", "/login", headers, form).status == 429
    assert ask_from(guarded, "127.0.0.21", "/system", right).status == 200
    assert ask_from(guarded, "127.0.0.20", "/system", basic(f"bob:{HASHED}")).status == 200
    assert "credentials of user 'alice' from 127.0.0.20 were refused" in guarded.said("127.0.0.20")


def test_tokens_are_not_guessed(guarded: Target) -> None:
    statuses = set()
    for number in range(8):
        made_up = {"Authorization": f"Bearer hbt_{number:012x}_{'a' * 43}"}
        statuses.add(ask_from(guarded, "127.0.0.22", "/system", made_up).status)
    assert statuses == {401, 429}


def test_a_session_begins_anew_at_the_login(guarded: Target) -> None:
    planted = logged_in(guarded, "127.0.0.23")
    fresh = logged_in(guarded, "127.0.0.23", hornburg=planted)
    assert fresh != planted
    for value, status in ((planted, 401), ("a" * 43, 401), (fresh, 200)):
        headers = {"Cookie": f"hornburg={value}"}
        assert ask_from(guarded, "127.0.0.23", "/system", headers).status == status
    # Two of one name: one of them was set by somebody else.
    headers = {"Cookie": f"hornburg={fresh}; hornburg={planted}"}
    assert ask_from(guarded, "127.0.0.23", "/system", headers).status == 401


def test_a_login_by_another_page(guarded: Target) -> None:
    headers, token = opened(guarded, "127.0.0.24")
    _, of_attacker = opened(guarded, "127.0.0.25")
    form = {"name": "alice", "password": PASSWORD}
    for more, fields in (
        ({"Origin": "http://evil.example"}, token),
        ({"Sec-Fetch-Site": "cross-site"}, token),
        ({}, of_attacker),
        ({}, {}),
    ):
        answer = ask_from(guarded, "127.0.0.24", "/login", {**headers, **more}, {**form, **fields})
        assert answer.status == 403
        assert not any("hornburg=" in value for value in answer.all("set-cookie"))


def test_a_session_does_nothing_for_other_pages(guarded: Target, instance: bytes) -> None:
    session = logged_in(guarded, "127.0.0.26")
    before = guarded.files()
    for headers in (
        {},
        {"X-CSRF-Token": "a" * 43},
        {"X-CSRF-Token": session},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        headers["Cookie"] = f"hornburg={session}"
        assert guarded.ask("POST", "/instances", instance, headers).status == 403
    assert guarded.files() == before


@pytest.mark.parametrize(
    "wanted",
    [
        "/%0d%0aSet-Cookie:%20a=b",
        "//evil.example",
        "/%5cevil.example",
        "/%22%3e%3cscript%3e",
        "%00",
    ],
)
def test_where_a_login_leads(guarded: Target, wanted: str) -> None:
    answer = ask_from(guarded, "127.0.0.27", f"/login?next={wanted}", {})
    assert answer.status == 200
    assert len(answer.all("set-cookie")) == 1
    assert b"<script" not in answer.body
    assert b"evil" not in answer.body


def test_sessions_survive_a_restart_and_no_new_password(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("again")
    options = {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": PASSWORD}}
    target = Target(folder, **options)
    session = logged_in(target, "127.0.0.1")
    secrets = folder / "OrthancStorage" / "hornburg-sessions.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert session not in secrets.read_text()
    assert target.stop() == 0
    for password, status in ((PASSWORD, 200), ("another", 401), (PASSWORD, 401)):
        again = Target(folder, **{**options, "RegisteredUsers": {"alice": password}})
        answer = again.ask("GET", "/system", headers={"Cookie": f"hornburg={session}"})
        assert answer.status == status
        assert again.stop() == 0


def test_names_are_nobodys_where_nobody_logs_in(target: Target, instance: bytes) -> None:
    answer = target.upload(instance, **basic("forged:x"))
    path = json.loads(answer.body)["Path"]
    assert b"forged" not in target.ask("GET", f"{path}/metadata?expand").body
