"""How the server is asked to stop or to start anew."""

from __future__ import annotations

import asyncio

__all__ = ["Control"]


class Control:
    """Asks the server to stop or to start anew."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.restart = False
        self.hung_up = asyncio.Event()
        """SIGHUP has come, and nobody has heeded it yet."""
        self.renew = asyncio.Event()
        """The certificates are to be taken up at once."""

    def shut_down(self) -> None:
        """Stop, finishing what runs; asked again, without waiting for clients."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    def reset(self) -> None:
        """Stop, and start anew with the configuration read again."""
        self.restart = True
        self.stop.set()
