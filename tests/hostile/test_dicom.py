"""DICOM files that were made to break their reader, or whoever shows what they say."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping

import pytest
from tests.hostile.target import Target

MB = 1 << 20
EXPLICIT = b"1.2.840.10008.1.2.1"
JPEG = b"1.2.840.10008.1.2.4.50"
DEFLATED = b"1.2.840.10008.1.2.1.99"
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
END = b"\xfe\xff\xdd\xe0\0\0\0\0"
ENDLESS = b"\xff\xff\xff\xff"
#: PS3.5 7.1.2: these have a length of four bytes, behind two that are reserved.
LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")

SOP, NAME, PATIENT, STUDY, SERIES = 0x00080018, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E
SEQUENCE, PIXELS = 0x00081140, 0x7FE00010


def head(tag: int, vr: bytes, length: bytes) -> bytes:
    return (
        struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + (b"\0\0" if vr in LONG else b"") + length
    )


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return head(tag, vr, struct.pack("<L" if vr in LONG else "<H", len(value))) + value


def file(
    elements: Mapping[int, bytes] | None = None,
    *,
    meta: bytes | None = None,
    syntax: bytes = EXPLICIT,
) -> bytes:
    """A file with the four identifiers, other elements or others in their place."""
    body = {
        SOP: element(SOP, b"UI", b"1.2.3"),
        PATIENT: element(PATIENT, b"LO", b"P"),
        STUDY: element(STUDY, b"UI", b"1.2"),
        SERIES: element(SERIES, b"UI", b"1.2.1"),
        **(elements or {}),
    }
    start = element(0x00020010, b"UI", syntax) if meta is None else meta
    return b"\0" * 128 + b"DICM" + start + b"".join(body[tag] for tag in sorted(body))


def nested(depth: int, *, closed: bool = True) -> bytes:
    start = (head(SEQUENCE, b"SQ", ENDLESS) + ITEM + ENDLESS) * depth
    return start + (ITEM_END + END) * depth if closed else start


def strict(raw: bytes) -> object:
    """RFC 8259, which has no NaN and no Infinity."""

    def refuse(word: str) -> object:
        raise ValueError(word)

    return json.loads(raw, parse_constant=refuse)


def show_everything(target: Target, path: str) -> None:
    for part in (
        *("", "/tags", "/tags?short", "/simplified-tags", "/header", "/content", "/module"),
        *("/metadata?expand", "/statistics", "/attachments", "/patient", "/study", "/series"),
    ):
        answer = target.ask("GET", path + part)
        assert answer.status == 200, part
        assert answer.all("content-type")[0].startswith("application/json")
        strict(answer.body)
    strict(target.ask("GET", f"{path}/file", headers={"Accept": "application/dicom+json"}).body)


def upload(target: Target, body: bytes, status: int = 200) -> None:
    """What is taken can be shown in every form, and is removed again."""
    answer = target.upload(body)
    assert answer.status == status, answer.body
    if status == 200:
        path = json.loads(answer.body)["Path"]
        show_everything(target, path)
        for level in ("patients", "studies", "series", "instances"):
            strict(target.ask("GET", f"/{level}?expand").body)
        assert target.client.delete(path).status_code == 200


@pytest.mark.parametrize(
    "uid",
    [
        *(b"../../x", b"/etc/passwd", b"..\\..\\x", b"1.2\0.3", b"1.2\\1.3", b"<b>", b"\xff\xfe"),
        *(b"1" * 65, b"1" * 60_000, b"$(id)", b"'; DROP TABLE resources; --", b"%n%s"),
    ],
)
def test_identifiers(target: Target, uid: bytes) -> None:
    for tag in (SOP, STUDY, SERIES, PATIENT):
        upload(target, file({tag: element(tag, b"UI", uid)}))
    assert target.files_called("x") == []


@pytest.mark.parametrize("uid", [b"", b"\0\0", b"  "])
def test_no_identifiers(target: Target, uid: bytes) -> None:
    for tag in (SOP, STUDY, SERIES):
        upload(target, file({tag: element(tag, b"UI", uid)}), 400)
    upload(target, file({STUDY: head(STUDY, b"SQ", b"\0\0\0\0")}), 400)


@pytest.mark.parametrize("tag", [SOP, PATIENT, NAME, 0x0008103E])
def test_values_of_megabytes(target: Target, tag: int) -> None:
    """The index keeps none of it."""
    body = file({tag: element(tag, b"UN", b"9" * 4 * MB), SERIES: element(SERIES, b"UI", b"1.2.2")})
    answer = target.upload(body)
    assert answer.status == 200
    for level in ("patients", "studies", "series", "instances"):
        assert len(target.ask("GET", f"/{level}?expand").body) < 100_000
    target.client.delete(json.loads(answer.body)["Path"])


def test_numbers_that_json_has_not(target: Target) -> None:
    odd = struct.pack("<4d", float("nan"), float("inf"), -float("inf"), -0.0)
    elements = {
        0x00189087: element(0x00189087, b"FD", odd),
        0x00189313: element(0x00189313, b"FL", struct.pack("<2f", float("nan"), 1e38)),
        0x00280030: element(0x00280030, b"DS", b"inf\\nan\\1e999\\-.\\0x1\\Infinity"),
        0x00200013: element(0x00200013, b"IS", b"9" * 200),
        0x00280106: element(0x00280106, b"AT", b"\1\2\3"),
    }
    upload(target, file(elements))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (b"", b"\xff\xfe\x00\x1b$B"),
        (b"ISO_IR 192", b"\xed\xa0\x80\xff"),
        (b"ISO 2022 IR 999\\\\<x>", b"\x1b$B\x1b(J\xff"),
        (b"ISO 2022 IR 87\\" * 4000, b"\x1b$B" * 20_000),
        (b"GB18030", b"\x81\x30\xff" * 10_000),
    ],
)
def test_texts_that_are_none(target: Target, charset: bytes, name: bytes) -> None:
    named = {0x00080005: element(0x00080005, b"CS", charset), NAME: element(NAME, b"PN", name)}
    upload(target, file(named))


@pytest.mark.parametrize("depth", [200, 256])
def test_depth(target: Target, depth: int) -> None:
    upload(target, file({SEQUENCE: nested(depth)}))


@pytest.mark.parametrize(
    "sequence",
    [
        nested(257),
        nested(10_000),
        nested(100_000),
        nested(10, closed=False),
        nested(100_000, closed=False),
        head(SEQUENCE, b"SQ", struct.pack("<L", 8_000_000)) + (ITEM + b"\0\0\0\0") * 1_000_000,
        head(SEQUENCE, b"SQ", b"\xfe\xff\xff\xff") + ITEM + b"\xfe\xff\xff\xff",
        head(PIXELS, b"OB", ENDLESS) + (ITEM + b"\0\0\0\0") * 100_000,
    ],
)
def test_sequences_without_an_end(target: Target, sequence: bytes) -> None:
    with target.growing_at_most(256 * MB):
        upload(target, file({0xFFFEEEEE: sequence}), 400)


def test_many_fragments(target: Target) -> None:
    pixels = head(PIXELS, b"OB", ENDLESS) + (ITEM + b"\0\0\0\0") * 50_000 + END
    with target.growing_at_most(128 * MB):
        upload(target, file({PIXELS: pixels}, syntax=JPEG))


def test_many_elements(target: Target) -> None:
    block = b"".join(
        struct.pack("<HH2sH", 0x0009, number, b"LO", 0) for number in range(0x1000, 0xFFFF)
    )
    with target.growing_at_most(128 * MB):
        upload(target, file({0x00091000: block}))


@pytest.mark.parametrize(
    "meta",
    [
        b"\2\0\x10\0UI\xff\xff1.2",
        b"\2\0\x10\0??\x08\x001.2.840.",
        b"\2\0\x10\0OB\0\0\xff\xff\xff\x7f",
        b"\2\0\x10\0UN\0\0" + ENDLESS,
        b"\2\0\x10\0SQ\0\0" + ENDLESS + (ITEM + ENDLESS) * 100,
        element(0x00020010, b"UI", DEFLATED),  # and nothing deflated
        b"".join(element(0x00020100 + number, b"UI", b"1") for number in range(60_000)),
    ],
)
def test_meta_headers(target: Target, meta: bytes) -> None:
    with target.growing_at_most(64 * MB):
        upload(target, file(meta=meta), 400)


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        element(0x00020010, b"UI", b"<script>"),
        element(0x00020010, b"UI", b"1." * 30_000),
        element(0x00020010, b"OW", EXPLICIT + b"\0"),
        element(0x00020000, b"UL", ENDLESS) + element(0x00020010, b"UI", EXPLICIT),
        element(0x00020000, b"UL", b"\0\0\0\0") + element(0x00020010, b"UI", EXPLICIT),
    ],
)
def test_odd_meta_headers(target: Target, meta: bytes) -> None:
    answer = target.upload(file(meta=meta))
    assert answer.status in (200, 400)
    if answer.status == 200:
        path = json.loads(answer.body)["Path"]
        show_everything(target, path)
        target.client.delete(path)


def test_meta_headers_are_not_kept(target: Target) -> None:
    """1000 of them leave no more memory in use than the first."""
    body = file(meta=b"\2\0\x10\0??\xff\xff" + b"x" * 100_000)
    for _ in range(10):
        upload(target, body, 400)
    with target.growing_at_most(16 * MB):
        for _ in range(200):
            upload(target, body, 400)


def test_deflated_bomb(target: Target) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b"\0" * MB
    packed = b"".join(packer.compress(zeros) for _ in range(500)) + packer.flush()
    body = b"\0" * 128 + b"DICM" + element(0x00020010, b"UI", DEFLATED) + packed
    with target.growing_at_most(256 * MB):
        upload(target, body, 400)


def test_every_thirtieth_cut(target: Target, instance: bytes) -> None:
    for cut in range(1, len(instance), 301):
        assert target.upload(instance[:cut]).status == 400


def test_pixels_that_are_missing(target: Target) -> None:
    upload(target, file({PIXELS: element(PIXELS, b"OW", b"\1" * 1000)[:500]}), 400)


def test_the_same_identifier_of_another_patient(target: Target) -> None:
    """Both are kept: an identifier is that of all levels together."""
    first = json.loads(target.upload(file()).body)
    name = element(NAME, b"PN", b"Mallory")
    again = json.loads(target.upload(file({NAME: name})).body)
    assert (again["ID"], again["Status"]) == (first["ID"], "AlreadyStored")
    other = json.loads(target.upload(file({PATIENT: element(PATIENT, b"LO", b"Q")})).body)
    assert other["ID"] != first["ID"]
    tags = json.loads(target.ask("GET", f"{first['Path']}/simplified-tags").body)
    assert tags["PatientID"] == "P"
    assert "PatientName" not in tags
    for path in (first["Path"], other["Path"]):
        target.client.delete(path)
