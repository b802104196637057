"""The journal of new files: one flush for many, where each file would need three of its own.

A file that was written is durable when its bytes and its folder entry have reached the disk. For
a small one these flushes cost more than all else that is done for it. So its bytes are appended
to a journal as well, of which a single flush is waited for; the file itself reaches the disk
later, together with some thousand others. After a crash the files are made once more from the
journal.

Beside a file lies a note, from which its entry in the index can be made once more. So the index
need not wait for the disk either: ``hornburg.archive.replay`` heeds the notes after a crash.

There are two journal files of a fixed size, called segments, filled with zeros beforehand so that
a flush writes data alone and nothing of the file system's own. While one takes what arrives, the
files of the other and their entries in the index reach the disk; only then is it written anew.
What keeps this safe:

- A record is written where no older record of the same generation lies, on blocks of its own, so
  a write that is cut short harms none that was flushed before.
- A record holds the generation of its segment, its length and a checksum. Reading stops at the
  first one that doesn't fit: what comes after was never acknowledged.
- A segment begins a new generation only after all files and entries of the last one are on the
  disk.
- Making a file again that is there, or was removed since, does no harm: what the index doesn't
  know is removed by the sweep of an unclean start.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from hornburg.storage.files import fsync_folder

__all__ = ["LARGEST", "LONGEST_NOTE", "TAKEN_BACK", "Journal", "Record"]

log = logging.getLogger("hornburg.storage")

#: Bytes of a segment: some thousand small files.
_SEGMENT = 32 << 20

#: The largest file that a journal takes; beyond, writing it twice costs more than its own flush.
LARGEST = 64 << 10

#: The longest note, in bytes.
LONGEST_NOTE = 4 << 10

#: The note of a record which says that there is nothing to be made of earlier ones of its file.
TAKEN_BACK = b"taken back"

#: A journal is made where so many times its size is free, so that it never fills a disk.
_FREE = 16

#: The unit in which disks write.
_BLOCK = 4096

_MAGIC = b"HbrgJrn2"
#: Magic, generation, UUID, bytes of the body, CRC-32 of all before it and of the body.
_HEAD = Struct("<8sQ16sQI")
_COVERED = _HEAD.size - 4
#: The body is the length of the note, the note and the content; in the first form only the latter.
_LENGTH = Struct("<I")
_FIRST_MAGIC = b"HbrgJrn1"
_LONGEST_BODY = _LENGTH.size + LONGEST_NOTE + LARGEST


class Record(NamedTuple):
    """A file in the journal: its UUID, its bytes, and what its entry can be made of."""

    uuid: str
    content: bytes
    note: bytes = b""


class _Segment:
    """One file of the journal."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.names: list[str] = []
        self._end = 0
        self._generation = 0
        #: Whether its files are on their way to the disk.
        self.is_busy = False

    def has_room(self, size: int) -> bool:
        return self._end + _HEAD.size + size <= _SEGMENT

    def write(self, record: Record) -> None:
        """Append a record; it is durable after a flush.

        Raises:
            OSError: it can't be written.
        """
        if not self._end:
            # Larger than any before it, even of an earlier process.
            self._generation = max(self._generation + 1, time.time_ns())
        content = record.content
        note = _LENGTH.pack(len(record.note)) + record.note
        length = len(note) + len(content)
        name = bytes.fromhex(record.uuid.replace("-", ""))
        head = _HEAD.pack(_MAGIC, self._generation, name, length, 0)[:_COVERED]
        check = zlib.crc32(content, zlib.crc32(head + note))
        parts = (head, check.to_bytes(4, "little"), note, content)
        size = _HEAD.size + length
        if os.pwritev(self.handle, parts, self._end) != size:
            raise OSError("a record was written in part")
        self._end += -(-size // _BLOCK) * _BLOCK
        self.names.append(record.uuid)

    def reset(self) -> None:
        self.names, self._end, self.is_busy = [], 0, False


class Journal:
    """The journal in a folder.

    Args:
        folder: where its two files are.
        settle: has these files, and what is known of them in folders and index, reach the disk;
            raises OSError when it can't.
    """

    def __init__(self, folder: Path, settle: Callable[[Sequence[str]], None]) -> None:
        self._folder = folder
        self._paths = tuple(folder / f"journal-{number}" for number in range(2))
        self._settle = settle
        self._guard = threading.Lock()
        self._segments: list[_Segment] = []
        self._worker: ThreadPoolExecutor | None = None
        #: Whether it takes records. Never again after an error of the disk.
        self.is_open = False

    # -- after a crash --------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """All that was left behind by a process that did not end cleanly.

        Raises:
            OSError: it can't be read.
        """
        for path in self._paths:
            with suppress(FileNotFoundError), path.open("rb") as file:
                if os.fstat(file.fileno()).st_size:
                    yield from _records(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def forget(self) -> None:
        """Remove what was left, once its files are on the disk."""
        for path in self._paths:
            path.unlink(missing_ok=True)

    # -- while the server runs ------------------------------------------------------------

    def begin(self) -> None:
        """Make the journal, on a thread of its own; ``is_open`` tells when it is there."""
        with self._guard:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, "storage-journal")
                self._worker.submit(self._make)

    def _make(self) -> None:
        try:
            room = os.statvfs(self._folder)
            if room.f_bavail * room.f_frsize < _FREE * len(self._paths) * _SEGMENT:
                log.info("no journal of new files: little room is left on the disk")
                return
            for path in self._paths:
                self._segments.append(_Segment(_make_segment(path)))
            fsync_folder(self._folder)
        except OSError as error:
            log.warning("no journal of new files: %s", error)
            return
        self.is_open = True

    def append(self, files: Sequence[Record]) -> bool:
        """Have new files, of at most ``LARGEST`` bytes, and their notes survive a power cut.

        Returns:
            False: there is no room right now, or no journal. The files need their own flushes.
        """
        with self._guard:
            try:
                return self.is_open and self._append(files)
            except OSError as error:
                # What was flushed before stays in it, for the next start.
                self.is_open = False
                log.error("the journal of new files can't be written: %s", error)
                return False

    def take_back(self, uuid: str) -> None:
        """Have the note of a file heeded no more, if there is one."""
        noted = any(uuid in segment.names for segment in self._segments)
        if noted and not self.append([Record(uuid, b"", TAKEN_BACK)]):
            log.error("an instance that could not be stored may be there after a crash")

    def _append(self, files: Sequence[Record]) -> bool:
        written = set()
        for record in files:
            segment = self._segment(_LENGTH.size + len(record.note) + len(record.content))
            if segment is None:
                return False
            segment.write(record)
            written.add(segment.handle)
        for handle in written:
            os.fdatasync(handle)
        return True

    def _segment(self, size: int) -> _Segment | None:
        """The segment that takes a record, the other one when the first is full."""
        current, other = self._segments
        if current.is_busy or not current.has_room(size):
            if other.is_busy or not other.has_room(size):
                return None
            if not current.is_busy and self._worker is not None:
                current.is_busy = True
                self._worker.submit(self._free, current)
            self._segments = [other, current]
            return other
        return current

    def _free(self, segment: _Segment) -> None:
        """Have the files of a segment reach the disk, so that it can be written anew."""
        try:
            self._settle(segment.names)
        except OSError as error:
            # It stays as it is, so that its files are made once more by the next start.
            log.error("new files can't reach the disk: %s", error)
            return
        with self._guard:
            segment.reset()

    def close(self, *, clean: bool) -> None:
        """Let go; after a clean stop nothing of it is left. Nothing may be appended any more.

        With ``clean`` false, or when files can't reach the disk, it stays for the next start.
        """
        if self._worker is not None:
            self._worker.shutdown()
            self._worker = None
        self.is_open = False
        segments, self._segments = self._segments, []
        try:
            if clean:
                for segment in segments:
                    self._settle(segment.names)
                self.forget()
        except OSError as error:
            log.error("new files can't reach the disk: %s", error)
        for segment in segments:
            os.close(segment.handle)


def _make_segment(path: Path) -> int:
    """A file of zeros, on the disk; answers its handle."""
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o600)
    try:
        zeros = bytes(1 << 20)
        for at in range(0, _SEGMENT, len(zeros)):
            if os.pwrite(handle, zeros, at) != len(zeros):
                raise OSError("no room is left on the disk")
        os.fsync(handle)
    except BaseException:
        os.close(handle)
        path.unlink(missing_ok=True)
        raise
    return handle


def _records(segment: mmap.mmap) -> Iterator[Record]:
    at, first = 0, 0
    while at + _HEAD.size <= len(segment):
        magic, generation, uuid, length, check = _HEAD.unpack_from(segment, at)
        start = at + _HEAD.size
        if magic not in (_MAGIC, _FIRST_MAGIC) or length > min(_LONGEST_BODY, len(segment) - start):
            return
        body = segment[start : start + length]
        if (first and generation != first) or check != zlib.crc32(
            body, zlib.crc32(segment[at : at + _COVERED])
        ):
            return
        first = generation
        note, content = (b"", body) if magic == _FIRST_MAGIC else _parts(body)
        yield Record(str(UUID(bytes=uuid)), content, note)
        at += -(-(_HEAD.size + length) // _BLOCK) * _BLOCK


def _parts(body: bytes) -> tuple[bytes, bytes]:
    """Note and content. The checksum says that they are as they were written."""
    start = _LENGTH.size
    end = start + int.from_bytes(body[:start], "little")
    return body[start:end], body[end:]
