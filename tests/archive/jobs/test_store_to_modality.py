from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.archive.jobs.fetching import Scene, run, scene
from tests.archive.making import dicom

from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.retrieving import RetrieveRequest, Wanted
from hornburg.archive.jobs.store_to_modality import StoreJob, StoreRequest
from hornburg.archive.remote import RemoteError, Suboperations
from hornburg.dicom.elements import Value
from hornburg.dicom.levels import Level
from hornburg.errors import InexistentItemError, TooLargeError, UnknownResourceError
from hornburg.jobs.engine import Jobs
from hornburg.jobs.job import Job
from hornburg.jobs.states import State
from hornburg.testing.remote import GONE, UNWANTED

CT = "1.2.840.10008.5.1.4.1.1.2"
FILES = (dicom(1), dicom(2), dicom(3))


async def request(at: Scene, level: Level = Level.INSTANCE, **more: Any) -> StoreRequest:
    return StoreRequest(at.target, tuple((level, each) for each in await at.ids(level)), **more)


async def test_all_instances_of_mixed_levels_go_over_one_association(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        study, instance = (await at.ids(Level.STUDY))[0], (await at.ids(Level.INSTANCE))[1]
        resources = ((Level.STUDY, study), (Level.INSTANCE, instance))
        job = await StoreJob.prepared(at.tools, StoreRequest(at.target, resources))
        assert job.content() == {
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": 2,
            "LocalAet": "ORTHANC",
            "ParentResources": sorted((study, instance)),
            "RemoteAet": "PACS",
        }
        assert await run(job) == 3
        assert job.progress == 1.0
        assert [one.sop_instance for one in at.remote.sent] == ["1.2.1.1.1", "1.2.2.1.1"]
        assert at.remote.sent[0].content == FILES[0]
        assert len(at.remote.calls) == 1
        assert at.remote.open_associations == 0


async def test_each_pair_of_class_and_syntax_is_offered_once(tmp_path: Path) -> None:
    async with scene(tmp_path, dicom(1), dicom(2), dicom(3, SOPClassUID=CT)) as at:
        await run(await StoreJob.prepared(at.tools, await request(at)))
        assert [offer[0] for offer in at.remote.calls[0].offers] == [
            "1.2.840.10008.5.1.4.1.1.7",
            CT,
        ]


async def test_more_pairs_than_an_association_can_hold_take_another_one(tmp_path: Path) -> None:
    files = [dicom(number, SOPClassUID=f"1.2.3.{number}") for number in range(1, 64)]
    async with scene(tmp_path, *files) as at:
        await run(await StoreJob.prepared(at.tools, await request(at)))
        assert len(at.remote.sent) == 63
        assert [len(call.offers) for call in at.remote.calls] == [60, 3]


async def test_nothing_to_send_is_no_error(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        job = await StoreJob.prepared(at.tools, StoreRequest(at.target, ()))
        await run(job)
        assert job.content()["InstancesCount"] == 0
        assert "ParentResources" not in job.content()
        assert at.remote.calls == []


async def test_an_unknown_resource_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        with pytest.raises(UnknownResourceError):
            await StoreJob.prepared(
                at.tools, StoreRequest(at.target, ((Level.INSTANCE, "a" * 44),))
            )


async def test_the_first_failure_ends_the_job(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.statuses = [0x0000, 0xA700]
        job = await StoreJob.prepared(at.tools, await request(at))
        with pytest.raises(RemoteError) as caught:
            await run(job)
        assert str(caught.value) == (
            "C-STORE of 1.2.2.1.1 to pacs (PACS at 127.0.0.1:104): 0xA700: Out of resources"
        )
        assert caught.value.dimse_status == 0xA700
        assert len(at.remote.sent) == 2
        assert at.remote.open_associations == 0


async def test_a_warning_is_a_success(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.statuses = [0xB000, 0xB006, 0xB007]
        job = await StoreJob.prepared(at.tools, await request(at))
        await run(job)
        assert job.content()["FailedInstancesCount"] == 0


@pytest.mark.parametrize(("status", "associations"), [(0xA700, 1), (UNWANTED, 1), (GONE, 2)])
async def test_a_permissive_job_goes_on(tmp_path: Path, status: int, associations: int) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.statuses = [0x0000, status, 0x0000]
        job = await StoreJob.prepared(at.tools, await request(at, permissive=True))
        await run(job)
        assert job.content()["FailedInstancesCount"] == 1
        assert job.progress == 1.0
        assert len(at.remote.calls) == associations
        assert at.remote.open_associations == 0


async def test_a_permissive_job_does_not_call_a_dead_peer_for_each_instance(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [dicom(number) for number in range(1, 8)]
    async with scene(tmp_path, *files) as at:
        at.remote.failures = [RemoteError("nobody there")] * 7
        job = await StoreJob.prepared(at.tools, await request(at, permissive=True))
        await run(job)
        assert job.content()["FailedInstancesCount"] == 7
        assert len(at.remote.calls) == 3
        assert job.progress == 1.0
        lines = [one.getMessage() for one in caplog.records if one.name == "hornburg.archive"]
        assert [line.rpartition(": ")[2] for line in lines[:3]] == ["nobody there"] * 3
        assert lines[3:] == [
            "4 more instances were not sent to pacs (PACS at 127.0.0.1:104): nobody was there 3 "
            "times in a row"
        ]


async def test_the_move_originator_is_passed_on(tmp_path: Path) -> None:
    async with scene(tmp_path, FILES[0]) as at:
        job = await StoreJob.prepared(at.tools, await request(at, originator=("MOVER", 7)))
        await run(job)
        assert at.remote.sent[0].originator == ("MOVER", 7)
        assert job.content()["MoveOriginatorAET"] == "MOVER"
        assert job.content()["MoveOriginatorID"] == 7


async def test_what_was_sent_is_asked_for_storage_commitment(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.statuses = [0x0000, 0xA700]
        job = await StoreJob.prepared(at.tools, await request(at, permissive=True, commitment=True))
        await run(job)
        uid = job.content()["StorageCommitmentTransactionUID"]
        asked = at.remote.calls[-1]
        assert (asked.service, asked.transaction_uid) == ("N-ACTION", uid)
        assert [instance for _, instance in asked.references] == ["1.2.1.1.1", "1.2.3.1.1"]
        assert at.tools.commitments.get(uid).status.value == "Pending"


async def test_a_job_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        job = await StoreJob.prepared(at.tools, await request(at, commitment=True))
        await job.step()
        state = json.loads(json.dumps(job.state()))
        again = StoreJob.load(state, at.tools)
        assert again.content() == job.content()
        assert again.progress == job.progress == pytest.approx(1 / 3)
        await job.step()
        at.remote.sent.clear()
        await run(again)
        assert [one.sop_instance for one in at.remote.sent] == ["1.2.2.1.1", "1.2.3.1.1"]
        assert len(at.remote.calls[-1].references) == 3


async def test_a_restarted_job_sends_everything(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.statuses = [0x0000, 0xA700]
        job = await StoreJob.prepared(at.tools, await request(at))
        with pytest.raises(RemoteError):
            await run(job)
        job.restart()
        at.remote.sent.clear()
        assert job.progress == 0.0
        await run(job)
        assert len(at.remote.sent) == 3


async def test_the_log_of_exports_names_what_was_asked_for_and_sent(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES, log_exported_resources=True) as at:
        studies = await at.ids(Level.STUDY)
        instances = await at.ids(Level.INSTANCE)
        at.remote.statuses = [0x0000, 0xA700]
        resources = (
            (Level.STUDY, studies[0]),
            (Level.INSTANCE, instances[0]),
            (Level.STUDY, studies[1]),
        )
        job = await StoreJob.prepared(at.tools, StoreRequest(at.target, resources, permissive=True))
        await run(job)
        exports = await at.archive.index.read(lambda reader: reader.exports(0, 10, False))
        assert [(one.level, one.public_id) for one in exports] == list(resources[:2])
        assert exports[1].modality == "pacs"
        assert (exports[1].patient_id, exports[1].study_uid) == ("P1", "1.2.1")
        assert (exports[1].series_uid, exports[1].sop_uid) == ("1.2.1.1", "1.2.1.1.1")
        assert exports[0].series_uid == ""


async def test_a_permissive_job_does_not_fail_for_its_storage_commitment(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.failures = [None, RemoteError("not known")]
        job = await StoreJob.prepared(at.tools, await request(at, permissive=True, commitment=True))
        await run(job)
        with pytest.raises(InexistentItemError):
            at.tools.commitments.get(job.content()["StorageCommitmentTransactionUID"])
        at.remote.failures = [None, RemoteError("not known")]
        strict = await StoreJob.prepared(at.tools, await request(at, commitment=True))
        with pytest.raises(RemoteError, match="not known"):
            await run(strict)


async def test_more_instances_than_one_storage_commitment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hornburg.archive.ask_commitment.MOST_REFERENCES", 2)
    async with scene(tmp_path, *FILES) as at:
        with pytest.raises(TooLargeError):
            await StoreJob.prepared(at.tools, await request(at, commitment=True))


@pytest.mark.parametrize("service", ["store", "move"])
async def test_to_cancel_a_job_ends_its_association(tmp_path: Path, service: str) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.gate.clear()
        job: Job = await StoreJob.prepared(at.tools, await request(at))
        if service == "move":
            wanted = (Wanted(Level.STUDY, {0x0020000D: Value("UI", "1.2")}),)
            at.remote.progress = [Suboperations(0xFF00, remaining=1, completed=1)]
            job = MoveJob(at.tools, RetrieveRequest(at.target, wanted, "HERE"))
        jobs = Jobs()
        await jobs.start()
        job_id = await jobs.submit(job)
        while not at.remote.calls or (service == "move" and not job.progress):
            await asyncio.sleep(0)
        jobs.cancel(job_id)
        status = await jobs.wait(job_id)
        assert status.state is State.FAILURE
        assert at.remote.open_associations == 0
        assert at.remote.cancelled == (service == "move")
        await jobs.close()


async def test_a_job_that_is_paused_goes_on_with_another_association(tmp_path: Path) -> None:
    async with scene(tmp_path, *FILES) as at:
        at.remote.gate.clear()
        jobs = Jobs()
        await jobs.start()
        job_id = await jobs.submit(await StoreJob.prepared(at.tools, await request(at)))
        while not at.remote.calls:
            await asyncio.sleep(0)
        jobs.pause(job_id)
        at.remote.gate.set()
        while jobs.status(job_id).state is not State.PAUSED:
            await asyncio.sleep(0)
        assert (len(at.remote.sent), at.remote.open_associations) == (1, 0)
        jobs.resume(job_id)
        assert (await jobs.wait(job_id)).state is State.SUCCESS
        assert [one.sop_instance for one in at.remote.sent] == [
            "1.2.1.1.1",
            "1.2.2.1.1",
            "1.2.3.1.1",
        ]
        await jobs.close()
