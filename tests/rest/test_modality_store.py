"""Instances out and in over REST: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.archive.making import SECONDARY_CAPTURE, dicom
from tests.rest.remotes import Network, network

from hornburg.archive.remote import RemoteError, Suboperations
from hornburg.dicom.levels import Level

FILES = (dicom(1), dicom(2))
STORE = "/modalities/pacs/store"
UNKNOWN = "00000000-00000000-00000000-00000000-00000000"


async def test_a_plain_identifier_a_list_or_an_object(tmp_path: Path) -> None:
    async with network(tmp_path, *FILES) as at:
        one, two = await at.ids(Level.INSTANCE)
        study = (await at.ids(Level.STUDY))[0]
        assert await at.post(STORE, one) == {
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": 1,
            "LocalAet": "ORTHANC",
            "ParentResources": [one],
            "RemoteAet": "PACS",
        }
        assert (await at.post(STORE, f'"{one}"'))["InstancesCount"] == 1
        assert (await at.post(STORE, [one, two]))["InstancesCount"] == 2
        answer = await at.post(STORE, {"Resources": [study, one, two, one]})
        assert answer["InstancesCount"] == 2
        assert answer["ParentResources"] == sorted((study, one, two))
        answer = await at.post(STORE, [])
        assert answer["InstancesCount"] == 0
        assert "ParentResources" not in answer


async def test_what_the_body_says_of_the_other_side(tmp_path: Path) -> None:
    async with network(tmp_path, *FILES) as at:
        body = {
            "Resources": await at.ids(Level.INSTANCE),
            "LocalAet": "ME",
            "CalledAet": "OTHER",
            "Host": "10.0.0.9",
            "Port": 11112,
            "Timeout": 3,
            "MoveOriginatorAet": "MOVER",
            "MoveOriginatorID": 7,
            "StorageCommitment": True,
        }
        answer = await at.post(STORE, body)
        assert (answer["LocalAet"], answer["RemoteAet"]) == ("ME", "OTHER")
        assert (answer["MoveOriginatorAET"], answer["MoveOriginatorID"]) == ("MOVER", 7)
        uid = answer["StorageCommitmentTransactionUID"]
        assert (await at.get(f"/storage-commitment/{uid}"))["Status"] == "Pending"
        target = at.remote.calls[0].target
        assert (target.modality.host, target.modality.port, target.timeout) == (
            "10.0.0.9",
            11112,
            3,
        )
        assert at.remote.sent[0].originator == ("MOVER", 7)


async def test_a_job_in_the_background(tmp_path: Path) -> None:
    async with network(tmp_path, *FILES) as at:
        body = {"Resources": await at.ids(Level.INSTANCE), "Asynchronous": True, "Priority": 3}
        answer = await at.post(STORE, body)
        assert answer["Path"] == f"/jobs/{answer['ID']}"
        await at.jobs.wait(answer["ID"])
        status = at.jobs.status(answer["ID"])
        assert (status.type, status.priority) == ("DicomModalityStore", 3)
        assert status.content["InstancesCount"] == 2
        assert len(at.remote.sent) == 2


async def test_failures(tmp_path: Path) -> None:
    async with network(tmp_path, *FILES) as at:
        ids = await at.ids(Level.INSTANCE)
        at.remote.failures = [RemoteError("nobody there")]
        assert await at.refusal(STORE, ids) == (500, 9)
        at.remote.statuses = [0xA700]
        assert await at.refusal(STORE, ids) == (500, 9)
        at.remote.statuses = [0xA700]
        answer = await at.post(STORE, {"Resources": ids, "Permissive": True})
        assert answer["FailedInstancesCount"] == 1


NONSENSE: list[tuple[Any, tuple[int, int]]] = [
    ("nope", (400, 15)),
    ("", (400, 15)),
    (["nope"], (400, 15)),
    ({}, (400, 15)),
    ({"Resources": "x"}, (400, 15)),
    ({"Resources": [1]}, (400, 15)),
    ("[1]", (400, 15)),
    ("[[[[", (400, 15)),
    ([UNKNOWN], (404, 17)),
    (UNKNOWN, (404, 17)),
    ({"Resources": [], "Priority": "x"}, (400, 15)),
    ({"Resources": [], "Permissive": "x"}, (400, 15)),
    ({"Resources": [], "MoveOriginatorAet": "M", "MoveOriginatorID": -1}, (400, 3)),
    ({"Resources": [], "MoveOriginatorAet": "M", "MoveOriginatorID": 70000}, (400, 3)),
    ({"Resources": [], "MoveOriginatorID": 3}, (400, 15)),
    ({"Resources": [], "Host": "a b"}, (400, 15)),
    ({"Resources": [], "Port": 0}, (400, 3)),
    ({"Resources": [], "CalledAet": "X" * 17}, (400, 15)),
    ({"Resources": [], "StorageCommitment": 1}, (400, 15)),
]


async def test_a_store_that_makes_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        for body, expected in NONSENSE:
            assert await at.refusal(STORE, body) == expected, body
        assert await at.refusal("/modalities/nope/store", [UNKNOWN]) == (404, 7)


async def test_exports_list_what_was_sent(tmp_path: Path) -> None:
    async with network(tmp_path, *FILES, LogExportedResources=True) as at:
        study = (await at.ids(Level.STUDY))[0]
        await at.post(STORE, study)
        (export,) = (await at.get("/exports"))["Exports"]
        assert (export["RemoteModality"], export["Path"]) == ("pacs", f"/studies/{study}")


async def test_store_straight(tmp_path: Path) -> None:
    path = "/modalities/pacs/store-straight"
    async with network(tmp_path) as at:
        assert await at.post(path, FILES[0]) == {
            "SOPClassUID": SECONDARY_CAPTURE,
            "SOPInstanceUID": "1.2.1.1.1",
        }
        assert at.remote.sent[0].content == FILES[0]
        assert at.remote.calls[0].offers == ((SECONDARY_CAPTURE, "1.2.840.10008.1.2.1"),)
        assert await at.ids(Level.INSTANCE) == []
        assert await at.refusal(path, b"xx") == (400, 15)
        assert await at.refusal(path, b"") == (400, 15)
        at.remote.statuses = [0xC123]
        assert await at.refusal(path, FILES[0]) == (500, 9)
        assert await at.refusal("/modalities/nope/store-straight", FILES[0]) == (404, 7)
        assert at.remote.open_associations == 0


async def move(at: Network, **more: Any) -> Any:
    body = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2", "PatientName": "N"}]}
    return await at.post("/modalities/pacs/move", {**body, **more})


async def test_move(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answer = await move(at)
        assert answer["TargetAet"] == "ORTHANC"
        assert answer["Query"][0]["0020,000d"] == "1.2"
        await move(at, TargetAet="OTHER", LocalAet="ME", Timeout=2)
        call = at.remote.calls[-1]
        assert (call.destination, call.target.local_aet, call.target.timeout) == ("OTHER", "ME", 2)
        assert 0x00100010 not in call.identifier
        answer = await move(at, Synchronous=False)
        await at.jobs.wait(answer["ID"])
        assert at.jobs.status(answer["ID"]).type == "DicomMoveScu"


async def test_a_move_that_fails_tells_the_status(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.progress = [Suboperations(0xA801)]
        body = {"Level": "STUDY", "Resources": [{"0020,000d": "1.2"}], "TargetAet": "NOPE"}
        response = await at.send("/modalities/pacs/move", body)
        assert response.status_code == 500
        assert response.json()["OrthancStatus"] == 9
        assert "0xA801" in response.json()["Details"]
        (job,) = at.jobs.ids()
        assert at.jobs.status(job).content["DimseErrorStatus"] == 0xA801


NO_RETRIEVAL: list[Any] = [
    {},
    "x",
    {"Level": "Study"},
    {"Resources": [{"StudyInstanceUID": "1"}]},
    {"Level": "Nope", "Resources": [{"StudyInstanceUID": "1"}]},
    {"Level": "Study", "Resources": {}},
    {"Level": "Study", "Resources": ["x"]},
    {"Level": "Study", "Resources": [{"Nope": "1"}]},
    {"Level": "Study", "Resources": [{"PatientID": "P"}]},
    {"Level": "Study", "Resources": [{"StudyInstanceUID": "1*"}]},
    {"Level": "Series", "Resources": [{"SeriesInstanceUID": "1"}]},
    {"Level": "Study", "Resources": [], "Timeout": -3},
]


async def test_a_retrieval_that_makes_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        for action in ("move", "get"):
            for body in NO_RETRIEVAL:
                assert (await at.refusal(f"/modalities/pacs/{action}", body))[0] == 400, body
        assert at.remote.calls == []


async def test_get(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.files = list(FILES)
        body = {
            "Level": "Study",
            "Resources": [{"StudyInstanceUID": "1.2", "SOPClassesInStudy": "1.1\\1.2"}],
        }
        answer = await at.post("/modalities/pacs/get", body)
        assert sorted(answer["ReceivedInstancesIds"]) == sorted(await at.ids(Level.INSTANCE))
        assert at.remote.calls[0].sop_classes == ("1.1", "1.2")
