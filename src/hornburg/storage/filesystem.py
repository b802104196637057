"""Attachments as local files, in two levels of folders named after the UUID, as Orthanc has them.

A file is durable when its bytes and its folder entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer
from hornburg.errors import CorruptedError, DatabaseError, StorageFullError
from hornburg.storage.base import Storage

__all__ = ["FilesystemStorage"]

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEX = frozenset("0123456789abcdef")

#: Folders change their time when a file is added; clocks of file systems are coarse.
_CLOCK_MARGIN = 5.0


class FilesystemStorage(Storage):
    """Files below a folder of their own.

    Args:
        folder: where they are; made if missing, readable by this user alone.
        temporary: where scratch files go; inside ``folder`` by default, so that taking one over
            is a rename.
        sync: ``False`` gives up durability against a power cut (``SyncStorageArea``).
    """

    def __init__(self, folder: Path, *, temporary: Path | None = None, sync: bool = True) -> None:
        self._folder = folder
        self._scratch = temporary or folder / "incoming"
        self._sync = sync
        self._marker = folder / "in-use"
        self._unclean_since: float | None = None
        self._made: set[str] = set()

    def open(self) -> None:
        try:
            for folder in (self._folder, self._scratch):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._marker.exists():
                self._unclean_since = float(self._marker.read_text() or 0)
            else:
                self._mark(time.time())
        except (OSError, ValueError) as error:
            raise DatabaseError(
                f"{self._folder} can't be used as StorageDirectory: {error}"
            ) from None

    def _mark(self, now: float) -> None:
        with self._marker.open("w") as file:
            file.write(repr(now))
            file.flush()
            os.fsync(file.fileno())
        self._sync_folder(self._folder)

    def close(self, *, clean: bool = True) -> None:
        if clean:
            self._marker.unlink(missing_ok=True)

    def swept(self) -> None:
        """The suspects were looked at: from here on, only what comes later is one."""
        self._mark(time.time())
        self._unclean_since = None

    def path(self, uuid: str) -> Path:
        # Identifiers come from the index; the check makes a path outside the folder impossible.
        if not _UUID.fullmatch(uuid):
            raise CorruptedError(f"{uuid!r} is no identifier of an attachment")
        return self._folder / uuid[0:2] / uuid[2:4] / uuid

    def scratch(self) -> BinaryIO:
        # Without a name (O_TMPFILE where the file system has it): a crash leaves nothing behind.
        try:
            return tempfile.TemporaryFile("w+b", prefix="hornburg-", dir=self._scratch)  # type: ignore[return-value]
        except OSError as error:
            raise _full_or(error) from error

    def create(self, uuid: str, content: Buffer) -> None:
        path = self._prepare(uuid)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(handle, view) :]
                if self._sync:
                    os.fsync(handle)
            finally:
                os.close(handle)
            self._sync_folder(path.parent)
        except OSError as error:
            self._forget(path)
            raise _full_or(error) from error

    def adopt(self, uuid: str, scratch: BinaryIO) -> None:
        path = self._prepare(uuid)
        try:
            scratch.flush()
            if self._sync:
                os.fsync(scratch.fileno())
            # src_dir_fd makes Python call linkat(2), which alone follows /proc/self/fd.
            source = f"/proc/self/fd/{scratch.fileno()}"
            os.link(source, path, src_dir_fd=scratch.fileno(), follow_symlinks=True)
            self._sync_folder(path.parent)
        except OSError as error:
            self._forget(path)
            raise _full_or(error) from error

    def _prepare(self, uuid: str) -> Path:
        path = self.path(uuid)
        pair = uuid[:4]
        if pair not in self._made:
            try:
                for folder in (path.parent.parent, path.parent):
                    if not folder.exists():
                        folder.mkdir(mode=0o700, exist_ok=True)
                        self._sync_folder(folder.parent)
            except OSError as error:
                raise _full_or(error) from error
            self._made.add(pair)
        return path

    def _sync_folder(self, folder: Path) -> None:
        if not self._sync:
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _forget(self, path: Path) -> None:
        self._made.discard(path.name[:4])
        with suppress(FileNotFoundError):
            path.unlink()

    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        try:
            handle = os.open(self.path(uuid), os.O_RDONLY)
        except FileNotFoundError:
            raise _missing() from None
        try:
            size = os.fstat(handle).st_size
            end = size if end is None else min(end, size)
            parts, at = [], start
            while at < end:
                part = os.pread(handle, end - at, at)
                if not part:
                    break
                parts.append(part)
                at += len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            os.close(handle)

    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        try:
            file = self.path(uuid).open("rb", buffering=0)
        except FileNotFoundError:
            raise _missing() from None
        with file:
            file.seek(start)
            left = end - start
            while left > 0:
                part = file.read(min(size, left))
                if not part:
                    raise CorruptedError("An attachment is shorter than the index says")
                left -= len(part)
                yield part

    @contextmanager
    def map(self, uuid: str) -> Iterator[Buffer]:
        try:
            file = self.path(uuid).open("rb")
        except FileNotFoundError:
            raise _missing() from None
        with file:
            if os.fstat(file.fileno()).st_size == 0:
                yield b""
                return
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield mapped
        finally:
            # A value that still points into the map keeps it alive; it is unmapped with it.
            with suppress(BufferError):
                mapped.close()

    def size(self, uuid: str) -> int:
        try:
            return self.path(uuid).stat().st_size
        except FileNotFoundError:
            raise _missing() from None

    def remove(self, uuid: str) -> None:
        with suppress(FileNotFoundError):
            self.path(uuid).unlink()

    def suspects(self) -> Iterator[str]:
        """Files in folders that changed since the start that did not end cleanly."""
        if self._unclean_since is None:
            return
        since = self._unclean_since - _CLOCK_MARGIN
        for first in _hex_folders(self._folder):
            for second in _hex_folders(first):
                if second.stat().st_mtime >= since:
                    yield from (
                        file.name for file in second.iterdir() if _UUID.fullmatch(file.name)
                    )


def _hex_folders(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if len(entry.name) == 2 and _HEX.issuperset(entry.name) and entry.is_dir():
            yield Path(entry.path)


def _missing() -> CorruptedError:
    return CorruptedError("The file of an attachment is missing in the storage")


def _full_or(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFullError("No room is left on the disk of the storage")
    return DatabaseError(f"The storage can't be written: {error.strerror}")
