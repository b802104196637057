"""An association over a real connection on this machine: both roles, time-outs, ends."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hornburg.dimse.commands import Command, CommandField, response
from hornburg.net.association import Association
from hornburg.net.errors import AssociationLostError
from hornburg.ul.events import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    PresentationContext,
)
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import agreed

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
REQUEST = AssociateRequest(
    called_aet="THERE",
    calling_aet="HERE",
    contexts=(PresentationContext(1, VERIFICATION, (IMPLICIT,)),),
)
ECHO = Command(field=CommandField.C_ECHO_RQ, message_id=1, sop_class_uid=VERIFICATION)
STORE = Command(
    field=CommandField.C_STORE_RQ,
    message_id=1,
    sop_class_uid=VERIFICATION,
    sop_instance_uid="1.2.3",
    has_dataset=True,
)


@dataclass
class Sides:
    """Both ends of an association that is established."""

    asking: Association
    answering: Association
    ended: list[Association]


def accept(association: Association, request: AssociateRequest) -> None:
    answer = AssociateAccept(
        called_aet=request.called_aet,
        calling_aet=request.calling_aet,
        contexts=tuple(ContextResult(one.context_id, 0, IMPLICIT) for one in request.contexts),
    )
    association.accept(answer, agreed(request, answer, we_are_requestor=False))


class Line:
    """Connections to an acceptor, which may be told what to do with a request."""

    def __init__(self) -> None:
        self.on_request: Callable[[Association, AssociateRequest], None] = accept
        self.timeout = 0.0
        self.artim = 60.0
        self.ended: list[Association] = []
        self.accepted: asyncio.Queue[Association] = asyncio.Queue()
        self.port = 0

    def acceptor(self) -> Association:
        made = Association(
            requestor=False,
            limits=Limits(),
            timeout=self.timeout,
            artim=self.artim,
            on_request=lambda association, request: self.on_request(association, request),
            on_end=self.ended.append,
        )
        self.accepted.put_nowait(made)
        return made

    async def connect(self, **more: Any) -> Association:
        """The end that asks, before it has."""
        loop = asyncio.get_running_loop()
        given = {"timeout": 0.0, "artim": 60.0, "on_end": self.ended.append, **more}
        _, made = await loop.create_connection(
            lambda: Association(requestor=True, limits=Limits(), **given), "127.0.0.1", self.port
        )
        return made

    async def open(self, **more: Any) -> Sides:
        asking = await self.connect(**more)
        answer = await asking.request(REQUEST)
        assert isinstance(answer, AssociateAccept)
        asking.contexts = agreed(REQUEST, answer, we_are_requestor=True)
        return Sides(asking, await self.accepted.get(), self.ended)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    made = Line()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(made.acceptor, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def lost(waiting: Awaitable[Any]) -> str:
    with pytest.raises(AssociationLostError) as caught:
        await waiting
    return str(caught.value)


async def test_from_request_to_release(line: Line) -> None:
    sides = await line.open()
    assert set(sides.asking.contexts) == set(sides.answering.contexts) == {1}
    await sides.asking.send(1, ECHO)
    message = await sides.answering.inbox.next()
    assert message.command.message_id == 1
    await sides.answering.send(1, response(message.command, 0))
    assert (await sides.asking.inbox.next()).command.status == 0
    releasing = asyncio.ensure_future(sides.asking.release())
    assert "released" in await lost(sides.answering.inbox.next())
    assert sides.answering.peer_released
    sides.answering.confirm_release()
    await releasing
    await sides.asking.ended
    await sides.answering.ended
    # Each end is told once.
    assert sorted(map(id, line.ended)) == sorted((id(sides.asking), id(sides.answering)))


async def test_a_rejection(line: Line) -> None:
    line.on_request = lambda association, _: association.reject(AssociateReject(1, 1, 7))
    asking = await line.connect()
    answer = await asking.request(REQUEST)
    assert answer == AssociateReject(1, 1, 7)
    asking.abort("done")
    await asking.ended
    await (await line.accepted.get()).ended


async def test_an_abort(line: Line) -> None:
    sides = await line.open()
    waiting = asyncio.ensure_future(sides.answering.inbox.next())
    await asyncio.sleep(0)
    sides.asking.abort("had enough")
    assert sides.asking.why == "had enough"
    assert "abort" in await lost(waiting)
    assert "had enough" in await lost(sides.asking.send(1, ECHO))
    assert "abort" in await lost(sides.answering.send(1, ECHO))
    await sides.answering.ended


async def test_a_request_that_nobody_answers(line: Line) -> None:
    line.on_request = lambda *_: None
    asking = await line.connect(artim=60.0)
    waiting = asyncio.ensure_future(asking.request(REQUEST))
    other = await line.accepted.get()
    asking.abort("no answer")
    assert "no answer" in await lost(waiting)
    await other.ended


async def test_who_asks_for_nothing(line: Line) -> None:
    """The ARTIM timer of the acceptor (PS3.8 section 9.1.5)."""
    line.artim = 0.01
    asking = await line.connect()
    other = await line.accepted.get()
    await other.ended
    assert "in time" in other.why
    await asking.ended


async def test_silence_is_ended(line: Line) -> None:
    line.timeout = 0.01
    sides = await line.open()
    assert "0.01 seconds" in await lost(sides.answering.inbox.next())
    assert "abort" in await lost(sides.asking.inbox.next())


async def test_work_is_no_silence(line: Line) -> None:
    """The clock runs only while this side waits for the other one."""
    line.timeout = 0.02
    sides = await line.open()
    await sides.asking.send(1, ECHO)
    message = await sides.answering.inbox.next()
    await asyncio.sleep(0.1)
    assert sides.answering.why == ""
    await sides.answering.send(1, response(message.command, 0))
    assert (await sides.asking.inbox.next()).command.status == 0


async def test_each_message_gives_more_time(line: Line) -> None:
    line.timeout = 0.2
    sides = await line.open()
    for _ in range(10):
        await asyncio.sleep(0.03)
        await sides.asking.send(1, STORE, b"ab")
        message = await sides.answering.inbox.next()
        assert await sides.answering.inbox.parts(message) == [b"ab"]
    assert "0.2 seconds" in await lost(sides.answering.inbox.next())


async def test_a_trickle_is_silence(line: Line) -> None:
    """A byte now and then, of a PDU that never ends."""
    line.timeout = 0.1
    sides = await line.open()
    transport = sides.asking._transport
    assert transport is not None
    transport.write(struct.pack(">BxIIBB", 4, 16384, 16380, 1, 3))
    waiting = asyncio.ensure_future(sides.answering.inbox.next())
    while not waiting.done():
        transport.write(b"x")
        await asyncio.sleep(0.01)
    assert "0.1 seconds" in await lost(waiting)


async def test_a_large_data_set_waits_for_its_reader(line: Line) -> None:
    """The sender is held as long as nobody takes what it sends; nothing is lost."""
    sides = await line.open()
    data = bytes(range(256)) * 4096 * 32
    sending = asyncio.ensure_future(sides.asking.send(1, STORE, data))
    message = await sides.answering.inbox.next()
    held = message.waiting
    assert held < 4 << 20
    assert not sending.done()
    received = bytearray()
    while parts := await sides.answering.inbox.parts(message):
        assert sum(map(len, parts)) < 4 << 20
        received += b"".join(parts)
    await sending
    assert received == data


async def test_a_reader_that_reads_nothing_is_left(line: Line) -> None:
    sides = await line.open(timeout=0.05)
    sides.answering._transport.pause_reading()  # type: ignore[union-attr]
    assert "seconds" in await lost(sides.asking.send(1, STORE, bytes(64 << 20)))
    # What can't be sent does not keep the connection.
    await sides.asking.ended


async def test_the_other_side_is_gone(line: Line) -> None:
    sides = await line.open()
    waiting = asyncio.ensure_future(sides.answering.inbox.next())
    await asyncio.sleep(0)
    sides.asking._transport.abort()  # type: ignore[union-attr]
    assert "connection" in await lost(waiting)
    await sides.answering.ended
    await lost(sides.asking.send(1, ECHO))
    # Whatever comes after the end is nothing.
    sides.answering.abort("again")
    sides.answering.confirm_release()
    await sides.answering.release()
    assert "connection" in sides.answering.why


async def test_a_release_that_nobody_answers(line: Line) -> None:
    sides = await line.open(artim=0.01)
    await sides.asking.release()
    await sides.asking.ended
    assert sides.asking.why


async def test_both_release_at_once(line: Line) -> None:
    """PS3.8 section 7.2.2: a collision, and both go in good order."""
    sides = await line.open()
    await asyncio.gather(sides.asking.release(), sides.answering.release())
    await sides.asking.ended
    await sides.answering.ended


async def test_a_fault_ends_it(line: Line) -> None:
    """A data set without a command is against PS3.7."""
    sides = await line.open()
    sides.asking._transport.write(  # type: ignore[union-attr]
        struct.pack(">BxIIBB", 4, 8, 4, 1, 2) + b"ab"
    )
    assert await lost(sides.answering.inbox.next())
    assert "abort" in await lost(sides.asking.inbox.next())


async def test_a_half_closed_connection(line: Line) -> None:
    with socket.create_connection(("127.0.0.1", line.port)) as client:
        other = await line.accepted.get()
        client.shutdown(socket.SHUT_WR)
        await other.ended
    assert other.why


async def test_a_cancelled_sender_leaves_it_usable_to_abort(line: Line) -> None:
    sides = await line.open()
    sides.answering._transport.pause_reading()  # type: ignore[union-attr]
    sending = asyncio.ensure_future(sides.asking.send(1, STORE, bytes(64 << 20)))
    await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sides.asking.abort("given up")
    sides.answering._transport.resume_reading()  # type: ignore[union-attr]
    # What was on its way arrives, and then the end of it.
    message = await sides.answering.inbox.next()
    with pytest.raises(AssociationLostError):
        while await sides.answering.inbox.parts(message):
            pass
