"""Events on their way to one plug-in: in order, bounded, without holding up anybody."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

from hornburg.hooks.guest import EVENTS, Guest
from hornburg.hooks.specs import Event

__all__ = ["MOST_EVENTS", "Mailbox"]

log = logging.getLogger("hornburg.plugins")

#: Events that wait for one plug-in.
MOST_EVENTS = 10_000

#: Seconds between two lines about events that were dropped.
_COMPLAIN_EVERY = 10.0

_HEARTBEAT = Event("")


class Mailbox:
    """The events of one plug-in, and the task that delivers them.

    Args:
        guest: whose they are.
        most: events that may wait.
    """

    def __init__(self, guest: Guest, most: int = MOST_EVENTS) -> None:
        self._guest = guest
        self._most = most
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._dropped = 0
        self._complained = -_COMPLAIN_EVERY
        self._tasks: list[asyncio.Task[None]] = []

    def put(self, events: Iterable[Event]) -> None:
        """Have events delivered after those that wait."""
        for event in events:
            if len(self._waiting) >= self._most:
                self._dropped += 1
            else:
                self._waiting.append(event)
                self._empty.clear()
        self._news.set()
        if self._tasks and self._dropped:
            self._complain()

    def put_first(self, event: Event) -> None:
        """Have an event delivered before those that wait."""
        self._waiting.appendleft(event)
        self._empty.clear()
        self._news.set()

    def start(self) -> None:
        """Begin to deliver, and the heart to beat."""
        self._tasks.append(asyncio.create_task(self._deliver()))
        if self._guest.plugin.heartbeat_period > 0:
            self._tasks.append(asyncio.create_task(self._beat()))

    async def close(self, patience: float) -> None:
        """Deliver what waits, as far as that takes no more than ``patience`` seconds."""
        if not self._tasks:
            return
        delivering, *others = self._tasks
        for task in others:
            task.cancel()
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            lost = len(self._waiting) + self._dropped
            log.error(
                "plug-in %s: on_event does not end; %d events that wait are lost",
                self._guest.name,
                lost,
            )
        delivering.cancel()
        # A coroutine of a plug-in may not care.
        await asyncio.wait(self._tasks, timeout=patience)

    def _complain(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained >= _COMPLAIN_EVERY:
            log.error(
                "plug-in %s: %d events wait already, so %d were dropped",
                self._guest.name,
                len(self._waiting),
                self._dropped,
            )
            self._complained, self._dropped = now, 0

    async def _deliver(self) -> None:
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                hook, arguments = (
                    ("heartbeat", ()) if event is _HEARTBEAT else ("on_event", (event,))
                )
                function = getattr(self._guest.plugin, hook)
                try:
                    await self._guest.run(function, EVENTS, None, *arguments)
                except Exception as error:  # noqa: BLE001 - a plug-in may raise what it likes
                    self._guest.fault(hook, error)
                # A coroutine that waits for nothing must not keep the others from their turn.
                await asyncio.sleep(0)
            self._empty.set()
            self._news.clear()
            await self._news.wait()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._guest.plugin.heartbeat_period)
            if _HEARTBEAT not in self._waiting:
                self.put([_HEARTBEAT])
