"""Modalities that answer what nobody asked for, or never; over REST nothing hangs for it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.hostile.dicom_peer import (
    ABORT,
    DATA,
    FIND,
    GET,
    IMPLICIT,
    MR,
    Peer,
    element,
    message,
    pdu,
    pdv,
    scp,
    store_command,
)
from tests.hostile.target import Target
from tests.hostile.test_dicom_messages import forget, nested, us
from tests.hostile.test_dicom_messages import instance as made

from hornburg.dimse.commands import Command, CommandField, encode_command, response

MB = 1 << 20
#: A peer that says nothing more does so longer than DicomScuTimeout.
LONG = 20


def accept(peer: Peer, syntax: str = IMPLICIT) -> list[int]:
    """Accept all that is proposed, roles included; answers the contexts."""
    _, body = peer.pdu()
    contexts, user = [], b""
    for kind, value in items(body[68:]):
        if kind == 0x20:
            contexts.append(value[0])
        elif kind == 0x50:
            user = b"".join(part(*one) for one in items(value) if one[0] in (0x51, 0x52, 0x54))
    chosen = part(0x40, syntax.encode())
    results = b"".join(part(0x21, bytes((one, 0, 0, 0)) + chosen) for one in contexts)
    application = part(0x10, b"1.2.840.10008.3.1.1.1")
    peer.send(pdu(2, body[:68] + application + results + part(0x50, user)))
    return contexts


def part(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def items(data: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(data):
        kind, length = struct.unpack_from(">BxH", data, position)
        found.append((kind, data[position + 4 : position + 4 + length]))
        position += 4 + length
    return found


def ask(target: Target, path: str, body: Any, serve: Callable[[Peer], None]) -> Any:
    """Have the server ask this peer; answers what it says over REST."""
    with scp(serve) as listener:
        evil = {"AET": "EVIL", "Host": "127.0.0.1", "Port": listener.port}
        target.client.put("/modalities/evil", json=evil)
        answer = target.client.post(f"/modalities/evil/{path}", json=body)
        target.client.delete("/modalities/evil")
        return answer


def silent_after_request(peer: Peer) -> None:
    peer.pdu()
    time.sleep(LONG)


def silent_after_accept(peer: Peer) -> None:
    accept(peer)
    time.sleep(LONG)


def other_message(peer: Peer) -> None:
    accept(peer)
    command = peer.command()
    field = command.field | 0x8000
    peer.say(1, Command(field=field, responded_to=command.message_id + 1, status=0))
    peer.rest()


def other_command(peer: Peer) -> None:
    accept(peer)
    command = peer.command()
    field = CommandField.C_CANCEL_RQ | 0x8030
    peer.say(1, Command(field=field, responded_to=command.message_id, status=0))
    peer.rest()


def a_web_server(peer: Peer) -> None:
    peer.pdu()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n" * 100)
    peer.rest()


def the_request_again(peer: Peer) -> None:
    peer.send(pdu(1, peer.pdu()[1]))
    peer.rest()


def aborts(peer: Peer) -> None:
    accept(peer)
    peer.send(pdu(ABORT, b"\0\0\2\0") * 1000)
    peer.rest()


def releases(peer: Peer) -> None:
    accept(peer)
    peer.send(pdu(5, b"\0\0\0\0"))
    peer.rest()


def another_syntax(peer: Peer) -> None:
    accept(peer, "1.2.3.4.5")
    peer.rest()


def trickles(peer: Peer) -> None:
    accept(peer)
    for byte in message(1, response(peer.command(), 0)):
        peer.send(bytes((byte,)))
        time.sleep(0.2)
    peer.rest()


def forges_the_log(peer: Peer) -> None:
    accept(peer)
    command = peer.command()
    head = us(0x0100, command.field | 0x8000) + us(0x0120, 1) + us(0x0800, 0x0101)
    peer.say(1, head + us(0x0900, 0x0110) + element(0x0902, b"x\n2026-01-01 I \x1b[31mforged"))
    peer.rest()


NEVER = [silent_after_request, silent_after_accept, trickles]
WRONG = [
    *(other_message, other_command, a_web_server, the_request_again, aborts, releases),
    *(another_syntax, forges_the_log),
]


@pytest.mark.parametrize("serve", [*NEVER, *WRONG])
def test_echo(archive: Target, serve: Callable[[Peer], None]) -> None:
    since = len(archive.lines)
    assert ask(archive, "echo", {}, serve).status_code == 500
    assert all(line[:4].isdigit() for line in archive.lines[since:])


@pytest.mark.parametrize("serve", [*NEVER, *WRONG])
def test_store(archive: Target, serve: Callable[[Peer], None], instance: bytes) -> None:
    known = archive.client.post("/instances", content=instance).json()["ID"]
    assert ask(archive, "store", [known], serve).status_code == 500
    forget(archive)


def test_a_release_that_is_not_answered(archive: Target) -> None:
    def serve(peer: Peer) -> None:
        accept(peer)
        peer.say(1, response(peer.command(), 0))
        time.sleep(LONG)

    assert ask(archive, "echo", {}, serve).status_code == 200


def find(target: Target, serve: Callable[[Peer, int, Command], None]) -> Any:
    def served(peer: Peer) -> None:
        context = accept(peer)[0]
        serve(peer, context, peer.command())

    return ask(target, "query", {"Level": "Study", "Query": {}}, served)


def pending(command: Command, *, dataset: bool = True) -> Command:
    return Command(
        field=CommandField.C_FIND_RSP,
        responded_to=command.message_id,
        status=0xFF00,
        has_dataset=dataset,
        sop_class_uid=FIND,
    )


def test_answers_without_end(archive: Target) -> None:
    def large(peer: Peer, context: int, command: Command) -> None:
        answer = message(context, pending(command), element(0x00100020, b"x" * 15_000))
        while peer.send(answer * 20):
            pass

    def empty(peer: Peer, context: int, command: Command) -> None:
        answer = message(context, pending(command, dataset=False))
        while peer.send(answer * 1000):
            pass

    with archive.growing_at_most(256 * MB):
        assert find(archive, large).status_code == 413
        assert find(archive, empty).status_code == 500


def test_one_answer_without_end(archive: Target) -> None:
    def serve(peer: Peer, context: int, command: Command) -> None:
        raw = encode_command(pending(command))
        peer.send(pdu(DATA, pdv(context, raw, command=True, last=True)))
        while peer.send(pdu(DATA, pdv(context, b"x" * 16_000)) * 20):
            pass

    with archive.growing_at_most(32 * MB):
        assert find(archive, serve).status_code == 500


@pytest.mark.parametrize("dataset", [b"\xff" * 1000, nested(3000), element(0x00100020, b"x")[:9]])
def test_answers_that_are_none(archive: Target, dataset: bytes) -> None:
    def serve(peer: Peer, context: int, command: Command) -> None:
        peer.say(context, pending(command), dataset)
        peer.rest()

    assert find(archive, serve).status_code in (400, 500)


def test_get_writes_nowhere_else(archive: Target) -> None:
    """Whatever a SOP Instance UID is, it is no path."""

    def serve(peer: Peer) -> None:
        accept(peer)
        command = peer.command()
        for number, uid in enumerate((b"../../../x", b"/x", b"..\\x")):
            peer.say(3, store_command(uid.decode(), number + 1), made(uid))
            peer.command()
        last = Command(
            field=CommandField.C_GET_RSP,
            responded_to=command.message_id,
            status=0,
            sop_class_uid=GET,
            completed=3,
        )
        peer.say(1, last)
        peer.rest()

    wanted = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2"}]}
    assert ask(archive, "get", wanted, serve).status_code == 200
    assert archive.files_called("x") == []
    forget(archive)


def test_get_on_a_context_that_was_not_accepted(archive: Target) -> None:
    def serve(peer: Peer) -> None:
        accept(peer)
        peer.command()
        peer.say(1, store_command("1.2.3", 1, MR), made(b"1.2.3"))
        peer.rest()

    wanted = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2"}]}
    assert ask(archive, "get", wanted, serve).status_code == 500
    assert archive.client.get("/instances").json() == []
