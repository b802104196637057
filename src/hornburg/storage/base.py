"""The storage as the rest of the server sees it: files that are written once, by UUID.

All methods block and are called from worker threads. Every backend passes
``tests/contracts/test_storage.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from hornburg.dicom.buffer import Buffer

__all__ = ["Storage"]


class Storage(ABC):
    """A flat set of immutable files."""

    @abstractmethod
    def open(self) -> None:
        """Make ready; raises DatabaseError when the place can't be used."""

    @abstractmethod
    def close(self, *, clean: bool = True) -> None:
        """Let go; ``clean`` says that nothing was left half-done."""

    @abstractmethod
    def scratch(self) -> BinaryIO:
        """A new temporary file on the same device, which ``adopt`` may take over."""

    @abstractmethod
    def create(self, uuid: str, content: Buffer) -> None:
        """Write a new file; when this returns, it is durable.

        Raises:
            StorageFullError: no room; nothing is left behind.
        """

    @abstractmethod
    def adopt(self, uuid: str, scratch: BinaryIO) -> None:
        """Make a scratch file a stored one, without a copy where the backend can."""

    @abstractmethod
    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` to before ``end``.

        Raises:
            CorruptedError: the file is not there.
        """

    @abstractmethod
    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        """The same in pieces of at most ``size`` bytes."""

    @abstractmethod
    def map(self, uuid: str) -> AbstractContextManager[Buffer]:
        """The whole file as a buffer that takes memory only for what is touched."""

    @abstractmethod
    def size(self, uuid: str) -> int:
        """The number of bytes of a file."""

    @abstractmethod
    def remove(self, uuid: str) -> None:
        """Remove a file; one that is gone already is no error."""

    @abstractmethod
    def suspects(self) -> Iterator[str]:
        """After an unclean stop: files that may have been written without reaching the index."""

    @abstractmethod
    def path(self, uuid: str) -> Path | None:
        """Where the file is on this machine, if it is."""
