"""Writing the file of an attachment, so that it survives a power cut."""

from __future__ import annotations

import hashlib

from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.index.base import Attachment, Compression
from hornburg.storage.compressed import compress

__all__ = ["keep"]


def keep(archive: Archive, content: Spool, number: int, *, wait: bool = True) -> Attachment:
    """Write a new file, compressed when ``StorageCompression`` says so; blocks.

    With ``wait`` false the file is durable only after ``Storage.sync``, which the index calls for
    all changes that share a commit.

    Returns:
        What the index needs to know of it; until the index does, the caller removes the file
        when anything goes wrong.

    Raises:
        StorageFullError: no room; nothing is left behind.
    """
    settings, storage = archive.settings, archive.storage
    name, identifier = archive.names.attachment_name(number), storage.new_uuid()
    buffer = content.buffer()
    md5 = _md5(buffer) if settings.store_md5_for_attachments else ""
    if settings.storage_compression:
        with storage.scratch() as scratch:
            size, packed_md5 = compress(buffer, scratch)
            storage.adopt(identifier, scratch, wait=wait)
        if not settings.store_md5_for_attachments:
            packed_md5 = ""
        return Attachment(
            name, number, identifier, content.size, md5, Compression.ZLIB, size, packed_md5
        )
    if content.scratch is not None:
        storage.adopt(identifier, content.scratch, wait=wait)
    else:
        storage.create(identifier, buffer, wait=wait)
    return Attachment(
        name, number, identifier, content.size, md5, Compression.NONE, content.size, md5
    )


def _md5(buffer: Buffer) -> str:
    # An integrity check, as Orthanc's clients expect it; nothing rests on its strength.
    return hashlib.md5(buffer, usedforsecurity=False).hexdigest()
