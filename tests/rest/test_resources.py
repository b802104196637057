"""Lists and single resources, what is above and below them, deletion, protection, statistics."""

from __future__ import annotations

from typing import Any

import pytest
from tests.archive.making import dicom
from tests.rest.conftest import Serve, Served

from hornburg.index.base import Reader
from hornburg.testing import DatasetFactory

LEVELS = ("patients", "studies", "series", "instances")
WORDS = ("Patient", "Study", "Series", "Instance")


class Tree:
    """Two patients; the first has two studies, of which the first has two series of two."""

    def __init__(self, stored: list[dict[str, Any]]) -> None:
        self.stored = stored
        first = stored[0]
        self.ids = (
            first["ParentPatient"],
            first["ParentStudy"],
            first["ParentSeries"],
            first["ID"],
        )


@pytest.fixture
async def tree(served: Served) -> Tree:
    factory = DatasetFactory()
    places = ((0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 1, 1), (0, 1, 0, 0), (1, 0, 0, 0))
    return Tree(await served.upload(*(factory.instance(*place) for place in places)))


async def get(served: Served, path: str, status: int = 200) -> Any:
    response = await served.client.get(path)
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/json")
    return response.json()


async def test_each_level_has_its_members(served: Served, tree: Tree) -> None:
    patient, study, series, instance = [
        await get(served, f"/{level}/{public_id}")
        for level, public_id in zip(LEVELS, tree.ids, strict=True)
    ]
    identity = DatasetFactory().identity()
    date = patient.pop("LastUpdate")
    assert len(date) == 15 and date[8] == "T"
    assert patient.pop("MainDicomTags")["PatientID"] == identity.patient_id
    assert patient == {
        "ID": tree.ids[0],
        "IsProtected": False,
        "IsStable": False,
        "Labels": [],
        "Studies": [tree.ids[1], tree.stored[4]["ParentStudy"]],
        "Type": "Patient",
    }
    study.pop("LastUpdate")
    assert study.pop("MainDicomTags")["StudyInstanceUID"] == identity.study_instance_uid
    assert study.pop("PatientMainDicomTags")["PatientName"] == identity.patient_name
    assert study == {
        "ID": tree.ids[1],
        "IsStable": False,
        "Labels": [],
        "ParentPatient": tree.ids[0],
        "Series": [tree.ids[2], tree.stored[2]["ParentSeries"]],
        "Type": "Study",
    }
    series.pop("LastUpdate")
    assert series.pop("MainDicomTags")["SeriesInstanceUID"] == identity.series_instance_uid
    assert series == {
        "ExpectedNumberOfInstances": None,
        "ID": tree.ids[2],
        "Instances": [tree.ids[3], tree.stored[1]["ID"]],
        "IsStable": False,
        "Labels": [],
        "ParentStudy": tree.ids[1],
        "Status": "Unknown",
        "Type": "Series",
    }
    assert instance.pop("MainDicomTags")["SOPInstanceUID"] == identity.sop_instance_uid
    assert len(instance.pop("FileUuid")) == 36
    assert instance == {
        "FileSize": len(DatasetFactory().instance()),
        "ID": tree.ids[3],
        "IndexInSeries": 1,
        "Labels": [],
        "ParentSeries": tree.ids[2],
        "Type": "Instance",
    }


async def test_members_come_in_the_order_of_their_names(served: Served, tree: Tree) -> None:
    for level in range(4):
        path = f"/{LEVELS[level]}/{tree.ids[level]}"
        for query in ("", "?full", "?requested-tags=PatientID"):
            members = list(await get(served, path + query))
            assert members == sorted(members)


async def test_forms_of_the_tags(served: Served, tree: Tree) -> None:
    path = f"/studies/{tree.ids[1]}"
    plain = (await get(served, path))["MainDicomTags"]
    short = await get(served, f"{path}?short")
    assert short["MainDicomTags"]["0008,0020"] == plain["StudyDate"]
    assert "0010,0010" in short["PatientMainDicomTags"]
    full = await get(served, f"{path}?full")
    value = {"Name": "StudyDate", "Type": "String", "Value": plain["StudyDate"]}
    assert full["MainDicomTags"]["0008,0020"] == value
    assert list(full["MainDicomTags"]) == sorted(full["MainDicomTags"])
    assert await get(served, f"{path}?short&full") == short
    assert await get(served, f"{path}?full=false") == await get(served, path)


async def test_requested_tags_of_one(served: Served, tree: Tree) -> None:
    path = f"/series/{tree.ids[2]}"
    for name in ("requested-tags", "requestedTags"):
        query = f"?{name}=NumberOfSeriesRelatedInstances;Rows;StudyDate"
        tags = (await get(served, path + query))["RequestedTags"]
        assert tags["NumberOfSeriesRelatedInstances"] == "2"
        assert tags["StudyDate"] == DatasetFactory().identity().study_date
        assert tags["Rows"].isdigit()
    answer = await get(served, f"{path}?requested-tags=nope", 400)
    assert answer["OrthancStatus"] == 27
    assert "'nope'" in answer["Details"]


async def test_contents_of_one(served: Served, tree: Tree) -> None:
    path = f"/instances/{tree.ids[3]}"
    answer = await get(served, f"{path}?response-content=Metadata;Attachments;Parent")
    assert set(answer) == {"ID", "Type", "Metadata", "Attachments", "ParentSeries"}
    assert answer["Metadata"]["Origin"] == "RestApi"
    assert answer["Attachments"][0]["ContentType"] == 1
    answer = await get(served, f"{path}?response-content=x", 400)
    assert "ResponseContent: 'x'" in answer["Details"]


async def test_unknown_resources(served: Served, tree: Tree) -> None:
    for level, word in zip(LEVELS, WORDS, strict=True):
        answer = await get(served, f"/{level}/nope", 404)
        assert answer["OrthancStatus"] == 17
        assert answer["Details"] == f"There is no {word.lower()} 'nope'"
        await get(served, f"/{level}/nope/statistics", 404)
        assert (await served.client.delete(f"/{level}/nope")).status_code == 404
    # An identifier of another level, or in capital letters, is unknown too.
    await get(served, f"/series/{tree.ids[1]}", 404)
    await get(served, f"/studies/{tree.ids[1].upper()}", 404)
    await get(served, "/patients/nope/studies", 404)
    await get(served, "/patients/nope/instances?expand=false", 404)
    await get(served, "/instances/nope/patient?full", 404)


async def test_lists(served: Served, tree: Tree) -> None:
    assert [len(await get(served, f"/{level}")) for level in LEVELS] == [2, 3, 4, 6]
    ids = await get(served, "/instances")
    assert ids == [one["ID"] for one in tree.stored]
    assert await get(served, "/instances?since=1&limit=2") == ids[1:3]
    assert await get(served, "/instances?since=5") == ids[5:]
    assert await get(served, "/instances?limit=2") == ids[:2]
    assert await get(served, "/instances?since=99&limit=2") == []
    assert await get(served, f"/instances?since={10**40}&limit={10**40}") == []
    assert await get(served, "/instances?since=0&limit=0") == []
    assert await get(served, "/instances?expand=false") == ids


async def test_an_expanded_list_is_the_single_ones(served: Served, tree: Tree) -> None:
    for level in range(4):
        path = f"/{LEVELS[level]}"
        ids = await get(served, path)
        for query in (
            "",
            "&full",
            "&short",
            "&requested-tags=PatientID;Rows",
            "&response-content=Labels",
        ):
            single = [await get(served, f"{path}/{one}?{query[1:]}") for one in ids]
            assert await get(served, f"{path}?expand{query}") == single
            assert await get(served, f"{path}?expand&since=1&limit=1{query}") == single[1:2]
        # As in Orthanc, naming the content is asking for it.
        assert set((await get(served, f"{path}?response-content=Labels"))[0]) == {
            "ID",
            "Type",
            "Labels",
        }


async def test_bad_arguments_of_lists(served: Served) -> None:
    for query, name, status in (
        ("since=a", "since", 5),
        ("limit=1.5", "limit", 5),
        ("since=", "since", 5),
        ("limit=-1", "limit", 3),
        ("since=-7&limit=1", "since", 3),
        (f"limit={'9' * 5000}", "limit", 5),
        ("expand&requested-tags=nope", "'nope' is no DICOM tag", 27),
        ("response-content=Nope", "ResponseContent", 3),
    ):
        answer = await get(served, f"/studies?{query}", 400)
        assert answer["OrthancStatus"] == status
        assert name in answer["Details"]


async def test_lists_are_capped_and_say_so(serve: Serve) -> None:
    served = await serve(LimitFindResults=2, LimitFindInstances=3)
    factory = DatasetFactory()
    await served.upload(*(factory.instance(number) for number in range(4)))
    for level, most in zip(LEVELS, (2, 2, 2, 3), strict=True):
        for query in ("", "expand", "since=0&limit=100", "expand&limit=100"):
            response = await served.client.get(f"/{level}?{query}")
            assert len(response.json()) == most
            assert response.headers["warning"].startswith("299 - ")
        response = await served.client.get(f"/{level}?limit=2")
        assert "warning" not in response.headers
        assert len((await served.client.get(f"/{level}?since=3")).json()) == 1


async def test_what_a_resource_consists_of_is_never_cut(serve: Serve) -> None:
    served = await serve(LimitFindResults=1, LimitFindInstances=1)
    factory = DatasetFactory()
    stored = await served.upload(*(factory.instance(0, 0, number) for number in range(3)))
    for below in ("series", "instances"):
        path = f"/studies/{stored[0]['ParentStudy']}/{below}"
        for query in ("", "?expand=false", "?requested-tags=Rows"):
            response = await served.client.get(path + query)
            assert len(response.json()) == 3
            assert "warning" not in response.headers


async def test_what_is_below(served: Served, tree: Tree) -> None:
    for level in range(3):
        for below in range(level + 1, 4):
            path = f"/{LEVELS[level]}/{tree.ids[level]}/{LEVELS[below]}"
            ids = await get(served, f"{path}?expand=false")
            answers = await get(served, path)
            assert [answer["ID"] for answer in answers] == ids
            assert {answer["Type"] for answer in answers} == {WORDS[below]}
            assert tree.ids[below] in ids
    assert len(await get(served, f"/patients/{tree.ids[0]}/instances")) == 5
    assert len(await get(served, f"/studies/{tree.ids[1]}/instances")) == 4
    full = await get(served, f"/studies/{tree.ids[1]}/series?full&requested-tags=Rows")
    assert full[0]["RequestedTags"]["0028,0010"]["Name"] == "Rows"


async def test_what_is_above(served: Served, tree: Tree) -> None:
    for level in range(1, 4):
        for above in range(level):
            path = f"/{LEVELS[level]}/{tree.ids[level]}/{WORDS[above].lower()}"
            for query in ("", "?full", "?requested-tags=PatientID"):
                single = await get(served, f"/{LEVELS[above]}/{tree.ids[above]}{query}")
                assert await get(served, path + query) == single
    await get(served, f"/patients/{tree.ids[0]}/patient", 404)
    await get(served, f"/studies/{tree.ids[1]}/series/nope", 404)


async def test_deletion_tells_what_remains(served: Served, tree: Tree) -> None:
    async def remains(path: str) -> Any:
        response = await served.client.delete(path)
        assert response.status_code == 200
        return response.json()["RemainingAncestor"]

    patient, study, series, instance = tree.ids
    expected = {"ID": series, "Path": f"/series/{series}", "Type": "Series"}
    assert await remains(f"/instances/{instance}") == expected
    # The last instance takes its series with it.
    expected = {"ID": study, "Path": f"/studies/{study}", "Type": "Study"}
    assert await remains(f"/instances/{tree.stored[1]['ID']}") == expected
    expected = {"ID": patient, "Path": f"/patients/{patient}", "Type": "Patient"}
    assert await remains(f"/studies/{study}") == expected
    assert await remains(f"/patients/{patient}") is None
    assert await get(served, "/patients") == [tree.stored[5]["ParentPatient"]]
    assert len(await get(served, "/instances")) == 1


async def test_protection(served: Served, tree: Tree) -> None:
    path = f"/patients/{tree.ids[0]}/protected"
    for body, expected in (("1", "1"), (" false\n", "0"), ("true", "1"), ("0", "0")):
        response = await served.client.put(path, content=body)
        assert (response.status_code, response.text) == (200, "")
        response = await served.client.get(path)
        assert response.text == expected
        assert response.headers["content-type"].startswith("text/plain")
        patient = await get(served, f"/patients/{tree.ids[0]}")
        assert patient["IsProtected"] is (expected == "1")
    for body in ("", "2", '{"a":1}', "\xff"):
        assert (await served.client.put(path, content=body.encode("latin-1"))).status_code == 400
    assert (await served.client.get("/patients/nope/protected")).status_code == 404
    assert (await served.client.put("/patients/nope/protected", content="1")).status_code == 404
    assert (await served.client.get(f"/studies/{tree.ids[1]}/protected")).status_code == 404


async def test_statistics(served: Served, tree: Tree) -> None:
    size = len(DatasetFactory().instance())
    patient = await get(served, f"/patients/{tree.ids[0]}/statistics")
    counts = {name: patient.pop(name) for name in list(patient) if name.startswith("Count")}
    assert counts == {"CountInstances": 5, "CountSeries": 3, "CountStudies": 2}
    assert abs(int(patient["DiskSize"]) - 5 * size) < 1024
    assert patient["DiskSizeMB"] == 0
    assert set(patient) == {
        f"{name}{unit}"
        for name in ("DicomDiskSize", "DicomUncompressedSize", "DiskSize", "UncompressedSize")
        for unit in ("", "MB")
    }
    names = [
        {name for name in await get(served, f"/{level}/{one}/statistics") if "Count" in name}
        for level, one in zip(LEVELS, tree.ids, strict=True)
    ]
    assert names[1:] == [{"CountInstances", "CountSeries"}, {"CountInstances"}, set()]


@pytest.mark.parametrize(
    ("expected", "numbers", "status"),
    [
        (None, (1, 2), "Unknown"),
        (2, (1, None), "Unknown"),
        (2, (1, 2), "Complete"),
        (3, (1, 2), "Missing"),
        (3, (1, 1), "Inconsistent"),
        (2, (1, 3), "Inconsistent"),
        (2, (0, 1), "Inconsistent"),
    ],
)
async def test_status_of_a_series(
    served: Served, expected: int | None, numbers: tuple[int | None, ...], status: str
) -> None:
    for place, number in enumerate(numbers):
        tags: dict[str, Any] = {"SOPInstanceUID": f"1.2.1.1.{place}"}
        if number is not None:
            tags["InstanceNumber"] = str(number)
        if expected is not None:
            tags["CardiacNumberOfImages"] = str(expected)
        (stored,) = await served.upload(dicom(**tags))
    series = await get(served, f"/series/{stored['ParentSeries']}")
    assert series["Status"] == status
    assert series["ExpectedNumberOfInstances"] == expected


async def test_names_in_many_scripts_come_back(served: Served) -> None:
    name = 'Ωμέγα^"\\山田🩻'
    (stored,) = await served.upload(dicom(PatientName=name.replace("\\", "/")))
    study = await get(served, f"/studies/{stored['ParentStudy']}")
    assert study["PatientMainDicomTags"]["PatientName"] == name.replace("\\", "/")


async def test_extra_main_tags_and_sequences(serve: Serve) -> None:
    from tests.archive.making import item

    served = await serve(
        ExtraMainDicomTags={
            "Instance": ["Rows", "SourceImageSequence"],
            "Series": ["StationAETitle"],
        }
    )
    source = [item(ReferencedSOPInstanceUID="1.9")]
    (stored,) = await served.upload(dicom(Rows=5, SourceImageSequence=source))
    path = f"/instances/{stored['ID']}"
    expected = [{"ReferencedSOPInstanceUID": "1.9"}]
    tags = (await get(served, path))["MainDicomTags"]
    assert tags["Rows"] == "5"
    assert tags["SourceImageSequence"] == expected
    full = (await get(served, f"{path}?full"))["MainDicomTags"]
    assert full["0008,2112"]["Type"] == "Sequence"
    query = "?requested-tags=SourceImageSequence;Rows"
    assert (await get(served, path + query))["RequestedTags"]["SourceImageSequence"] == expected
    ids = await served.archive.index.look(_all_ids)
    assert ids == [stored["ID"]]


def _all_ids(reader: Reader) -> list[str]:
    from hornburg.dicom.levels import Level
    from hornburg.index.base import Query

    return reader.find_ids(Query(Level.INSTANCE))


async def test_read_only(serve: Serve) -> None:
    served = await serve(name="same")
    (stored,) = await served.upload(dicom())
    object.__setattr__(served.archive.settings, "read_only", True)
    path = f"/patients/{stored['ParentPatient']}"
    assert (await served.client.delete(path)).status_code == 403
    assert (await served.client.put(f"{path}/protected", content="1")).status_code == 403
    body = {"Resources": [stored["ID"]]}
    assert (await served.client.post("/tools/bulk-delete", json=body)).status_code == 403
    assert await get(served, "/instances") == [stored["ID"]]
