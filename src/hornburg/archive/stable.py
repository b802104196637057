"""Patients, studies and series become stable when nothing arrived for ``StableAge`` seconds.

What is waiting is in the index, so a restart forgets nothing.
"""

from __future__ import annotations

import asyncio
import logging

from hornburg.archive.parts import Archive, stamp
from hornburg.errors import HornburgError

__all__ = ["settle", "watch"]

log = logging.getLogger("hornburg.archive")

#: Resources that one transaction marks, so that uploads never wait long behind it.
_BATCH = 500

#: How often the index is asked, in seconds.
_PERIOD = 1.0


async def settle(archive: Archive) -> int:
    """Mark what is due as stable; answers how many resources were."""
    now = archive.clock()
    quiet_since = now - archive.settings.stable_age
    total = 0
    while True:
        settled = await archive.index.write(
            lambda writer: writer.settle(quiet_since, stamp(now), _BATCH)
        )
        total += len(settled)
        if len(settled) < _BATCH:
            return total


async def watch(archive: Archive, stop: asyncio.Event) -> None:
    """Settle once a second until told to stop. An error is logged, and the next try follows."""
    while not stop.is_set():
        try:
            await settle(archive)
        except HornburgError as error:
            log.error("resources could not be marked as stable: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _PERIOD)
        except TimeoutError:
            continue
