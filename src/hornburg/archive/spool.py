"""Bytes on their way in: in memory while they are few, in a scratch file beyond."""

from __future__ import annotations

import errno
import hashlib
import mmap
import threading
from contextlib import suppress
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer
from hornburg.errors import StorageFullError, TooLargeError
from hornburg.storage.base import Storage

__all__ = ["IN_MEMORY", "Spool", "md5_of_file"]

#: Bodies up to this size stay in memory. Most instances of CT and MR fit; 50 uploads at the same
#: time take 50 MB at the most.
IN_MEMORY = 1 << 20

_PIECE = 1 << 20


class Spool:
    """Collects a body of at most ``limit`` bytes (0: no limit), then gives it as one buffer.

    Args:
        storage: makes the scratch file, on the device where the file may stay.
        limit: the largest size taken, in bytes.
        what: how the error calls what is too large.
    """

    def __init__(self, storage: Storage, limit: int = 0, what: str = "body") -> None:
        self._storage = storage
        self._limit = limit
        self._what = what
        self._parts: list[bytes] = []
        self._file: BinaryIO | None = None
        self._map: mmap.mmap | None = None
        self._md5 = ""
        self._hashing = threading.Lock()
        self.size = 0

    @property
    def scratch(self) -> BinaryIO | None:
        """The scratch file, once the body outgrew the memory."""
        return self._file

    def would_block(self, more: int) -> bool:
        """Whether the next ``write`` goes to the disk, so that it belongs on a thread."""
        return self.size + more > IN_MEMORY

    def write(self, chunk: bytes) -> None:
        """Add a chunk.

        Raises:
            TooLargeError: the body is over the limit.
            StorageFullError: no room for the scratch file.
        """
        self.size += len(chunk)
        if self._limit and self.size > self._limit:
            raise TooLargeError(
                f"The {self._what} is larger than {self._limit >> 20} MB, which is the most allowed"
            )
        if self._file is None and self.size > IN_MEMORY:
            self._file = self._storage.scratch()
            for part in self._parts:
                _append(self._file, part)
            self._parts.clear()
        if self._file is None:
            self._parts.append(chunk)
        else:
            _append(self._file, chunk)

    def buffer(self) -> Buffer:
        """All bytes; large ones are mapped, not read."""
        if self._file is not None:
            if self._map is None:
                self._file.flush()
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            return self._map
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]

    def md5(self) -> str:
        """The MD5 of all bytes, made once; whoever asks meanwhile waits for it. Blocks.

        An integrity check, as Orthanc's clients expect it; nothing rests on its strength.
        """
        with self._hashing:
            if not self._md5:
                if self._file is not None:
                    self._md5 = md5_of_file(self._file)
                else:
                    self._md5 = hashlib.md5(self.buffer(), usedforsecurity=False).hexdigest()
            return self._md5

    def close(self) -> None:
        """Let go; a scratch file that nobody adopted is gone with it."""
        self._parts.clear()
        if self._map is not None:
            # A value that still points into the map keeps it alive; it is unmapped with it.
            with suppress(BufferError):
                self._map.close()
            self._map = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def md5_of_file(file: BinaryIO) -> str:
    """The MD5 of all bytes of a file, read piece by piece: a map would count as memory."""
    file.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _append(file: BinaryIO, chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFullError("No room is left on the disk for what arrives") from error
        raise
