"""Taking resources out: the index first, then the files."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level
from hornburg.index.base import Deletion, Reader

__all__ = ["delete", "remove_files", "sweep"]


async def delete(archive: Archive, level: Level, public_id: str) -> Deletion | None:
    """Remove a resource and all below it; ``None`` when there is no such resource.

    A crash between the commit and the removal leaves files without an entry, which the sweep of
    the next start removes.

    Raises:
        ForbiddenError: the archive is read-only.
    """
    archive.refuse_if_read_only()
    deletion = await archive.index.write(lambda writer: writer.delete(level, public_id))
    if deletion is not None:
        await archive.work(remove_files, archive, deletion.uuids)
    return deletion


def remove_files(archive: Archive, uuids: Iterable[str]) -> None:
    """Remove files that the index has let go of. Blocks."""
    for uuid in uuids:
        archive.storage.remove(uuid)


async def sweep(archive: Archive) -> int:
    """At the start, remove files that never reached the index, or were about to go.

    Only after an unclean stop is there anything to look at.

    Returns:
        How many were removed.
    """
    suspects = await archive.work(lambda: list(archive.storage.suspects()))
    removed = 0
    for at in range(0, len(suspects), 1000):
        some = suspects[at : at + 1000]
        known = await archive.index.read(functools.partial(_known, some))
        left = [uuid for uuid in some if uuid not in known]
        await archive.work(remove_files, archive, left)
        removed += len(left)
    await archive.work(archive.storage.swept)
    return removed


def _known(some: Sequence[str], reader: Reader) -> set[str]:
    return reader.known_uuids(some)
