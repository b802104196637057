"""The embedded index: SQLite in WAL mode, one writer with group commit.

``synchronous=FULL`` makes every commit of the write-ahead log reach the disk before it is
acknowledged (https://www.sqlite.org/pragma.html#pragma_synchronous). Only where the storage keeps
notes of all that a commit stores may it reach the disk later.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

from hornburg.errors import DatabaseError
from hornburg.index.base import Index, Reader, Writer
from hornburg.index.names import Names
from hornburg.index.sqlite_commit import GroupCommit, translate
from hornburg.index.sqlite_file import (
    FILE_NAME,
    connect,
    lock,
    migrate,
    refuse_foreign,
    unusable,
)
from hornburg.index.sqlite_read import SqliteReader
from hornburg.index.sqlite_write import SqliteWriter

__all__ = ["FILE_NAME", "SqliteIndex"]

T = TypeVar("T")

#: Threads for reads that may take long; two cores are the usual small server.
_READ_THREADS = 2

#: Pages kept in memory by each connection, in KiB: 40 MiB in all. The pages of the operating
#: system lie behind them.
_WRITER_CACHE = 16 << 10
_READER_CACHE = 8 << 10

#: No other process writes, so the writer waits for readers alone, when the log is to start again.
_WRITER_PATIENCE = 500

#: Nobody may hold up the event loop for longer than this, in ms. In WAL mode a reader meets a lock
#: only while another process recovers the log (https://www.sqlite.org/wal.html, "Sometimes
#: Queries Return SQLITE_BUSY In WAL Mode").
_LOOK_PATIENCE = 250


class SqliteIndex(Index):
    """The index in one file of a folder that this process alone uses.

    Args:
        folder: where the file is; made if missing.
        names: names of metadata and attachments.
        synchronous: ``False`` gives up durability against a power cut.
        make_durable: has the files that changes depend on reach the disk (``Storage.sync``), and
            tells whether notes of all of them do.
    """

    def __init__(
        self,
        folder: Path,
        names: Names,
        *,
        synchronous: bool = True,
        make_durable: Callable[[Sequence[str]], bool] = lambda files: False,
    ) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._names = names
        self._synchronous = synchronous
        self._make_durable = make_durable
        self._writer: GroupCommit | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._lock_file: BinaryIO | None = None
        self._look: SqliteReader | None = None

    # -- life -----------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is such an index already."""
        return self._path.is_file()

    @property
    def generation(self) -> int | None:  # type: ignore[override]
        """One process has the file, so every change goes through its writer."""
        return None if self._writer is None else self._writer.commits

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        refuse_foreign(self._folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_file = lock(self._folder)
            connection = self._connect(_WRITER_CACHE, _WRITER_PATIENCE)
            migrate(connection, self._path)
            self._look = SqliteReader(self._connect(_READER_CACHE, _LOOK_PATIENCE), self._names)
        except sqlite3.Error as error:
            self._let_go()
            raise unusable(self._folder, str(error)) from error
        except OSError as error:
            self._let_go()
            raise unusable(self._folder, error.strerror) from None
        except BaseException:
            self._let_go()
            raise
        self._readers = ThreadPoolExecutor(_READ_THREADS, "index-reader")
        self._writer = GroupCommit(
            connection, SqliteWriter(connection, self._names), self._make_durable
        )

    def _connect(self, cache: int, patience: int = 10_000) -> sqlite3.Connection:
        connection = connect(
            self._path, cache_kib=cache, busy_ms=patience, synchronous=self._synchronous
        )
        with self._guard:
            self._connections.append(connection)
        return connection

    async def close(self) -> None:
        writer, readers = self._writer, self._readers
        self._readers = self._look = None
        if writer is not None:
            await asyncio.to_thread(writer.stop)
        if readers is not None:
            await asyncio.to_thread(readers.shutdown)
        await asyncio.to_thread(self._let_go)
        self._writer = None

    def _let_go(self) -> None:
        """Close everything; with the last connection SQLite copies the log and removes it."""
        self._look = None
        with self._guard:
            for connection in reversed(self._connections):
                connection.close()
            self._connections.clear()
        self._local = threading.local()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def settle(self) -> None:
        """Have all commits so far reach the disk; blocks, and may be called on any thread.

        A log that is not there, or begins anew meanwhile, was copied into the database, and that
        has reached the disk (https://www.sqlite.org/wal.html, "Checkpointing").

        Raises:
            OSError: they can't.
        """
        writer = self._writer
        if writer is not None:
            writer.wait()
        try:
            handle = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            os.fdatasync(handle)
        finally:
            os.close(handle)

    # -- work -----------------------------------------------------------------------------

    async def look(self, work: Callable[[Reader], T]) -> T:
        return self._look_up(work)

    def look_now(self, work: Callable[[Reader], T | None]) -> T | None:
        return self._look_up(work)

    def _look_up(self, work: Callable[[Reader], T]) -> T:
        if self._look is None:
            raise _closed()
        try:
            return work(self._look)
        except sqlite3.Error as error:
            raise translate(error) from error

    async def read(self, work: Callable[[Reader], T]) -> T:
        if self._readers is None:
            raise _closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Reader], T]) -> T:
        try:
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect(_READER_CACHE)
            connection.execute("BEGIN")
            try:
                return work(SqliteReader(connection, self._names))
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error) from error

    async def write(
        self, work: Callable[[Writer], T], *, needs: str | None = None, quick: bool = False
    ) -> T:
        if self._writer is None:
            raise _closed()
        return await self._writer.run(work, needs, quick=quick)


def _closed() -> DatabaseError:
    return DatabaseError("The index is closed")
