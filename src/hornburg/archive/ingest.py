"""The one road in: admit, read, keep, index, tell.

A success means that the bytes and the index entry survive a power cut; a failure leaves nothing
behind. The order is: file first, durable; then the index, which may share its commit with others.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus

from hornburg.archive.admit import changed, refused, wants_to_change, wants_to_filter
from hornburg.archive.entry import Claim, Header, MediaDirectoryError, new_instance, read_header
from hornburg.archive.ingest_transcoding import transcoded_for_storage
from hornburg.archive.keep import describe, keep
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.recycle import has_limits, make_room
from hornburg.archive.remove import discard
from hornburg.archive.replay import note
from hornburg.archive.spool import Spool
from hornburg.archive.touched import touch
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.levels import Level
from hornburg.errors import BadFileFormatError, Outside
from hornburg.hooks.specs import Action
from hornburg.index.base import Attachment, Reader, Stored, Writer
from hornburg.index.names import DICOM
from hornburg.security.trail import Identity, Outcome
from hornburg.settings import OverwriteInstances

__all__ = [
    "MediaDirectoryError",
    "MismatchError",
    "Received",
    "Status",
    "already_stored",
    "store",
]

log = logging.getLogger("hornburg.archive")

#: Below this size, parsing and writing take less than handing them to a thread.
_SMALL = 64 << 10


class MismatchError(BadFileFormatError):
    """The data set is another instance than its sender said (PS3.4 table B.2-1: 0xA900)."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 15, "Bad file format", 0xA900)


class Status(enum.Enum):
    """What became of an instance, in Orthanc's words."""

    SUCCESS = "Success"
    ALREADY_STORED = "AlreadyStored"
    FILTERED_OUT = "FilteredOut"
    """A plug-in or a script did not want it; nothing was kept."""


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to the sender; ``public_ids`` from patient to instance. ``dimse`` is what its
    C-STORE is told (PS3.4 table B.2-1)."""

    status: Status
    public_ids: tuple[str, str, str, str]
    dimse: int = 0x0000


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
        PluginFaultError: a filter failed.
    """
    archive.refuse_if_read_only()
    return await archive.finish(_store(archive, content, origin, claim))


async def already_stored(archive: Archive, buffer: Buffer) -> Received | None:
    """Look at a header alone: whether the archive has this instance and would leave it as it is.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
    """
    header = await archive.work(read_header, archive, buffer)
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
    if content.size <= _SMALL:
        header = read_header(archive, buffer)
    else:
        header = await archive.work(read_header, archive, buffer)
    if claim is not None and claim != header.claim:
        raise MismatchError(
            "The data set is of another SOP class or instance than the command says"
        )
    if wants_to_change(archive):
        wanted = await changed(archive, header.file, buffer, origin)
        if wanted is Action.DISCARD:
            return _kept_out(archive, header)
        if isinstance(wanted, bytes):
            with Spool(archive.storage) as other:
                await archive.work(other.write, wanted)
                header = await archive.work(read_header, archive, other.buffer())
                return await _admit(archive, other, header, origin)
    return await _admit(archive, content, header, origin)


async def _admit(archive: Archive, content: Spool, header: Header, origin: Origin) -> Received:
    """Ask the filters, transcode, keep."""
    if wants_to_filter(archive):
        status = await refused(archive, header.file, content.buffer(), origin)
        if status is not None:
            return _kept_out(archive, header, status)
    look = bool(archive.settings.ingest_transcoding) or not _is_small(archive, content)
    if look and await archive.index.look(lambda reader: _is_there(archive, reader, header)):
        _note(archive, header, Outcome.SUCCESS)
        return Received(Status.ALREADY_STORED, header.public_ids)
    if archive.settings.ingest_transcoding:
        replaced = await transcoded_for_storage(
            archive.transcoder, archive.settings, content.buffer()
        )
        if replaced is not None:
            with Spool(archive.storage) as other:
                await archive.work(other.write, replaced)
                header = await archive.work(read_header, archive, other.buffer())
                return await _put(archive, other, header, origin)
    return await _put(archive, content, header, origin)


async def _put(archive: Archive, content: Spool, header: Header, origin: Origin) -> Received:
    """Keep the bytes, and index them."""
    is_small = _is_small(archive, content)
    arrival = _Arrival(archive, content, header, origin)
    try:
        if not is_small:
            await _keep(archive, content, arrival)
        stored, freed = await archive.index.write(
            arrival.index,
            needs=arrival.uuid,
            # What may remove others to make room takes long now and then.
            quick=is_small and not has_limits(archive.settings),
        )
    except BaseException:
        await archive.work(archive.storage.take_back, arrival.uuid)
        raise
    if not stored.is_new and not is_small:
        await archive.work(arrival.forget)
    if stored.removed_uuids or freed:
        await discard(archive, [*stored.removed_uuids, *freed])
    _note(archive, header, Outcome.SUCCESS)
    status = Status.SUCCESS if stored.is_new else Status.ALREADY_STORED
    return Received(status, header.public_ids)


async def _keep(archive: Archive, content: Spool, arrival: _Arrival) -> None:
    """Write the file; meanwhile another thread makes the MD5 of what is in memory, which takes as
    long."""
    # Where several senders wait, every core has something to do already.
    is_alone = len(archive.finishing) <= 1
    if is_alone and content.scratch is None and archive.settings.store_md5_for_attachments:
        await asyncio.gather(archive.work(arrival.keep), archive.work(content.md5))
    else:
        await archive.work(arrival.keep)


def _kept_out(archive: Archive, header: Header, dimse: int = 0x0000) -> Received:
    _note(archive, header, Outcome.REFUSED)
    return Received(Status.FILTERED_OUT, header.public_ids, dimse)


def _note(archive: Archive, header: Header, outcome: Outcome) -> None:
    """Tell the audit trail."""
    patient, study, _, instance = header.public_ids
    whose = Identity(patient, study, header.patient_id, header.study_uid)
    touch(archive, "upload", Level.INSTANCE, instance, whose, outcome)


def _is_small(archive: Archive, content: Spool) -> bool:
    """Whether the file is written within the transaction."""
    return content.size <= _SMALL and not archive.settings.storage_compression


def _is_there(archive: Archive, reader: Reader, header: Header) -> bool:
    """Whether the instance need not be written at all; the transaction looks again."""
    if archive.settings.overwrite_instances is not OverwriteInstances.NEVER:
        return False
    public_id = header.public_ids[Level.INSTANCE]
    return reader.attachment(Level.INSTANCE, public_id, DICOM) is not None


class _Arrival:
    """An instance on its way into storage and index; both steps block."""

    def __init__(self, archive: Archive, content: Spool, header: Header, origin: Origin) -> None:
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
        archive, kept = self._archive, self._attachment
        now = archive.clock()
        attachment = kept or describe(archive, self._content, DICOM, self.uuid)
        new = new_instance(archive, self._header, self._origin, attachment, now)
        stored = writer.store(new)
        if not stored.is_new:
            return stored, []
        if kept is None:
            if self._was_run:  # and undone, with the file still there
                self.forget()
            self._was_run = True
            again = note(stored.change, now, self._origin)
            archive.storage.create(self.uuid, self._content.buffer(), wait=False, note=again)
        patient = new.public_ids[Level.PATIENT]
        return stored, make_room(
            writer, archive.settings, patient, may_displace=self._origin.may_displace
        )
