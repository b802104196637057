"""What a crash leaves: entries that had not reached the disk, files without an entry, and files
whose entry is gone already.

Only what this very index must have written or let go of is ever removed. Files and index name the
archive that they belong to, and they share the token of the last checkpoint: an index that is
older than the files, such as one from a backup, doesn't know them, and they stay.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Sequence

from hornburg.archive.parts import Archive
from hornburg.archive.remove import discard
from hornburg.archive.replay import replay
from hornburg.errors import HornburgError, IncompatibleDatabaseError
from hornburg.index.base import Reader

__all__ = ["checkpoint", "keep_checkpoints", "own", "sweep"]

log = logging.getLogger("hornburg.archive")

#: Files that one step looks at.
_STEP = 1000

#: Seconds between checkpoints. An index that was put back is known to be older than the files
#: when it lacks the last one.
_PERIOD = 300.0

_IDENTIFIER = "server-identifier"
_CHECKPOINT = "checkpoint"


async def own(archive: Archive) -> None:
    """Make sure that the files belong to this index; a new archive gets its identifier.

    Raises:
        IncompatibleDatabaseError: they belong to another one.
    """
    settings = archive.settings
    known, totals = await archive.index.look(
        lambda reader: (reader.property(_IDENTIFIER), reader.statistics())
    )
    owner = archive.storage.owner()
    if owner is not None and owner != known:
        raise IncompatibleDatabaseError(
            f"The files in {settings.storage_directory} belong to another index than the one in "
            f"{settings.index_folder}: put the right one back (IndexDirectory), or choose another "
            "StorageDirectory and bring the files in with 'hornburg import'"
        )
    if owner is None and totals.uncompressed_size:
        raise IncompatibleDatabaseError(
            f"The files of the index in {settings.index_folder} are not in "
            f"{settings.storage_directory}: put them back, or correct StorageDirectory"
        )
    if known is None:
        known = str(uuid.uuid4())
        await archive.index.write(lambda writer: writer.set_property(_IDENTIFIER, known))
    if owner is None:
        await archive.work(archive.storage.claim, known)


async def sweep(archive: Archive) -> int:
    """At the start, make the entries again that the storage has notes of; then remove files that
    never reached the index, or were about to go.

    Only after an unclean stop is there anything to look at.

    Returns:
        How many were removed.
    """
    await _heed_notes(archive)
    removed = 0
    while due := await archive.index.read(lambda reader: reader.removals(_STEP)):
        await discard(archive, due)
        removed += len(due)
    suspects = await archive.work(lambda: list(archive.storage.suspects()))
    left: list[str] = []
    for at in range(0, len(suspects), _STEP):
        some = suspects[at : at + _STEP]
        known = await archive.index.read(functools.partial(_known, some))
        left += [name for name in some if name not in known]
    if left and not await _is_of_these_files(archive):
        log.error(
            "the index is older than the files: %d files that it doesn't know are left where they "
            "are; 'hornburg import' brings them in",
            len(left),
        )
    elif left:
        await archive.work(_remove, archive, left)
        removed += len(left)
    await checkpoint(archive)
    return removed


async def _heed_notes(archive: Archive) -> None:
    if not archive.storage.notes():
        return
    if await _is_of_these_files(archive):
        made = await replay(archive)
        log.warning("made %d entries again that an earlier stop took from the index", made)
    # An index that is older than the files stays as it is, and so do they.
    await archive.work(archive.storage.notes_heeded)


async def _is_of_these_files(archive: Archive) -> bool:
    tokens = await archive.index.look(lambda reader: reader.property(_CHECKPOINT))
    token = archive.storage.token()
    # Nothing was lost before the first checkpoint, which comes with the first start.
    return not token or token in (tokens or "").split()


def _remove(archive: Archive, uuids: Sequence[str]) -> None:
    for name in uuids:
        archive.storage.remove(name)


def _known(some: Sequence[str], reader: Reader) -> set[str]:
    return reader.known_uuids(some)


async def checkpoint(archive: Archive) -> None:
    """Let the index and the files share a new token.

    The index first, which keeps the one before as well: whenever the power goes, the token of the
    files is one of the two.
    """
    token = uuid.uuid4().hex
    last = await archive.index.look(lambda reader: reader.property(_CHECKPOINT)) or ""
    tokens = " ".join([token, *last.split()[:1]])
    await archive.index.write(lambda writer: writer.set_property(_CHECKPOINT, tokens))
    await archive.work(archive.storage.checkpoint, token)


async def keep_checkpoints(archive: Archive, stop: asyncio.Event) -> None:
    """A checkpoint now and then while something arrives, until told to stop."""
    seen = -1
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), _PERIOD)
        except TimeoutError:
            newest = await archive.index.look(lambda reader: reader.last_change())
            if newest == seen:
                continue
            seen = newest
            try:
                await checkpoint(archive)
            except HornburgError as error:
                log.error("a checkpoint could not be made: %s", error)
