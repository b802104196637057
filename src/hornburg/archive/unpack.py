"""Several instances in one body: ZIP archives.

A ZIP from outside is not trusted: the number of its members, the sizes that they claim and the
sizes that they have are bounded, and names are never used as paths.
"""

from __future__ import annotations

import logging
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator
from typing import BinaryIO

from hornburg.archive.ingest import Received, store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.errors import BadFileFormatError, TooLargeError

__all__ = ["is_zip", "may_be_dicom", "store_zip"]

log = logging.getLogger("hornburg.archive")

#: Members of one archive. A study with 100,000 instances is rare; each member takes about 500
#: bytes of memory while its archive is read.
_MOST_MEMBERS = 250_000

#: Bytes of the list of members (the central directory), read into memory at once.
_MOST_DIRECTORY = 64 << 20

_CHUNK = 256 << 10

#: "Preamble of 128 bytes, then DICM" (PS3.10 7.1), or a data set that starts in group 2 or 8.
_PEEK = 132


def is_zip(start: bytes) -> bool:
    """Whether a body is a ZIP archive, by its first bytes."""
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


async def store_zip(archive: Archive, body: BinaryIO, origin: Origin) -> AsyncIterator[Received]:
    """Take every instance of a ZIP archive, in its order; what isn't DICOM is left out.

    Raises:
        BadFileFormatError: not a ZIP archive, or a damaged one.
        TooLargeError: too many members, or one is over ``MaximumFileSizeInArchiveMB``; nothing
            of the archive is stored then.
    """
    limit = archive.settings.maximum_file_size_in_archive_mb << 20
    with await archive.work(_open, body, limit) as opened:
        for member in opened.infolist():
            if member.is_dir() or member.file_size <= 8:
                continue
            with Spool(archive.storage, limit, "member of the archive") as spool:
                try:
                    if not await archive.work(_extract, opened, member, spool):
                        continue
                    received = await store(archive, spool, origin)
                except BadFileFormatError as error:
                    # File names may hold the names of patients.
                    name = "a member" if archive.settings.deidentify_logs else member.filename
                    log.info("%s of an uploaded archive is left out: %s", name, error)
                    continue
            yield received


def _open(body: BinaryIO, limit: int) -> zipfile.ZipFile:
    _check_directory(body)
    try:
        opened = zipfile.ZipFile(body)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, struct.error) as error:
        raise BadFileFormatError("The body is no readable ZIP archive") from error
    members = opened.infolist()
    if len(members) > _MOST_MEMBERS:
        raise TooLargeError(f"The archive has more than {_MOST_MEMBERS} members")
    body.seek(0, 2)
    if sum(member.compress_size for member in members) > body.tell():
        # Members that share their bytes: the way a small archive claims an endless size.
        raise BadFileFormatError("The members of the archive overlap")
    for member in members:
        if limit and member.file_size > limit:
            raise TooLargeError(
                f"The member {member.filename!r} of the archive is larger than {limit >> 20} MB "
                "(MaximumFileSizeInArchiveMB)"
            )
        if member.flag_bits & 1:
            raise BadFileFormatError("The archive is encrypted, which is not supported")
    return opened


def _check_directory(body: BinaryIO) -> None:
    """Look at the end record before the directory is read (APPNOTE.TXT 4.3.16).

    The record is the last thing but a comment of at most 65,535 bytes. For ZIP64 (4.3.14) its
    fields are all ones and the directory is what lies between the last member and the end.
    """
    body.seek(0, 2)
    size = body.tell()
    body.seek(max(0, size - 65_557))
    tail = body.read(65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise BadFileFormatError("The body is no complete ZIP archive: its end record is missing")
    directory: int
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if directory == 0xFFFFFFFF:
        zip64 = tail.rfind(b"PK\x06\x06", 0, at)
        if zip64 < 0 or len(tail) - zip64 < 56:
            raise BadFileFormatError("The end record of the ZIP archive is damaged")
        (directory,) = struct.unpack_from("<Q", tail, zip64 + 40)
    if directory > _MOST_DIRECTORY:
        raise TooLargeError(f"The archive has more than {_MOST_MEMBERS} members")


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, spool: Spool) -> bool:
    """Unpack a member; answers ``False`` at once for what can't be DICOM."""
    try:
        with opened.open(member) as source:
            start = source.read(_PEEK)
            if not may_be_dicom(start):
                return False
            chunk = start
            while chunk:
                spool.write(chunk)
                chunk = source.read(_CHUNK)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadFileFormatError("The member of the archive is damaged") from error
    return True


def may_be_dicom(start: bytes) -> bool:
    """Whether a file can be DICOM, by its first 132 bytes."""
    if start[128:132] == b"DICM":
        return True
    # No preamble: the first element is of group 2 or 8, in either byte order (PS3.5 7.1).
    return start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
