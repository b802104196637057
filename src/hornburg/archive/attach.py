"""The life of attachments: put, delete, compress, uncompress, verify.

A file is written before the index knows it, and removed when the index refuses it; the file that
it replaces is removed after the commit.
"""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO, TypeVar, cast

from hornburg.archive.keep import keep
from hornburg.archive.parts import Archive, stamp
from hornburg.archive.read import PIECE, attachment_of, storage_of
from hornburg.archive.recycle import make_room
from hornburg.archive.remove import discard
from hornburg.archive.revisions import Revision, check
from hornburg.archive.spool import Spool, md5_of_file
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError, CorruptedError, RevisionError, UnknownResourceError
from hornburg.index.base import Attachment, Compression, Reader, Writer
from hornburg.storage.zlib_form import pack_stream

__all__ = [
    "admit_attachment",
    "change_compression",
    "delete_attachment",
    "put_attachment",
    "verify_attachment",
]

T = TypeVar("T")


async def admit_attachment(
    archive: Archive, level: Level, public_id: str, number: int, expected: Revision | None = None
) -> None:
    """Whether an attachment may be put; asked before its bytes are read. The transaction that
    puts it looks again.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource.
        RevisionError: what is there is not what the client expects.
    """
    archive.refuse_if_read_only()
    await archive.index.look(
        lambda reader: _admit(archive, reader, level, public_id, number, expected)
    )


def _admit(
    archive: Archive,
    reader: Reader,
    level: Level,
    public_id: str,
    number: int,
    expected: Revision | None,
) -> None:
    known = reader.attachments(level, public_id)
    if known is None:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    there = next((one for one in known if one.number == number), None)
    current = None if there is None else Revision.of_attachment(there)
    check(current, expected, required=archive.settings.check_revisions)


async def put_attachment(
    archive: Archive,
    level: Level,
    public_id: str,
    number: int,
    content: Spool,
    expected: Revision | None = None,
) -> Revision:
    """Attach a file to a resource, in the place of one that is there; answers its revision.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource.
        RevisionError: what is there is not what the client expects.
        StorageFullError: no room on the disk, or a limit of the configuration.
    """
    await admit_attachment(archive, level, public_id, number, expected)
    return await archive.finish(_put(archive, level, public_id, number, content, expected))


async def _put(
    archive: Archive,
    level: Level,
    public_id: str,
    number: int,
    content: Spool,
    expected: Revision | None,
) -> Revision:
    attachment = await archive.work(keep, archive, content, number)
    date = stamp(archive.clock())

    def work(writer: Writer) -> tuple[Attachment, list[str]]:
        _admit(archive, writer, level, public_id, number, expected)
        put = writer.put_attachment(level, public_id, attachment)
        assert put is not None  # the resource was seen above, in the same transaction
        freed = make_room(writer, archive.settings, _patient_of(writer, level, public_id))
        writer.log_change("UpdatedAttachment", level, public_id, date)
        now = writer.attachment(level, public_id, number)
        assert now is not None
        return now, [*freed, *([put[1]] if put[1] else [])]

    stored, freed = await _index(archive, attachment.uuid, work)
    await discard(archive, freed)
    return Revision.of_attachment(stored)


async def _index(archive: Archive, new_file: str, work: Any) -> Any:
    """Run a change of the index that brings in a new file; without success the file goes."""
    try:
        return await archive.index.write(work)
    except BaseException:
        await archive.work(archive.storage.remove, new_file)
        raise


def _patient_of(reader: Reader, level: Level, public_id: str) -> str:
    """The patient above a resource, whom recycling leaves alone."""
    while level is not Level.PATIENT:
        found = reader.resource(level, public_id)
        parent = level.parent
        if found is None or found.parent_id is None or parent is None:
            break
        level, public_id = parent, found.parent_id
    return public_id


async def delete_attachment(
    archive: Archive, level: Level, public_id: str, number: int, expected: Revision | None = None
) -> None:
    """Remove an attachment of the user's.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource, or it has no such attachment.
        RevisionError: what is there is not what the client expects.
    """
    archive.refuse_if_read_only()
    required = archive.settings.check_revisions
    if required and expected is None:
        raise RevisionError("The revision of what is to be deleted must be given in If-Match")
    date = stamp(archive.clock())

    def work(writer: Writer) -> str | None:
        there = writer.attachment(level, public_id, number)
        if there is None:
            raise UnknownResourceError("The resource has no such attachment")
        check(Revision.of_attachment(there), expected, required=required)
        removed = writer.delete_attachment(level, public_id, number)
        writer.log_change("UpdatedAttachment", level, public_id, date)
        return removed

    removed = await archive.index.write(work)
    if removed is not None:
        await discard(archive, (removed,))


async def change_compression(
    archive: Archive, level: Level, public_id: str, number: int, compression: Compression
) -> None:
    """Keep an attachment compressed, or no longer so; its content stays the same.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource, or it has no such attachment.
        CorruptedError: the file is damaged; it is left as it is.
        StorageFullError: no room for the other form.
        RevisionError: the attachment was replaced meanwhile.
    """
    archive.refuse_if_read_only()
    attachment = await attachment_of(archive, level, public_id, number)
    if attachment.compression is compression:
        return
    await archive.finish(_convert(archive, level, public_id, attachment, compression))


async def _convert(
    archive: Archive, level: Level, public_id: str, old: Attachment, compression: Compression
) -> None:
    new = await archive.work(_rewrite, archive, old, compression)

    def work(writer: Writer) -> None:
        there = writer.attachment(level, public_id, old.number)
        if there is None or there.uuid != old.uuid:
            raise RevisionError("The attachment was changed meanwhile by another client")
        writer.put_attachment(level, public_id, new)

    await _index(archive, new.uuid, work)
    await discard(archive, (old.uuid,))


def _rewrite(archive: Archive, old: Attachment, compression: Compression) -> Attachment:
    """Write the other form of a file, its content compared with its MD5 on the way."""
    identifier = archive.storage.new_uuid()
    with archive.storage.scratch() as scratch:
        if compression is Compression.ZLIB:
            size, md5 = _packed(archive, old, scratch)
        else:
            size, md5 = _unpacked(archive, old, scratch)
        archive.storage.adopt(identifier, scratch)
    return Attachment(
        old.name,
        old.number,
        identifier,
        old.size,
        old.md5,
        compression,
        size,
        md5 if old.md5 else "",
        old.revision,
    )


class _Source:
    """The content of an attachment as a file, its MD5 taken while it is read."""

    def __init__(self, archive: Archive, attachment: Attachment) -> None:
        storage = storage_of(archive, attachment)
        self._pieces = storage.chunks(attachment.uuid, 0, attachment.size, PIECE)
        self._digest = hashlib.md5(usedforsecurity=False)

    def read(self, _size: int = -1) -> bytes:
        piece = next(self._pieces, b"")
        self._digest.update(piece)
        return piece

    def compare(self, md5: str) -> None:
        _compare("content", self._digest.hexdigest(), md5)


def _packed(archive: Archive, old: Attachment, target: BinaryIO) -> tuple[int, str]:
    source = _Source(archive, old)
    size = pack_stream(cast("BinaryIO", source), target).compressed_size
    source.compare(old.md5)
    return size, md5_of_file(target)


def _unpacked(archive: Archive, old: Attachment, target: BinaryIO) -> tuple[int, str]:
    source, size = _Source(archive, old), 0
    while piece := source.read():
        size += target.write(piece)
    source.compare(old.md5)
    return size, old.md5


async def verify_attachment(archive: Archive, level: Level, public_id: str, number: int) -> None:
    """Read an attachment to its end and compare it with the MD5 that the index keeps.

    Raises:
        UnknownResourceError: no such resource, or it has no such attachment.
        BadRequestError: no MD5 is kept of it (``StoreMD5ForAttachments``).
        CorruptedError: it is not what was stored.
    """
    attachment = await attachment_of(archive, level, public_id, number)
    if not attachment.md5:
        raise BadRequestError(
            "No MD5 is kept of this attachment, so it can't be verified (StoreMD5ForAttachments)"
        )
    await archive.work(_verify, archive, attachment)


def _verify(archive: Archive, attachment: Attachment) -> None:
    storage, identifier = archive.storage, attachment.uuid
    stored = hashlib.md5(usedforsecurity=False)
    if storage.size(identifier) != attachment.compressed_size:
        raise CorruptedError("The file of the attachment has another size than the index says")
    for piece in storage.chunks(identifier, 0, attachment.compressed_size, PIECE):
        stored.update(piece)
    _compare("file", stored.hexdigest(), attachment.compressed_md5)
    if attachment.compression is not Compression.NONE:
        content = hashlib.md5(usedforsecurity=False)
        for piece in storage_of(archive, attachment).chunks(identifier, 0, attachment.size, PIECE):
            content.update(piece)
        _compare("content", content.hexdigest(), attachment.md5)


def _compare(what: str, found: str, expected: str) -> None:
    if expected and found != expected:
        raise CorruptedError(
            f"The {what} of the attachment has the MD5 {found}, the index says {expected}"
        )
