"""What a browser could take for a page, a program or a header of ours."""

from __future__ import annotations

import json

import pytest
from tests.hostile.target import Answer, Target
from tests.hostile.test_dicom import NAME, PATIENT, element, file

SCRIPT = b"<script>alert(1)</script>"
#: Types that a browser shows without executing anything.
INERT = ("application/json", "text/plain", "application/octet-stream", "application/dicom")


#: Even a browser that took an answer for a page would run, load and send nothing.
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"


def assert_guarded(answer: Answer, referrer: str = "no-referrer") -> None:
    """The headers that every answer has, once."""
    assert answer.all("x-content-type-options") == ["nosniff"]
    assert answer.all("x-frame-options") == ["DENY"]
    assert answer.all("referrer-policy") == [referrer]
    assert answer.all("cross-origin-resource-policy") == ["same-origin"]
    assert answer.all("cache-control") == ["no-store"]
    assert "camera=()" in answer.all("permissions-policy")[0]
    assert len(answer.all("content-security-policy")) == 1
    assert answer.all("strict-transport-security") == []


def assert_inert(answer: Answer) -> None:
    assert_guarded(answer)
    assert answer.all("content-security-policy") == [POLICY]
    (kind,) = answer.all("content-type")
    assert kind.startswith(INERT), kind


@pytest.fixture
def marked(target: Target) -> dict[str, str]:
    """An instance whose texts are markup."""
    marked = (NAME, PATIENT, 0x0008103E, 0x00081030, 0x00204000)
    texts = {tag: element(tag, b"LO", SCRIPT) for tag in marked}
    found: dict[str, str] = json.loads(target.upload(file(texts)).body)
    return found


def test_tags(target: Target, marked: dict[str, str]) -> None:
    path = marked["Path"]
    paths = [path + part for part in ("", "/tags", "/simplified-tags", "/content/PatientName")]
    paths += [f"/{level}?expand" for level in ("patients", "studies", "series", "instances")]
    for each in paths:
        answer = target.ask("GET", each, headers={"Accept": "text/html"})
        assert answer.status == 200
        assert b"script" in answer.body
        assert_inert(answer)
    target.client.delete(path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/%3cscript%3ealert(1)%3c/script%3e"),
        ("GET", "/instances/%3cscript%3e"),
        ("GET", "/tools/generate-uid?level=%3cscript%3e"),
        ("POST", "/tools/lookup?%3cscript%3e"),
        ("PUT", "/system"),
    ],
)
def test_errors(target: Target, method: str, path: str) -> None:
    body = b"<script>*" if method != "GET" else None
    answer = target.ask(method, path, body, {"Accept": "text/html"})
    assert answer.status >= 400
    assert answer.all("content-type")[0].startswith("application/json")
    assert_inert(answer)


@pytest.mark.parametrize("name", ["page", "drawing"])
def test_attachments(target: Target, stored: dict[str, str], name: str) -> None:
    path = f"{stored['Path']}/attachments/{name}"
    assert target.ask("PUT", path, SCRIPT).status == 200
    for part in ("data", "compressed-data", "data?filename=x.html"):
        answer = target.ask("GET", f"{path}/{part}")
        assert answer.body == SCRIPT
        assert answer.all("content-type") == ["application/octet-stream"]
        assert_inert(answer)
    assert answer.all("content-disposition") == ['attachment; filename="x.html"']
    target.client.delete(path)


def test_metadata_and_labels(target: Target, stored: dict[str, str]) -> None:
    path = stored["Path"]
    value = SCRIPT + b"\r\n\r\nHTTP/1.1 200 OK\r\n"
    assert target.ask("PUT", f"{path}/metadata/note", value).status == 200
    for part in ("/metadata/note", "/metadata?expand", "?response-content=Metadata"):
        answer = target.ask("GET", path + part)
        assert b"script" in answer.body
        assert_inert(answer)
    for label in ("%3cscript%3e", "a%0d%0ab", "a" * 65, "%20", "a.b", "%C3%A9"):
        assert target.ask("PUT", f"{path}/labels/{label}", b"").status == 400
    assert target.ask("GET", f"{path}/labels").body == b"[]"


@pytest.mark.parametrize(
    "name",
    [
        "a%0d%0aSet-Cookie:%20x=1",
        "a%22;%20filename=b.html;%20x=%22",
        "..%2f..%2fetc%2fpasswd",
        "%e2%80%aefdp.exe",
        "%00",
        "%f0%9f%98%80" * 500,
        "%ff%fe",
        "'%27()%25",
        "a;b,c",
        "%3cimg%20src=x%20onerror=alert(1)%3e.html",
        "=cmd%7c%27%20/C%20calc%27!A0.csv",
    ],
)
def test_names_of_downloads(target: Target, stored: dict[str, str], name: str) -> None:
    for part in ("file", "attachments/dicom/data", "attachments/dicom/compressed-data"):
        answer = target.ask("GET", f"{stored['Path']}/{part}?filename={name}")
        assert answer.status == 200
        assert answer.all("set-cookie") == []
        (disposition,) = answer.all("content-disposition")
        assert disposition.startswith('attachment; filename="')
        # RFC 6266: one quoted name, and one that is encoded.
        assert disposition.count('"') == 2
        assert disposition.isascii()
        assert disposition.isprintable()
        assert "/" not in disposition
        assert "<" not in disposition
        # Whatever the name ends with: no browser and no spreadsheet is told that it is theirs.
        assert answer.all("content-type")[0] in ("application/dicom", "application/octet-stream")
        assert answer.all("x-content-type-options") == ["nosniff"]
        assert len(disposition) < 4000


@pytest.mark.parametrize(
    "preamble", [b"MZ\x90\0", b"\x7fELF", b"#!/bin/sh\n", b"<html>" + SCRIPT, b"\x1f\x8b\x08\0"]
)
def test_preambles(target: Target, preamble: bytes) -> None:
    """CVE-2019-11687: a DICOM file that is a program, too, is never given as one."""
    body = preamble.ljust(128, b"\0") + file()[128:]
    answer = target.upload(body)
    assert answer.status == 200
    path = json.loads(answer.body)["Path"]
    for part in ("file", "file?filename=x.exe"):
        given = target.ask("GET", f"{path}/{part}")
        assert given.all("content-type") == ["application/dicom"]
        assert given.all("content-disposition")[0].startswith("attachment; ")
        assert_inert(given)
    target.client.delete(path)


def test_every_answer_is_guarded(target: Target, stored: dict[str, str]) -> None:
    path = stored["Path"]
    etag = target.ask("GET", f"{path}/attachments/dicom/data").all("etag")[0]
    asked = [
        ("GET", path, {}),
        ("GET", f"{path}/file", {}),
        ("GET", f"{path}/tags", {}),
        ("HEAD", path, {}),
        ("GET", f"{path}/attachments/dicom/data", {"If-None-Match": etag}),
        ("GET", f"{path}/attachments/dicom/data", {"Range": "bytes=0-3"}),
        ("GET", f"{path}/attachments/dicom/data", {"Range": "bytes=99999999-"}),
        ("GET", "/nothing", {}),
        ("OPTIONS", "/system", {}),
        ("DELETE", "/system", {}),
        ("POST", "/instances", {}),
        ("POST", "/tools/find", {"Origin": "http://evil.example"}),
        ("GET", "/system", {"Connection": "close"}),
        ("GET", "/login", {}),
    ]
    statuses = set()
    for method, each, headers in asked:
        answer = target.ask(method, each, b"" if method == "POST" else None, headers)
        statuses.add(answer.status)
        assert_guarded(answer)
    assert statuses >= {200, 206, 303, 304, 400, 403, 404, 405, 416}
    for raw in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000):
        assert_guarded(target.say(raw))
    # The connection, whose first answer comes by the short way.
    get = b"GET %b HTTP/1.1\r\nHost: localhost\r\n" % path.encode()
    raw = get + b"\r\n" + get + b"Connection: close\r\n\r\n"
    assert target.say(raw).raw.count(b"x-frame-options: DENY\r\n") == 2


def test_the_home_page(target: Target) -> None:
    answer = target.ask("GET", "/", headers={"Accept": "text/html"})
    # Otherwise browsers would send "Origin: null" with its form, as they do for other sites.
    assert_guarded(answer, "same-origin")
    assert answer.all("content-type") == ["text/html; charset=utf-8"]
    (policy,) = answer.all("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "sandbox" not in policy


def test_what_goes_on_after_100_continue_is_guarded(target: Target, instance: bytes) -> None:
    head = b"POST /instances HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
    answer = target.say(b"%bContent-Length: %d\r\n\r\n" % (head, len(instance)), instance)
    first, _, rest = answer.raw.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue"
    assert_guarded(Answer(rest))


def test_content_that_looks_like_a_head(target: Target, stored: dict[str, str]) -> None:
    """Only the first bytes of an answer are its head."""
    body = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n"
    path = f"{stored['Path']}/attachments/page"
    assert target.ask("PUT", path, body).status == 200
    for each in ("data", "compressed-data"):
        answer = target.ask("GET", f"{path}/{each}")
        assert answer.body == body
        assert answer.all("set-cookie") == []
    target.client.delete(path)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "a.b"])
def test_names_that_lead_here(target: Target, stored: dict[str, str], host: str) -> None:
    """DNS rebinding: a page whose name is led to our address is of our site to its browser."""
    path = stored["Path"]
    for method, each in (("GET", path), ("GET", f"{path}/file"), ("DELETE", path)):
        head = f"{method} {each} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
        answer = target.say(f"{head}Connection: close\r\n\r\n".encode())
        assert answer.status == 421
        assert b"AllowedHosts" in answer.body
        # The short way, too.
        plain = f"{method} {each} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        assert target.say(plain.encode(), end=True).status == 421
    assert target.ask("GET", path).status == 200


def test_requests_without_one_host(target: Target, stored: dict[str, str]) -> None:
    path = stored["Path"].encode()
    for hosts in (b"", b"Host: x\r\nHost: x\r\n", b"Host: a b\r\n", b"Host: \r\n"):
        answer = target.say(b"GET %b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (path, hosts))
        assert answer.status == 400
    assert target.say(b"GET %b HTTP/1.0\r\n\r\n" % path).status == 200


def test_methods_are_what_they_are(target: Target, stored: dict[str, str]) -> None:
    """A link or an image of any page makes a GET, and so must not delete."""
    path = stored["Path"]
    for headers in ({}, {"X-HTTP-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"}):
        for each in (path, f"{path}?_method=DELETE", f"{path}?_method=PUT&method=DELETE"):
            assert target.ask("GET", each, headers=headers).status == 200
    assert target.ask("GET", path).status == 200


def test_other_origins_read_nothing(target: Target, stored: dict[str, str]) -> None:
    for origin in ("http://evil.example", "null", "*", "http://x"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
        for method in ("GET", "OPTIONS"):
            answer = target.ask(method, stored["Path"], headers=headers)
            assert not [name for name, _ in answer.headers if name.startswith("access-control")]
