"""What waits to be taken: order, bounds, cancels, ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hornburg.dimse.commands import Command, CommandField, encode_command
from hornburg.dimse.errors import DimseError
from hornburg.net.errors import AssociationLostError
from hornburg.net.inbox import HIGH, Inbox
from hornburg.ul.events import DataReceived


class Held:
    """An inbox, and whether it wants the transport to stop reading."""

    def __init__(self) -> None:
        self.held = False
        self.waited = 0
        self.inbox = Inbox(self._hold, self._began)

    def _hold(self, held: bool) -> None:
        assert held is not self.held
        self.held = held

    def _began(self) -> None:
        self.waited += 1

    def put(self, value: bytes, *, command: bool, last: bool, context: int = 1) -> bool:
        return self.inbox.put(DataReceived(context, command, last, memoryview(value)))

    def store(self, message_id: int = 1, *parts: bytes, ended: bool = True) -> bool:
        command = Command(
            field=CommandField.C_STORE_RQ,
            message_id=message_id,
            sop_class_uid="1.2",
            sop_instance_uid="1.3",
            has_dataset=True,
        )
        whole = self.put(encode_command(command), command=True, last=True)
        for number, part in enumerate(parts):
            whole = self.put(part, command=False, last=ended and number == len(parts) - 1)
        return whole

    def echo(self, message_id: int) -> bool:
        command = Command(
            field=CommandField.C_ECHO_RQ, message_id=message_id, sop_class_uid="1.2.840.10008.1.1"
        )
        return self.put(encode_command(command), command=True, last=True)

    def cancel(self, message_id: int) -> bool:
        command = Command(field=CommandField.C_CANCEL_RQ, message_id=0, responded_to=message_id)
        return self.put(encode_command(command), command=True, last=True)


@pytest.fixture
def held() -> Iterator[Held]:
    yield Held()


async def whole(held: Held, message: object) -> bytes:
    parts = []
    while arrived := await held.inbox.parts(message):  # type: ignore[arg-type]
        parts += arrived
    return b"".join(parts)


async def test_messages_in_order(held: Held) -> None:
    assert held.store(1, b"ab", b"cd")
    assert held.echo(2)
    first = await held.inbox.next()
    assert first.command.message_id == 1
    assert await whole(held, first) == b"abcd"
    second = await held.inbox.next()
    assert second.command.message_id == 2
    assert await whole(held, second) == b""
    assert held.waited == 0
    assert held.inbox.idle


async def test_a_reader_is_woken_once_a_small_message_is_whole(held: Held) -> None:
    reading = asyncio.ensure_future(held.inbox.next())
    await asyncio.sleep(0)
    assert held.inbox.waits and held.waited == 1
    assert not held.store(1, b"a" * 1000, ended=False)
    assert not held.inbox.idle
    await asyncio.sleep(0)
    assert not reading.done()
    assert held.put(b"b", command=False, last=True)
    message = await reading
    assert await whole(held, message) == b"a" * 1000 + b"b"


async def test_a_large_message_is_given_in_parts(held: Held) -> None:
    """The transport rests while a megabyte waits, and goes on when it was taken."""
    held.store(1, bytes(HIGH // 2), ended=False)
    message = await held.inbox.next()
    assert not message.complete and not held.held
    held.put(bytes(HIGH // 2), command=False, last=False)
    assert held.held
    assert sum(map(len, await held.inbox.parts(message))) == HIGH
    assert not held.held
    more = asyncio.ensure_future(held.inbox.parts(message))
    await asyncio.sleep(0)
    held.put(b"x" * HIGH, command=False, last=False)
    assert b"".join(await more) == b"x" * HIGH
    held.put(b"end", command=False, last=True)
    assert await whole(held, message) == b"end"
    assert not held.held


async def test_many_small_messages_hold_the_transport(held: Held) -> None:
    number = 0
    while not held.held:
        number += 1
        held.echo(number)
        assert number < 100
    assert 1 < number <= 16
    for expected in range(1, number + 1):
        assert (await held.inbox.next()).command.message_id == expected
    assert not held.held


async def test_a_reused_buffer_changes_nothing(held: Held) -> None:
    buffer = bytearray(b"abc")
    held.store(1, ended=False)
    held.inbox.put(DataReceived(1, False, True, memoryview(buffer)))
    buffer[:] = b"xyz"
    assert await whole(held, await held.inbox.next()) == b"abc"


# -- cancels ------------------------------------------------------------------------------------


async def test_a_cancel_is_no_message(held: Held) -> None:
    held.store(5, b"a")
    held.cancel(5)
    assert held.inbox.cancelled == {5}
    assert (await held.inbox.next()).command.message_id == 5
    assert held.inbox.idle


async def test_a_cancel_counts_for_no_later_request(held: Held) -> None:
    """It came too late; the number may be used again (PS3.7 section 9.1.2.1)."""
    held.cancel(5)
    held.store(5, b"a")
    assert held.inbox.cancelled == set()


async def test_cancels_do_not_pile_up(held: Held) -> None:
    for number in range(200):
        held.cancel(number)
    assert len(held.inbox.cancelled) <= 16
    # And the last one counts.
    assert 199 in held.inbox.cancelled


# -- ends ---------------------------------------------------------------------------------------


async def test_what_is_complete_can_be_taken_after_the_end(held: Held) -> None:
    held.store(1, b"a")
    held.inbox.close("gone")
    assert await whole(held, await held.inbox.next()) == b"a"
    with pytest.raises(AssociationLostError, match="gone"):
        await held.inbox.next()


async def test_half_a_message_ends_with_the_association(held: Held) -> None:
    held.store(1, bytes(HIGH), ended=False)
    message = await held.inbox.next()
    await held.inbox.parts(message)
    reading = asyncio.ensure_future(held.inbox.parts(message))
    await asyncio.sleep(0)
    held.inbox.close("broken off")
    with pytest.raises(AssociationLostError, match="broken off"):
        await reading
    # What was said first stays.
    held.inbox.close("something else")
    with pytest.raises(AssociationLostError, match="broken off"):
        await held.inbox.next()


async def test_a_cancelled_reader_leaves_no_trace(held: Held) -> None:
    reading = asyncio.ensure_future(held.inbox.next())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert not held.inbox.waits
    held.echo(1)
    assert (await held.inbox.next()).command.message_id == 1


async def test_a_data_set_without_a_command(held: Held) -> None:
    with pytest.raises(DimseError):
        held.put(b"a", command=False, last=True)


async def test_a_message_inside_of_another(held: Held) -> None:
    held.store(1, b"a", ended=False)
    with pytest.raises(DimseError):
        held.echo(2)
