"""Taking resources out: the index first, then the files."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level
from hornburg.index.base import Deletion, Reader

__all__ = ["delete", "discard", "sweep"]

#: Files that one step of the sweep looks at.
_STEP = 1000


async def delete(archive: Archive, level: Level, public_id: str) -> Deletion | None:
    """Remove a resource and all below it; ``None`` when there is no such resource.

    Raises:
        ForbiddenError: the archive is read-only.
    """
    archive.refuse_if_read_only()
    deletion = await archive.index.write(lambda writer: writer.delete(level, public_id))
    if deletion is not None:
        await discard(archive, deletion.uuids)
    return deletion


async def discard(archive: Archive, uuids: Sequence[str]) -> None:
    """Remove files that the index has let go of, and tell it.

    The index remembers them until then: a crash in between leaves nothing that the sweep of the
    next start doesn't know.
    """
    if not uuids:
        return
    await archive.work(_remove, archive, uuids)
    await archive.index.write(lambda writer: writer.removed(uuids))


def _remove(archive: Archive, uuids: Sequence[str]) -> None:
    for uuid in uuids:
        archive.storage.remove(uuid)


async def sweep(archive: Archive) -> int:
    """At the start, remove files that never reached the index, or were about to go.

    Only after an unclean stop is there anything to look at.

    Returns:
        How many were removed.
    """
    removed = 0
    while due := await archive.index.read(lambda reader: reader.removals(_STEP)):
        await discard(archive, due)
        removed += len(due)
    suspects = await archive.work(lambda: list(archive.storage.suspects()))
    for at in range(0, len(suspects), _STEP):
        some = suspects[at : at + _STEP]
        known = await archive.index.read(functools.partial(_known, some))
        left = [uuid for uuid in some if uuid not in known]
        await archive.work(_remove, archive, left)
        removed += len(left)
    await archive.work(archive.storage.swept)
    return removed


def _known(some: Sequence[str], reader: Reader) -> set[str]:
    return reader.known_uuids(some)
