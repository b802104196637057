"""What commands have done beside the server goes into its audit trail."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from hornburg.archive.parts import Archive
from hornburg.errors import HornburgError
from hornburg.security.deeds import DEEDS_FILE, Deeds
from hornburg.security.private_file import PrivateFile

__all__ = ["hear_of_commands", "note_commands"]

log = logging.getLogger("hornburg")

#: Seconds between two looks.
_PERIOD = 1


async def hear_of_commands(archive: Archive, stop: asyncio.Event) -> None:
    """Look now and then until told to stop; what was done before the start comes first,
    and what was done before the stop is not left."""
    deeds = Deeds(PrivateFile(archive.settings.index_folder / DEEDS_FILE))
    said = ""
    while True:
        last = stop.is_set()
        try:
            await note_commands(archive, deeds)
            said = ""
        except HornburgError as error:
            if str(error) != said:
                said = str(error)
                log.error("%s", said)
        if last:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PERIOD)


async def note_commands(archive: Archive, deeds: Deeds) -> None:
    """Take what waits into the trail.

    Raises:
        HornburgError: the file can't be read or written.
    """
    if not deeds.are_there():
        return
    for deed in await archive.work(deeds.take):
        archive.trail.note(deed.event())
