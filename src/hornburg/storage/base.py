"""The storage as the rest of the server sees it: files that are written once, by UUID.

All methods block and are called from worker threads, several at a time. Every backend and every
layer passes ``tests/contracts/test_storage.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

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

    def new_uuid(self) -> str:
        """An identifier for a new file: random, but for what the backend may choose of it."""
        return str(uuid4())

    @abstractmethod
    def scratch(self) -> BinaryIO:
        """A new temporary file on the same device, which ``adopt`` may take over.

        Raises:
            StorageFullError: no room.
        """

    @abstractmethod
    def create(self, uuid: str, content: Buffer, *, wait: bool = True, note: bytes = b"") -> None:
        """Write a new file; when this returns, it is durable.

        With ``wait`` false, it is durable after ``sync`` only, which may do many at once.
        ``note`` is what its entry in the index can be made of again, see ``sync`` and ``notes``.

        Raises:
            AlreadyExistsError: there is such a file; it stays as it is.
            StorageFullError: no room; nothing is left behind.
            DatabaseError: the place can't be written; nothing is left behind.
            CorruptedError: ``uuid`` is no UUID.
        """

    @abstractmethod
    def adopt(self, uuid: str, scratch: BinaryIO, *, wait: bool = True) -> None:
        """Make a scratch file a stored one, without a copy where the backend can.

        The caller closes ``scratch`` and writes nothing more to it. Raises what ``create`` raises.
        """

    @abstractmethod
    def sync(self, uuids: Sequence[str]) -> bool:
        """Have files that were written without waiting reach the disk.

        Returns:
            Whether the notes of all of them have reached it as well. Then their entries need not.

        Raises:
            StorageFullError: one of them found no room; it is never taken for durable again.
            DatabaseError: the same for any other fault.
        """

    @abstractmethod
    def read(self, uuid: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` to before ``end``, fewer when the file ends earlier.

        Raises:
            CorruptedError: the file is not there.
        """

    def read_at_hand(self, uuid: str, most: int) -> bytes | None:
        """The whole file if it is in memory already, so that the caller waits for no disk.

        ``None`` says that ``read`` is to be asked, on a thread: the file is not at hand, is larger
        than ``most`` bytes, or can't be read. The one method that may be called on an event loop.
        """
        return None

    @abstractmethod
    def chunks(self, uuid: str, start: int, end: int, size: int) -> Iterator[bytes]:
        """The same in pieces of at most ``size`` bytes; CorruptedError if the file ends earlier."""

    @abstractmethod
    def map(self, uuid: str) -> AbstractContextManager[Buffer]:
        """The whole file as a buffer that takes memory only for what is touched."""

    @abstractmethod
    def size(self, uuid: str) -> int:
        """The number of bytes of a file."""

    @abstractmethod
    def remove(self, uuid: str) -> None:
        """Remove a file; one that is gone already is no error."""

    def take_back(self, uuid: str) -> None:
        """Remove a file that was never acknowledged, so that its note is not heeded either."""
        self.remove(uuid)

    @abstractmethod
    def notes(self) -> Sequence[tuple[str, bytes]]:
        """After an unclean stop: UUIDs of files, and the notes that were written with them. Their
        entries may be missing in the index. They are kept until ``notes_heeded``."""

    @abstractmethod
    def notes_heeded(self) -> None:
        """All that the notes say is in the index, durably.

        Raises:
            DatabaseError: they can't be forgotten.
        """

    @abstractmethod
    def suspects(self) -> Iterator[str]:
        """After an unclean stop: files that may have been written without reaching the index."""

    @abstractmethod
    def checkpoint(self, token: str) -> None:
        """From here on, only what comes later is a suspect; ``token`` is kept beside the files."""

    @abstractmethod
    def token(self) -> str:
        """After an unclean stop: what the last checkpoint before it was given."""

    @abstractmethod
    def owner(self) -> str | None:
        """The archive that the files belong to, none where there are no files. Touches nothing,
        and may be asked before ``open``.

        Raises:
            IncompatibleDatabaseError: there are files, and nothing says whose they are.
        """

    @abstractmethod
    def claim(self, archive: str) -> None:
        """Write down whose the files are."""

    @abstractmethod
    def path(self, uuid: str) -> Path | None:
        """Where the file is on this machine, if it is."""
