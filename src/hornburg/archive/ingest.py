"""The one road in: admit, read, keep, index, tell.

A success means that the bytes and the index entry survive a power cut; a failure leaves nothing
behind. The order is: file first, durable; then the index, which may share its commit with others.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from hornburg.archive.expected import expected_instances, index_in_series
from hornburg.archive.ingest_transcoding import transcoded_for_storage
from hornburg.archive.keep import describe, keep
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive, stamp
from hornburg.archive.recycle import has_limits, make_room
from hornburg.archive.remove import discard
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.identifiers import public_ids
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile, read
from hornburg.errors import BadFileFormatError, Outside
from hornburg.index.base import Attachment, NewInstance, Reader, Stored, Writer
from hornburg.index.names import DICOM
from hornburg.settings import OverwriteInstances

__all__ = ["MediaDirectoryError", "MismatchError", "Received", "Status", "already_stored", "store"]

log = logging.getLogger("hornburg.archive")

_IDENTIFIERS = (
    ("StudyInstanceUID", 0x0020000D),
    ("SeriesInstanceUID", 0x0020000E),
    ("SOPInstanceUID", 0x00080018),
)
_PATIENT_ID = 0x00100020
_PIXEL_DATA = 0x7FE00010
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

#: Which main tags the index held when a resource came in (Orthanc Book, faq/main-dicom-tags).
_SIGNATURE = "MainDicomTagsSignature"

#: Below this size, parsing and writing take less than handing them to a thread.
_SMALL = 64 << 10


class MediaDirectoryError(BadFileFormatError):
    """A DICOMDIR (PS3.10 section 8): an index of a medium, and no instance."""


class MismatchError(BadFileFormatError):
    """The data set is another instance than its sender said (PS3.4 table B.2-1: 0xA900)."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 15, "Bad file format", 0xA900)


class Status(enum.Enum):
    """What became of an instance, in Orthanc's words."""

    SUCCESS = "Success"
    ALREADY_STORED = "AlreadyStored"


Claim = tuple[str, str]
"""SOP class and SOP instance UID."""


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to the sender; ``public_ids`` from patient to instance."""

    status: Status
    public_ids: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Header:
    """What the index needs of a file."""

    file: DicomFile
    public_ids: tuple[str, str, str, str]
    expected: int | None
    claim: Claim


async def store(
    archive: Archive, content: Spool, origin: Origin, claim: Claim | None = None
) -> Received:
    """Take one instance.

    The work goes on when the caller is cancelled. ``claim`` is what the sender says it is.

    Raises:
        MismatchError: it is not what the sender says.
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
        StorageFullError: no room on the disk, or a limit of the configuration.
        ForbiddenError: the archive is read-only.
    """
    archive.refuse_if_read_only()
    return await archive.finish(_store(archive, content, origin, claim))


async def already_stored(archive: Archive, buffer: Buffer) -> Received | None:
    """Look at a header alone: whether the archive has this instance and would leave it as it is.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
    """
    header = await archive.work(_read, archive, buffer)
    if await archive.index.look(lambda reader: _is_there(archive, reader, header)):
        return Received(Status.ALREADY_STORED, header.public_ids)
    return None


async def _store(archive: Archive, content: Spool, origin: Origin, claim: Claim | None) -> Received:
    started = time.monotonic()
    try:
        return await _take(archive, content, origin, claim)
    finally:
        archive.metrics.stored(time.monotonic() - started)


async def _take(archive: Archive, content: Spool, origin: Origin, claim: Claim | None) -> Received:
    buffer = content.buffer()
    is_small = _is_small(archive, content)
    if content.size <= _SMALL:
        header = _read(archive, buffer)
    else:
        header = await archive.work(_read, archive, buffer)
    if claim is not None and claim != header.claim:
        raise MismatchError(
            "The data set is of another SOP class or instance than the command says"
        )
    look = not is_small or bool(archive.settings.ingest_transcoding)
    if look and await archive.index.look(lambda reader: _is_there(archive, reader, header)):
        return Received(Status.ALREADY_STORED, header.public_ids)
    if archive.settings.ingest_transcoding:
        replaced = await transcoded_for_storage(archive.transcoder, archive.settings, buffer)
        if replaced is not None:
            with Spool(archive.storage) as other:
                await archive.work(other.write, replaced)
                header = await archive.work(_read, archive, other.buffer())
                return await _put(archive, other, header, origin)
    return await _put(archive, content, header, origin)


async def _put(archive: Archive, content: Spool, header: _Header, origin: Origin) -> Received:
    """Keep the bytes, and index them."""
    is_small = _is_small(archive, content)
    arrival = _Arrival(archive, content, header, origin)
    try:
        if not is_small:
            await archive.work(arrival.keep)
        stored, freed = await archive.index.write(
            arrival.index,
            needs=arrival.uuid,
            # What may remove others to make room takes long now and then.
            quick=not has_limits(archive.settings),
        )
    except BaseException:
        await archive.work(arrival.forget)
        raise
    if not stored.is_new and not is_small:
        await archive.work(arrival.forget)
    if stored.removed_uuids or freed:
        await discard(archive, [*stored.removed_uuids, *freed])
    status = Status.SUCCESS if stored.is_new else Status.ALREADY_STORED
    return Received(status, header.public_ids)


def _is_small(archive: Archive, content: Spool) -> bool:
    """Whether the file is written within the transaction."""
    return content.size <= _SMALL and not archive.settings.storage_compression


def _read(archive: Archive, buffer: Buffer) -> _Header:
    """Read the header, once."""
    file = read(
        buffer,
        default_charset=archive.runtime.default_encoding,
        dictionary=archive.dictionary,
    )
    if file.sop_class_uid == _MEDIA_DIRECTORY:
        raise MediaDirectoryError("A DICOMDIR is no instance, so it can't be stored")
    uids = [file.text(tag) or "" for _, tag in _IDENTIFIERS]
    for (name, _), uid in zip(_IDENTIFIERS, uids, strict=True):
        if not uid:
            raise BadFileFormatError(f"The DICOM file has no {name}, so it can't be stored")
    return _Header(
        file,
        public_ids(file.text(_PATIENT_ID) or "", uids[0], uids[1], uids[2]),
        expected_instances(file),
        (file.sop_class_uid, uids[2]),
    )


def _metadata(file: DicomFile) -> dict[str, str]:
    instance = {"TransferSyntax": file.transfer_syntax, "SopClassUid": file.sop_class_uid}
    pixels = file.pixel_data
    if pixels is not None:
        if pixels.tag == _PIXEL_DATA and not file.deflated:
            instance["PixelDataOffset"] = str(pixels.offset)
        instance["PixelDataVR"] = pixels.vr
    index = index_in_series(file)
    if index is not None:
        instance["IndexInSeries"] = index
    return instance


def _is_there(archive: Archive, reader: Reader, header: _Header) -> bool:
    """Whether the instance need not be written at all; the transaction looks again."""
    if archive.settings.overwrite_instances is not OverwriteInstances.NEVER:
        return False
    public_id = header.public_ids[Level.INSTANCE]
    return reader.attachment(Level.INSTANCE, public_id, DICOM) is not None


class _Arrival:
    """An instance on its way into storage and index; both steps block."""

    def __init__(self, archive: Archive, content: Spool, header: _Header, origin: Origin) -> None:
        self._archive = archive
        self._content = content
        self._header = header
        self._origin = origin
        self._attachment: Attachment | None = None
        self.uuid = archive.storage.new_uuid()
        self._was_run = False

    def keep(self) -> None:
        """Write the file and have it reach the disk, on the thread of its sender, so that several
        do at the same time."""
        self._attachment = keep(self._archive, self._content, DICOM, uuid=self.uuid, wait=False)
        self._archive.storage.sync([self.uuid])

    def forget(self) -> None:
        """Remove the file, if it was written."""
        self._archive.storage.remove(self.uuid)

    def index(self, writer: Writer) -> tuple[Stored, list[str]]:
        """The entry, and room for it; answers the files that had to go.

        A small file is written here, so only when the index takes it.
        """
        kept = self._attachment
        new = self._new(kept or describe(self._archive, self._content, DICOM, self.uuid))
        stored = writer.store(new)
        if not stored.is_new:
            return stored, []
        if kept is None:
            if self._was_run:  # and undone, with the file still there
                self.forget()
            self._was_run = True
            self._archive.storage.create(self.uuid, self._content.buffer(), wait=False)
        patient = new.public_ids[Level.PATIENT]
        return stored, make_room(
            writer,
            self._archive.settings,
            patient,
            may_displace=self._origin.may_displace,
        )

    def _new(self, attachment: Attachment) -> NewInstance:
        archive, header = self._archive, self._header
        now = archive.clock()
        date = stamp(now)
        return NewInstance(
            header.public_ids,
            _ByLevel(partial(archive.main_tags.of_level, header.file)),
            _ByLevel(partial(self._metadata, date)),
            attachment,
            now,
            date,
            archive.settings.overwrite_instances.value,
            header.expected,
        )

    def _metadata(self, date: str, level: Level) -> dict[str, str]:
        values = {_SIGNATURE: self._archive.main_tags.signature(level)}
        if level is Level.INSTANCE:
            values |= _metadata(self._header.file)
            values |= self._origin.metadata()
            values["ReceptionDate"] = date
        elif level is Level.SERIES:
            values["RemoteAET"] = self._origin.remote_aet
            if self._header.expected is not None:
                values["ExpectedNumberOfInstances"] = str(self._header.expected)
        return values


class _ByLevel(Sequence[Mapping[str, str]]):
    """One mapping a level, made when it is asked for: most instances bring no new parents."""

    def __init__(self, make: Callable[[Level], Mapping[str, str]]) -> None:
        self._make = make

    def __getitem__(self, level: int) -> Mapping[str, str]:  # type: ignore[override]
        return self._make(Level(level))

    def __len__(self) -> int:
        return len(Level)
