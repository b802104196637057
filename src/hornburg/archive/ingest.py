"""The one road in: admit, read, keep, index, tell.

A success means that the bytes and the index entry survive a power cut; a failure leaves nothing
behind. The order is: file first, durable; then the index, which may share its commit with others.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hornburg.archive.expected import expected_instances, index_in_series
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive, stamp
from hornburg.archive.recycle import make_room
from hornburg.archive.remove import discard
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.identifiers import public_ids
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile, read
from hornburg.errors import BadFileFormatError
from hornburg.index.base import Attachment, Compression, NewInstance, Reader, Stored, Writer
from hornburg.index.names import DICOM
from hornburg.settings import OverwriteInstances
from hornburg.storage.compressed import compress

__all__ = ["Received", "Status", "already_stored", "store"]

log = logging.getLogger("hornburg.archive")

_IDENTIFIERS = (
    ("StudyInstanceUID", 0x0020000D),
    ("SeriesInstanceUID", 0x0020000E),
    ("SOPInstanceUID", 0x00080018),
)
_PATIENT_ID = 0x00100020

#: Which main tags the index held when a resource came in (Orthanc Book, faq/main-dicom-tags).
_SIGNATURE = "MainDicomTagsSignature"

#: Below this size, parsing takes less than handing it to a thread.
_SMALL = 64 << 10


class Status(enum.Enum):
    """What became of an instance, in Orthanc's words."""

    SUCCESS = "Success"
    ALREADY_STORED = "AlreadyStored"


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to the sender; ``public_ids`` from patient to instance."""

    status: Status
    public_ids: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Header:
    """What the index needs of a file."""

    public_ids: tuple[str, str, str, str]
    main_tags: tuple[Mapping[str, str], ...]
    instance: dict[str, str]
    series: dict[str, str]
    expected: int | None


async def store(archive: Archive, content: Spool, origin: Origin) -> Received:
    """Take one instance.

    The work goes on when the caller is cancelled (its client hung up), so that a file never stays
    without its entry.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
        StorageFullError: no room on the disk, or a limit of the configuration.
        ForbiddenError: the archive is read-only.
    """
    archive.refuse_if_read_only()
    task = asyncio.ensure_future(_store(archive, content, origin))
    archive.finishing.add(task)
    task.add_done_callback(archive.finishing.discard)
    return await asyncio.shield(task)


async def already_stored(archive: Archive, buffer: Buffer) -> Received | None:
    """Look at a header alone: whether the archive has this instance and would leave it as it is.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
    """
    header = await archive.work(_read, archive, buffer)
    if await archive.index.look(lambda reader: _is_there(archive, reader, header)):
        return Received(Status.ALREADY_STORED, header.public_ids)
    return None


async def _store(archive: Archive, content: Spool, origin: Origin) -> Received:
    with archive.metrics.storing():
        return await _take(archive, content, origin)


async def _take(archive: Archive, content: Spool, origin: Origin) -> Received:
    buffer = content.buffer()
    if content.size <= _SMALL:
        header = _read(archive, buffer)
    else:
        header = await archive.work(_read, archive, buffer)
    if await archive.index.look(lambda reader: _is_there(archive, reader, header)):
        return Received(Status.ALREADY_STORED, header.public_ids)

    attachment = await archive.work(_keep, archive, content)
    try:
        stored, freed = await _index(archive, header, attachment, origin)
    except BaseException:
        await archive.work(archive.storage.remove, attachment.uuid)
        raise
    if not stored.is_new:
        await archive.work(archive.storage.remove, attachment.uuid)
    await discard(archive, [*stored.removed_uuids, *freed])
    status = Status.SUCCESS if stored.is_new else Status.ALREADY_STORED
    return Received(status, header.public_ids)


def _read(archive: Archive, buffer: Buffer) -> _Header:
    """Read the header, once."""
    file = read(
        buffer,
        default_charset=archive.runtime.default_encoding,
        dictionary=archive.dictionary,
    )
    uids = [file.text(tag) or "" for _, tag in _IDENTIFIERS]
    for (name, _), uid in zip(_IDENTIFIERS, uids, strict=True):
        if not uid:
            raise BadFileFormatError(f"The DICOM file has no {name}, so it can't be stored")
    instance, series_metadata = _metadata(file)
    return _Header(
        public_ids(file.text(_PATIENT_ID) or "", uids[0], uids[1], uids[2]),
        archive.main_tags.of(file),
        instance,
        series_metadata,
        expected_instances(file),
    )


def _metadata(file: DicomFile) -> tuple[dict[str, str], dict[str, str]]:
    instance = {"TransferSyntax": file.transfer_syntax, "SopClassUid": file.sop_class_uid}
    pixels = file.pixel_data
    if pixels is not None:
        instance["PixelDataOffset"] = str(pixels.offset)
        instance["PixelDataVR"] = pixels.vr
    index = index_in_series(file)
    if index is not None:
        instance["IndexInSeries"] = index
    expected = expected_instances(file)
    series = {} if expected is None else {"ExpectedNumberOfInstances": str(expected)}
    return instance, series


def _is_there(archive: Archive, reader: Reader, header: _Header) -> bool:
    """Whether the instance need not be written at all; the transaction looks again."""
    if archive.settings.overwrite_instances is not OverwriteInstances.NEVER:
        return False
    public_id = header.public_ids[Level.INSTANCE]
    return reader.attachment(Level.INSTANCE, public_id, DICOM) is not None


def _keep(archive: Archive, content: Spool) -> Attachment:
    """Write the file, so that it survives a power cut."""
    settings, storage = archive.settings, archive.storage
    buffer = content.buffer()
    name = str(uuid.uuid4())
    md5 = _md5(buffer) if settings.store_md5_for_attachments else ""
    if settings.storage_compression:
        with storage.scratch() as scratch:
            size, compressed_md5 = compress(buffer, scratch)
            storage.adopt(name, scratch)
        if not settings.store_md5_for_attachments:
            compressed_md5 = ""
        return Attachment(
            "dicom", DICOM, name, content.size, md5, Compression.ZLIB, size, compressed_md5
        )
    if content.scratch is not None:
        storage.adopt(name, content.scratch)
    else:
        storage.create(name, buffer)
    return Attachment("dicom", DICOM, name, content.size, md5, Compression.NONE, content.size, md5)


def _md5(buffer: Buffer) -> str:
    # An integrity check, as Orthanc's clients expect it; nothing rests on its strength.
    return hashlib.md5(buffer, usedforsecurity=False).hexdigest()


async def _index(
    archive: Archive, header: _Header, attachment: Attachment, origin: Origin
) -> tuple[Stored, list[str]]:
    settings = archive.settings
    now = archive.clock()
    date = stamp(now)
    received = {**origin.metadata(), "ReceptionDate": date}
    new = NewInstance(
        header.public_ids,
        header.main_tags,
        tuple(
            {_SIGNATURE: archive.main_tags.signature(level), **values}
            for level, values in zip(
                Level,
                ({}, {}, header.series, header.instance | received),
                strict=True,
            )
        ),
        attachment,
        now,
        date,
        settings.overwrite_instances.value,
        header.expected,
    )

    def work(writer: Writer) -> tuple[Stored, list[str]]:
        stored = writer.store(new)
        freed = make_room(writer, settings, new.public_ids[Level.PATIENT]) if stored.is_new else []
        return stored, freed

    return await archive.index.write(work)
