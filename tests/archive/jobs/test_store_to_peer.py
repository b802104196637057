"""Jobs that send to peers: what goes out, what is saved, what happens when it fails."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.archive.jobs.fetching import run, scene
from tests.archive.making import dicom

from hornburg.archive.jobs.kinds import KINDS
from hornburg.archive.jobs.store_to_peer import PeerStoreJob, PeerStoreRequest
from hornburg.archive.jobs.tools import Peering, Tools
from hornburg.archive.peer_port import PeerError, PeerGoneError, PeerTarget
from hornburg.archive.transcoding import TranscodingError
from hornburg.dicom.levels import Level
from hornburg.errors import InexistentItemError, UnknownResourceError
from hornburg.jobs.job import CONTINUE
from hornburg.settings.peers import read_peer
from hornburg.testing.datasets import DatasetFactory
from hornburg.testing.peers import FakePeers

FILES = tuple(dicom(number) for number in range(1, 8))
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
PLAIN = ["http://10.0.0.5:8042/", "alice", "geheim"]
FULL = {
    "Url": "https://10.0.0.5/",
    "Username": "alice",
    "Password": "geheim",
    "HttpHeaders": {"Token": "geheim"},
    "CertificateFile": "client.crt",
    "CertificateKeyPassword": "geheim",
    "Timeout": 5,
    "Site": "north",
    "SecretWord": "geheim",
}


@dataclass
class Sending:
    """An archive, the peers that are known, and what arrived at them."""

    tools: Tools
    port: FakePeers
    known: dict[str, PeerTarget]
    ids: list[str]

    def request(self, **more: Any) -> PeerStoreRequest:
        resources = tuple((Level.INSTANCE, each) for each in self.ids)
        return PeerStoreRequest(self.known["backup"], resources, **more)


@asynccontextmanager
async def sending(
    folder: Path, *files: bytes, peer: Any = None, **options: Any
) -> AsyncIterator[Sending]:
    async with scene(folder, *files, **options) as at:
        port = FakePeers()
        known = {"backup": PeerTarget("backup", read_peer(peer or PLAIN))}
        tools = replace(at.tools, peering=Peering(lambda: known, port))
        yield Sending(tools, port, known, await at.ids(Level.INSTANCE))


async def test_instances_go_over_one_connection(tmp_path: Path) -> None:
    async with sending(tmp_path, *FILES) as at:
        job = await PeerStoreJob.prepared(at.tools, at.request())
        assert job.content() == {
            "Compress": False,
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": 7,
            "ParentResources": sorted(at.ids),
            "Peer": ["http://10.0.0.5:8042/", "alice", ""],
            "Size": "0",
            "SizeMB": 0,
        }
        await job.step()
        assert at.port.open_connections == 1
        assert await run(job) == 7
        assert at.port.open_connections == 0
        assert sorted(one.content for one in at.port.received) == sorted(FILES)
        assert job.content()["Size"] == str(sum(map(len, FILES)))
        assert job.progress == 1.0


async def test_compressed_on_the_way(tmp_path: Path) -> None:
    # One in memory, one beyond it.
    files = (DatasetFactory("MR").instance(), DatasetFactory("MR", size=3 << 20).instance(1))
    async with sending(tmp_path, *files) as at:
        job = await PeerStoreJob.prepared(at.tools, at.request(compress=True))
        await run(job)
        assert all(one.compressed for one in at.port.received)
        assert sorted(one.content for one in at.port.received) == sorted(files)
        assert job.content()["Size"] == str(sum(one.size for one in at.port.received))


async def test_transcoded_on_the_way(tmp_path: Path) -> None:
    file = DatasetFactory("MR").instance()
    async with sending(tmp_path, file) as at:
        job = await PeerStoreJob.prepared(at.tools, at.request(transcode=IMPLICIT))
        await run(job)
        (one,) = at.port.received
        assert one.content != file
        assert IMPLICIT.encode() + b"\0" in one.content[:400]
        assert EXPLICIT.encode() not in one.content[:400]
        assert job.content()["Transcode"] == IMPLICIT
        again = await PeerStoreJob.prepared(at.tools, at.request(transcode=EXPLICIT))
        await run(again)
        assert at.port.received[1].content == file


def test_the_engine_knows_the_kind() -> None:
    assert PeerStoreJob in KINDS
    assert PeerStoreJob.type == "OrthancPeerStore"


# -- secrets, restarts -----------------------------------------------------------------------


@pytest.mark.parametrize("peer", [PLAIN, FULL])
async def test_no_secret_is_shown_or_saved(tmp_path: Path, peer: Any) -> None:
    async with sending(tmp_path, *FILES, peer=peer) as at:
        job = await PeerStoreJob.prepared(at.tools, at.request())
        assert "geheim" not in json.dumps([job.content(), job.state()])
        assert "geheim" not in repr(at.known)
        if peer is FULL:
            assert job.content()["Peer"] == {
                "CertificateFile": "client.crt",
                "HttpHeaders": {"Token": ""},
                "Pkcs11": False,
                "Site": "north",
                "Timeout": 5,
                "Url": "https://10.0.0.5/",
                "Username": "alice",
            }


async def test_a_job_goes_on_where_it_was(tmp_path: Path) -> None:
    def refuse(number: int) -> None:
        if number == 1:
            raise PeerError("not this one")

    async with sending(tmp_path, *FILES) as at:
        at.port.before = refuse
        options = {"permissive": True, "compress": True, "transcode": EXPLICIT}
        job = await PeerStoreJob.prepared(at.tools, at.request(**options))
        for _ in range(3):
            assert await job.step() == CONTINUE
        saved = json.loads(json.dumps(job.state()))
        again = PeerStoreJob.load(saved, at.tools)
        assert again.content() == job.content()
        assert again.state() == saved
        await run(again)
        assert at.port.asked == 7
        assert len({one.content for one in at.port.received}) == 6
        assert again.content()["FailedInstancesCount"] == 1
        assert all(one.compressed for one in at.port.received)
        # The peer as it is configured, not as it was saved.
        assert all(one.target is at.known["backup"] for one in at.port.received)


async def test_a_job_goes_to_no_other_peer_after_a_restart(tmp_path: Path) -> None:
    async with sending(tmp_path, *FILES) as at:
        saved = (await PeerStoreJob.prepared(at.tools, at.request())).state()
        at.known["backup"] = PeerTarget("backup", read_peer(["http://evil.example.org/"]))
        with pytest.raises(InexistentItemError, match="another URL"):
            await run(PeerStoreJob.load(saved, at.tools))
        at.known.clear()
        with pytest.raises(InexistentItemError):
            await run(PeerStoreJob.load(saved, at.tools))
        assert at.port.received == []


async def test_a_job_that_begins_again_sends_everything_again(tmp_path: Path) -> None:
    async with sending(tmp_path, *FILES) as at:
        job = await PeerStoreJob.prepared(at.tools, at.request())
        await run(job)
        job.restart()
        assert (job.progress, job.content()["Size"]) == (0.0, "0")
        await run(job)
        assert len(at.port.received) == 14


# -- failures --------------------------------------------------------------------------------


async def test_one_failure_ends_a_job_that_is_not_permissive(tmp_path: Path) -> None:
    def refuse(number: int) -> None:
        if number == 2:
            raise PeerError("not this one")

    async with sending(tmp_path, *FILES) as at:
        at.port.before = refuse
        with pytest.raises(PeerError, match="not this one"):
            await run(await PeerStoreJob.prepared(at.tools, at.request()))
        assert (at.port.asked, at.port.open_connections) == (3, 0)


async def test_a_permissive_job_counts_what_failed(tmp_path: Path) -> None:
    def refuse(number: int) -> None:
        if number in (1, 4):
            raise PeerError("not this one")

    async with sending(tmp_path, *FILES) as at:
        at.port.before = refuse
        job = await PeerStoreJob.prepared(at.tools, at.request(permissive=True))
        await run(job)
        assert job.content()["FailedInstancesCount"] == 2
        assert len(at.port.received) == 5


async def test_a_permissive_job_does_not_ask_a_dead_peer_for_each_instance(
    tmp_path: Path,
) -> None:
    def dead(number: int) -> None:
        raise PeerGoneError("nobody there")

    async with sending(tmp_path, *FILES) as at:
        at.port.before = dead
        job = await PeerStoreJob.prepared(at.tools, at.request(permissive=True))
        await run(job)
        assert at.port.asked == 3
        assert job.content()["FailedInstancesCount"] == 7


async def test_what_can_t_be_transcoded_is_a_failure_of_that_instance(tmp_path: Path) -> None:
    async with sending(tmp_path, DatasetFactory("MR").instance()) as at:
        wanted = at.request(transcode="1.2.840.10008.1.2.4.100")
        with pytest.raises(TranscodingError):
            await run(await PeerStoreJob.prepared(at.tools, wanted))
        job = await PeerStoreJob.prepared(at.tools, replace(wanted, permissive=True))
        await run(job)
        assert job.content()["FailedInstancesCount"] == 1
        assert at.port.received == []


async def test_resources_that_are_not_there(tmp_path: Path) -> None:
    async with sending(tmp_path, *FILES) as at:
        nothing = replace(at.request(), resources=((Level.STUDY, "nothing"),))
        with pytest.raises(UnknownResourceError):
            await PeerStoreJob.prepared(at.tools, nothing)


async def test_what_was_sent_is_in_the_log_of_exports(tmp_path: Path) -> None:
    async with sending(tmp_path, *FILES[:2], log_exported_resources=True) as at:
        await run(await PeerStoreJob.prepared(at.tools, at.request()))
        page = await at.tools.archive.index.read(lambda reader: reader.exports(0, 10, False))
        assert [one.modality for one in page] == ["backup", "backup"]
