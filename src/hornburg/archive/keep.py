"""Writing the file of an attachment, so that it survives a power cut."""

from __future__ import annotations

from typing import BinaryIO

from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool, md5_of_file
from hornburg.index.base import Attachment, Compression
from hornburg.storage.compressed import compress
from hornburg.storage.zlib_form import pack_stream

__all__ = ["describe", "keep"]


def describe(archive: Archive, content: Spool, number: int, identifier: str) -> Attachment:
    """What the index needs to know of a file that lies in the storage as it came."""
    md5 = content.md5() if archive.settings.store_md5_for_attachments else ""
    name, size = archive.names.attachment_name(number), content.size
    return Attachment(name, number, identifier, size, md5, Compression.NONE, size, md5)


def keep(
    archive: Archive, content: Spool, number: int, *, uuid: str = "", wait: bool = True
) -> Attachment:
    """Write a new file, compressed when ``StorageCompression`` says so; blocks.

    Its identifier is ``uuid``, by default a new one. With ``wait`` false the file is durable only
    after ``Storage.sync``, which the index calls for all changes that share a commit.

    Returns:
        What the index needs to know of it; until the index does, the caller removes the file
        when anything goes wrong.

    Raises:
        StorageFullError: no room; nothing is left behind.
    """
    settings, storage = archive.settings, archive.storage
    identifier = uuid or storage.new_uuid()
    if settings.storage_compression:
        name, wants_md5 = archive.names.attachment_name(number), settings.store_md5_for_attachments
        md5 = content.md5() if wants_md5 else ""
        with storage.scratch() as packed:
            size = _pack(content, packed)
            packed_md5 = md5_of_file(packed) if wants_md5 else ""
            storage.adopt(identifier, packed, wait=wait)
        return Attachment(
            name, number, identifier, content.size, md5, Compression.ZLIB, size, packed_md5
        )
    if content.scratch is not None:
        storage.adopt(identifier, content.scratch, wait=wait)
    else:
        storage.create(identifier, content.buffer(), wait=wait)
    # Meanwhile the file is on its way to the disk.
    return describe(archive, content, number, identifier)


def _pack(content: Spool, target: BinaryIO) -> int:
    """Write the compressed form, and answer its size."""
    if content.scratch is None:
        return compress(content.buffer(), target)[0]
    content.scratch.seek(0)
    return pack_stream(content.scratch, target).compressed_size
