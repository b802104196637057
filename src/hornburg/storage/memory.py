"""Attachments in memory: for tests and for servers that are to forget."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer
from hornburg.errors import AlreadyExistsError, StorageFullError
from hornburg.storage.base import Storage
from hornburg.storage.failures import missing, too_short
from hornburg.storage.identifiers import check_uuid

__all__ = ["MemoryStorage"]

#: A scratch file grows in memory up to this, then on the disk.
_SPOOL = 1 << 20


class MemoryStorage(Storage):
    """A dictionary. Nothing survives the process, so nothing is ever a suspect.

    Args:
        capacity: bytes that fit; more is a full disk. ``None`` is no bound.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._used = 0
        self._files: dict[str, bytes] = {}
        self._owner: str | None = None

    def open(self) -> None:
        """Nothing to make ready."""

    def close(self, *, clean: bool = True) -> None:
        """Nothing to let go."""

    def scratch(self) -> BinaryIO:
        return tempfile.SpooledTemporaryFile(_SPOOL)  # type: ignore[return-value]

    def create(self, uuid: str, content: Buffer, *, wait: bool = True, note: bytes = b"") -> None:
        check_uuid(uuid)
        if uuid in self._files:
            raise AlreadyExistsError("A file with this identifier is already in the storage")
        size = len(content)
        if self._capacity is not None and self._used + size > self._capacity:
            raise StorageFullError("No room is left in the memory of the storage")
        self._files[uuid] = bytes(content)
        self._used += size

    def adopt(self, uuid: str, scratch: BinaryIO, *, wait: bool = True) -> None:
        scratch.seek(0)
        self.create(uuid, scratch.read())

    def sync(self, uuids: Sequence[str]) -> bool:
        """Nothing outlives the process."""
        return False

    def notes(self) -> Sequence[tuple[str, bytes]]:
        return ()

    def notes_heeded(self) -> None:
        """There are none."""

    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        try:
            return self._files[check_uuid(uuid)][start:end]
        except KeyError:
            raise missing() from None

    def read_at_hand(self, uuid: str, most: int) -> bytes | None:
        content = self._files.get(check_uuid(uuid))
        return content if content is not None and len(content) <= most else None

    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        content = self.read(uuid)
        if end > len(content):
            raise too_short()
        for at in range(start, end, size):
            yield content[at : min(at + size, end)]

    @contextmanager
    def map(self, uuid: str) -> Iterator[Buffer]:
        yield self.read(uuid)

    def size(self, uuid: str) -> int:
        return len(self.read(uuid))

    def remove(self, uuid: str) -> None:
        self._used -= len(self._files.pop(check_uuid(uuid), b""))

    def suspects(self) -> Iterator[str]:
        return iter(())

    def token(self) -> str:
        return ""

    def owner(self) -> str | None:
        return self._owner

    def claim(self, archive: str) -> None:
        self._owner = archive

    def checkpoint(self, token: str) -> None:
        """There are no suspects."""

    def path(self, uuid: str) -> None:
        check_uuid(uuid)
