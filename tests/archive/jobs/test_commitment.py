from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.archive.jobs.fetching import run, scene
from tests.archive.making import SECONDARY_CAPTURE, dicom

from hornburg.archive.commitments import CONFLICT, MISSING
from hornburg.archive.jobs.commitment import CommitmentJob
from hornburg.archive.remote import RemoteError
from hornburg.dicom.levels import Level
from hornburg.index.names import DICOM

CT = "1.2.840.10008.5.1.4.1.1.2"


async def test_what_is_here_is_committed_and_what_is_not_has_a_reason(tmp_path: Path) -> None:
    async with scene(tmp_path, dicom(1), dicom(2)) as at:
        references = [
            (SECONDARY_CAPTURE, "1.2.1.1.1"),
            (CT, "1.2.2.1.1"),
            (CT, "1.2.9"),
            (CT, ""),
        ]
        job = CommitmentJob(at.tools, at.target, "1.2.3", references)
        await run(job)
        report = at.remote.calls[-1]
        assert (report.service, report.transaction_uid) == ("N-EVENT-REPORT", "1.2.3")
        assert report.references == (references[0],)
        assert report.failed == (
            (CT, "1.2.2.1.1", CONFLICT),
            (CT, "1.2.9", MISSING),
            (CT, "", MISSING),
        )
        assert job.content() == {
            "CalledAet": "ORTHANC",
            "Description": "",
            "RemoteAet": "PACS",
            "TransactionUid": "1.2.3",
        }


async def test_an_instance_without_its_file_is_not_committed(tmp_path: Path) -> None:
    async with scene(tmp_path, dicom(1)) as at:
        (instance,) = await at.ids(Level.INSTANCE)
        file = await at.archive.index.look(
            lambda reader: reader.attachment(Level.INSTANCE, instance, DICOM)
        )
        assert file is not None
        at.archive.storage.remove(file.uuid)
        await run(CommitmentJob(at.tools, at.target, "1", [(SECONDARY_CAPTURE, "1.2.1.1.1")]))
        assert at.remote.calls[-1].failed == ((SECONDARY_CAPTURE, "1.2.1.1.1", MISSING),)


async def test_a_compressed_file_is_whole(tmp_path: Path) -> None:
    async with scene(tmp_path, dicom(1), storage_compression=True) as at:
        reference = (SECONDARY_CAPTURE, "1.2.1.1.1")
        await run(CommitmentJob(at.tools, at.target, "1", [reference]))
        assert at.remote.calls[-1].references == (reference,)


async def test_many_instances_are_looked_up_in_steps(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        job = CommitmentJob(at.tools, at.target, "1", [(CT, str(one)) for one in range(450)])
        assert await run(job) == 4
        assert len(at.remote.calls[-1].failed) == 450


async def test_a_report_that_nobody_takes_fails_the_job(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        job = CommitmentJob(at.tools, at.target, "1", [(CT, "1.2")])
        at.remote.failures = [RemoteError("nobody there")]
        with pytest.raises(RemoteError):
            await run(job)
        job.restart()
        await run(job)
        assert len(at.remote.calls[-1].failed) == 1


async def test_a_saved_job_begins_with_the_look_up(tmp_path: Path) -> None:
    async with scene(tmp_path, dicom(1)) as at:
        job = CommitmentJob(at.tools, at.target, "1", [(SECONDARY_CAPTURE, "1.2.1.1.1")])
        await job.step()
        again = CommitmentJob.load(json.loads(json.dumps(job.state())), at.tools)
        assert again.progress == 0.0
        await run(again)
        assert at.remote.calls[-1].references == ((SECONDARY_CAPTURE, "1.2.1.1.1"),)
