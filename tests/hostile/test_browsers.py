"""What a browser could take for a page, a program or a header of ours."""

from __future__ import annotations

import json

import pytest
from tests.hostile.target import Answer, Target
from tests.hostile.test_dicom import NAME, PATIENT, element, file

SCRIPT = b"<script>alert(1)</script>"
#: Types that a browser shows without executing anything.
INERT = ("application/json", "text/plain", "application/octet-stream", "application/dicom")


def assert_inert(answer: Answer) -> None:
    assert answer.all("x-content-type-options") == ["nosniff"]
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
