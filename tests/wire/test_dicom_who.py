"""Who may do what over DICOM, seen from outside."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from pydicom.uid import CTImageStorage
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, identity, made
from tests.wire.dicom_peers import associate, entity, run
from tests.wire.dicom_raw import ABORT, ACCEPT, REJECT, RawPeer, store_command

from hornburg.dimse.commands import Command, CommandField

ECHO = str(Verification)
STORE = str(CTImageStorage)
FIND = str(StudyRootQueryRetrieveInformationModelFind)
WORKLIST = str(ModalityWorklistInformationFind)
MOVE = str(StudyRootQueryRetrieveInformationModelMove)
GET = str(StudyRootQueryRetrieveInformationModelGet)
COMMIT = str(StorageCommitmentPushModel)
SERVICES = {
    "AllowEcho": ECHO,
    "AllowStore": STORE,
    "AllowFind": FIND,
    "AllowFindWorklist": WORKLIST,
    "AllowMove": MOVE,
    "AllowGet": GET,
    "AllowStorageCommitment": COMMIT,
}
CLOSED = {
    f"DicomAlwaysAllow{what}": False
    for what in ("Echo", "Store", "Find", "FindWorklist", "Move", "Get")
}


def modality(aet: str, host: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    return {"AET": aet, "Host": host, "Port": 11112, **more}


@pytest.fixture(scope="module")
def running(module_server: Any) -> Any:
    """The doors as they are out of the box, and modalities that may one thing each."""
    only = {
        name.lower(): modality(name[:16].upper(), **{one: one == name for one in SERVICES})
        for name in SERVICES
    }
    return module_server(
        DicomModalities={"friend": ["FRIEND", "127.0.0.1", 11112], **only},
        Worklists={"Enable": True},
        HttpTimeout=60,
    )


@pytest.fixture(scope="module")
def closed(module_server: Any) -> Any:
    """Every door is closed to others."""
    return module_server(
        **CLOSED,
        DicomModalities={
            "here": modality("HERE"),
            "elsewhere": modality("ELSEWHERE", "127.0.0.99"),
            "none": modality("NONE", **dict.fromkeys(SERVICES, False)),
        },
        DicomCheckModalityHost=True,
        DicomCheckCalledAet=True,
        DicomAet="Archive",
    )


def offered(server: Any, calling: str, called: str = "ORTHANC") -> dict[str, int]:
    """What is said to each service: 0 accepted, 1 not allowed."""
    with RawPeer(server.dicom_port) as peer:
        assert (
            peer.associate(
                *((uid, (EXPLICIT,)) for uid in SERVICES.values()), calling=calling, called=called
            )[0]
            == ACCEPT
        )
        results = [peer.results[2 * number + 1][0] for number in range(len(SERVICES))]
        peer.release()
    return dict(zip(SERVICES, results, strict=True))


def refusal(server: Any, calling: str, called: str) -> tuple[int, int, int]:
    """Result, source and reason of an A-ASSOCIATE-RJ."""
    with RawPeer(server.dicom_port) as peer:
        kind, body = peer.associate((ECHO, (IMPLICIT,)), calling=calling, called=called)
        assert kind == REJECT
        assert peer.end() == []
    return body[1], body[2], body[3]


def test_strangers_may_echo_and_store(running: Any) -> None:
    before = len(running.lines)
    results = offered(running, "STRANGER")
    assert results == {name: 0 if name in ("AllowEcho", "AllowStore") else 1 for name in SERVICES}
    line = running.said("C-FIND: the title is not in DicomModalities", before)
    assert "STRANGER" in line and "127.0.0.1" in line


def test_friends_may_everything(running: Any) -> None:
    assert set(offered(running, "FRIEND").values()) == {0}


@pytest.mark.parametrize("name", SERVICES)
def test_a_modality_that_may_one_thing(running: Any, name: str) -> None:
    """Echo and store are open to all in this configuration."""
    results = offered(running, name[:16].upper())
    open_to_all = {"AllowEcho", "AllowStore"}
    assert results == {one: int(one not in open_to_all | {name}) for one in SERVICES}


@pytest.mark.parametrize("calling", ["FRIEND", "friend", " FRIEND ", "Friend"])
def test_titles_are_compared_without_case_and_blanks(running: Any, calling: str) -> None:
    assert set(offered(running, calling).values()) == {0}


def test_strict_comparison(server: Any) -> None:
    running = server(
        StrictAetComparison=True,
        DicomCheckCalledAet=True,
        DicomModalities={"friend": ["FRIEND", "127.0.0.1", 11112]},
    )
    assert set(offered(running, "FRIEND").values()) == {0}
    assert 1 in offered(running, "friend").values()
    assert refusal(running, "FRIEND", "orthanc") == (1, 1, 7)


def commands() -> list[tuple[str, Command, int]]:
    def command(field: CommandField, uid: str, **more: Any) -> Command:
        return Command(field=field, message_id=1, sop_class_uid=uid, **more)

    one = {"sop_instance_uid": "1.2.840.10008.1.20.1.1", "action_type": 1}
    return [
        ("find", command(CommandField.C_FIND_RQ, FIND, has_dataset=True), 0x0122),
        (
            "move",
            command(CommandField.C_MOVE_RQ, MOVE, has_dataset=True, move_destination="FRIEND"),
            0x0122,
        ),
        ("get", command(CommandField.C_GET_RQ, GET, has_dataset=True), 0x0122),
        ("commit", command(CommandField.N_ACTION_RQ, COMMIT, has_dataset=True, **one), 0x0122),
        ("unknown", command(CommandField.N_CREATE_RQ, ECHO, has_dataset=False), 0x0211),
    ]


@pytest.mark.parametrize(("command", "status"), [row[1:] for row in commands()])
def test_sent_on_another_context(running: Any, command: Command, status: int) -> None:
    """A stranger has a context for C-ECHO, and sends something else on it."""
    before = len(running.lines)
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)), calling="STRANGER")
        if command.has_dataset:
            peer.message(1, command, b"\x08\0\x52\0\x06\0\0\0STUDY ")
        else:
            peer.command(1, command)
        assert peer.answer().status == status
        # The association lives on, and what is allowed still is.
        peer.command(1, Command(field=CommandField.C_ECHO_RQ, message_id=2, sop_class_uid=ECHO))
        assert peer.answer().status == 0
        peer.release()
    line = running.said("refused", before)
    assert "STRANGER" in line and "127.0.0.1" in line


def test_a_store_on_a_context_of_another_service(running: Any) -> None:
    content = made()
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)), calling="STRANGER")
        peer.message(1, store_command(*identity(content)[:2]), dataset_of(content))
        assert peer.answer().status == 0x0122
        peer.release()


def test_what_was_taken_back_during_an_association(running: Any) -> None:
    """The rules are asked again for every message."""
    found = running.client.put(
        "/modalities/passing", json={"AET": "PASSING", "Host": "127.0.0.1", "Port": 11112}
    )
    assert found.status_code == 200
    command = Command(
        field=CommandField.C_FIND_RQ, message_id=1, sop_class_uid=FIND, has_dataset=True
    )
    query = b"\x08\0\x52\0\x06\0\0\0STUDY "
    with RawPeer(running.dicom_port) as peer:
        peer.associate((FIND, (IMPLICIT,)), calling="PASSING")
        assert peer.results[1][0] == 0
        peer.message(1, command, query)
        answer = peer.answer()
        while answer.status == 0xFF00:
            answer = peer.answer()
        assert answer.status == 0
        assert running.client.delete("/modalities/passing").status_code == 200
        peer.message(1, command, query)
        assert peer.answer().status == 0x0124
        peer.release()


def test_a_context_that_was_not_accepted(running: Any) -> None:
    """The upper layer has no status for it: the association is aborted."""
    with RawPeer(running.dicom_port) as peer:
        peer.associate((ECHO, (IMPLICIT,)), (FIND, (IMPLICIT,)), calling="STRANGER")
        assert peer.results[3][0] == 1
        peer.command(3, Command(field=CommandField.C_FIND_RQ, message_id=1, sop_class_uid=FIND))
        assert peer.pdu()[0] == ABORT
        assert peer.end() == []


# -- doors --------------------------------------------------------------------------------------


def test_strangers_before_closed_doors(closed: Any) -> None:
    before = len(closed.lines)
    assert refusal(closed, "STRANGER", "ARCHIVE") == (1, 1, 3)
    line = closed.said("rejected", before)
    assert "STRANGER" in line and "127.0.0.1" in line


def test_the_called_title(closed: Any) -> None:
    assert refusal(closed, "HERE", "ORTHANC") == (1, 1, 7)
    assert set(offered(closed, "HERE", "archive").values()) == {0}


def test_echoscu(closed: Any) -> None:
    port = closed.dicom_port
    good = run("echoscu", "-v", "-aet", "HERE", "-aec", "ARCHIVE", "127.0.0.1", port)
    assert good.status == 0, good
    wrong = run("echoscu", "-v", "-aet", "HERE", "-aec", "ORTHANC", "127.0.0.1", port)
    assert wrong.status != 0
    assert "Called AE Title Not Recognized" in wrong.said
    stranger = run("echoscu", "-v", "-aet", "STRANGER", "-aec", "ARCHIVE", "127.0.0.1", port)
    assert stranger.status != 0
    assert "Calling AE Title Not Recognized" in stranger.said


def test_echoscu_with_all_that_it_can_propose(running: Any) -> None:
    outcome = run(
        "echoscu", "-v", "-pts", "38", "-ppc", "128", "-aec", "ANY", "127.0.0.1",
        running.dicom_port, "--repeat", "20",
    )  # fmt: skip
    assert outcome.status == 0, outcome
    outcome = run("echoscu", "-v", "--abort", "127.0.0.1", running.dicom_port)
    assert "Aborting Association" in outcome.said


def test_the_host_of_a_modality(closed: Any) -> None:
    assert refusal(closed, "ELSEWHERE", "ARCHIVE") == (1, 1, 3)
    assert "DicomCheckModalityHost" in closed.said("ELSEWHERE")


def test_a_modality_that_may_nothing(closed: Any) -> None:
    assert set(offered(closed, "NONE", "ARCHIVE").values()) == {1}


def test_a_host_name_is_refused_at_the_start(server: Any) -> None:
    with pytest.raises(AssertionError, match="DicomCheckModalityHost"):
        server(DicomCheckModalityHost=True, DicomModalities={"named": ["NAMED", "localhost", 104]})


@pytest.mark.parametrize(
    ("calling", "reason"),
    [(b"\\" * 4, 3), (b"A\x07B", 3), (b"\xc4RZTE", 3), (b"", 3), (b"       ", 3), (b"\0" * 16, 3)],
)
def test_titles_that_are_none(running: Any, calling: bytes, reason: int) -> None:
    with RawPeer(running.dicom_port) as peer:
        body = struct.pack(">Hxx16s16s32x", 1, b"ORTHANC".ljust(16), calling.ljust(16))
        body += item(0x10, b"1.2.840.10008.3.1.1.1")
        body += item(0x20, b"\1\0\0\0" + item(0x30, ECHO.encode()) + item(0x40, IMPLICIT.encode()))
        body += item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3"))
        peer.send(struct.pack(">BxI", 1, len(body)) + body)
        kind, answer = peer.pdu()
        assert kind == REJECT
        assert tuple(answer[1:4]) == (1, 1, reason)
        assert peer.end() == []


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def test_the_server_can_be_off(server: Any) -> None:
    running = server(DicomServerEnabled=False)
    assert running.dicom_port == 0
    assert running.client.get("/system").status_code == 200


# -- bounds -------------------------------------------------------------------------------------


def fill(server: Any, number: int, stack: contextlib.ExitStack) -> list[tuple[int, bytes]]:
    answers = []
    for _ in range(number):
        peer = stack.enter_context(RawPeer(server.dicom_port))
        answers.append(peer.associate((ECHO, (IMPLICIT,))))
    return answers


def kinds(answers: Sequence[tuple[int, bytes]]) -> list[int]:
    return [kind for kind, _ in answers]


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"DicomMaximumAssociations": 3, "DicomMaximumAssociationsPerAddress": 0}, 3),
        ({"DicomMaximumAssociations": 50, "DicomMaximumAssociationsPerAddress": 2}, 2),
    ],
)
def test_too_many_associations(server: Any, options: dict[str, int], most: int) -> None:
    running = server(**options)
    for _ in range(2):
        before = len(running.lines)
        with contextlib.ExitStack() as stack:
            answers = fill(running, most + 2, stack)
            assert kinds(answers) == [ACCEPT] * most + [REJECT] * 2
            # Rejected for the moment, by the provider: the local limit is exceeded.
            assert [tuple(body[1:4]) for _, body in answers[most:]] == [(2, 3, 2)] * 2
        named = min(options, key=lambda name: options[name] or 100)
        assert f"({named})" in running.said("rejected", before)
        # Room again as soon as the others have gone.
        free(running)


def free(server: Any) -> None:
    """Wait until an association is accepted."""
    for _ in range(1000):
        with RawPeer(server.dicom_port) as peer:
            if peer.associate((ECHO, (IMPLICIT,)))[0] == ACCEPT:
                peer.release()
                return
    raise AssertionError("no association was accepted any more")


def test_too_many_connections(server: Any) -> None:
    """Those that say nothing are bounded too, and keep nobody out for long."""
    running = server(
        DicomMaximumAssociations=2, DicomMaximumAssociationsPerAddress=0, DicomScpTimeout=1
    )
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(20):
            one = socket.create_connection(("127.0.0.1", running.dicom_port), timeout=60)
            silent.append(stack.enter_context(one))
        running.said("too many connections")
        for one in silent:
            with contextlib.suppress(ConnectionError):
                while one.recv(100):
                    pass
    free(running)


def test_what_else_is_negotiated(running: Any) -> None:
    """A password proves nothing here, so it gets no answer, and no line of the log has it."""
    identity_item = UserIdentityNegotiation()
    identity_item.user_identity_type = 2
    identity_item.positive_response_requested = True
    identity_item.primary_field = b"alice"
    identity_item.secondary_field = b"open sesame"
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 16
    window.maximum_number_operations_performed = 16
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid = Verification
    extended.service_class_application_information = b"\1\1\1"
    asker = entity("ASKER")
    asker.add_requested_context(Verification)
    association = associate(asker, running.dicom_port, "ORTHANC", identity_item, window, extended)
    assert association.is_established
    assert association.send_c_echo().Status == 0x0000
    acceptor = association.acceptor
    assert acceptor.user_identity is None
    # One operation at a time, whatever was offered (PS3.7 D.3.3.3).
    assert acceptor.asynchronous_operations == (1, 1)
    assert not acceptor.sop_class_extended
    association.release()
    running.said("association with ASKER")
    assert not any("sesame" in line or "alice" in line for line in running.lines)
