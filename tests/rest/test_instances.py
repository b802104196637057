"""``/instances/{id}/file``, ``/header`` and ``/content``."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from tests.rest.anything import examples
from tests.rest.conftest import Serve, Served

from hornburg.testing import DatasetFactory

FILE = DatasetFactory("CT", size=40_000).instance()


def sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


async def put(served: Served, file: bytes = FILE) -> str:
    return f"/instances/{(await served.upload(file))[0]['ID']}"


async def test_the_file_comes_back(served: Served) -> None:
    url = await put(served)
    response = await served.client.get(f"{url}/file")
    assert response.content == FILE
    assert response.headers["content-type"] == "application/dicom"
    assert response.headers["etag"] == f'"0-{hashlib.md5(FILE).hexdigest()}"'
    assert response.headers["content-length"] == str(len(FILE))
    uuid = (await served.client.get(url)).json()["FileUuid"]
    assert f'filename="{uuid}.dcm"' in response.headers["content-disposition"]
    again = {"If-None-Match": response.headers["etag"]}
    assert (await served.client.get(f"{url}/file", headers=again)).status_code == 304
    part = await served.client.get(f"{url}/file", headers={"Range": "bytes=128-131"})
    assert (part.status_code, part.content) == (206, b"DICM")


async def test_a_compressed_file_comes_back(serve: Serve) -> None:
    served = await serve(StorageCompression=True)
    url = await put(served)
    assert (await served.client.get(f"{url}/file")).content == FILE
    assert (await served.client.get(f"{url}/tags?short")).json()["0008,0060"] == "CT"


async def test_large_files_are_sent_in_pieces(served: Served) -> None:
    file = DatasetFactory("CT", size=3 << 20).instance()
    url = await put(served, file)
    assert (await served.client.get(f"{url}/file")).content == file
    assert (await served.client.get(f"{url}/content/PixelData/0")).content == bytes(
        pydicom.dcmread(BytesIO(file)).PixelData
    )


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/dicom+json", True),
        ("application/dicom+json;q=0.9, application/dicom;q=0.1", True),
        ("application/dicom, application/dicom+json", False),
        ("application/dicom+json;q=0", False),
        ("application/dicom+json;q=junk", False),
        ("text/html", False),
        ("*/*", False),
        ("", False),
    ],
)
async def test_accept(served: Served, accept: str, json: bool) -> None:
    url = await put(served)
    response = await served.client.get(f"{url}/file", headers={"Accept": accept})
    if json:
        assert response.headers["content-type"] == "application/dicom+json"
        assert response.json()["00080060"] == {"vr": "CS", "Value": ["CT"]}
    else:
        assert response.content == FILE


async def test_what_can_not_be_given(served: Served) -> None:
    url = await put(served)
    response = await served.client.get(f"{url}/file", headers={"Accept": "application/dicom+xml"})
    assert response.status_code == 406
    syntax = (await served.client.get(f"{url}/metadata/TransferSyntax")).text
    same = await served.client.get(f"{url}/file", params={"transcode": syntax})
    assert same.content == FILE


@pytest.mark.parametrize(
    "name",
    ["a.dcm", "a\r\nSet-Cookie: x", 'a"; filename="b.html', "Müller 山田.dcm", "../../etc/passwd", "\0", "a" * 999, "‮gpj.exe", "%0d%0a"],
)  # fmt: skip
async def test_a_file_name_stays_one_header(served: Served, name: str) -> None:
    url = await put(served)
    response = await served.client.get(f"{url}/file", params={"filename": name})
    assert response.status_code == 200
    value = response.headers["content-disposition"]
    assert "set-cookie" not in response.headers
    assert value.startswith('attachment; filename="')
    assert value.isascii()
    assert not any(ord(char) < 32 for char in value)
    assert value.count('"') == 2
    assert "/" not in value
    assert len(value) < 3000


async def test_a_preamble_that_a_browser_could_run(served: Served) -> None:
    page = b"<html><script>alert(1)</script>".ljust(128, b" ")
    url = await put(served, page + FILE[128:])
    for path in ("/file", "/attachments/dicom/data", "/attachments/dicom/compressed-data"):
        response = await served.client.get(url + path, headers={"Accept": "text/html"})
        assert response.headers["content-type"] in ("application/dicom", "application/octet-stream")


async def test_damage_is_told_before_anything_is_sent(served: Served) -> None:
    url = await put(served)
    uuid = (await served.client.get(url)).json()["FileUuid"]
    path = served.archive.storage.path(uuid)
    assert path is not None
    path.write_bytes(FILE[:1000])
    for below in ("/file", "/tags", "/content", "/header"):
        response = await served.client.get(url + below)
        assert (response.status_code, response.json()["OrthancStatus"]) == (500, 20)
    path.write_bytes(bytes(len(FILE)))
    assert (await served.client.get(f"{url}/tags")).json()["OrthancStatus"] == 20
    path.unlink()
    for below in ("/file", "/tags", "/content"):
        assert (await served.client.get(url + below)).status_code == 500


async def test_header(served: Served) -> None:
    url = await put(served, sample("CT_small.dcm"))
    header = (await served.client.get(f"{url}/header")).json()
    assert header["0002,0010"] == {
        "Name": "TransferSyntaxUID",
        "Type": "String",
        "Value": "1.2.840.10008.1.2.1",
    }
    short = (await served.client.get(f"{url}/header?short")).json()
    assert short["0002,0010"] == "1.2.840.10008.1.2.1"
    simple = (await served.client.get(f"{url}/header?simplify")).json()
    assert simple["TransferSyntaxUID"] == "1.2.840.10008.1.2.1"


async def test_content_of_values(served: Served) -> None:
    url = await put(served, sample("CT_small.dcm"))
    for path in ("PatientName", "0010-0010", "00100010", "0010,0010"):
        response = await served.client.get(f"{url}/content/{path}")
        assert response.content == b"CompressedSamples^CT1 "
        assert response.headers["content-type"] == "application/octet-stream"
    assert (await served.client.get(f"{url}/content/Rows")).content == b"\x80\x00"
    assert (await served.client.get(f"{url}/content/AccessionNumber")).content == b""
    pixels = bytes(pydicom.dcmread(BytesIO(sample("CT_small.dcm"))).PixelData)
    assert (await served.client.get(f"{url}/content/PixelData")).json() == ["0"]
    assert (await served.client.get(f"{url}/content/PixelData/0")).content == pixels


async def test_content_of_sequences(served: Served) -> None:
    url = await put(served, sample("rtplan.dcm")) + "/content"
    names = (await served.client.get(url)).json()
    assert names[0] == "0008-0005" or names[0].startswith("0008-")
    assert (await served.client.get(f"{url}/")).json() == names
    assert (await served.client.get(f"{url}/BeamSequence")).json() == ["0"]
    assert "300a-00c2" in (await served.client.get(f"{url}/BeamSequence/0")).json()
    assert (await served.client.get(f"{url}/BeamSequence/0/BeamName")).content == b"Field 1 "
    deep = await served.client.get(f"{url}/BeamSequence/0/ControlPointSequence/0/NominalBeamEnergy")
    assert deep.status_code == 200
    for path in ("BeamSequence/1", "BeamSequence/a", "BeamSequence/-1", "BeamSequence/BeamName",
                 "nope", "PatientName/0", "0002-0010", "PixelData"):  # fmt: skip
        assert (await served.client.get(f"{url}/{path}")).status_code == 404


async def test_unknown_instances(served: Served) -> None:
    for path in ("file", "tags", "simplified-tags", "header", "content", "content/Rows", "module"):
        response = await served.client.get(f"/instances/nope/{path}")
        assert response.status_code == 404
        assert response.json()["OrthancStatus"] == 17


def test_any_path_accept_and_name_gives_a_proper_status(tmp_path: Path) -> None:
    with examples(tmp_path) as (served, run):
        url = run(put(served))
        step = st.one_of(
            st.sampled_from(["PatientName", "PixelData", "0008-1140", "0", "1", "-1", "0008,1140"]),
            st.text(max_size=8),
        )

        @settings(max_examples=150, deadline=None)
        @given(
            path=st.lists(step, max_size=5),
            accept=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
            name=st.text(max_size=40),
        )
        def check(path: list[str], accept: str, name: str) -> None:
            run(_check(served, url, "/".join(quote(one, safe="") for one in path), accept, name))

        check()


async def _check(served: Served, url: str, path: str, accept: str, name: str) -> None:
    response = await served.client.get(f"{url}/content/{path}")
    assert response.status_code in (200, 400, 404), path
    response = await served.client.get(
        f"{url}/file", params={"filename": name}, headers={"Accept": accept}
    )
    assert response.status_code in (200, 406)
    value: Any = response.headers.get("content-disposition", "")
    assert value.isascii()
    assert value.isprintable()
