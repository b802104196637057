"""Attachments as local files, in two levels of folders named after the UUID, as Orthanc has them.

A file is durable when its bytes and its folder entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").

Files are made under their own name. The content of those up to 1 MB goes into a journal too
(``hornburg.storage.journal``), which is flushed in their place. Without it, those that a commit
of the index waits for are synchronised together, several at the same time, and the folder that
they share once. Nameless files that are linked afterwards (O_TMPFILE) took 1.5 to 2 times as long
on ext4.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hornburg.dicom.buffer import Buffer
from hornburg.errors import DatabaseError
from hornburg.storage.base import Storage
from hornburg.storage.failures import read_failure, too_short, write_failure
from hornburg.storage.files import (
    fsync_folder,
    hex_folders,
    link_or_copy,
    read_marker,
    restore,
    start_writing,
    sync_files,
    write_new,
)
from hornburg.storage.identifiers import check_uuid, is_uuid
from hornburg.storage.journal import LARGEST, Journal
from hornburg.storage.ownership import Ownership

__all__ = ["FilesystemStorage"]

#: Folders change their time when a file is added; clocks of file systems are coarse.
_CLOCK_MARGIN = 5.0

#: Files that share a folder before another one is chosen. 65,536 folders hold 16 million files
#: before one is chosen twice on average.
_TOGETHER = 256

#: Files that are flushed at the same time. The file system joins what it is asked for meanwhile
#: into one entry of its journal: measured on ext4, 8 at once took a third to a sixth of the time
#: of one after the other. Fewer are not worth waking other threads for.
_FLUSHERS = 8

#: Files above this many bytes begin to reach the disk before anybody waits for it.
_LARGE = 64 << 10

#: Files that are flushed each by itself before the journal is made: few are not worth its place.
_WITHOUT_JOURNAL = 32

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
        journal_after: int = _WITHOUT_JOURNAL,
    ) -> None:
        self._folder = folder
        self._scratch = temporary or folder / "incoming"
        self._own_scratch = temporary is None
        self._sync = sync
        self._marker = folder / "in-use"
        self._ownership = Ownership(folder)
        self._unclean_since: float | None = None
        self._token = ""
        #: Folders whose own entry may not be durable yet: their files wait for it too.
        self._fresh: set[str] = set()
        #: Files that are not durable yet, with the handle to flush them by, if their bytes are
        #: not, or the content that goes into the journal; and those that never will be. One
        #: thread at a time works on a file.
        self._waiting: dict[str, int | bytes | None] = {}
        self._failed: dict[str, OSError] = {}
        self._flushers: ThreadPoolExecutor | None = None
        self._journal = Journal(folder, partial(sync_files, folder))
        self._before_journal = journal_after
        self._choice = threading.Lock()
        self._shared, self._left = "", 0
        self._at_hand = hasattr(os, "RWF_NOWAIT")

    # -- life -----------------------------------------------------------------------------

    def open(self) -> None:
        if self._sync:
            self._flushers = ThreadPoolExecutor(_FLUSHERS, "storage-flush")
        try:
            for folder in (self._folder, self._scratch):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._ownership.lock()
            if self._marker.exists():
                self._unclean_since, self._token = read_marker(self._marker)
                self._sync_all_folders()
            else:
                self._mark("", time.time())
            self._replay()
            self._sync_above()
            if self._own_scratch:
                for left in self._scratch.glob(f"{_SCRATCH_PREFIX}*"):
                    left.unlink(missing_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"{self._folder} can't be used as StorageDirectory: {error.strerror}"
            ) from None

    def _replay(self) -> None:
        """Make the files again that the journal holds; the sweep removes those without entry."""
        restored = []
        for uuid, content in self._journal.records():
            self._make_folders(uuid)
            restore(self._place(uuid), content)
            restored.append(uuid)
        if restored:
            sync_files(self._folder, restored)
        self._journal.forget()

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
        if self._flushers is not None:
            self._flushers.shutdown()
            self._flushers = None
        for uuid in list(self._waiting):
            self._let_go(uuid)
        self._journal.close(clean=clean)
        if clean and self._unclean_since is None:
            with suppress(OSError):  # then the next start looks for left-overs, and finds none
                self._marker.unlink(missing_ok=True)
        self._ownership.release()

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
        check_uuid(uuid)
        return f"{self._folder}/{uuid[0:2]}/{uuid[2:4]}/{uuid}"

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

    def create(self, uuid: str, content: Buffer, *, wait: bool = True) -> None:
        place = self._place(uuid)
        with memoryview(content) as view:
            size = view.nbytes
            handle = self._add(uuid, lambda: write_new(place, view))
            assert handle is not None
            if size > _LARGE and not wait and self._sync:
                start_writing(handle)
            if self._journal.is_open and size <= LARGEST:
                os.close(handle)
                self._note(uuid, content if isinstance(content, bytes) else bytes(view), wait)
                return
            if self._sync and size <= LARGEST:
                self._before_journal -= 1
                if self._before_journal < 0:
                    self._journal.begin()
        self._note(uuid, handle, wait)

    def adopt(self, uuid: str, scratch: BinaryIO, *, wait: bool = True) -> None:
        place = self._place(uuid)
        try:
            scratch.flush()
            if self._sync:
                # Large files reach the disk here, on the thread of their sender.
                os.fsync(scratch.fileno())
        except OSError as error:
            raise write_failure(error) from error
        self._note(uuid, self._add(uuid, lambda: link_or_copy(scratch, place)), wait)

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

    def _note(self, uuid: str, left: int | bytes | None, wait: bool) -> None:
        """Note what is left to do until a file is durable."""
        if self._sync:
            self._waiting[uuid] = left
            if wait:
                try:
                    self.sync([uuid])
                except BaseException:
                    self.remove(uuid)
                    raise
        elif isinstance(left, int):
            os.close(left)

    def sync(self, uuids: Sequence[str]) -> None:
        """The journal once for all; or the bytes of all at once, then the entries of their
        folders, each folder once."""
        names = self._without_journal(list(dict.fromkeys(uuids)))
        if not names:
            return
        fault = next((fault for fault in self._flush_all(names) if fault is not None), None)
        if fault is None:
            try:
                self._sync_entries([uuid for uuid in names if uuid in self._waiting])
            except OSError as error:
                fault = error
        if fault is not None:
            raise write_failure(fault) from fault
        for uuid in names:
            self._waiting.pop(uuid, None)

    def _without_journal(self, uuids: list[str]) -> list[str]:
        """Append to the journal what is meant for it; answers the files that need more."""
        files = [
            (uuid, left) for uuid in uuids if isinstance(left := self._waiting.get(uuid), bytes)
        ]
        if files and self._journal.append(files):
            for uuid, _ in files:
                self._waiting.pop(uuid, None)
            uuids = [uuid for uuid in uuids if uuid in self._waiting or uuid in self._failed]
        return uuids

    def _flush_all(self, uuids: Sequence[str]) -> list[OSError | None]:
        if len(uuids) < _FLUSHERS or self._flushers is None:
            return [self._flush(uuid) for uuid in uuids]
        return list(self._flushers.map(self._flush, uuids))

    def _flush(self, uuid: str) -> OSError | None:
        """Have the bytes of one file reach the disk; answers why they never will."""
        if uuid in self._failed:
            return self._failed[uuid]
        left = self._waiting.get(uuid)
        if left is None:
            return None
        self._waiting[uuid] = None
        try:
            handle = left if isinstance(left, int) else os.open(self._place(uuid), _OLD)
        except OSError as error:
            self._failed[uuid] = error
            return error
        try:
            os.fsync(handle)
        except OSError as error:
            # After a failed fsync the kernel drops the pages and the next one succeeds
            # (https://wiki.postgresql.org/wiki/Fsync_Errors): this file is lost for good.
            self._failed[uuid] = error
            return error
        finally:
            os.close(handle)
        return None

    def _make_folders(self, uuid: str) -> None:
        # Noted before it is made: whoever finds the folder there also finds the note.
        self._fresh.add(uuid[:4])
        for folder in (f"{self._folder}/{uuid[0:2]}", f"{self._folder}/{uuid[0:2]}/{uuid[2:4]}"):
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)

    def _sync_entries(self, uuids: Sequence[str]) -> None:
        """After the files themselves: then the journal has most of it already."""
        for pair in {uuid[:4] for uuid in uuids}:
            first = f"{self._folder}/{pair[:2]}"
            fsync_folder(f"{first}/{pair[2:]}")
            if pair in self._fresh:
                fsync_folder(first)
                fsync_folder(self._folder)
                self._fresh.discard(pair)

    def remove(self, uuid: str) -> None:
        self._let_go(uuid)
        self._failed.pop(uuid, None)
        try:
            os.unlink(self._place(uuid))
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_failure(error) from error

    def _let_go(self, uuid: str) -> None:
        left = self._waiting.pop(uuid, None)
        if isinstance(left, int):
            os.close(left)

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
