"""Single steps on files and folders, for :mod:`hornburg.storage.filesystem`."""

# ruff: noqa: PTH108, PTH116 - a Path for each file costs more than its system call

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hornburg.storage.identifiers import check_uuid

__all__ = [
    "fsync_folder",
    "hex_folders",
    "link_or_copy",
    "place_of",
    "read_marker",
    "restore",
    "start_writing",
    "sync_files",
    "write_new",
]

#: Python has no names for them.
_libc = ctypes.CDLL(None, use_errno=True)
_syncfs = getattr(_libc, "syncfs", None)
_sync_file_range = getattr(_libc, "sync_file_range", None)
_SYNC_FILE_RANGE_WRITE = 2

_HEX = frozenset("0123456789abcdef")

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW


def write_new(place: str, view: memoryview) -> int:
    """Write a file that must not be there yet; answers its handle. A failure leaves none."""
    handle = os.open(place, _NEW, 0o600)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except BaseException:
        os.close(handle)
        with suppress(OSError):
            os.unlink(place)
        raise
    return handle


def link_or_copy(scratch: BinaryIO, place: str) -> int | None:
    """Give a scratch file its name; or copy it when it lies on another device, and answer the
    handle of the copy, which isn't on the disk yet."""
    name = getattr(scratch, "name", None)
    handle = scratch.fileno()
    try:
        if isinstance(name, str):
            os.link(name, place)
        else:
            # src_dir_fd makes Python call linkat(2), which alone follows /proc/self/fd.
            os.link(f"/proc/self/fd/{handle}", place, src_dir_fd=handle, follow_symlinks=True)
        return None
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
    target = os.open(place, _NEW, 0o600)
    try:
        scratch.seek(0)
        with os.fdopen(target, "wb", closefd=False) as file:
            shutil.copyfileobj(scratch, file, 1 << 20)
    except BaseException:
        os.close(target)
        with suppress(OSError):
            os.unlink(place)
        raise
    return target


def place_of(folder: Path, uuid: str) -> str:
    """The path of a stored file: two levels of folders by the first digits of its UUID.

    Raises:
        CorruptedError: it is no UUID, and never becomes part of a path.
    """
    check_uuid(uuid)
    return f"{folder}/{uuid[0:2]}/{uuid[2:4]}/{uuid}"


def restore(place: str, content: bytes) -> None:
    """Make a file as it was, if it isn't there with this very content."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(place, flags, 0o600)
    try:
        if (
            os.fstat(handle).st_size == len(content)
            and os.pread(handle, len(content), 0) == content
        ):
            return
        view = memoryview(content)
        os.ftruncate(handle, 0)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def _sync_file_system(folder: Path) -> int | None:
    """Have all that was written to the file system of a folder reach the disk (syncfs(2)).

    Answers the number of its device; none when the system has no such call.

    Raises:
        OSError: something could not be written, in the last call's time or before.
    """
    if _syncfs is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return os.fstat(handle).st_dev
    finally:
        os.close(handle)


def _fsync_file(place: str) -> None:
    """Have the bytes of a file reach the disk."""
    handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def start_writing(handle: int) -> None:
    """Have the bytes of a file go to the disk meanwhile (sync_file_range(2)); a hint, no promise."""
    if _sync_file_range is not None:
        start, length = ctypes.c_int64(0), ctypes.c_int64(0)  # 0: to the end
        _sync_file_range(handle, start, length, _SYNC_FILE_RANGE_WRITE)


def sync_files(folder: Path, uuids: Sequence[str]) -> None:
    """Have stored files and their entries reach the disk; one that was removed is no error.

    One call does it for all that lies on the same file system as the folder.

    Raises:
        OSError: one of them can't be written.
    """
    pairs: dict[str, list[str]] = {}
    for uuid in uuids:
        pairs.setdefault(uuid[:4], []).append(uuid)
    here = _sync_file_system(folder) if pairs else None
    for pair, names in pairs.items():
        first = f"{folder}/{pair[:2]}"
        second = f"{first}/{pair[2:]}"
        if here == os.stat(second).st_dev:
            continue
        for uuid in names:
            with suppress(FileNotFoundError):
                _fsync_file(f"{second}/{uuid}")
        for entry in (second, first, folder):
            fsync_folder(entry)


def fsync_folder(folder: str | Path) -> None:
    """Have the entries of a folder reach the disk (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hex_folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder that are named by two digits of a UUID."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(entry.name) == 2 and _HEX.issuperset(entry.name) and entry.is_dir():
                yield Path(entry.path)


def read_marker(marker: Path) -> tuple[float, str]:
    """When the unclean run began, and what its last checkpoint was given.

    A note that is empty or lies in the future makes every file a suspect.
    """
    with marker.open("rb") as file:
        time_text, _, token = file.read(128).decode("ascii", "replace").strip().partition(" ")
    try:
        noted = float(time_text)
    except ValueError:
        noted = 0.0
    return (noted if 0 <= noted <= time.time() else 0.0), token
