"""``POST /instances``: what comes in, in every form, and what is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory()


def file(number: int = 1) -> bytes:
    return MAKE.instance(instance=number)


def large(patient: int, size: int) -> bytes:
    return DatasetFactory("CT", size=size).instance(patient)


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


async def count(served: Any) -> int:
    return (await served.client.get("/statistics")).json()["CountInstances"]


async def test_one_file(served: Any) -> None:
    answer = (await served.upload(file()))[0]
    assert answer["Status"] == "Success"
    assert answer["Path"] == f"/instances/{answer['ID']}"
    assert set(answer) == {
        "ID",
        "ParentPatient",
        "ParentSeries",
        "ParentStudy",
        "Path",
        "Status",
    }
    again = (await served.upload(file()))[0]
    assert again == {**answer, "Status": "AlreadyStored"}
    assert await count(served) == 1


async def test_a_large_file_goes_through_the_disk(served: Any) -> None:
    content = large(1, 3 << 20)
    answer = (await served.upload(content))[0]
    assert answer["Status"] == "Success"
    statistics = (await served.client.get("/statistics")).json()
    assert statistics["TotalDiskSize"] == str(len(content))


async def test_zip(served: Any) -> None:
    body = zipped(
        ("1.dcm", file(1)),
        ("notes.txt", b"hello, this is no image"),
        ("folder/2", file(2)),
        ("inner.zip", zipped(("3", file(3)))),
        ("../../escape.dcm", file(4)),
    )
    response = await served.client.post("/instances", content=body)
    assert [one["Status"] for one in response.json()] == ["Success"] * 3
    assert await count(served) == 3


@pytest.mark.parametrize("content", [file(1), zipped(("1.dcm", file(1)))], ids=["file", "zip"])
async def test_gzip(served: Any, content: bytes) -> None:
    body = gzip.compress(content)
    response = await served.client.post(
        "/instances", content=body, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 200
    assert await count(served) == 1


async def test_form(served: Any) -> None:
    files = [("a", ("1.dcm", file(1))), ("b", ("2.zip", zipped(("x", file(2)), ("y", file(3)))))]
    response = await served.client.post("/instances", files=files)
    assert [one["Status"] for one in response.json()] == ["Success"] * 3


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"garbage", {}),
        (b"{}", {"Content-Type": "application/json"}),
        (file()[:200], {}),
        (file()[:-10], {}),
        (b"PK\x05\x06" + bytes(18), {}),
        (zipped(("1.dcm", file()))[:-30], {}),
        (gzip.compress(file())[:-9], {"Content-Encoding": "gzip"}),
        (b"no gzip at all", {"Content-Encoding": "gzip"}),
        (b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"anything", {"Content-Type": "multipart/form-data; boundary="}),
        (bytes(5000), {}),
        (b"\0" * 128 + b"DICM", {}),
    ],
)
async def test_bad_bodies(served: Any, body: bytes, headers: dict[str, str]) -> None:
    response = await served.client.post("/instances", content=body, headers=headers)
    if body.startswith(b"PK\x05\x06"):
        # An archive with no members is whole, and there is nothing in it.
        assert (response.status_code, response.json()) == (200, [])
    else:
        assert response.status_code == 400
        assert response.json()["HttpStatus"] == 400
        assert response.json()["Details"]
    assert await count(served) == 0
    storage = served.archive.settings.storage_directory
    left = [path for path in storage.rglob("*") if path.is_file() and len(path.name) == 36]
    assert left == []


async def test_an_archive_with_a_member_over_the_limit_stores_nothing(serve: Any) -> None:
    served = await serve(MaximumFileSizeInArchiveMB=1)
    bomb = zipped(("1.dcm", file(1)), ("2.dcm", bytes(2 << 20)))
    response = await served.client.post("/instances", content=bomb)
    assert response.status_code == 413
    packed = gzip.compress(bytes(128) + b"DICM" + bytes(2 << 20))
    response = await served.client.post(
        "/instances", content=packed, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 413
    assert await count(served) == 0


async def test_a_member_that_lies_about_its_size_is_left_out(served: Any) -> None:
    honest = zipped(("1.dcm", file(1)), ("2.dcm", file(2)))
    size = len(file(2)).to_bytes(4, "little")
    at = honest.rindex(size)
    forged = honest[:at] + (200).to_bytes(4, "little") + honest[at + 4 :]
    response = await served.client.post("/instances", content=forged)
    assert response.status_code == 200
    assert len(response.json()) == 1


async def test_bodies_over_the_limit(serve: Any) -> None:
    served = await serve(MaximumRequestBodySizeMB=1)
    known = bytes(1 << 20) + b"x"

    async def endless() -> Any:
        for _ in range(100):
            yield bytes(100_000)

    for body in (known, endless()):
        response = await served.client.post("/instances", content=body)
        assert response.status_code == 413
        assert "MaximumRequestBodySizeMB" in response.json()["Details"]


async def test_read_only(serve: Any) -> None:
    served = await serve(ReadOnly=True)
    response = await served.client.post("/instances", content=file())
    assert response.status_code == 403
    assert await count(served) == 0


@pytest.mark.parametrize("word", ["Always", True])
async def test_overwrite(serve: Any, word: object) -> None:
    served = await serve(OverwriteInstances=word)
    first = (await served.upload(file()))[0]
    assert (await served.upload(file()))[0] == first
    assert await count(served) == 1


async def test_compressed_storage(serve: Any) -> None:
    served = await serve(StorageCompression=True)
    content = bytearray(file(1))
    content[-4000:] = bytes(4000)
    await served.upload(bytes(content))
    statistics = (await served.client.get("/statistics")).json()
    assert int(statistics["TotalDiskSize"]) < int(statistics["TotalUncompressedSize"])
    assert statistics["TotalUncompressedSize"] == str(len(content))


async def test_recycles_the_oldest_patient(serve: Any) -> None:
    served = await serve(MaximumPatientCount=2)
    answers = await served.upload(*(MAKE.instance(n) for n in (1, 2, 3)))
    assert [one["Status"] for one in answers] == ["Success"] * 3
    statistics = (await served.client.get("/statistics")).json()
    assert statistics["CountPatients"] == 2
    storage = served.archive.settings.storage_directory
    assert len([path for path in storage.rglob("*") if len(path.name) == 36]) == 2


async def test_rejects_when_full(serve: Any) -> None:
    served = await serve(MaximumStorageSize=1, MaximumStorageMode="Reject")
    await served.upload(large(1, 900_000))
    response = await served.client.post("/instances", content=large(2, 900_000))
    assert response.status_code == 507
    assert response.json()["OrthancStatus"] == 19
    assert (await served.upload(large(1, 900_000)))[0]["Status"] == "AlreadyStored"
    storage = served.archive.settings.storage_directory
    assert len([path for path in storage.rglob("*") if len(path.name) == 36]) == 1
