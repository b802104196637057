"""Time, as the engine sees it; tests have a clock of their own (:mod:`hornburg.testing.clock`)."""

from __future__ import annotations

import asyncio
import time

__all__ = ["Clock"]


class Clock:
    """The clock of the machine."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def running(self) -> float:
        """Seconds since some moment; goes on when somebody sets the clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
