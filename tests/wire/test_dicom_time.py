"""Peers that are silent, slow, deaf, or half gone: each has an end, and the others are served."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Any

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, identity, made
from tests.wire.dicom_peers import run
from tests.wire.dicom_raw import ABORT, ACCEPT, DATA, RawPeer, data_pdu, store_command

from hornburg.dicom.elements import Value, encode
from hornburg.dimse.commands import Command, CommandField, encode_command
from hornburg.testing.datasets import DatasetFactory
from hornburg.ul.events import RoleSelection
from hornburg.ul.writers import RELEASE_REQUEST

ECHO = str(Verification)
FIND = str(StudyRootQueryRetrieveInformationModelFind)
GET = str(StudyRootQueryRetrieveInformationModelGet)
ECHO_COMMAND = Command(field=CommandField.C_ECHO_RQ, message_id=1, sop_class_uid=ECHO)
LARGE = DatasetFactory("MR", size=2 << 20)


@pytest.fixture(scope="module")
def running(module_server: Any) -> Any:
    """It waits a second for everything."""
    started = module_server(
        DicomScpTimeout=1, DicomModalities={"asking": ["ASKING", "127.0.0.1", 11112]}
    )
    for number in range(20):
        started.client.post("/instances", content=LARGE.instance(0, 0, 0, number))
    return started


@pytest.fixture(autouse=True)
def _lives_on(running: Any) -> Any:
    """Whatever was done to it, the server serves others, and nothing was unforeseen."""
    yield
    outcome = run("echoscu", "127.0.0.1", running.dicom_port)
    assert outcome.status == 0, outcome
    assert not [line for line in running.lines if "Traceback" in line]
    assert running.process.poll() is None


@pytest.mark.parametrize("said", [b"", b"\1", b"\1\0\0\0\1\0" + bytes(10)])
def test_who_connects_and_says_nothing(running: Any, said: bytes) -> None:
    """The ARTIM timer of PS3.8 section 9.1.5."""
    with RawPeer(running.dicom_port) as peer:
        peer.send(said)
        assert peer.closed() in ([], [ABORT])


def test_who_associates_and_says_nothing(running: Any) -> None:
    before = len(running.lines)
    with RawPeer(running.dicom_port) as peer:
        assert peer.associate((ECHO, (IMPLICIT,)))[0] == ACCEPT
        assert peer.pdu()[0] == ABORT
        assert peer.end() == []
    running.said("nothing came for 1 seconds", before)


def test_who_stops_in_the_middle(running: Any) -> None:
    content = made(PixelData=bytes(500_000))
    with RawPeer(running.dicom_port) as peer:
        peer.associate((CTImageStorage, (EXPLICIT,)))
        peer.command(1, store_command(*identity(content)[:2]))
        peer.send(data_pdu(1, dataset_of(content)[:10_000]))
        assert peer.pdu()[0] == ABORT
        assert peer.end() == []
    assert running.client.get("/statistics").json()["CountInstances"] == 20


def test_who_trickles(running: Any) -> None:
    """Bytes come all the time, and never a whole PDU."""
    ends = time.monotonic() + 60
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)))
        whole = data_pdu(1, encode_command(ECHO_COMMAND), command=True, last=True)
        peer.socket.settimeout(0.1)
        answered = b""
        for byte in whole:
            with contextlib.suppress(ConnectionError):
                peer.socket.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError, ConnectionError):
                answered += peer.socket.recv(100)
            if answered:
                break
        assert answered[:1] == bytes([ABORT])
    assert time.monotonic() < ends


def test_who_trickles_data_sets(running: Any) -> None:
    """Whole PDUs of a byte each are no progress either."""
    content = made()
    with RawPeer(running.dicom_port) as peer:
        peer.associate((CTImageStorage, (EXPLICIT,)))
        peer.command(1, store_command(*identity(content)[:2]))
        peer.socket.settimeout(0.1)
        answered = b""
        for byte in dataset_of(content):
            with contextlib.suppress(ConnectionError):
                peer.socket.sendall(data_pdu(1, bytes([byte])))
            with contextlib.suppress(TimeoutError, ConnectionError):
                answered += peer.socket.recv(100)
            if answered:
                break
        assert answered[:1] == bytes([ABORT])


def test_an_idle_time_is_for_each_message(running: Any) -> None:
    """Who echoes now and then for longer than the time-out is no idler."""
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)))
        for number in range(5):
            time.sleep(0.3)
            peer.command(1, Command(**{**fields(ECHO_COMMAND), "message_id": number}))
            assert peer.answer().responded_to == number
        peer.release()


def fields(command: Command) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__dataclass_fields__}


# -- deaf ones ----------------------------------------------------------------------------------


def memory(server: Any) -> int:
    with open(f"/proc/{server.process.pid}/status") as status:
        text = status.read()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


def test_who_never_reads_a_find(running: Any) -> None:
    """A hundred queries at once; the server stops working for somebody who doesn't listen."""
    query = encode(
        {
            0x00080018: Value("UI", ""),
            0x00080052: Value("CS", "IMAGE"),
            0x00081030: Value("LO", ""),
            0x0020000D: Value("UI", ""),
        },
        transfer_syntax=EXPLICIT,
    )
    before = len(running.lines)
    with RawPeer(running.dicom_port, buffer=4096) as peer:
        peer.associate((FIND, (EXPLICIT,)), calling="ASKING")
        peer.socket.settimeout(0.2)
        one = data_pdu(
            1,
            encode_command(
                Command(
                    field=CommandField.C_FIND_RQ,
                    message_id=1,
                    sop_class_uid=FIND,
                    has_dataset=True,
                )
            ),
            command=True,
            last=True,
        ) + data_pdu(1, query, last=True)
        # As many as the server takes: in the end it takes no more, and then it aborts.
        for _ in range(100_000):
            try:
                peer.socket.sendall(one * 20)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            raise AssertionError("the server never had enough")
    running.said("nothing came for 1 seconds", before)


def test_who_never_reads_a_get(running: Any) -> None:
    """40 MB are asked for, and not one byte of it is taken."""
    start = memory(running)
    before = len(running.lines)
    identifier = encode(
        {
            0x00080052: Value("CS", "STUDY"),
            0x0020000D: Value("UI", LARGE.identity().study_instance_uid),
        },
        transfer_syntax=EXPLICIT,
    )
    roles = (RoleSelection(str(MRImageStorage), False, True),)
    command = Command(
        field=CommandField.C_GET_RQ, message_id=1, sop_class_uid=GET, has_dataset=True
    )
    with contextlib.ExitStack() as stack:
        deaf = []
        for _ in range(4):
            peer = stack.enter_context(RawPeer(running.dicom_port, buffer=4096))
            peer.associate(
                (GET, (EXPLICIT,)), (MRImageStorage, (EXPLICIT,)), calling="ASKING", roles=roles
            )
            peer.message(1, command, identifier)
            deaf.append(peer)
        running.said("nothing came for 1 seconds", before)
        assert memory(running) - start < 64 << 20
        # They hold none of the places of DicomThreadsCount any more, though nobody has closed.
        with RawPeer(running.dicom_port) as other:
            other.associate((FIND, (EXPLICIT,)), calling="ASKING")
            find = Command(
                field=CommandField.C_FIND_RQ, message_id=1, sop_class_uid=FIND, has_dataset=True
            )
            other.message(1, find, identifier)
            assert [other.answer().status for _ in range(2)] == [0xFF00, 0x0000]
            other.release()
        for peer in deaf:
            peer.closed()


# -- those who go -------------------------------------------------------------------------------


def test_who_half_closes_between_messages(running: Any) -> None:
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)))
        peer.command(1, ECHO_COMMAND)
        assert peer.answer().status == 0
        assert peer.end() in ([], [ABORT])


def test_who_half_closes_right_after_a_request(running: Any) -> None:
    """The answer can't be relied upon, the end can."""
    content = made()
    with RawPeer(running.dicom_port) as peer:
        peer.associate((CTImageStorage, (EXPLICIT,)))
        peer.message(1, store_command(*identity(content)[:2]), dataset_of(content))
        assert set(peer.end()) <= {DATA, ABORT}


def test_who_half_closes_in_a_data_set(running: Any) -> None:
    content = made(PixelData=bytes(100_000))
    count = running.client.get("/statistics").json()["CountInstances"]
    with RawPeer(running.dicom_port) as peer:
        peer.associate((CTImageStorage, (EXPLICIT,)))
        peer.command(1, store_command(*identity(content)[:2]))
        peer.send(data_pdu(1, dataset_of(content)[:10_000]))
        assert peer.end() in ([], [ABORT])
    assert running.client.get("/statistics").json()["CountInstances"] == count


def test_who_resets_the_connection(running: Any) -> None:
    before = len(running.lines)
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)), calling="RESETTING")
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    running.said("association with RESETTING", before)


def test_who_releases_without_waiting(running: Any) -> None:
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)))
        peer.send(data_pdu(1, encode_command(ECHO_COMMAND), command=True, last=True))
        peer.send(RELEASE_REQUEST)
        # The request that was sent before is answered before.
        assert peer.answer().status == 0
        assert peer.pdu()[0] == 6
        assert peer.end() == []


def test_who_aborts_while_storing(running: Any) -> None:
    content = made(PixelData=bytes(100_000))
    with RawPeer(running.dicom_port) as peer:
        peer.associate((CTImageStorage, (EXPLICIT,)))
        peer.command(1, store_command(*identity(content)[:2]))
        peer.send(data_pdu(1, dataset_of(content)[:10_000]))
        peer.send(bytes([ABORT, 0, 0, 0, 0, 4, 0, 0, 0, 0]))
        assert peer.closed() == []


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"\4\0\xff\xff\xff\xff",
        b"\1\0\xff\xff\xff\xff",
        bytes(1000),
        b"\xff" * 1000,
    ],
    ids=["HTTP", "TLS", "data", "request", "zeros", "ones"],
)
def test_who_speaks_something_else(running: Any, said: bytes) -> None:
    """Refused from its first bytes: nothing is awaited that was announced."""
    with RawPeer(running.dicom_port) as peer:
        peer.send(said)
        assert peer.pdu()[0] == ABORT
        assert peer.end() == []


def test_a_stop_waits_for_nobody(server: Any) -> None:
    """Idle associations and half messages don't hold up the end."""
    running = server()
    with RawPeer(running.dicom_port) as idle, RawPeer(running.dicom_port) as half:
        idle.associate((ECHO, (IMPLICIT,)))
        half.associate((CTImageStorage, (EXPLICIT,)))
        half.command(1, store_command(CTImageStorage, "1.2.3"))
        half.send(data_pdu(1, b"\x08\0"))
        silent = socket.create_connection(("127.0.0.1", running.dicom_port))
        stopped: list[int] = []
        thread = threading.Thread(target=lambda: stopped.append(running.stop()))
        thread.start()
        assert idle.pdu()[0] == ABORT
        thread.join(30)
        silent.close()
    assert stopped == [0]
    assert "Traceback" not in "\n".join(running.lines)
