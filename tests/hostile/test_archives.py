"""ZIP and gzip bodies that claim what they don't hold, or hold what they don't claim."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib

import pytest
from tests.hostile.target import Target

MB = 1 << 20


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED, name: str = "a") -> bytearray:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr(name, content)
    return bytearray(made.getvalue())


def entry(name: bytes = b"", packed: int = 0, size: int = 0, crc: int = 0) -> bytes:
    """APPNOTE.TXT 4.3.12, of a deflated member at the start of the file."""
    numbers = (20, 20, 0, 8, 0, 0, crc, packed, size, len(name), 0, 0, 0, 0, 0, 0)
    return b"PK\x01\x02" + struct.pack("<6H3L5H2L", *numbers) + name


def end(members: int, length: int, start: int) -> bytes:
    count = min(members, 0xFFFF)
    return b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, count, count, length, start, 0)


def end64(members: int, length: int, start: int, at: int) -> bytes:
    record = b"PK\x06\x06" + struct.pack(
        "<Q2H2L4Q", 44, 45, 45, 0, 0, members, members, length, start
    )
    return record + b"PK\x06\x07" + struct.pack("<LQL", 0, at, 1)


def field(archive: bytearray, place: int, form: str, value: int) -> bytes:
    """With another value in the entry of the directory, 0 being its signature."""
    changed = bytearray(archive)
    struct.pack_into(form, changed, changed.rfind(b"PK\x01\x02") + place, value)
    return bytes(changed)


def test_names_are_no_paths(target: Target, instance: bytes) -> None:
    before = set(target.folder.parent.rglob("*"))
    for name in ("../../x", "/tmp/hornburg-x", "C:\\x", "a\0b", "n" * 60_000, "<script>\r\nx"):
        answer = target.upload(bytes(zipped(instance, name=name)))
        assert answer.status == 200
        assert len(json.loads(answer.body)) == 1
    new = {path.name for path in set(target.folder.parent.rglob("*")) - before}
    assert not {name for name in new if name.startswith(("x", "hornburg-", "n"))}


@pytest.mark.parametrize("members", [300_000, 1_000_000, 1_400_000])
def test_a_million_members(target: Target, members: int) -> None:
    directory = entry() * members
    body = b"PK\x03\x04" + directory
    tails = [
        end(members, len(directory), 4),
        end64(members, len(directory), 4, len(body)) + end(members, 0xFFFFFFFF, 0xFFFFFFFF),
        # Two records that don't say the same.
        end64(members, len(directory), 4, len(body)) + end(1, 46, 4),
    ]
    with target.growing_at_most(16 * MB):
        assert [target.upload(body + tail).status for tail in tails] == [413, 413, 400]


@pytest.mark.parametrize("length", [47, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
@pytest.mark.parametrize("start", [4, 100_000, (1 << 64) - 1])
def test_forged_zip64(target: Target, length: int, start: int) -> None:
    body = b"PK\x03\x04" + entry()
    tail = end64(1, length, start, len(body)) + end(1, 0xFFFFFFFF, 0xFFFFFFFF)
    assert target.upload(body + tail).status == 400


def test_members_that_share_their_bytes(target: Target) -> None:
    content = b"\0" * 128 + b"DICM" + b"\0" * MB
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    crc = zlib.crc32(content)
    local = b"PK\x03\x04" + struct.pack(
        "<5H3L2H", 20, 0, 8, 0, 0, crc, len(packed), len(content), 0, 0
    )
    directory = entry(b"", len(packed), len(content), crc) * 1000
    body = local + packed + directory
    answer = target.upload(body + end(1000, len(directory), len(local) + len(packed)))
    assert answer.status == 400
    assert b"overlap" in answer.body


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (8, "<H", 1),  # encrypted
        (8, "<H", 0x40),  # strongly encrypted
        (24, "<L", 10),  # smaller than it is
        (20, "<L", 5),  # shorter than it is
        (42, "<L", 0xFFFFFFF0),  # elsewhere
        (42, "<L", 7),
        *((10, "<H", method) for method in (1, 6, 9, 12, 14, 93, 95, 98, 255)),
    ],
)
def test_a_member_that_lies(
    target: Target, instance: bytes, place: int, form: str, value: int
) -> None:
    answer = target.upload(field(zipped(instance), place, form, value))
    assert (answer.status, answer.body) == (200, b"[]") or answer.status == 400


@pytest.mark.parametrize("method", [0, 8, 12, 14])
def test_damaged_members(target: Target, instance: bytes, method: int) -> None:
    archive = zipped(instance, method)
    for place in range(60, 200):
        archive[place] ^= 0x55
    assert target.upload(bytes(archive)).body == b"[]"


def test_a_name_that_is_no_text(target: Target, instance: bytes) -> None:
    for start in (30, 30 + 16):
        archive = zipped(instance)
        at = 0 if start == 30 else archive.rfind(b"PK\x01\x02")
        archive[at + start] = 0xFF
        # Bit 11: the name is UTF-8 (APPNOTE.TXT 4.4.4).
        struct.pack_into("<H", archive, at + (6 if at == 0 else 8), 0x800)
        assert target.upload(bytes(archive)).status in (200, 400)


def test_places_before_the_start(target: Target, instance: bytes) -> None:
    archive = zipped(instance)
    at = archive.rfind(b"PK\x05\x06") + 16
    struct.pack_into("<L", archive, at, struct.unpack_from("<L", archive, at)[0] + 1_000_000)
    assert target.upload(bytes(archive)).status == 400


def test_every_cut(target: Target, instance: bytes) -> None:
    archive = bytes(zipped(instance))
    for cut in (4, 5, 29, 31, 1000, len(archive) - 60, len(archive) - 22, len(archive) - 1):
        assert target.upload(archive[:cut]).status == 400, cut


def test_archives_in_archives_stay_closed(target: Target, instance: bytes) -> None:
    assert target.upload(bytes(zipped(bytes(zipped(instance))))).body == b"[]"


def bomb(size: int, start: bytes = b"") -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * MB
    pieces = [packer.compress(start), *(packer.compress(zeros) for _ in range(size // MB))]
    return b"".join(pieces) + packer.flush()


def test_gzip_of_a_thousand_times_its_size(target: Target) -> None:
    body = bomb(256 * MB, b"no DICOM")
    assert len(body) < MB
    with target.growing_at_most(16 * MB):
        assert target.upload(body, Content_Encoding="gzip").status == 400


def test_gzip_over_the_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    target = Target(tmp_path_factory.mktemp("small"), MaximumFileSizeInArchiveMB=8)
    try:
        with target.growing_at_most(16 * MB):
            for start in (b"", b"\0" * 128 + b"DICM"):
                body = bomb(256 * MB, start)
                assert target.upload(body, Content_Encoding="gzip").status == 413
        assert target.files() == set()
    finally:
        assert target.stop() == 0
    assert target.complaints() == []


def test_gzip_of_many_members(target: Target, instance: bytes) -> None:
    none = gzip.compress(b"")
    assert target.upload(none * 150_000, Content_Encoding="gzip").status == 413
    halves = gzip.compress(instance[:99]) + none * 99 + gzip.compress(instance[99:]) + b"\0" * 99
    assert target.upload(halves, Content_Encoding="gzip").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"a" * MB,  # a name without end
        gzip.compress(b"DICM" * 99, mtime=0)[:-4],
        gzip.compress(b"DICM" * 99, mtime=0) + b"more",
        gzip.compress(gzip.compress(b"DICM" * 99, mtime=0), mtime=0),
    ],
)
def test_no_gzip(target: Target, body: bytes) -> None:
    assert target.upload(body, Content_Encoding="gzip").status == 400
