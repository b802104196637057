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
from dataclasses import dataclass
from typing import BinaryIO

from hornburg.archive.ingest import MediaDirectoryError, Received, store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.errors import BadFileFormatError, TooLargeError

__all__ = ["LeftOut", "is_zip", "may_be_dicom", "store_zip"]

log = logging.getLogger("hornburg.archive")

#: Members of one archive. A study with 100,000 instances is rare; each member takes about 500
#: bytes of memory while its archive is read.
_MOST_MEMBERS = 250_000

#: Bytes of the list of members (the central directory), read into memory at once.
_MOST_DIRECTORY = 64 << 20

#: Where the end records are: the longest comment, the end record, those of ZIP64.
_TAIL = 65_535 + 22 + 76

#: The part of a directory's entry that has a fixed length; read are the lengths of the name, the
#: extra field and the comment.
_MEMBER = struct.Struct("<28x3H12x")

#: What ZIP archives of images use; other methods can ask for gigabytes of memory for one member.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

#: What reading a damaged member raises: the library says it in many ways.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,  # NotImplementedError too
    ValueError,  # UnicodeDecodeError too
)

_CHUNK = 256 << 10

#: "Preamble of 128 bytes, then DICM" (PS3.10 7.1), or a data set that starts in group 2 or 8.
_PEEK = 132


def is_zip(start: bytes) -> bool:
    """Whether a body is a ZIP archive, by its first bytes."""
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member that is DICOM by its looks and could not be stored."""

    name: str
    reason: str


async def store_zip(
    archive: Archive, body: BinaryIO, origin: Origin
) -> AsyncIterator[Received | LeftOut]:
    """Take every instance of a ZIP archive, in its order; what isn't DICOM is passed over.

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
                    received: Received | LeftOut = await store(archive, spool, origin)
                except MediaDirectoryError:
                    continue
                except BadFileFormatError as error:
                    # File names may hold the names of patients.
                    name = "a member" if archive.settings.deidentify_logs else member.filename
                    log.info("%s of a ZIP archive is left out: %s", name, error)
                    received = LeftOut(member.filename, str(error))
            yield received


def _open(body: BinaryIO, limit: int) -> zipfile.ZipFile:
    _check_members(body, *_directory(body))
    try:
        opened = zipfile.ZipFile(body)
    except (*_DAMAGED, OSError) as error:
        raise BadFileFormatError("The body is no readable ZIP archive") from error
    members = opened.infolist()
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
        if member.header_offset < 0:
            raise BadFileFormatError("The directory of the archive points before its start")
    return opened


def _directory(body: BinaryIO) -> tuple[int, int]:
    """Where the list of members starts and ends, by the end record (APPNOTE.TXT 4.3.16).

    The record is the last thing but a comment of at most 65,535 bytes. For ZIP64 another record
    (4.3.14) and its locator (4.3.15) stand right before it; the two must say the same, where the
    fields of the first are not all ones, for readers differ in which they believe.
    """
    body.seek(0, 2)
    size = body.tell()
    body.seek(max(0, size - _TAIL))
    tail = body.read(_TAIL)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise BadFileFormatError("The body is no complete ZIP archive: its end record is missing")
    length: int
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07":
        first, at = length, at - 76
        (length,) = struct.unpack_from("<Q", tail, at + 40)
        if tail[at : at + 4] != b"PK\x06\x06" or first not in (length, 0xFFFFFFFF):
            raise BadFileFormatError("The end records of the ZIP archive are damaged")
    end = size - len(tail) + at
    if length > end:
        raise BadFileFormatError("The directory of the ZIP archive is larger than the archive")
    return end - length, end


def _check_members(body: BinaryIO, start: int, end: int) -> None:
    """Count the members before they are read into memory (APPNOTE.TXT 4.3.12); what the end
    record says of their number, nobody checks."""
    if end - start > _MOST_DIRECTORY:
        raise TooLargeError(f"The list of the archive's members is over {_MOST_DIRECTORY >> 20} MB")
    body.seek(start)
    count = 0
    while start < end:
        head = body.read(_MEMBER.size)
        if len(head) < _MEMBER.size or head[:4] != b"PK\x01\x02":
            raise BadFileFormatError("The directory of the ZIP archive is damaged")
        more = sum(_MEMBER.unpack(head))
        start += len(head) + more
        body.seek(start)
        count += 1
        if count > _MOST_MEMBERS:
            raise TooLargeError(f"The archive has more than {_MOST_MEMBERS} members")


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, spool: Spool) -> bool:
    """Unpack a member; answers ``False`` at once for what can't be DICOM."""
    if member.compress_type not in _METHODS:
        raise BadFileFormatError(f"Its compression (method {member.compress_type}) isn't supported")
    try:
        with opened.open(member) as source:
            start = source.read(_PEEK)
            if not may_be_dicom(start):
                return False
            chunk = start
            while chunk:
                spool.write(chunk)
                chunk = source.read(_CHUNK)
    except _DAMAGED as error:
        raise BadFileFormatError("The member of the archive is damaged") from error
    return True


def may_be_dicom(start: bytes) -> bool:
    """Whether a file can be DICOM, by its first 132 bytes."""
    if start[128:132] == b"DICM":
        return True
    # No preamble: the first element is of group 2 or 8, in either byte order (PS3.5 7.1).
    return start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
