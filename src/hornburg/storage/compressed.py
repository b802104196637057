"""A layer that keeps files compressed in another storage (``StorageCompression``).

Both see the same identifiers: the archive reads a file through this layer when the index says
that it is compressed, and through the storage below when it is not or when the compressed bytes
themselves are asked for.
"""

from __future__ import annotations

import hashlib
import mmap
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer
from hornburg.storage.base import Storage
from hornburg.storage.failures import too_short
from hornburg.storage.zlib_form import (
    PREFIX,
    claimed_size,
    decompress,
    pack,
    pack_pieces,
    pack_stream,
)

__all__ = ["CompressedStorage", "compress"]

_STEP = 1 << 18

#: A larger file is unpacked on the disk, not in memory, when it is mapped.
_MAP_IN_MEMORY = 8 << 20


def compress(content: Buffer, target: BinaryIO, level: int = 6) -> tuple[int, str]:
    """Write the compressed form of ``content``, and answer its size and MD5, both for the index.

    A mapped file is read piece by piece, so that memory stays bounded.
    """
    digest, written = hashlib.md5(usedforsecurity=False), 0
    with memoryview(content) as view:
        for part in pack_pieces(view, level):
            target.write(part)
            digest.update(part)
            written += len(part)
    return written, digest.hexdigest()


class CompressedStorage(Storage):
    """Files in Orthanc's zlib form on any other storage.

    Ranges are found by unpacking from the start: zlib has no other way in. Memory stays bounded.

    Args:
        below: where the compressed bytes lie.
        level: of zlib, 1 (fast) to 9 (small).
    """

    def __init__(self, below: Storage, level: int = 6) -> None:
        self._below = below
        self._level = level

    def open(self) -> None:
        self._below.open()

    def close(self, *, clean: bool = True) -> None:
        self._below.close(clean=clean)

    def scratch(self) -> BinaryIO:
        return self._below.scratch()

    def new_uuid(self) -> str:
        return self._below.new_uuid()

    def create(self, uuid: str, content: Buffer, *, wait: bool = True, note: bytes = b"") -> None:
        self._below.create(uuid, pack(content, self._level), wait=wait, note=note)

    def adopt(self, uuid: str, scratch: BinaryIO, *, wait: bool = True) -> None:
        scratch.seek(0)
        with self._below.scratch() as packed:
            pack_stream(scratch, packed, self._level)
            self._below.adopt(uuid, packed, wait=wait)

    def sync(self, uuids: Sequence[str]) -> bool:
        return self._below.sync(uuids)

    def notes(self) -> Sequence[tuple[str, bytes]]:
        return self._below.notes()

    def notes_heeded(self) -> None:
        self._below.notes_heeded()

    def size(self, uuid: str) -> int:
        return claimed_size(self._below.read(uuid, 0, PREFIX), self._below.size(uuid))

    def _pieces(self, uuid: str) -> Iterator[bytes]:
        packed = self._below.size(uuid)
        if packed:
            size = claimed_size(self._below.read(uuid, 0, PREFIX), packed)
            yield from decompress(self._below.chunks(uuid, PREFIX, packed, _STEP), size)

    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        # Without an end the stream is followed to its own, so that the claimed size is checked.
        return b"".join(self._range(uuid, start, sys.maxsize if end is None else end))

    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        left = end - start
        for part in self._range(uuid, start, end):
            left -= len(part)
            for at in range(0, len(part), size):
                yield part[at : at + size]
        if left > 0:
            raise too_short()

    def _range(self, uuid: str, start: int, end: int) -> Iterator[bytes]:
        """What lies in a range; one that reaches the end also has the end of the stream checked."""
        if start >= end:
            return
        at, whole = 0, end >= self.size(uuid)
        for piece in self._pieces(uuid):
            if at < end and at + len(piece) > start:
                yield piece[max(0, start - at) : end - at]
            at += len(piece)
            if at >= end and not whole:
                return

    @contextmanager
    def map(self, uuid: str) -> Iterator[Buffer]:
        if self.size(uuid) <= _MAP_IN_MEMORY:
            yield self.read(uuid)
            return
        with self._below.scratch() as unpacked:
            for piece in self._pieces(uuid):
                unpacked.write(piece)
            unpacked.flush()
            mapped = mmap.mmap(unpacked.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield mapped
        finally:
            with suppress(BufferError):
                mapped.close()

    def remove(self, uuid: str) -> None:
        self._below.remove(uuid)

    def take_back(self, uuid: str) -> None:
        self._below.take_back(uuid)

    def suspects(self) -> Iterator[str]:
        return self._below.suspects()

    def checkpoint(self, token: str) -> None:
        self._below.checkpoint(token)

    def token(self) -> str:
        return self._below.token()

    def owner(self) -> str | None:
        return self._below.owner()

    def claim(self, archive: str) -> None:
        self._below.claim(archive)

    def path(self, uuid: str) -> Path | None:
        """None: what lies on the disk is not the file itself."""
        self._below.path(uuid)
        return None
