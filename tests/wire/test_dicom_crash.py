"""C-STOREs that break off, and a server that is killed: nothing acknowledged is lost, nothing
half-there appears, and what was held is let go."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom.sop_class import Verification
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, identity, made, stored
from tests.wire.dicom_raw import ACCEPT, RawPeer, data_pdu, store_command
from tests.wire.test_crash import check

from hornburg.testing.datasets import DatasetFactory

SMALL = DatasetFactory("MR", seed="dicom")
LARGE = DatasetFactory("CT", size=2 << 20, seed="dicom")
CONTEXTS = ((MRImageStorage, (EXPLICIT,)), (CTImageStorage, (EXPLICIT,)))
_CONTEXT_OF = {MRImageStorage: 1, CTImageStorage: 3}


def store(peer: RawPeer, content: bytes, message_id: int) -> bool:
    """Whether the instance was acknowledged."""
    sop_class, uid, _ = identity(content)
    peer.message(
        _CONTEXT_OF[sop_class], store_command(sop_class, uid, message_id), dataset_of(content)
    )
    answer = peer.answer()
    assert answer.responded_to == message_id
    return answer.status == 0x0000


def descriptors(server: Any) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def scratch_files(server: Any) -> int:
    """Files without a name that the server has open."""
    count = 0
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            count += re.search(r"/#\d+ \(deleted\)$", os.readlink(link)) is not None
        except FileNotFoundError:
            continue
    return count


def resident(server: Any) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def settled(server: Any, descriptors_before: int) -> None:
    """Wait until the server holds no more files and sockets than before."""
    for _ in range(10_000):
        if descriptors(server) <= descriptors_before:
            return
        server.client.get("/system")
    raise AssertionError(f"{descriptors(server)} descriptors, {descriptors_before} before")


# -- breaking off -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20_000, 5_000_000], ids=["in memory", "in a file"])
@pytest.mark.parametrize("how", ["close", "half-close", "abort", "reset"])
def test_a_scanner_breaks_off(server: Any, size: int, how: str) -> None:
    """As many as may be served at the same time; the next one has its place, and the same
    instance is taken from it."""
    running = server(DicomMaximumAssociations=3, DicomMaximumAssociationsPerAddress=0)
    running.client.get("/system")
    before, nameless = descriptors(running), scratch_files(running)
    content = made(PixelData=bytes(size))
    dataset = dataset_of(content)
    sop_class, uid, _ = identity(content)
    for _ in range(2):
        peers = []
        for _ in range(3):
            peer = RawPeer(running.dicom_port)
            peers.append(peer)
            assert peer.associate(*CONTEXTS)[0] == ACCEPT
            peer.command(3, store_command(sop_class, uid))
            for start in range(0, size // 2, 16_000):
                peer.send(data_pdu(3, dataset[start : start + 16_000]))
            # Inside of a PDU.
            peer.send(data_pdu(3, dataset[-16_000:], last=True)[:500])
        if size > 1 << 20:
            for _ in range(10_000):
                if scratch_files(running) == nameless + 3:
                    break
            assert scratch_files(running) == nameless + 3
        for peer in peers:
            break_off(peer, how)
        settled(running, before)
    assert scratch_files(running) == nameless
    assert running.client.get("/instances").json() == []
    assert running.files() == set()
    with RawPeer(running.dicom_port) as peer:
        assert peer.associate(*CONTEXTS)[0] == ACCEPT
        assert store(peer, content, 1)
        peer.release()
    assert stored(running, content)[1] == dataset
    check(running, {})
    assert "Traceback" not in "\n".join(running.lines)


def break_off(peer: RawPeer, how: str) -> None:
    if how == "half-close":
        peer.end()
    elif how == "abort":
        # In the middle of a PDU: for the server it is a part of it.
        peer.send(bytes([7, 0, 0, 0, 0, 4, 0, 0, 0, 0]))
    elif how == "reset":
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


# -- killed -------------------------------------------------------------------------------------


class Scanners:
    """Four associations that store until the server is gone."""

    def __init__(self, port: int, round_: int) -> None:
        self.acknowledged: dict[str, bytes] = {}
        self.sent: dict[str, bytes] = {}
        self._enough = threading.Event()
        self._port = port
        self._round = round_

    def run(self, wanted: int, then: Any) -> None:
        """Store; after ``wanted`` acknowledgements do ``then`` while they go on."""
        self._wanted = wanted
        with ThreadPoolExecutor(4) as pool:
            scanners = [pool.submit(self._scanner, number) for number in range(4)]
            assert self._enough.wait(60)
            then()
            for scanner in scanners:
                scanner.result()

    def _scanner(self, number: int) -> None:
        with RawPeer(self._port) as peer:
            peer.associate(*CONTEXTS)
            for instance in range(5000):
                make = LARGE if instance % 20 == 7 else SMALL
                content = make.instance(self._round, number, instance // 50, instance)
                uid = make.identity(self._round, number, instance // 50, instance).sop_instance_uid
                self.sent[uid] = content
                try:
                    good = store(peer, content, instance % 60_000 + 1)
                except (OSError, EOFError):
                    return
                assert good
                self.acknowledged[uid] = content
                if len(self.acknowledged) >= self._wanted:
                    self._enough.set()
        raise AssertionError("the server never went away")


def test_kill_under_four_storing_associations(server: Any) -> None:
    running = server()
    acknowledged: dict[str, bytes] = {}
    sent: dict[str, bytes] = {}
    for round_ in range(2):
        scanners = Scanners(running.dicom_port, round_)
        scanners.run(100, running.kill)
        acknowledged |= scanners.acknowledged
        sent |= scanners.sent
        running.start()
        check(running, {})
        there = {
            one["MainDicomTags"]["SOPInstanceUID"]: one["ID"]
            for one in running.client.get("/instances?expand").json()
        }
        assert acknowledged.keys() <= there.keys() <= sent.keys()
        # Whole, acknowledged or not.
        for uid, public_id in there.items():
            file = running.client.get(f"/instances/{public_id}/file").content
            assert dataset_of(file) == dataset_of(sent[uid])
    assert running.stop() == 0


def test_a_clean_stop_under_four_storing_associations(server: Any) -> None:
    """What is under way is finished; no more of it is taken."""
    running = server()
    scanners = Scanners(running.dicom_port, 0)
    scanners.run(60, running.process.terminate)
    assert running.stop() == 0
    assert len(scanners.acknowledged) < 600
    assert "Traceback" not in "\n".join(running.lines)
    running.start()
    check(running, {})
    there = {
        one["MainDicomTags"]["SOPInstanceUID"]
        for one in running.client.get("/instances?expand").json()
    }
    assert scanners.acknowledged.keys() <= there


# -- memory -------------------------------------------------------------------------------------


def test_memory_returns(server: Any) -> None:
    """After 200 associations that stored and 200 that were cut off, it is what it was after 50."""
    running = server()
    content = made(PixelData=bytes(900_000))
    sop_class, uid, _ = identity(content)

    def associations(number: int) -> None:
        for count in range(number):
            with RawPeer(running.dicom_port) as peer:
                peer.associate(*CONTEXTS, (str(Verification), (IMPLICIT,)))
                assert store(peer, content, 1)
                if count % 2:
                    peer.command(3, store_command(sop_class, uid))
                    peer.send(data_pdu(3, bytes(16_000)))
                else:
                    peer.release()

    running.client.get("/system")
    before = descriptors(running)
    associations(50)
    settled(running, before)
    start = resident(running)
    associations(200)
    settled(running, before)
    assert resident(running) - start < 16 << 20
