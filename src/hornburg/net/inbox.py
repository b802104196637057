"""What has arrived on an association and waits to be taken: whole messages, or large ones in parts.

Small messages wake the reader once, when they are complete. Of large ones the parts wait here
only up to :data:`HIGH`; then the transport stops reading until somebody takes them, so that a
data set of any size costs bounded memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from hornburg.dimse.commands import Command, CommandField
from hornburg.dimse.messages import CommandReceived, MessageError, Messages
from hornburg.net.errors import AssociationLostError
from hornburg.ul.events import DataReceived

__all__ = ["HIGH", "Inbox", "Message"]

#: Bytes that wait at the most. Most instances of CT and MR fit.
HIGH = 1 << 20

#: Bytes at which the reader of a large message hears of it: while it takes them, more arrives.
_NEWS = HIGH // 2

#: Whole messages that wait at the most. Without an asynchronous operations window the other side
#: sends one at a time, and perhaps a C-CANCEL.
_MOST_WAITING = 8

#: C-CANCELs that are remembered; each names a request that is running or waits.
_MOST_CANCELS = 16

#: C-CANCELs without another request between them, after which nobody means it.
_CANCELS_IN_A_ROW = 256

#: Bytes that keeping a fragment costs besides its own.
_OVERHEAD = 64


class Message:
    """A command, and what has arrived of its data set."""

    __slots__ = ("_parts", "command", "complete", "context_id", "waiting")

    def __init__(self, context_id: int, command: Command) -> None:
        self.context_id = context_id
        self.command = command
        self.complete = not command.has_dataset
        self.waiting = 0
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        # Fragments may be of two bytes: then what keeps them is the memory that they take.
        self.waiting += len(part) + _OVERHEAD

    def take(self) -> list[bytes]:
        parts, self._parts, self.waiting = self._parts, [], 0
        return parts


class Inbox:
    """Collects messages for one reader.

    Args:
        hold: called with true when no more should be read from the transport for now, and with
            false when there is room again.
        began_waiting: called when the reader begins to wait for the other side.
    """

    def __init__(self, hold: Callable[[bool], None], began_waiting: Callable[[], None]) -> None:
        self._hold = hold
        self._began_waiting = began_waiting
        self._messages = Messages()
        self._queue: deque[Message] = deque()
        self._growing: Message | None = None
        self._queued = False
        self._reader: asyncio.Future[None] | None = None
        self._held = False
        self._end: str | None = None
        self._cancels = 0
        self.cancelled: set[int] = set()

    @property
    def waits(self) -> bool:
        """Whether the reader waits for the other side."""
        return self._reader is not None

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun to arrive, and has not ended."""
        return self._growing is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no message waits, and none has begun to arrive."""
        return not self._queue and self._growing is None

    def put(self, data: DataReceived) -> bool:
        """Take a fragment; answers whether a message is complete with it.

        Raises:
            MessageError: the other side breaks the rules of PS3.7.
        """
        completed = False
        for event in self._messages.receive(data):
            if isinstance(event, CommandReceived):
                completed |= self._begin(Message(event.context_id, event.command))
            else:
                message = self._growing
                assert message is not None
                # The transport's buffer is used again for the next read.
                message.add(bytes(event.data))
                if event.is_last:
                    message.complete = completed = True
                    self._growing = None
                    self._enqueue(message)
                elif message.waiting >= _NEWS:
                    self._enqueue(message)
        self._weigh()
        return completed

    def _begin(self, message: Message) -> bool:
        if message.command.field == CommandField.C_CANCEL_RQ:
            self._cancels += 1
            if self._cancels > _CANCELS_IN_A_ROW:
                raise MessageError(f"more than {_CANCELS_IN_A_ROW} C-CANCELs in a row")
            if len(self.cancelled) >= _MOST_CANCELS:
                # All but the last came too late for what they name.
                self.cancelled.clear()
            self.cancelled.add(message.command.responded_to)
            return True
        self._cancels = 0
        # A cancel that came too late is not for a later request of the same number.
        self.cancelled.discard(message.command.message_id)
        self._queued = False
        if message.complete:
            self._enqueue(message)
            return True
        self._growing = message
        return False

    def _enqueue(self, message: Message) -> None:
        """The reader hears of a message when it is complete, or when it is large."""
        if not self._queued:
            self._queue.append(message)
            self._queued = True
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)

    def _weigh(self) -> None:
        growing = self._growing.waiting if self._growing is not None else 0
        full = growing >= HIGH or len(self._queue) >= _MOST_WAITING
        full = full or (len(self._queue) > 1 and sum(each.waiting for each in self._queue) >= HIGH)
        if full is not self._held:
            self._held = full
            self._hold(full)

    async def _wait(self) -> None:
        if self._end is not None:
            raise AssociationLostError(self._end)
        self._began_waiting()
        reader = self._reader = asyncio.get_running_loop().create_future()
        try:
            await reader
        finally:
            self._reader = None

    async def next(self) -> Message:
        """The next message; a large one may still be arriving.

        Raises:
            AssociationLostError: there will be none.
        """
        while not self._queue:
            await self._wait()
        message = self._queue.popleft()
        self._weigh()
        return message

    async def parts(self, message: Message) -> list[bytes]:
        """More of the data set; an empty list at its end.

        Raises:
            AssociationLostError: the rest will not come.
        """
        while not message.waiting and not message.complete:
            await self._wait()
        parts = message.take()
        self._weigh()
        return parts

    def close(self, why: str) -> None:
        """Nothing more arrives; what is complete may still be taken."""
        if self._end is None:
            self._end = why
            self._wake()
