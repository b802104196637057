"""How long an association waits for the other side, and how much it reads of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Patience", "Valve"]

#: Bytes that must arrive within the time-out for a message to count as under way: a sender that
#: trickles is as good as silent.
_PROGRESS = 1024


class Patience:
    """Gives up when it is the other side's turn, and nothing comes of it.

    Args:
        seconds: its time; 0 for ever.
        is_its_turn: whether the other side is waited for at this moment.
        give_up: called once when its time is over.
    """

    def __init__(
        self, seconds: float, is_its_turn: Callable[[], bool], give_up: Callable[[], None]
    ) -> None:
        self._seconds = seconds
        self._is_its_turn = is_its_turn
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._bytes = 0
        self._over = False

    def start(self) -> None:
        """The other side has its full time from now on."""
        self._bytes = 0
        self._since = self._loop.time()
        if self._timer is None and self._seconds and not self._over:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def count(self, size: int) -> bool:
        """Count bytes that came; whether they are enough to be progress."""
        self._bytes += size
        return self._bytes >= _PROGRESS

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        left = self._seconds
        if self._is_its_turn():
            left = self._since + self._seconds - self._loop.time()
        if left > 0.001:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._over = True
            self._give_up()


class Valve:
    """Whether a transport reads: not while its reader has enough, nor while others have their turn.

    Args:
        transport: gives it, none when it is gone.
    """

    def __init__(self, transport: Callable[[], asyncio.Transport | None]) -> None:
        self._transport = transport
        self._held = False
        self._rests = False

    def hold(self, held: bool) -> None:
        """Read no more for now, or read on."""
        self._held = held
        self._set()

    def rest(self) -> None:
        """Read on when others have had their turn."""
        if not self._rests:
            self._rests = True
            self._set()
            asyncio.get_running_loop().call_soon(self._rested)

    def _rested(self) -> None:
        self._rests = False
        self._set()

    def _set(self) -> None:
        transport = self._transport()
        if transport is None or transport.is_closing():
            return
        if self._held or self._rests:
            transport.pause_reading()
        else:
            transport.resume_reading()
