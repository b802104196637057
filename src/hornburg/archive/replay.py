"""After a power cut: entries of the index that had not reached the disk, made again from notes.

A note lies beside its file in the journal of the storage. It says what the file itself doesn't:
the number of the change in the index, when the instance came, and who brought it. An index whose
newest change has that number, or a larger one, has had this entry, and may have deleted it since.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

import msgspec

from hornburg.archive.entry import new_instance, read_header
from hornburg.archive.keep import describe
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.index.base import NewInstance, Writer
from hornburg.index.names import DICOM

__all__ = ["note", "replay"]

log = logging.getLogger("hornburg.archive")

#: Entries that one commit makes.
_STEP = 200

_Note = tuple[int, float, Origin]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Note).decode


def note(change: int, now: float, origin: Origin) -> bytes:
    """What the entry of an instance can be made of, beside its file."""
    return _encode((change, now, origin))


async def replay(archive: Archive) -> int:
    """At the start, before the sweep: make the entries that are missing, in their order.

    Returns:
        How many were made.

    Raises:
        DatabaseError: a note can't be read, or its entry can't be made. Nothing is lost then, and
            the next start tries again.
        StorageFullError: the same, for want of room.
    """
    newest = await archive.index.look(lambda reader: reader.last_change())
    left = [(*_decode(text), uuid) for uuid, text in archive.storage.notes()]
    due = sorted((one for one in left if one[0] > newest), key=lambda one: one[0])
    made = 0
    for at in range(0, len(due), _STEP):
        entries = [
            await archive.work(_entry, archive, uuid, now, origin)
            for _, now, origin, uuid in due[at : at + _STEP]
        ]
        made += await archive.index.write(functools.partial(_store, entries))
    return made


def _entry(archive: Archive, uuid: str, now: float, origin: Origin) -> NewInstance:
    content = archive.storage.read(uuid)
    with Spool(archive.storage) as spool:
        spool.write(content)
        attachment = describe(archive, spool, DICOM, uuid)
    return new_instance(archive, read_header(archive, content), origin, attachment, now)


def _store(entries: Sequence[NewInstance], writer: Writer) -> int:
    known = writer.known_uuids([entry.attachment.uuid for entry in entries])
    return sum(
        writer.store(entry).is_new for entry in entries if entry.attachment.uuid not in known
    )
