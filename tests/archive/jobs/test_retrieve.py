from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.archive.jobs.fetching import Scene, run, scene
from tests.archive.making import dicom

from hornburg.archive.identifiers import UNIQUE_KEYS
from hornburg.archive.jobs.get import GetJob
from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.retrieving import RetrieveRequest, Wanted
from hornburg.archive.remote import Model, RemoteError, Suboperations
from hornburg.dicom.elements import Value
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError
from hornburg.jobs.job import CONTINUE

STUDY_UID, PATIENT_ID, CHARSET, LEVEL = 0x0020000D, 0x00100020, 0x00080005, 0x00080052


def study(uid: str) -> Wanted:
    return Wanted(
        Level.STUDY, {PATIENT_ID: Value("LO", "P"), STUDY_UID: Value("UI", uid)}, ("1.2.840.1",)
    )


def move(at: Scene, *uids: str, permissive: bool = False) -> MoveJob:
    wanted = tuple(map(study, uids))
    return MoveJob(at.tools, RetrieveRequest(at.target, wanted, "HERE", permissive))


async def test_a_move_names_the_unique_keys_alone(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        job = move(at, "1.2", "1.3")
        assert await run(job) == 2
        first = at.remote.calls[0]
        assert (first.service, first.model, first.destination) == (
            "C-MOVE",
            Model.STUDY_ROOT,
            "HERE",
        )
        assert first.identifier == {
            CHARSET: Value("CS", "ISO_IR 100"),
            LEVEL: Value("CS", "STUDY"),
            STUDY_UID: Value("UI", "1.2"),
        }
        assert job.content() == {
            "Description": "REST API",
            "LocalAet": "ORTHANC",
            "Query": [
                {"0010,0020": "P", "0020,000d": "1.2"},
                {"0010,0020": "P", "0020,000d": "1.3"},
            ],
            "RemoteAet": "PACS",
            "TargetAet": "HERE",
        }
        assert job.progress == 1.0


async def test_patients_are_asked_for_in_the_patient_root(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        wanted = Wanted(Level.PATIENT, {PATIENT_ID: Value("LO", "P")})
        await run(MoveJob(at.tools, RetrieveRequest(at.target, (wanted,), "HERE")))
        assert at.remote.calls[0].model is Model.PATIENT_ROOT


@pytest.mark.parametrize("value", ["", "1.2*", "?"])
async def test_a_retrieval_needs_every_unique_key(tmp_path: Path, value: str) -> None:
    async with scene(tmp_path) as at:
        with pytest.raises(BadRequestError, match="0020,000d"):
            await run(move(at, value))
        assert at.remote.calls == []


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (Suboperations(0xA801), "0xA801: Move destination unknown"),
        (
            Suboperations(0xB000, completed=3, failed=1),
            "0xB000: Sub-operations complete, one or more failures or warnings "
            "(1 failed of 4 instances)",
        ),
        (
            Suboperations(0xFE00, remaining=2),
            "0xFE00: Sub-operations terminated due to Cancel indication",
        ),
        (Suboperations(0xFF00, remaining=2), "it ended without a final answer"),
    ],
)
async def test_what_did_not_come_is_a_failure(
    tmp_path: Path, last: Suboperations, words: str
) -> None:
    async with scene(tmp_path) as at:
        at.remote.progress = [last]
        for job, service in (
            (move(at, "1.2"), 'C-MOVE to AET "HERE" of'),
            (GetJob(at.tools, RetrieveRequest(at.target, (study("1.2"),))), "C-GET of"),
        ):
            with pytest.raises(RemoteError) as refused:
                await run(job)
            assert str(refused.value) == f"{service} pacs (PACS at 127.0.0.1:104): {words}"


async def test_a_permissive_job_retrieves_the_others(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.remote.failures = [RemoteError("nobody there"), None]
        await run(move(at, "1.2", "1.3", permissive=True))
        assert len(at.remote.calls) == 2


async def test_a_move_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        job = move(at, "1.2", "1.3")
        assert await job.step() == CONTINUE
        again = MoveJob.load(json.loads(json.dumps(job.state())), at.tools)
        assert again.content() == job.content()
        assert again.progress == 0.5
        at.remote.calls.clear()
        await run(again)
        assert [call.identifier[STUDY_UID].content for call in at.remote.calls] == ["1.3"]
        again.restart()
        assert again.progress == 0.0


async def test_what_a_get_brings_is_stored(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.remote.files = [dicom(1), b"no DICOM file" * 20, dicom(2)]
        job = GetJob(at.tools, RetrieveRequest(at.target, (study("1.2"),)))
        await run(job)
        assert job.content()["ReceivedInstancesIds"] == sorted(
            await at.ids(Level.INSTANCE), key=job.content()["ReceivedInstancesIds"].index
        )
        assert len(job.content()["ReceivedInstancesIds"]) == 2
        assert at.remote.kept[0] == at.remote.kept[2] == 0x0000
        assert at.remote.kept[1] == 0xC000
        assert at.remote.calls[0].sop_classes == ("1.2.840.1",)
        again = GetJob.load(json.loads(json.dumps(job.state())), at.tools)
        assert again.content() == job.content()
        again.restart()
        assert again.content()["ReceivedInstancesIds"] == []


def test_every_level_has_a_unique_key() -> None:
    assert set(UNIQUE_KEYS) == set(Level)
