"""A clock that only moves when it is told to."""

from __future__ import annotations

import asyncio

from hornburg.jobs.clock import Clock

__all__ = ["FakeClock"]


class FakeClock(Clock):
    """Time stands still until :meth:`advance`.

    Args:
        start: Unix time in seconds.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Unix time in seconds."""
        return self._now

    def running(self) -> float:
        """The same: nobody sets this clock."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced far enough."""
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, awake))
        await awake

    async def advance(self, seconds: float) -> None:
        """Move on, and let what has waited for it have its turn."""
        self._now += seconds
        for until, awake in self._sleepers:
            if until <= self._now and not awake.done():
                awake.set_result(None)
        self._sleepers = [one for one in self._sleepers if not one[1].done()]
        for _ in range(_TURNS):
            await asyncio.sleep(0)


#: Turns of the loop after which everything that needs no input has come to rest.
_TURNS = 20
