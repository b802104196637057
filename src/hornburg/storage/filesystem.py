"""Attachments as local files, in two levels of folders named after the UUID, as Orthanc has them.

A file is durable when its bytes and its folder entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").

Files are made under their own name; ``hornburg.storage.durability`` has them reach the disk.
Nameless files that are linked afterwards (O_TMPFILE) took 1.5 to 2 times as long on ext4.
"""

# ruff: noqa: PTH102, PTH108, PTH116 - a Path for each file costs more than its system call

from __future__ import annotations

import errno
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hornburg.dicom.buffer import Buffer
from hornburg.errors import DatabaseError
from hornburg.storage.base import Storage
from hornburg.storage.durability import WITHOUT_JOURNAL, Durability
from hornburg.storage.failures import read_failure, too_short, write_failure
from hornburg.storage.files import (
    fsync_folder,
    hex_folders,
    link_or_copy,
    place_of,
    read_marker,
    write_new,
)
from hornburg.storage.identifiers import is_uuid
from hornburg.storage.ownership import Ownership

__all__ = ["FilesystemStorage"]

#: Folders change their time when a file is added; clocks of file systems are coarse.
_CLOCK_MARGIN = 5.0

#: Files that share a folder before another one is chosen. 65,536 folders hold 16 million files
#: before one is chosen twice on average.
_TOGETHER = 256

#: Seconds that a file may lie in the storage before the index knows it, with a wide margin.
_ON_THEIR_WAY = 600.0

#: A scratch file has this name only where the file system has no files without a name.
_SCRATCH_PREFIX = "hornburg-scratch-"

_OLD = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class FilesystemStorage(Storage):
    """Files below a folder of their own, readable by this user alone (0600 in 0700).

    Args:
        folder: where they are; made if missing.
        temporary: where scratch files go; inside ``folder`` by default, so that taking one over
            is a link and not a copy.
        sync: ``False`` gives up durability against a power cut (``SyncStorageArea``).
        journal_after: how many files come before the journal is worth its place.
    """

    def __init__(
        self,
        folder: Path,
        *,
        temporary: Path | None = None,
        sync: bool = True,
        journal_after: int = WITHOUT_JOURNAL,
    ) -> None:
        self._folder = folder
        self._scratch = temporary or folder / "incoming"
        self._own_scratch = temporary is None
        self._sync = sync
        self._marker = folder / "in-use"
        self._ownership = Ownership(folder)
        self._unclean_since: float | None = None
        self._token = ""
        self._durability = Durability(folder, wanted=sync, journal_after=journal_after)
        self._choice = threading.Lock()
        self._shared, self._left = "", 0
        self._at_hand = hasattr(os, "RWF_NOWAIT")

    # -- life -----------------------------------------------------------------------------

    def open(self) -> None:
        self._durability.open()
        try:
            for folder in (self._folder, self._scratch):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._ownership.lock()
            if self._marker.exists():
                self._unclean_since, self._token = read_marker(self._marker)
                self._sync_all_folders()
            else:
                self._mark("", time.time())
            self._durability.replay(self._make_folders)
            self._sync_above()
            if self._own_scratch:
                for left in self._scratch.glob(f"{_SCRATCH_PREFIX}*"):
                    left.unlink(missing_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"{self._folder} can't be used as StorageDirectory: {error.strerror}"
            ) from None

    def _mark(self, token: str, since: float) -> None:
        """Note the time, durably: what is younger may be half-done, until a clean stop."""
        handle = os.open(self._marker, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            text = f"{since:.6f} {token}\n".encode()
            os.pwrite(handle, text, 0)
            os.ftruncate(handle, len(text))
            os.fsync(handle)
        finally:
            os.close(handle)
        fsync_folder(self._folder)

    def owner(self) -> str | None:
        return self._ownership.owner()

    def claim(self, archive: str) -> None:
        try:
            self._ownership.claim(archive)
        except OSError as error:
            raise write_failure(error) from error

    def token(self) -> str:
        return self._token

    def _sync_above(self) -> None:
        """The folder's own entry, where the folder above it may be read."""
        if self._sync:
            with suppress(PermissionError):
                fsync_folder(self._folder.resolve().parent)

    def _sync_all_folders(self) -> None:
        """After an unclean stop: folders made just before it may not be durable themselves."""
        if self._sync:
            for first in hex_folders(self._folder):
                fsync_folder(first)
            fsync_folder(self._folder)

    def close(self, *, clean: bool = True) -> None:
        self._durability.close(clean=clean)
        if clean and self._unclean_since is None:
            with suppress(OSError):  # then the next start looks for left-overs, and finds none
                self._marker.unlink(missing_ok=True)
        self._ownership.release()

    def keep_notes(self, settle_entries: Callable[[], None]) -> None:
        """Keep notes from now on.

        Args:
            settle_entries: has all that is in the index reach the disk; called on a thread before
                notes are given up, raises OSError when it can't.
        """
        self._durability.keep_notes(settle_entries)

    def notes(self) -> Sequence[tuple[str, bytes]]:
        return self._durability.notes

    def notes_heeded(self) -> None:
        try:
            self._durability.notes_heeded()
        except OSError as error:
            raise write_failure(error) from error

    def suspects(self) -> Iterator[str]:
        """Files in folders that changed since the start that did not end cleanly."""
        if self._unclean_since is None:
            return
        since = self._unclean_since - _CLOCK_MARGIN
        for first in hex_folders(self._folder):
            for second in hex_folders(first):
                if second.stat().st_mtime >= since:
                    yield from (file.name for file in second.iterdir() if is_uuid(file.name))

    def checkpoint(self, token: str) -> None:
        # Files that are on their way right now stay suspects.
        since = time.time() - (_ON_THEIR_WAY if self._unclean_since is None else 0)
        try:
            self._mark(token, since)
        except OSError as error:
            raise write_failure(error) from error
        self._unclean_since = None

    # -- writing --------------------------------------------------------------------------

    def path(self, uuid: str) -> Path:
        return Path(self._place(uuid))

    def _place(self, uuid: str) -> str:
        return place_of(self._folder, uuid)

    def new_uuid(self) -> str:
        """Files made one after the other lie in the same folder, which is chosen at random.

        The entries of a folder reach the disk together, and a folder that was just made costs
        three more flushes for itself and those above it: paid once for many files, not for each.
        """
        name = str(uuid4())
        with self._choice:
            if self._left == 0:
                self._shared, self._left = name[:4], _TOGETHER
            self._left -= 1
            return self._shared + name[4:]

    def scratch(self) -> BinaryIO:
        try:
            try:
                # Without a name, a crash leaves nothing behind. (tempfile.TemporaryFile asks for
                # O_EXCL too, and open(2) says of such a file that it can't be linked later.)
                flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
                return os.fdopen(os.open(self._scratch, flags, 0o600), "w+b")
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    raise
            return tempfile.NamedTemporaryFile(  # type: ignore[return-value]
                "w+b", prefix=_SCRATCH_PREFIX, dir=self._scratch
            )
        except OSError as error:
            raise write_failure(error) from error

    def create(self, uuid: str, content: Buffer, *, wait: bool = True, note: bytes = b"") -> None:
        place = self._place(uuid)
        with memoryview(content) as view:
            handle = self._add(uuid, lambda: write_new(place, view))
            assert handle is not None
            whole = content if isinstance(content, bytes) else view
            self._durability.made(uuid, whole, handle, soon=wait, note=note)
        self._settle(uuid, wait)

    def adopt(self, uuid: str, scratch: BinaryIO, *, wait: bool = True) -> None:
        place = self._place(uuid)
        try:
            scratch.flush()
            if self._sync:
                # Large files reach the disk here, on the thread of their sender.
                os.fsync(scratch.fileno())
        except OSError as error:
            raise write_failure(error) from error
        self._durability.note(uuid, self._add(uuid, lambda: link_or_copy(scratch, place)))
        self._settle(uuid, wait)

    def _add(self, uuid: str, make: Callable[[], int | None]) -> int | None:
        """Make a file, and the folders that it needs; answers its handle."""
        try:
            try:
                return make()
            except FileNotFoundError:
                self._make_folders(uuid)
                return make()
        except OSError as error:
            raise write_failure(error) from error

    def _settle(self, uuid: str, wait: bool) -> None:
        """Wait until a new file is durable; one that can't be is not kept."""
        if wait and self._sync:
            try:
                self.sync([uuid])
            except BaseException:
                self.remove(uuid)
                raise

    def sync(self, uuids: Sequence[str]) -> bool:
        return self._durability.sync(uuids)

    def _make_folders(self, uuid: str) -> None:
        self._durability.folder_is_made(uuid[:4])
        for folder in (f"{self._folder}/{uuid[0:2]}", f"{self._folder}/{uuid[0:2]}/{uuid[2:4]}"):
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)

    def remove(self, uuid: str) -> None:
        self._durability.forget(uuid)
        try:
            os.unlink(self._place(uuid))
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_failure(error) from error

    def take_back(self, uuid: str) -> None:
        self._durability.journal.take_back(uuid)
        self.remove(uuid)

    # -- reading --------------------------------------------------------------------------

    def _open(self, uuid: str) -> int:
        try:
            return os.open(self._place(uuid), _OLD)
        except OSError as error:
            raise read_failure(error) from None

    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        handle = self._open(uuid)
        try:
            size = os.fstat(handle).st_size
            end = size if end is None else min(end, size)
            if start >= end:
                return b""
            part = os.pread(handle, end - start, start)
            if len(part) == end - start:
                return part
            parts, at = [part], start + len(part)
            while part and at < end:  # one call answers at most 2 GiB (read(2))
                part = os.pread(handle, end - at, at)
                parts.append(part)
                at += len(part)
            return b"".join(parts)
        except OSError as error:
            raise read_failure(error) from error
        finally:
            os.close(handle)

    def read_at_hand(self, uuid: str, most: int) -> bytes | None:
        # preadv2(2), RWF_NOWAIT: "Do not wait for data which is not immediately available". Not
        # every file system knows it; one that doesn't is not asked again.
        if not self._at_hand:
            return None
        try:
            handle = os.open(self._place(uuid), _OLD)
        except OSError:
            return None
        buffer = bytearray(most + 1)
        try:
            size = os.preadv(handle, [buffer], 0, os.RWF_NOWAIT)
            # A file that is at hand in part only ends early here too.
            if size > most or size != os.fstat(handle).st_size:
                return None
            return bytes(memoryview(buffer)[:size])
        except BlockingIOError:
            return None
        except OSError:
            self._at_hand = False
            return None
        finally:
            os.close(handle)

    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        handle = self._open(uuid)
        try:
            while start < end:
                part = os.pread(handle, min(size, end - start), start)
                if not part:
                    raise too_short()
                start += len(part)
                yield part
        except OSError as error:
            raise read_failure(error) from error
        finally:
            os.close(handle)

    @contextmanager
    def map(self, uuid: str) -> Iterator[Buffer]:
        handle = self._open(uuid)
        try:
            if os.fstat(handle).st_size == 0:
                mapped = None
            else:
                mapped = mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise read_failure(error) from error
        finally:
            os.close(handle)
        if mapped is None:
            yield b""
            return
        try:
            yield mapped
        finally:
            # A value that still points into the map keeps it alive; it is unmapped with it.
            with suppress(BufferError):
                mapped.close()

    def size(self, uuid: str) -> int:
        try:
            return os.stat(self._place(uuid), follow_symlinks=False).st_size
        except OSError as error:
            raise read_failure(error) from None
