"""``/…/{id}/attachments``: the whole life of an attachment."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rest.anything import examples
from tests.rest.conftest import Serve, Served

from hornburg.testing import DatasetFactory

FILE = DatasetFactory("MR").instance()
MD5 = hashlib.md5(FILE).hexdigest()
KINDS = {
    "samplePdf": [1024, "application/pdf"],
    "page": [1025, "text/html; charset=utf-8"],
    "picture": [1026, "image/svg+xml"],
    "raw": 1027,
}


class Instance:
    """One stored instance, and where its attachments are."""

    def __init__(self, served: Served, ids: dict[str, Any]) -> None:
        self.served = served
        self.client = served.client
        self.ids = ids
        self.url = f"/instances/{ids['ID']}/attachments"

    async def json(self, path: str) -> Any:
        response = await self.client.get(self.url + path)
        assert response.status_code == 200, response.text
        return response.json()

    async def text(self, path: str) -> str:
        response = await self.client.get(self.url + path)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/plain")
        return str(response.text)

    async def changes(self) -> list[str]:
        response = await self.client.get("/changes?limit=1000")
        return [one["ChangeType"] for one in response.json()["Changes"]]

    def files(self) -> int:
        """How many files lie in the storage."""
        folder = self.served.archive.settings.storage_directory
        return sum(1 for path in folder.glob("??/??/*") if path.is_file())


async def started(serve: Serve, **options: Any) -> Instance:
    served = await serve(UserContentType=KINDS, **options)
    return Instance(served, (await served.upload(FILE))[0])


@pytest.fixture
async def instance(serve: Serve) -> Instance:
    return await started(serve)


async def test_the_dicom_file_is_an_attachment(instance: Instance) -> None:
    assert await instance.json("") == ["dicom"]
    assert await instance.json("?full") == {"dicom": 1}
    operations = await instance.json("/dicom")
    assert {"data", "compressed-data", "info", "size", "verify-md5"} <= set(operations)
    for operation in operations:
        if operation not in ("compress", "uncompress", "verify-md5"):
            response = await instance.client.get(f"{instance.url}/dicom/{operation}")
            assert response.status_code == 200
            assert response.headers["etag"] == f'"0-{MD5}"'


async def test_what_is_known_of_an_attachment(instance: Instance) -> None:
    assert await instance.text("/dicom/size") == str(len(FILE))
    assert await instance.text("/1/compressed-size") == str(len(FILE))
    assert await instance.text("/dicom/md5") == MD5
    assert await instance.text("/dicom/compressed-md5") == MD5
    assert await instance.text("/dicom/is-compressed") == "0"
    assert await instance.json("/dicom/info") == {
        "CompressedMD5": MD5,
        "CompressedSize": len(FILE),
        "ContentType": 1,
        "UncompressedMD5": MD5,
        "UncompressedSize": len(FILE),
        "Uuid": await instance.text("/dicom/uuid"),
    }


async def test_data_of_the_dicom_file(instance: Instance) -> None:
    response = await instance.client.get(f"{instance.url}/dicom/data")
    assert response.content == FILE
    assert response.headers["content-type"] == "application/dicom"
    uuid = await instance.text("/dicom/uuid")
    assert f'filename="{uuid}.dcm"' in response.headers["content-disposition"]


async def test_compressing_and_back(instance: Instance) -> None:
    for _ in range(2):
        response = await instance.client.post(f"{instance.url}/dicom/compress")
        assert (response.status_code, response.json()) == (200, {})
    assert await instance.text("/dicom/is-compressed") == "1"
    assert await instance.text("/dicom/size") == str(len(FILE))
    packed = (await instance.client.get(f"{instance.url}/dicom/compressed-data")).content
    assert await instance.text("/dicom/compressed-size") == str(len(packed))
    assert await instance.text("/dicom/compressed-md5") == hashlib.md5(packed).hexdigest()
    assert struct.unpack("<Q", packed[:8]) == (len(FILE),)
    assert zlib.decompress(packed[8:]) == FILE
    assert (await instance.client.get(f"{instance.url}/dicom/data")).content == FILE
    part = await instance.client.get(f"{instance.url}/dicom/data", headers={"Range": "bytes=5-99"})
    assert (part.status_code, part.content) == (206, FILE[5:100])
    assert (await instance.client.post(f"{instance.url}/dicom/verify-md5")).json() == {}
    assert instance.files() == 1
    for _ in range(2):
        assert (await instance.client.post(f"{instance.url}/dicom/uncompress")).json() == {}
    assert await instance.text("/dicom/is-compressed") == "0"
    assert (await instance.client.get(f"{instance.url}/dicom/compressed-data")).content == FILE
    assert instance.files() == 1


async def test_user_attachments_by_name_and_number(instance: Instance) -> None:
    for name, content in (("samplePdf", b"%PDF"), ("01027", b""), ("65535", b"\0\xff")):
        response = await instance.client.put(f"{instance.url}/{name}", content=content)
        assert (response.status_code, response.json()) == (200, {})
        md5 = hashlib.md5(content).hexdigest()
        assert response.headers["etag"] == f'"0-{md5}"'
        got = await instance.client.get(f"{instance.url}/{name}/data")
        assert got.content == content
    assert await instance.json("") == ["dicom", "samplePdf", "raw", "65535"]
    assert await instance.json("?full") == {
        "dicom": 1,
        "samplePdf": 1024,
        "raw": 1027,
        "65535": 65535,
    }
    assert await instance.text("/1024/size") == "4"
    assert (await instance.client.delete(f"{instance.url}/raw")).status_code == 200
    assert (await instance.client.get(f"{instance.url}/raw/data")).status_code == 404
    assert (await instance.client.delete(f"{instance.url}/raw")).status_code == 404
    assert instance.files() == 3
    assert (await instance.changes()).count("UpdatedAttachment") == 4


@pytest.mark.parametrize("level", ["patients", "studies", "series"])
async def test_attachments_at_every_level(instance: Instance, level: str) -> None:
    parent = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries"}
    url = f"/{level}/{instance.ids[parent[level]]}/attachments"
    assert (await instance.client.get(url)).json() == []
    assert (await instance.client.put(f"{url}/raw", content=b"x")).status_code == 200
    assert (await instance.client.get(f"{url}/raw/data")).content == b"x"


@pytest.mark.parametrize(
    ("name", "status"),
    [("dicom", 403), ("1", 403), ("-1", 403), ("1023", 403), ("65536", 403), ("9" * 20, 403),
     ("nope", 404), ("DICOM", 404), ("1.5", 404)],
)  # fmt: skip
async def test_what_may_not_be_changed(instance: Instance, name: str, status: int) -> None:
    assert (await instance.client.put(f"{instance.url}/{name}", content=b"x")).status_code == status
    assert (await instance.client.delete(f"{instance.url}/{name}")).status_code == status
    assert instance.files() == 1


@pytest.mark.parametrize(
    "path", ["/nope", "/nope/data", "/1024", "/1024/data", "/dicom/nope", "/2/size"]
)
async def test_what_is_not_there(instance: Instance, path: str) -> None:
    assert (await instance.client.get(instance.url + path)).status_code == 404


async def test_an_unknown_resource_gets_no_file(instance: Instance) -> None:
    for method, path in (("GET", ""), ("PUT", "/raw"), ("DELETE", "/raw"), ("GET", "/raw/data")):
        response = await instance.client.request(method, f"/instances/nope/attachments{path}")
        assert response.status_code == 404
    assert instance.files() == 1


async def test_replacing_counts_revisions_and_removes_the_old_file(instance: Instance) -> None:
    url = f"{instance.url}/raw"
    tags = []
    for content in (b"one", b"two", b"two"):
        tags.append((await instance.client.put(url, content=content)).headers["etag"])
    assert [tag.split("-")[0] for tag in tags] == ['"0', '"1', '"2']
    assert (await instance.client.get(f"{url}/data")).headers["etag"] == tags[2]
    assert instance.files() == 2


async def test_if_match_is_looked_at_whatever_the_settings(instance: Instance) -> None:
    url = f"{instance.url}/raw"
    first = await instance.client.put(url, content=b"one", headers={"If-Match": f'"7-{MD5}"'})
    assert first.status_code == 200
    tag = first.headers["etag"]
    late = await instance.client.put(url, content=b"two", headers={"If-Match": f'"0-{MD5}"'})
    assert late.status_code == 409
    assert late.json()["OrthancStatus"] == 43
    for value in (tag, tag.strip('"').replace("0-", "1-")):
        response = await instance.client.put(url, content=b"two", headers={"If-Match": value})
        assert (response.status_code == 200) is (value == tag)
    for value in ("*", "0", '"0"', "abc", f'W/"{MD5}"', ""):
        response = await instance.client.put(url, content=b"x", headers={"If-Match": value})
        assert response.status_code == 400
    assert instance.files() == 2
    assert (await instance.client.get(f"{url}/data")).content == b"two"


async def test_check_revisions(serve: Serve) -> None:
    instance = await started(serve, CheckRevisions=True)
    url = f"{instance.url}/raw"
    tag = (await instance.client.put(url, content=b"one")).headers["etag"]
    assert (await instance.client.put(url, content=b"two")).status_code == 409
    assert (await instance.client.delete(url)).status_code == 409
    assert (await instance.client.delete(f"{instance.url}/1024")).status_code == 409
    response = await instance.client.put(url, content=b"two", headers={"If-Match": tag})
    assert response.status_code == 200
    assert (await instance.client.delete(url, headers={"If-Match": tag})).status_code == 409
    new = response.headers["etag"]
    assert (await instance.client.delete(url, headers={"If-Match": new})).status_code == 200
    assert instance.files() == 1


async def test_of_two_that_put_at_the_same_time_one_is_late(serve: Serve) -> None:
    instance = await started(serve, CheckRevisions=True)
    url = f"{instance.url}/raw"
    tag = (await instance.client.put(url, content=b"0")).headers["etag"]
    answers = await asyncio.gather(
        *(
            instance.client.put(url, content=b"%d" % one, headers={"If-Match": tag})
            for one in range(1, 7)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert instance.files() == 2
    (good,) = (answer for answer in answers if answer.status_code == 200)
    assert (await instance.client.get(f"{url}/data")).headers["etag"] == good.headers["etag"]


@pytest.mark.parametrize("operation", ["", "/data", "/size", "/info", "/md5", "/compressed-data"])
async def test_if_none_match(instance: Instance, operation: str) -> None:
    url = f"{instance.url}/dicom{operation}"
    for value, status in (
        (f'"0-{MD5}"', 304),
        (f"0-{MD5}", 304),
        (f'W/"0-{MD5}"', 304),
        (f'"a", "0-{MD5}"', 304),
        ("*", 304),
        (f'"1-{MD5}"', 200),
        ('"0"', 200),
        ("junk", 400),
        ('"', 400),
    ):
        response = await instance.client.get(url, headers={"If-None-Match": value})
        assert response.status_code == status, value
        if status == 304:
            assert response.content == b""
            assert response.headers["etag"] == f'"0-{MD5}"'


@pytest.mark.parametrize(
    ("name", "mime", "kind"),
    [
        ("samplePdf", "application/pdf", "attachment"),
        ("page", "application/octet-stream", "attachment"),
        ("picture", "application/octet-stream", "attachment"),
        ("raw", "application/octet-stream", "attachment"),
        ("2000", "application/octet-stream", "attachment"),
    ],
)
async def test_no_browser_executes_an_attachment(
    instance: Instance, name: str, mime: str, kind: str
) -> None:
    page = b"<html><script>alert(1)</script></html>"
    await instance.client.put(f"{instance.url}/{name}", content=page)
    response = await instance.client.get(f"{instance.url}/{name}/data")
    assert response.content == page
    assert response.headers["content-type"] == mime
    assert response.headers["content-disposition"].startswith(f"{kind};")


@pytest.mark.parametrize("operation", ["data", "compressed-data"])
async def test_ranges(instance: Instance, operation: str) -> None:
    url, size = f"{instance.url}/dicom/{operation}", len(FILE)
    for value, expected in (
        ("bytes=0-9", (0, 10)),
        ("bytes=5-", (5, size)),
        ("bytes=-5", (size - 5, size)),
        ("bytes=0-99999999", (0, size)),
        (f"bytes=-{10**30}", (0, size)),
    ):
        response = await instance.client.get(url, headers={"Range": value})
        start, end = expected
        assert response.status_code == 206
        assert response.content == FILE[start:end]
        assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for value in (f"bytes={size}-", f"bytes={10**30}-", "bytes=-0"):
        response = await instance.client.get(url, headers={"Range": value})
        assert response.status_code == 416
        assert response.headers["content-range"] == f"bytes */{size}"
        assert response.json()["OrthancStatus"] == 41
    for value in ("bytes=0-1,4-5", "items=0-1", "junk", "bytes=5-2", "bytes=-", "bytes=a-b"):
        response = await instance.client.get(url, headers={"Range": value})
        assert (response.status_code, response.content) == (200, FILE)


async def test_a_range_of_another_state_is_the_whole_file(instance: Instance) -> None:
    url = f"{instance.url}/dicom/data"
    for condition, status in ((f'"0-{MD5}"', 206), (f'"1-{MD5}"', 200), (f'W/"0-{MD5}"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert (await instance.client.get(url, headers=headers)).status_code == status


async def test_storage_compression_holds_for_attachments(serve: Serve) -> None:
    instance = await started(serve, StorageCompression=True)
    content = b"a" * 100_000
    await instance.client.put(f"{instance.url}/raw", content=content)
    assert await instance.text("/raw/is-compressed") == "1"
    assert int(await instance.text("/raw/compressed-size")) < 1000
    assert (await instance.client.get(f"{instance.url}/raw/data")).content == content
    await instance.client.put(f"{instance.url}/raw", content=b"")
    assert (await instance.client.get(f"{instance.url}/raw/data")).content == b""
    assert (await instance.client.post(f"{instance.url}/raw/verify-md5")).status_code == 200


async def test_storage_compression_of_a_large_attachment(serve: Serve) -> None:
    instance = await started(serve, StorageCompression=True)
    content = bytes(range(256)) * (3 << 12)
    await instance.client.put(f"{instance.url}/raw", content=content)
    packed = (await instance.client.get(f"{instance.url}/raw/compressed-data")).content
    assert zlib.decompress(packed[8:]) == content
    assert await instance.text("/raw/compressed-md5") == hashlib.md5(packed).hexdigest()
    for operation in ("verify-md5", "uncompress", "verify-md5", "compress", "verify-md5"):
        response = await instance.client.post(f"{instance.url}/raw/{operation}")
        assert (response.status_code, operation) == (200, operation)
    assert (await instance.client.get(f"{instance.url}/raw/data")).content == content
    assert instance.files() == 2


async def test_without_md5(serve: Serve) -> None:
    instance = await started(serve, StoreMD5ForAttachments=False)
    tag = (await instance.client.put(f"{instance.url}/raw", content=b"x")).headers["etag"]
    assert (await instance.client.get(f"{instance.url}/raw/md5")).status_code == 404
    late = await instance.client.put(f"{instance.url}/raw", content=b"y", headers={"If-Match": tag})
    assert late.status_code == 200
    assert late.headers["etag"] != tag
    again = await instance.client.put(
        f"{instance.url}/raw", content=b"y", headers={"If-Match": tag}
    )
    assert again.status_code == 409
    assert (await instance.client.post(f"{instance.url}/raw/verify-md5")).status_code == 400


async def test_damage_is_told(instance: Instance) -> None:
    uuid = await instance.text("/dicom/uuid")
    path = instance.served.archive.storage.path(uuid)
    assert path is not None
    path.write_bytes(FILE[:-1] + bytes([FILE[-1] ^ 1]))
    response = await instance.client.post(f"{instance.url}/dicom/verify-md5")
    assert (response.status_code, response.json()["OrthancStatus"]) == (500, 20)
    assert (await instance.client.post(f"{instance.url}/dicom/compress")).status_code == 500
    path.write_bytes(FILE[:-1])
    for url in ("/dicom/data", "/dicom/compressed-data"):
        response = await instance.client.get(instance.url + url)
        assert (response.status_code, response.json()["OrthancStatus"]) == (500, 20)
    path.unlink()
    response = await instance.client.get(
        f"{instance.url}/dicom/data", headers={"Range": "bytes=0-1"}
    )
    assert response.status_code == 500
    assert str(path) not in response.text
    assert instance.files() == 0


async def test_read_only(serve: Serve) -> None:
    instance = await started(serve)
    served = await serve(UserContentType=KINDS, ReadOnly=True, name="other")
    for method, path in (
        ("PUT", "/raw"),
        ("DELETE", "/raw"),
        ("POST", "/dicom/compress"),
        ("POST", "/dicom/uncompress"),
    ):
        response = await served.client.request(method, instance.url + path)
        assert response.status_code == 403


async def test_an_attachment_of_the_wrong_length_is_refused_before_it_is_read(serve: Serve) -> None:
    instance = await started(serve, MaximumRequestBodySizeMB=1)
    response = await instance.client.put(f"{instance.url}/raw", content=bytes((1 << 20) + 1))
    assert response.status_code == 413
    assert instance.files() == 1


async def test_a_full_archive_takes_no_attachment(serve: Serve) -> None:
    instance = await started(serve, MaximumStorageSize=1, MaximumStorageMode="Reject")
    response = await instance.client.put(f"{instance.url}/raw", content=bytes(2 << 20))
    assert response.status_code == 507
    assert await instance.json("") == ["dicom"]
    assert instance.files() == 1


async def test_large_attachments_go_through_the_disk(instance: Instance) -> None:
    content = bytes(range(256)) * (3 << 12)
    assert (await instance.client.put(f"{instance.url}/raw", content=content)).status_code == 200
    assert (await instance.client.get(f"{instance.url}/raw/data")).content == content
    part = await instance.client.get(
        f"{instance.url}/raw/data", headers={"Range": "bytes=1000000-2999999"}
    )
    assert part.content == content[1_000_000:3_000_000]
    await instance.client.post(f"{instance.url}/raw/compress")
    part = await instance.client.get(
        f"{instance.url}/raw/data", headers={"Range": "bytes=1000000-2999999"}
    )
    assert part.content == content[1_000_000:3_000_000]


_header = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def test_any_name_range_and_revision_gives_a_proper_status(tmp_path: Path) -> None:
    with examples(tmp_path, UserContentType=KINDS) as (served, run):
        instance = Instance(served, run(served.upload(FILE))[0])

        @settings(max_examples=100, deadline=None)
        @given(
            name=st.one_of(st.text(max_size=12), st.integers(-10, 70_000).map(str)),
            range_=st.one_of(
                _header, st.from_regex(r"bytes=[0-9]{0,25}-[0-9]{0,25}", fullmatch=True)
            ),
            match=st.one_of(_header, st.from_regex(r'"[0-9]{1,20}-[0-9a-f]{32}"', fullmatch=True)),
        )
        def check(name: str, range_: str, match: str) -> None:
            run(
                _check(instance, name, {"If-Match": match, "If-None-Match": match, "Range": range_})
            )

        check()


async def _check(instance: Instance, name: str, headers: dict[str, str]) -> None:
    url = f"{instance.url}/{quote(name, safe='')}"
    for method, path in (("PUT", url), ("GET", f"{url}/data"), ("DELETE", url)):
        response = await instance.client.request(method, path, headers=headers)
        assert response.status_code < 500, (method, path, response.text)
    part = {"Range": headers["Range"]}
    for path in (f"{instance.url}/dicom/data", f"/instances/{instance.ids['ID']}/file"):
        response = await instance.client.get(path, headers=part)
        assert response.status_code in (200, 206, 416)
