"""Taking resources out: the index first, then the files."""

from __future__ import annotations

from collections.abc import Sequence

from hornburg.archive.parts import Archive
from hornburg.archive.touched import identify, touch
from hornburg.dicom.levels import Level
from hornburg.index.base import Deletion, Writer
from hornburg.security.trail import Identity

__all__ = ["delete", "discard"]


async def delete(archive: Archive, level: Level, public_id: str) -> Deletion | None:
    """Remove a resource and all below it; ``None`` when there is no such resource.

    Raises:
        ForbiddenError: the archive is read-only.
    """
    archive.refuse_if_read_only()
    whose: Identity | None = None

    def work(writer: Writer) -> Deletion | None:
        nonlocal whose
        whose = identify(writer, [(level, public_id)]).get((level, public_id))
        return writer.delete(level, public_id)

    deletion = await archive.index.write(work)
    if deletion is not None:
        touch(archive, "delete", level, public_id, whose)
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
