"""Attachments as local files, in two levels of folders named after the UUID, as Orthanc has them.

A file is durable when its bytes and its folder entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").

Files are made under their own name and synchronised one by one, from as many threads as call:
the file system joins their journal commits itself. Nameless files that are linked afterwards
(O_TMPFILE) took 1.5 to 2 times as long on ext4, one fsync for several files after another was
slower still, and two files rarely share one of 65,536 folders, so that sharing the fsync of a
folder would gain nothing.
"""

# ruff: noqa: PTH102, PTH108, PTH116 - a Path for each file costs more than its system call

from __future__ import annotations

import errno
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer
from hornburg.errors import DatabaseError
from hornburg.storage.base import Storage
from hornburg.storage.failures import read_failure, too_short, write_failure
from hornburg.storage.identifiers import check_uuid, is_uuid

__all__ = ["FilesystemStorage"]

_HEX = frozenset("0123456789abcdef")

#: Folders change their time when a file is added; clocks of file systems are coarse.
_CLOCK_MARGIN = 5.0

#: A scratch file has this name only where the file system has no files without a name.
_SCRATCH_PREFIX = "hornburg-scratch-"

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_OLD = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class FilesystemStorage(Storage):
    """Files below a folder of their own, readable by this user alone (0600 in 0700).

    Args:
        folder: where they are; made if missing.
        temporary: where scratch files go; inside ``folder`` by default, so that taking one over
            is a link and not a copy.
        sync: ``False`` gives up durability against a power cut (``SyncStorageArea``).
    """

    def __init__(self, folder: Path, *, temporary: Path | None = None, sync: bool = True) -> None:
        self._folder = folder
        self._scratch = temporary or folder / "incoming"
        self._own_scratch = temporary is None
        self._sync = sync
        self._marker = folder / "in-use"
        self._unclean_since: float | None = None
        #: Folders whose own entry may not be durable yet: their files wait for it too.
        self._fresh: set[str] = set()

    # -- life -----------------------------------------------------------------------------

    def open(self) -> None:
        try:
            for folder in (self._folder, self._scratch):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._marker.exists():
                self._unclean_since = _time_in(self._marker)
                self._sync_all_folders()
            else:
                self._mark()
            if self._own_scratch:
                for left in self._scratch.glob(f"{_SCRATCH_PREFIX}*"):
                    left.unlink(missing_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"{self._folder} can't be used as StorageDirectory: {error.strerror}"
            ) from None

    def _mark(self) -> None:
        """Note the time, durably: what is younger may be half-done, until a clean stop."""
        handle = os.open(self._marker, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            text = f"{time.time():.6f}\n".encode()
            os.pwrite(handle, text, 0)
            os.ftruncate(handle, len(text))
            os.fsync(handle)
        finally:
            os.close(handle)
        _fsync_folder(self._folder)

    def _sync_all_folders(self) -> None:
        """After an unclean stop: folders made just before it may not be durable themselves."""
        if self._sync:
            for first in _hex_folders(self._folder):
                _fsync_folder(first)
            _fsync_folder(self._folder)

    def close(self, *, clean: bool = True) -> None:
        if clean and self._unclean_since is None:
            with suppress(OSError):  # then the next start looks for left-overs, and finds none
                self._marker.unlink(missing_ok=True)

    def suspects(self) -> Iterator[str]:
        """Files in folders that changed since the start that did not end cleanly."""
        if self._unclean_since is None:
            return
        since = self._unclean_since - _CLOCK_MARGIN
        for first in _hex_folders(self._folder):
            for second in _hex_folders(first):
                if second.stat().st_mtime >= since:
                    yield from (file.name for file in second.iterdir() if is_uuid(file.name))

    def swept(self) -> None:
        try:
            self._mark()
        except OSError as error:
            raise write_failure(error) from error
        self._unclean_since = None

    # -- writing --------------------------------------------------------------------------

    def path(self, uuid: str) -> Path:
        return Path(self._place(uuid))

    def _place(self, uuid: str) -> str:
        check_uuid(uuid)
        return f"{self._folder}/{uuid[0:2]}/{uuid[2:4]}/{uuid}"

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

    def create(self, uuid: str, content: Buffer) -> None:
        place = self._place(uuid)
        with memoryview(content) as view:
            self._add(uuid, place, lambda: _write_new(place, view, self._sync))

    def adopt(self, uuid: str, scratch: BinaryIO) -> None:
        place = self._place(uuid)
        try:
            scratch.flush()
            if self._sync:
                os.fsync(scratch.fileno())
        except OSError as error:
            raise write_failure(error) from error
        self._add(uuid, place, lambda: _link_or_copy(scratch, place, self._sync))

    def _add(self, uuid: str, place: str, make: Callable[[], None]) -> None:
        """Make a file and its folders, and have their entries on the disk before returning."""
        try:
            try:
                make()
            except FileNotFoundError:
                self._make_folders(uuid)
                make()
        except OSError as error:
            raise write_failure(error) from error
        try:
            self._sync_entries(uuid)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(place)
            if isinstance(error, OSError):
                raise write_failure(error) from error
            raise

    def _make_folders(self, uuid: str) -> None:
        # Noted before it is made: whoever finds the folder there also finds the note.
        self._fresh.add(uuid[:4])
        for folder in (f"{self._folder}/{uuid[0:2]}", f"{self._folder}/{uuid[0:2]}/{uuid[2:4]}"):
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)

    def _sync_entries(self, uuid: str) -> None:
        """After the file itself: then the journal has most of it already."""
        if not self._sync:
            return
        first = f"{self._folder}/{uuid[0:2]}"
        _fsync_folder(f"{first}/{uuid[2:4]}")
        if uuid[:4] in self._fresh:
            _fsync_folder(first)
            _fsync_folder(self._folder)
            self._fresh.discard(uuid[:4])

    def remove(self, uuid: str) -> None:
        try:
            os.unlink(self._place(uuid))
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_failure(error) from error

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


def _write_new(place: str, view: memoryview, sync: bool) -> None:
    """Write a file that must not be there yet; a failure leaves none."""
    handle = os.open(place, _NEW, 0o600)
    try:
        try:
            while view:
                view = view[os.write(handle, view) :]
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        with suppress(OSError):
            os.unlink(place)
        raise


def _link_or_copy(scratch: BinaryIO, place: str, sync: bool) -> None:
    """Give a scratch file its name, or copy it when it lies on another device."""
    name = getattr(scratch, "name", None)
    handle = scratch.fileno()
    try:
        if isinstance(name, str):
            os.link(name, place)
        else:
            # src_dir_fd makes Python call linkat(2), which alone follows /proc/self/fd.
            os.link(f"/proc/self/fd/{handle}", place, src_dir_fd=handle, follow_symlinks=True)
        return
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
    target = os.open(place, _NEW, 0o600)
    try:
        scratch.seek(0)
        with os.fdopen(target, "wb") as file:
            shutil.copyfileobj(scratch, file, 1 << 20)
            file.flush()
            if sync:
                os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(place)
        raise


def _fsync_folder(folder: str | Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hex_folders(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(entry.name) == 2 and _HEX.issuperset(entry.name) and entry.is_dir():
                yield Path(entry.path)


def _time_in(marker: Path) -> float:
    """When the unclean run began; an empty or future note makes every file a suspect."""
    with marker.open("rb") as file:
        text = file.read(64)
    try:
        noted = float(text)
    except ValueError:
        return 0.0
    return noted if 0 <= noted <= time.time() else 0.0
