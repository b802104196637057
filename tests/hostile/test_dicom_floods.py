"""Floods on the DICOM port: connections, tiny fragments, messages that nobody waits for."""

from __future__ import annotations

import threading

from tests.hostile.dicom_peer import (
    ABORT,
    ACCEPT,
    DATA,
    ECHO,
    FIND,
    MR,
    Caller,
    element,
    find_command,
    message,
    pdu,
    pdv,
    store_command,
)
from tests.hostile.target import Target

from hornburg.dimse.commands import Command, CommandField

MB = 1 << 20


def echo(message_id: int = 1) -> bytes:
    command = Command(field=CommandField.C_ECHO_RQ, message_id=message_id, sop_class_uid=ECHO)
    return message(1, command)


def cancel(message_id: int) -> bytes:
    return message(1, Command(field=CommandField.C_CANCEL_RQ, responded_to=message_id))


def says_hello(target: Target, address: str) -> None:
    with Caller(target.dicom_port, address) as honest:
        assert honest.associate(ECHO)[0] == ACCEPT
        assert honest.echo() == 0


def test_connections_that_say_nothing(archive: Target) -> None:
    """A thousand of them, of one address or of many, keep out nobody, and all is free again."""
    for addresses in (1, 50):
        before = archive.descriptors()
        with archive.growing_at_most(32 * MB):
            silent = [
                Caller(archive.dicom_port, f"127.0.1.{1 + number % addresses}")
                for number in range(1000)
            ]
            says_hello(archive, "127.0.0.2")
            says_hello(archive, "127.0.1.1")
            assert archive.descriptors() < before + 450
        for caller in silent:
            caller.socket.close()
        # A database connection more or less is none of theirs.
        archive.settled(before + 8)


def test_connections_that_are_rejected_and_stay(archive: Target) -> None:
    stay = [Caller(archive.dicom_port) for _ in range(250)]
    for caller in stay:
        caller.send(pdu(1, b"nonsense" * 20))
    says_hello(archive, "127.0.0.1")
    for caller in stay:
        caller.socket.close()


def test_one_log_line_for_a_flood(archive: Target) -> None:
    """What follows a fault in the same read is not judged."""
    since = len(archive.lines)
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        caller.send(pdu(DATA, pdv(1, b"ab")) * 10_000)
        assert caller.rest() == [ABORT]
    told = [line for line in archive.lines[since:] if "without a command" in line]
    assert len(told) <= 2


def test_fragments_of_two_bytes(archive: Target) -> None:
    """They take many times their own memory, and as much time as large ones."""
    callers = []
    with archive.growing_at_most(32 * MB):
        for number in range(30):
            caller = Caller(archive.dicom_port, f"127.0.2.{1 + number}")
            caller.associate(FIND, calling="FRIEND")
            caller.send(message(1, find_command()))
            caller.send(pdu(DATA, pdv(1, b"ab") * 1800) * 50)
            callers.append(caller)
        for caller in callers:
            assert ABORT in caller.rest()
            caller.socket.close()
    archive.said("fragments of fewer than")


def test_ten_thousand_echoes_at_once(archive: Target) -> None:
    """They are answered in order."""
    number = 10_000
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        flood = b"".join(map(echo, range(number)))
        sender = threading.Thread(target=caller.send, args=(flood,))
        sender.start()
        assert [caller.command().responded_to for _ in range(number)] == list(range(number))
        sender.join()


def test_answers_that_nobody_reads(archive: Target) -> None:
    """They wait up to a bound; then no more is read, and then it is over."""
    with archive.growing_at_most(32 * MB), Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        flood = b"".join(map(echo, range(1000)))
        for _ in range(1000):
            try:
                caller.socket.sendall(flood)
            except ConnectionError:
                break
        else:
            raise AssertionError("72 MB of requests were read, and no answer")


def test_a_hundred_stores_at_once(archive: Target) -> None:
    with Caller(archive.dicom_port) as caller:
        caller.associate(MR)
        flood = b"".join(
            message(1, store_command(f"1.2.3.{number}", number), small(f"1.2.3.{number}"))
            for number in range(100)
        )
        sender = threading.Thread(target=caller.send, args=(flood,))
        sender.start()
        answers = [caller.command() for _ in range(100)]
        sender.join()
    assert [each.responded_to for each in answers] == list(range(100))
    assert {each.status for each in answers} == {0}
    for patient in archive.client.get("/patients").json():
        archive.client.delete(f"/patients/{patient}")


def small(uid: str) -> bytes:
    return b"".join(
        (
            element(0x00080016, MR.encode()),
            element(0x00080018, uid.encode()),
            element(0x00100020, b"FLOOD"),
            element(0x0020000D, b"1.2"),
            element(0x0020000E, b"1.2.1"),
        )
    )


def test_cancels(archive: Target) -> None:
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        caller.send(b"".join(map(cancel, range(200))))
        assert caller.echo() == 0
        caller.send(b"".join(map(cancel, range(2000))))
        assert caller.rest() == [ABORT]
    archive.said("C-CANCELs in a row")
