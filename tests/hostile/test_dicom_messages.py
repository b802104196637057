"""Messages that were made to stop the server, to write elsewhere, or to learn what is not theirs."""

from __future__ import annotations

import contextlib
import struct

import pytest
from tests.hostile.dicom_peer import (
    ABORT,
    ACCEPT,
    DATA,
    ECHO,
    EXPLICIT,
    FIND,
    GET,
    IMPLICIT,
    MOVE,
    MR,
    PUSH,
    REJECT,
    Caller,
    element,
    find_command,
    pdu,
    pdv,
    store_command,
)
from tests.hostile.target import Target

from hornburg.dimse.commands import Command, CommandField, encode_command
from hornburg.ul.events import RoleSelection

MB = 1 << 20
PUSH_INSTANCE = "1.2.840.10008.1.20.1.1"
FAILURE = {0xA700, 0xA900, 0xC000}


def us(tag: int, value: int) -> bytes:
    return struct.pack("<HHIH", 0, tag, 2, value)


def item(value: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def nested(depth: int) -> bytes:
    start = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF)
    return (start + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


def instance(uid: bytes, more: bytes = b"", patient: bytes = b"P") -> bytes:
    return b"".join(
        (
            element(0x00080016, MR.encode()),
            element(0x00080018, uid),
            element(0x00100020, patient),
            element(0x0020000D, b"1.2"),
            element(0x0020000E, b"1.2.1"),
            more,
        )
    )


def references(number: int) -> bytes:
    one = element(0x00081150, MR.encode())
    items = b"".join(item(one + element(0x00081155, b"1.2.%d" % at)) for at in range(number))
    return element(0x00081195, b"1.2.3.4") + element(0x00081199, items)


def find(target: Target, keys: bytes, level: bytes = b"STUDY") -> int | None:
    """The final status of a query."""
    with Caller(target.dicom_port) as caller:
        caller.associate(FIND, calling="FRIEND")
        caller.say(1, find_command(), element(0x00080052, level) + keys)
        while (status := caller.command().status) in (0xFF00, 0xFF01):
            continue
        return status


def action(target: Target, dataset: bytes, calling: str = "FRIEND") -> int | None:
    with Caller(target.dicom_port) as caller:
        caller.associate(PUSH, calling=calling)
        command = Command(
            field=CommandField.N_ACTION_RQ,
            message_id=1,
            sop_class_uid=PUSH,
            sop_instance_uid=PUSH_INSTANCE,
            action_type=1,
            has_dataset=True,
        )
        caller.say(1, command, dataset)
        return caller.command().status


def store(target: Target, uid: bytes, dataset: bytes) -> int | None:
    """The status of a C-STORE; none when the association was aborted."""
    command = us(0x0100, 1) + us(0x0110, 7) + us(0x0800, 1)
    command = element(0x00000002, MR.encode()) + command + element(0x00001000, uid)
    with Caller(target.dicom_port) as caller, contextlib.suppress(EOFError):
        caller.associate(MR)
        caller.say(1, command, dataset)
        return caller.command().status
    return None


def forget(target: Target) -> None:
    for patient in target.client.get("/patients").json():
        target.client.delete(f"/patients/{patient}")


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 6, 7, 8, 255])
def test_lengths_of_four_gigabytes(archive: Target, kind: int) -> None:
    with archive.growing_at_most(8 * MB), Caller(archive.dicom_port) as caller:
        caller.send(pdu(kind, b"", 0xFFFFFFFF))
        assert caller.rest() == [ABORT]


@pytest.mark.parametrize(
    "raw",
    [
        pdu(4, b"x" * 200_000),
        pdu(4, pdv(1, b"abc", lie=1)),
        pdu(4, pdv(1, b"abc", lie=-1)),
        pdu(4, pdv(1, b"", lie=-2)),
        pdu(4, struct.pack(">I", 0xFFFFFFFF) + b"\1\3" + b"x" * 10),
        pdu(4, b""),
        pdu(4, pdv(99, b"ab")),
        pdu(4, pdv(1, b"") * 2000),
        pdu(1, b"again" * 20),
        pdu(2, b"\0" * 68),
        pdu(6, b"\0\0\0\0"),
    ],
)
def test_what_may_not_come_on_an_association(archive: Target, raw: bytes) -> None:
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        caller.send(raw)
        assert caller.rest() == [ABORT]


def request(items: bytes, called: bytes = b"ORTHANC", calling: bytes = b"BOMB") -> bytes:
    head = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16), calling.ljust(16))
    return head + part(0x10, b"1.2.840.10008.3.1.1.1") + items


def part(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def proposed(number: int) -> bytes:
    syntaxes = part(0x30, ECHO.encode()) + part(0x40, IMPLICIT.encode())
    return part(0x20, bytes((number & 255, 0, 0, 0)) + syntaxes)


@pytest.mark.parametrize(
    "items",
    [
        b"".join(map(proposed, range(1, 2561))),
        proposed(1) + part(0x50, part(0x54, b"\0\1x\1\1") * 7000),
        proposed(1) + part(0x50, part(0x51, b"\0\0\1\0") * 8000),
        proposed(1) + part(0x50, part(0x58, b"\1\0\xff\xffabc")),
        part(0x20, b"\1\0\0\0" + part(0x30, ECHO.encode()) + part(0x40, b"1.2") * 9000),
        b"\x99\0\0\0" * 60_000,
        b"\0" * 250_000,
    ],
)
def test_association_requests_of_bombs(archive: Target, items: bytes) -> None:
    with archive.growing_at_most(16 * MB), Caller(archive.dicom_port) as caller:
        caller.send(pdu(1, request(items)))
        assert caller.rest() in ([ABORT], [REJECT])


@pytest.mark.parametrize("title", [b"A\nB", b"\0\0", b" ", b"\xff\xfe", b"a\\b", b"\x1b[31m"])
def test_titles_that_are_none(archive: Target, title: bytes) -> None:
    since = len(archive.lines)
    user = part(0x50, part(0x51, b"\0\0\x40\0"))
    for titles in ({"called": title}, {"calling": title}):
        with Caller(archive.dicom_port) as caller:
            caller.send(pdu(1, request(proposed(1) + user, **titles)))
            assert caller.pdu()[0] == REJECT
    # Each line of the log is one of ours.
    assert all(line[:4].isdigit() for line in archive.lines[since:])


@pytest.mark.parametrize("title", ["$(id)", "`x`;rm -r", "' OR 1=1", "%s%n{0}", "../other"])
def test_titles_with_signs(archive: Target, title: str) -> None:
    """They are titles like any other."""
    with Caller(archive.dicom_port) as caller:
        assert caller.associate(MR, calling=title)[0] == ACCEPT
        caller.say(1, store_command("1.2.3"), instance(b"1.2.3"))
        assert caller.command().status == 0
    (known,) = archive.client.get("/instances").json()
    said = archive.client.get(f"/instances/{known}/metadata/RemoteAET").text
    assert said == title
    forget(archive)


@pytest.mark.parametrize(
    "uid", [b"../../x", b"/etc/x", b"1.2\n3", b"\xff\xfe", b"", b"1" * 65, b"1.2\0.3", b"$(id)"]
)
def test_identifiers_of_instances(archive: Target, uid: bytes) -> None:
    """They are names, and no paths; the log stays in lines."""
    since = len(archive.lines)
    status = store(archive, uid, instance(uid))
    assert status in {0, None, *FAILURE}
    assert (status == 0) == bool(archive.client.get("/instances").json())
    assert archive.files_called("x") == []
    assert all(line[:4].isdigit() for line in archive.lines[since:])
    forget(archive)


BASE = element(0x00000002, ECHO.encode()) + us(0x0100, 0x30) + us(0x0110, 1)


@pytest.mark.parametrize(
    "command",
    [
        b"",
        BASE,
        BASE + us(0x0800, 0x0101) + b"\1",
        BASE + us(0x0800, 0x0101) + struct.pack("<HHI", 0, 0x0900, 0xFFFFFFF0),
        BASE + struct.pack("<HHIB", 0, 0x0800, 1, 1),
        BASE + us(0x0800, 0x0101) * 5000,
        us(0x0100, 0x8030) + us(0x0120, 1) + us(0x0900, 0) + us(0x0800, 0x0101),
        us(0x0100, 0x0FFF) + us(0x0120, 1) + us(0x0800, 1),
    ],
)
def test_commands_that_are_none(archive: Target, command: bytes) -> None:
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        caller.say(1, command)
        assert caller.rest() == [ABORT]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (BASE + us(0x0800, 0x0101) + element(0x00000902, b"x\n" * 5000), 0),
        (BASE + us(0x0800, 0x0101) + element(0x00090010, b"private"), 0),
        (us(0x0100, 0x7777) + us(0x0110, 1) + us(0x0800, 0x0101), 0x0211),
        (us(0x0100, 0x0001) + us(0x0110, 1) + us(0x0800, 0x0101), 0x0122),
        (us(0x0100, 0x0020) + us(0x0110, 1) + us(0x0800, 0x0101), 0x0122),
    ],
)
def test_odd_commands(archive: Target, command: bytes, status: int) -> None:
    with Caller(archive.dicom_port) as caller:
        caller.associate(ECHO)
        caller.say(1, command)
        assert caller.command().status == status


@pytest.mark.parametrize("depth", [300, 3000, 60_000])
def test_nested_sequences(archive: Target, depth: int) -> None:
    with archive.growing_at_most(64 * MB):
        assert store(archive, b"1.2.3", instance(b"1.2.3", nested(depth))) in FAILURE
        assert find(archive, nested(depth)) in FAILURE
        assert action(archive, nested(depth)) in FAILURE


def test_a_million_elements(archive: Target) -> None:
    def many(number: int) -> bytes:
        head = struct.Struct("<HHI").pack
        return b"".join(head(0x0009, 0x1000 + at % 0xE000, 0) for at in range(number))

    with archive.growing_at_most(64 * MB):
        assert find(archive, many(120_000)) in FAILURE
        assert action(archive, many(1_000_000)) in FAILURE
        assert action(archive, many(1_200_000)) in {*FAILURE, 0x0213}


WILD = 0x00100010
FILED = 0x00204000


@pytest.mark.parametrize("tag", [WILD, FILED])
@pytest.mark.parametrize(
    "pattern",
    [
        b"*a" * 2000 + b"b",
        b"*?a" * 1300 + b"b",
        b"*" * 60_000,
        b"?" * 50_000,
        b"*a*\\" * 20_000,
        b"[*" * 2000,
        b"%_\\'; DROP TABLE resources; --*",
    ],
)
def test_patterns(archive: Target, tag: int, pattern: bytes) -> None:
    """Time is bounded: an exponential one would never end."""
    long = instance(b"1.2.3", element(WILD, b"a" * 64) + element(FILED, b"a" * 10_000))
    ordered = long if tag == FILED else instance(b"1.2.3", element(WILD, b"a" * 64))
    assert store(archive, b"1.2.3", ordered) == 0
    assert find(archive, element(tag, pattern), b"IMAGE") in {0, 0xC000}
    assert len(archive.client.get("/instances").json()) == 1
    forget(archive)


@pytest.mark.parametrize("tag", [0x0020000D, 0x00080018, 0x00080061, 0x00080020, 0x00100010])
def test_lists_of_a_hundred_thousand(archive: Target, tag: int) -> None:
    values = b"\\".join(b"1.2.%d" % number for number in range(90_000))
    with archive.growing_at_most(64 * MB):
        assert find(archive, element(tag, values), b"IMAGE") in {0, 0xC000}


def test_commitments_without_end(archive: Target) -> None:
    """Fifty thousand instances may be asked for, but not again and again."""
    dataset = references(50_000)
    with archive.growing_at_most(320 * MB):
        statuses = [action(archive, dataset) for _ in range(14)]
    assert statuses[0] == 0
    assert set(statuses) == {0, 0x0213}
    for job in archive.client.get("/jobs").json():
        archive.client.post(f"/jobs/{job}/cancel", json={})


def test_reports_of_strangers(archive: Target) -> None:
    """Neither strangers nor others who are known may speak for whom we have asked."""
    command = Command(
        field=CommandField.N_EVENT_REPORT_RQ,
        message_id=1,
        sop_class_uid=PUSH,
        sop_instance_uid=PUSH_INSTANCE,
        event_type=1,
        has_dataset=True,
    )
    with Caller(archive.dicom_port) as caller:
        caller.associate(PUSH, calling="STRANGER", roles=[RoleSelection(PUSH, True, True)])
        caller.say(1, command, references(3))
        with contextlib.suppress(EOFError):
            assert caller.command().status == 0x0124


def test_failure_reasons_that_are_texts(archive: Target) -> None:
    """Explicit VR lets the other side say what a number is."""

    def text(tag: int, vr: bytes, value: bytes) -> bytes:
        value += b" " * (len(value) % 2)
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value

    for reason in (b"\xb2", b"9" * 5000):
        failed = item(text(0x00081197, b"LO", reason))
        dataset = text(0x00081195, b"UI", b"1.2") + (
            struct.pack("<HH2sxxI", 0x0008, 0x1198, b"SQ", len(failed)) + failed
        )
        command = Command(
            field=CommandField.N_EVENT_REPORT_RQ,
            message_id=1,
            sop_class_uid=PUSH,
            sop_instance_uid=PUSH_INSTANCE,
            event_type=2,
            has_dataset=True,
        )
        charset = text(0x00080005, b"CS", b"ISO_IR 100")
        with Caller(archive.dicom_port) as caller:
            caller.associate(
                PUSH,
                calling="FRIEND",
                roles=[RoleSelection(PUSH, True, True)],
                syntaxes=(EXPLICIT,),
            )
            caller.say(1, command, charset + dataset)
            assert caller.command().status == 0


def test_roles_give_no_rights(archive: Target) -> None:
    """A stranger may store, and can't fetch by proposing the role in which instances come."""
    both = [RoleSelection(uid, True, True) for uid in (MR, GET, MOVE, FIND)]
    with Caller(archive.dicom_port) as caller:
        caller.associate(MR, GET, MOVE, FIND, roles=both)
        for context in (1, 3, 5, 7):
            retrieve = Command(
                field=CommandField.C_GET_RQ, message_id=1, sop_class_uid=GET, has_dataset=True
            )
            with contextlib.suppress(EOFError):
                caller.say(context, retrieve, element(0x00080052, b"STUDY"))
                assert caller.command().status in (0x0122, 0x0124)


@pytest.mark.parametrize(
    "answer",
    [
        Command(field=CommandField.C_STORE_RSP, responded_to=2, status=0),
        Command(field=CommandField.C_ECHO_RSP, responded_to=1, status=0),
        Command(field=CommandField.C_ECHO_RQ, message_id=1, sop_class_uid=ECHO),
    ],
)
def test_sub_operations_that_are_not_answered(archive: Target, answer: Command) -> None:
    """An answer to something else doesn't count an instance as sent."""
    assert store(archive, b"1.2.3", instance(b"1.2.3")) == 0
    get = Command(field=CommandField.C_GET_RQ, message_id=1, sop_class_uid=GET, has_dataset=True)
    with Caller(archive.dicom_port) as caller:
        role = RoleSelection(MR, False, True)
        caller.associate(GET, MR, calling="FRIEND", roles=[role])
        caller.say(1, get, element(0x00080052, b"STUDY") + element(0x0020000D, b"1.2"))
        assert caller.command().field == CommandField.C_STORE_RQ
        caller.say(3, answer)
        assert ABORT in caller.rest()
    forget(archive)


def test_a_data_set_without_end(archive: Target) -> None:
    """The disk holds what is allowed of it, and gets it back."""
    before = archive.scratch()
    for uid, command in ((MR, store_command("1.2.3")), (FIND, find_command())):
        with archive.growing_at_most(32 * MB), Caller(archive.dicom_port) as caller:
            caller.associate(uid, calling="FRIEND")
            caller.send(pdu(DATA, pdv(1, encode_command(command), command=True, last=True)))
            for _ in range(20):
                caller.send(pdu(DATA, pdv(1, b"x" * 16_000)) * 60)
            caller.send(pdu(DATA, pdv(1, b"", last=True)))
            assert caller.command().status == 0xA700
        assert archive.scratch() == before
