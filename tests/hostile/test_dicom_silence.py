"""Peers that stop in the middle, in every state of the protocol, and peers that never read."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.hostile.dicom_peer import (
    ABORT,
    ECHO,
    FIND,
    GET,
    MOVE,
    MR,
    RELEASED,
    Caller,
    Peer,
    element,
    find_command,
    message,
    pdu,
    pdv,
    scp,
    store_command,
)
from tests.hostile.target import Target
from tests.hostile.test_dicom_messages import forget, instance

from hornburg.dimse.commands import Command, CommandField
from hornburg.ul.events import RoleSelection

MB = 1 << 20


def connected(caller: Caller) -> None:
    """Nothing is said."""


def half_a_head(caller: Caller) -> None:
    caller.send(b"\1\0")


def half_a_request(caller: Caller) -> None:
    caller.send(pdu(1, b"x" * 100, 1000))


def accepted(caller: Caller) -> None:
    caller.associate(ECHO)


def half_a_pdu(caller: Caller) -> None:
    caller.associate(ECHO)
    caller.send(pdu(4, b"\0", 1000))


def half_a_command(caller: Caller) -> None:
    caller.associate(ECHO)
    caller.send(pdu(4, pdv(1, b"\0\0\0\0", command=True)))


def half_a_data_set(caller: Caller) -> None:
    caller.associate(MR)
    caller.send(message(1, store_command("1.2.9"), b"x" * 3_000_000)[:-20_000])


def half_an_identifier(caller: Caller) -> None:
    caller.associate(FIND, calling="FRIEND")
    caller.send(message(1, find_command(), b"x" * 100_000)[:-20_000])


def served(caller: Caller) -> None:
    caller.associate(ECHO)
    caller.echo()


def released(caller: Caller) -> None:
    caller.associate(ECHO)
    assert caller.release() == RELEASED


STATES = [
    *(connected, half_a_head, half_a_request, accepted, half_a_pdu, half_a_command),
    *(half_a_data_set, half_an_identifier, served, released),
]


def test_who_stops_is_cut_off(archive: Target) -> None:
    """In whatever state; nothing of it stays."""
    before = archive.descriptors()
    callers = [Caller(archive.dicom_port) for _ in STATES]
    for caller, stop in zip(callers, STATES, strict=True):
        stop(caller)
    for caller in callers:
        assert set(caller.rest()) <= {ABORT}
        caller.socket.close()
    archive.settled(before + 8)


@pytest.mark.parametrize("stop", STATES)
def test_who_breaks_off_leaves_nothing(archive: Target, stop: Callable[[Caller], None]) -> None:
    with Caller(archive.dicom_port) as caller:
        stop(caller)


def test_who_trickles_is_cut_off(archive: Target) -> None:
    """A byte now and then is no sign of life."""
    over = threading.Event()
    with Caller(archive.dicom_port) as caller:
        caller.associate(MR)
        caller.send(message(1, store_command("1.2.9"), b"x" * 3_000_000)[:-2_000_000])

        def trickle() -> None:
            while not over.wait(0.2) and caller.send(b"x"):
                pass

        trickling = threading.Thread(target=trickle)
        trickling.start()
        assert set(caller.rest()) <= {ABORT}
        over.set()
        trickling.join()


@pytest.fixture
def full(archive: Target) -> Iterator[Target]:
    """The server with instances enough that answers about them don't fit into its buffers."""
    number = 300
    with Caller(archive.dicom_port) as caller:
        caller.associate(MR)
        flood = b"".join(
            message(
                1,
                store_command(f"1.2.3.{one}", one),
                instance(b"1.2.3.%d" % one, element(0x0040A160, b"a" * 60_000)),
            )
            for one in range(number)
        )
        sender = threading.Thread(target=caller.send, args=(flood,))
        sender.start()
        assert {caller.command().status for _ in range(number)} == {0}
        sender.join()
    yield archive
    forget(archive)


def deaf(target: Target, *abstract: str, roles: tuple[RoleSelection, ...] = ()) -> Caller:
    caller = Caller(target.dicom_port)
    caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.associate(*abstract, calling="FRIEND", roles=roles)
    return caller


def question() -> bytes:
    keys = element(0x00080018, b"") + element(0x00080052, b"IMAGE") + element(0x0040A160, b"")
    return message(1, find_command(), keys)


def one_find(target: Target) -> int | None:
    with Caller(target.dicom_port) as caller:
        caller.associate(FIND, calling="FRIEND")
        caller.say(1, find_command(), element(0x00080052, b"STUDY") + element(0x0020000D, b""))
        while (status := caller.command().status) in (0xFF00, 0xFF01):
            continue
        return status


def test_queries_whose_answers_nobody_reads(full: Target) -> None:
    """They hold all turns; others wait until they are cut off, and then have theirs."""
    with full.growing_at_most(160 * MB):
        callers = [deaf(full, FIND) for _ in range(4)]
        for caller in callers:
            caller.send(question())
        assert one_find(full) == 0
        for caller in callers:
            caller.socket.close()


def test_cancels_are_no_sign_of_life(full: Target) -> None:
    """Who sends them and never reads is cut off all the same."""
    over = threading.Event()
    with deaf(full, FIND) as caller:
        caller.send(question())
        cancel = message(1, Command(field=CommandField.C_CANCEL_RQ, responded_to=9))
        for _ in range(200):
            if over.wait(0.2) or not caller.send(cancel):
                return
    raise AssertionError("it is still there")


def test_instances_that_nobody_reads(full: Target) -> None:
    role = RoleSelection(MR, False, True)
    command = Command(
        field=CommandField.C_GET_RQ, message_id=1, sop_class_uid=GET, has_dataset=True
    )
    with full.growing_at_most(64 * MB), deaf(full, GET, MR, roles=(role,)) as caller:
        keys = element(0x00080052, b"STUDY") + element(0x0020000D, b"1.2")
        caller.say(1, command, keys)
        # The connection is gone when there is nothing more to read from it.
        assert ABORT not in caller.rest()[:-1]


def test_moves_that_nobody_waits_for(full: Target) -> None:
    """To the server itself: it takes what it sends, and it ends."""
    here = {"AET": "ORTHANC", "Host": "127.0.0.1", "Port": full.dicom_port}
    full.client.put("/modalities/here", json=here)
    command = Command(
        field=CommandField.C_MOVE_RQ,
        message_id=1,
        sop_class_uid=MOVE,
        move_destination="ORTHANC",
        has_dataset=True,
    )
    keys = element(0x00080052, b"STUDY") + element(0x0020000D, b"1.2")
    with deaf(full, MOVE) as caller:
        for _ in range(6):
            caller.say(1, command, keys)
    with Caller(full.dicom_port) as caller:
        caller.associate(MOVE, calling="FRIEND")
        caller.say(1, command, keys)
        while (answer := caller.command()).status == 0xFF00:
            continue
        assert (answer.status, answer.completed, answer.failed) == (0, 300, 0)
    full.client.delete("/modalities/here")
    assert len(full.client.get("/instances").json()) == 300


def test_a_move_to_who_never_answers(full: Target) -> None:
    """DicomScuTimeout ends it; all sub-operations have failed."""
    over = threading.Event()

    def silent(peer: Peer) -> None:
        peer.pdu()
        over.wait(20)

    with scp(silent) as dead:
        known = {"AET": "DEAD", "Host": "127.0.0.1", "Port": dead.port}
        full.client.put("/modalities/dead", json=known)
        command = Command(
            field=CommandField.C_MOVE_RQ,
            message_id=1,
            sop_class_uid=MOVE,
            move_destination="DEAD",
            has_dataset=True,
        )
        with Caller(full.dicom_port) as caller:
            caller.associate(MOVE, calling="FRIEND")
            keys = element(0x00080052, b"STUDY") + element(0x0020000D, b"1.2")
            caller.say(1, command, keys)
            while (answer := caller.command()).status == 0xFF00:
                continue
            assert (answer.status, answer.failed) == (0xA702, 300)
        over.set()
        full.client.delete("/modalities/dead")


def test_answers_of_megabytes(archive: Target) -> None:
    """What a stranger stores doesn't make the answer to another's query larger than memory."""
    long = element(0x0040A160, b"a" * 6_000_000)
    inside = struct.pack("<HHI", 0xFFFE, 0xE000, len(long)) + long
    for number in range(30):
        uid = b"1.2.3.%d" % number
        whole = instance(uid, element(0x0040A730, inside))
        with Caller(archive.dicom_port) as caller:
            caller.associate(MR)
            caller.say(1, store_command(uid.decode()), whole)
            assert caller.command().status == 0
    keys = element(0x00080052, b"IMAGE") + element(0x0040A730, b"")
    with archive.growing_at_most(64 * MB), Caller(archive.dicom_port) as caller:
        caller.associate(FIND, calling="FRIEND")
        caller.say(1, find_command(), keys)
        pending = 0
        while (status := caller.command().status) in (0xFF00, 0xFF01):
            pending += 1
    assert (status, pending) == (0, len(archive.client.get("/instances").json()))
    assert pending == 30
    forget(archive)
