"""Tags of instances, and of what is above them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from tests.rest.anything import examples
from tests.rest.conftest import Served

from hornburg.testing import DatasetFactory

FACTORY = DatasetFactory("CT", size=20_000)


def sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


async def test_the_forms(served: Served) -> None:
    ids = (await served.upload(sample("CT_small.dcm")))[0]
    url = f"/instances/{ids['ID']}"
    full = (await served.client.get(f"{url}/tags")).json()
    assert full["0010,0010"] == {
        "Name": "PatientName",
        "Type": "String",
        "Value": "CompressedSamples^CT1",
    }
    assert full["7fe0,0010"] == {"Name": "PixelData", "Type": "Null", "Value": None}
    assert not any(tag.startswith("0002") for tag in full)
    assert list(full) == sorted(full)
    short = (await served.client.get(f"{url}/tags?short")).json()
    assert short["0010,0010"] == "CompressedSamples^CT1"
    simple = (await served.client.get(f"{url}/tags?simplify")).json()
    assert simple["PatientName"] == "CompressedSamples^CT1"
    assert (await served.client.get(f"{url}/tags?simplify&short")).json() == simple
    assert (await served.client.get(f"{url}/simplified-tags")).json() == simple
    assert (await served.client.get(f"{url}/tags?short=false")).json() == full


async def test_whole(served: Served) -> None:
    ids = (await served.upload(FACTORY.instance()))[0]
    url = f"/instances/{ids['ID']}/tags"
    tags = (await served.client.get(f"{url}?whole=false")).json()
    assert max(tags) <= "7fe0,0010"
    assert (await served.client.get(f"{url}?whole")).json() == (await served.client.get(url)).json()


async def test_ignore_length(served: Served) -> None:
    import io

    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(sample("CT_small.dcm")))
    dataset.StudyComments = "a" * 300
    dataset.AdditionalPatientHistory = "b" * 300
    file = io.BytesIO()
    dataset.save_as(file)
    ids = (await served.upload(file.getvalue()))[0]
    url = f"/instances/{ids['ID']}/tags"
    full = (await served.client.get(url)).json()
    assert full["0032,4000"]["Type"] == "TooLong"
    assert full["0032,4000"]["Value"] is None
    for names in (
        "ignore-length=0032,4000",
        "ignore-length=0032-4000,0010-21b0",
        "ignore-length=0010,21b0,0032,4000",
        "ignore-length=AdditionalPatientHistory&ignore-length=00324000",
    ):
        full = (await served.client.get(f"{url}?{names}")).json()
        assert full["0032,4000"]["Value"] == "a" * 300
        assert (full["0010,21b0"]["Type"] == "String") is ("21b0" in names or "History" in names)
    response = await served.client.get(f"{url}?ignore-length=nope")
    assert response.status_code == 404
    assert (await served.client.get(f"{url}?ignore-length=")).status_code == 404


async def test_modules(served: Served) -> None:
    ids = (await served.upload(sample("CT_small.dcm")))[0]
    get = served.client.get
    patient = (await get(f"/patients/{ids['ParentPatient']}/module?simplify")).json()
    assert {"PatientID", "PatientName", "PatientBirthDate", "PatientSex"} <= set(patient)
    assert isinstance(patient["OtherPatientIDsSequence"], list)
    study = f"/studies/{ids['ParentStudy']}"
    assert (await get(f"{study}/module-patient?simplify")).json() == patient
    assert "StudyInstanceUID" in (await get(f"{study}/module?simplify")).json()
    series = (await get(f"/series/{ids['ParentSeries']}/module?short")).json()
    assert series["0008,0060"] == "CT"
    instance = (await get(f"/instances/{ids['ID']}/module")).json()
    assert instance["0008,0018"]["Name"] == "SOPInstanceUID"
    for url in ("/patients", "/studies", "/series", "/instances"):
        assert (await get(f"{url}/nope/module")).status_code == 404
    assert (await get("/patients/nope/module-patient")).status_code == 404


@pytest.mark.parametrize(
    ("level", "key"),
    [("patients", "ParentPatient"), ("studies", "ParentStudy"), ("series", "ParentSeries")],
)
async def test_shared_and_all_tags(served: Served, level: str, key: str) -> None:
    files = [FACTORY.instance(0, 0, 0, number) for number in range(3)]
    ids = await served.upload(*files)
    url = f"/{level}/{ids[0][key]}"
    everything = (await served.client.get(f"{url}/instances-tags?short")).json()
    assert list(everything) == sorted(one["ID"] for one in ids)
    for one in ids:
        tags = (await served.client.get(f"/instances/{one['ID']}/tags?short")).json()
        assert everything[one["ID"]] == tags
    shared = (await served.client.get(f"{url}/shared-tags?short")).json()
    first, *others = everything.values()
    assert shared == {
        tag: value
        for tag, value in first.items()
        if isinstance(value, str) and all(other.get(tag) == value for other in others)
    }
    assert "0010,0020" in shared
    assert "0008,0018" not in shared
    full = (await served.client.get(f"{url}/shared-tags")).json()
    assert full["0010,0020"]["Name"] == "PatientID"
    assert set(full) == set(shared)
    assert "PatientID" in (await served.client.get(f"{url}/shared-tags?simplify")).json()


async def test_what_has_no_shared_tags(served: Served) -> None:
    ids = (await served.upload(FACTORY.instance()))[0]
    for path in ("shared-tags", "instances-tags"):
        assert (await served.client.get(f"/instances/{ids['ID']}/{path}")).status_code == 404
        assert (await served.client.get(f"/studies/nope/{path}")).status_code == 404


async def test_damage_of_the_first_instance_is_told(served: Served) -> None:
    ids = (await served.upload(FACTORY.instance()))[0]
    uuid = (await served.client.get(f"/instances/{ids['ID']}")).json()["FileUuid"]
    path = served.archive.storage.path(uuid)
    assert path is not None
    path.unlink()
    for below in ("shared-tags", "instances-tags", "module"):
        response = await served.client.get(f"/series/{ids['ParentSeries']}/{below}")
        assert (response.status_code, response.json()["OrthancStatus"]) == (500, 20)


def test_any_arguments_give_a_proper_status(tmp_path: Path) -> None:
    with examples(tmp_path) as (served, run):
        ids = run(served.upload(FACTORY.instance()))[0]
        argument = st.tuples(
            st.sampled_from(["short", "simplify", "ignore-length", "whole", "other"]),
            st.one_of(st.text(max_size=20), st.sampled_from(["0010,0010", "PatientID", "true"])),
        )

        @settings(max_examples=100, deadline=None)
        @given(st.lists(argument, max_size=4))
        def check(arguments: list[tuple[str, str]]) -> None:
            for url in (
                f"/instances/{ids['ID']}/tags",
                f"/series/{ids['ParentSeries']}/shared-tags",
            ):
                response = run(served.client.get(url, params=arguments))
                assert response.status_code in (200, 404), response.text

        check()
