"""``GET /instances/{id}/file?transcode=``."""

import io
from typing import Any

import pydicom
import pytest
from tests.dicom.files import shipped
from tests.rest.conftest import Served

from hornburg.dicom.transcode import transcode

FILE = shipped("MR_small.dcm")
IMPLICIT, JPEG_LS = "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80"
JPEG, MPEG = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.100"


async def ask(served: Served, file: bytes, headers: Any = None, **query: Any) -> Any:
    (answer,) = await served.upload(file)
    query = {name.replace("_", "-"): value for name, value in query.items()}
    url = f"/instances/{answer['ID']}/file"
    return await served.client.get(url, params=query, headers=headers)


@pytest.mark.parametrize("target", [IMPLICIT, JPEG_LS])
async def test_transcoded(served: Served, target: str) -> None:
    response = await ask(served, FILE, transcode=target, filename="a.dcm")
    assert response.status_code == 200
    assert response.content == transcode(FILE, target)
    assert response.headers["content-type"] == "application/dicom"
    assert "a.dcm" in response.headers["content-disposition"]


async def test_the_stored_syntax_is_the_stored_file(served: Served) -> None:
    response = await ask(served, FILE, {"Range": "bytes=128-131"}, transcode="1.2.840.10008.1.2.1")
    assert (response.status_code, response.content) == (206, b"DICM")


async def test_ranges_are_of_stored_files(served: Served) -> None:
    response = await ask(served, FILE, {"Range": "bytes=0-3"}, transcode=IMPLICIT)
    assert (response.status_code, response.content) == (200, transcode(FILE, IMPLICIT))


async def test_entity_tags(served: Served) -> None:
    first = await ask(served, FILE, transcode=IMPLICIT)
    stored = await ask(served, FILE)
    other = await ask(served, FILE, transcode=JPEG_LS)
    tags = {one.headers["etag"] for one in (first, stored, other)}
    assert len(tags) == 3
    again = {"If-None-Match": first.headers["etag"]}
    assert (await ask(served, FILE, again, transcode=IMPLICIT)).status_code == 304
    assert (await ask(served, FILE, again, transcode=JPEG_LS)).status_code == 200


async def test_lossy(served: Served) -> None:
    file = shipped("color-px.dcm")
    low = await ask(served, file, transcode=JPEG, lossy_quality=10)
    usual = await ask(served, file, transcode=JPEG)
    assert 100 < len(low.content) < len(usual.content)
    assert "etag" not in usual.headers
    new = pydicom.dcmread(io.BytesIO(usual.content))
    assert new.LossyImageCompression == "01"
    assert "quality 90" in new.DerivationDescription


@pytest.mark.parametrize(
    ("query", "status", "orthanc", "details"),
    [
        ({"transcode": "foo"}, 400, 3, "Unknown transfer syntax: foo"),
        ({"transcode": ""}, 400, 3, "Unknown transfer syntax: "),
        ({"transcode": MPEG}, 500, -1, f"Cannot transcode to transfer syntax: {MPEG}"),
        ({"transcode": JPEG}, 500, -1, "16 bits stored"),
        ({"transcode": JPEG, "lossy_quality": 0}, 400, 3, "from 1 to 100"),
        ({"transcode": JPEG, "lossy_quality": 101}, 400, 3, "from 1 to 100"),
        ({"transcode": JPEG, "lossy_quality": "much"}, 400, None, ""),
    ],
)
async def test_refused(
    served: Served, query: dict[str, Any], status: int, orthanc: int | None, details: str
) -> None:
    response = await ask(served, FILE, **query)
    assert response.status_code == status
    assert orthanc in (response.json()["OrthancStatus"], None)
    assert details in response.json().get("Details", "")


async def test_no_such_instance(served: Served) -> None:
    response = await served.client.get(f"/instances/nothing/file?transcode={IMPLICIT}")
    assert response.status_code == 404
