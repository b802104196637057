"""The embedded index: SQLite in WAL mode, one writer with group commit.

``synchronous=FULL`` makes every commit of the write-ahead log reach the disk before it is
acknowledged (https://www.sqlite.org/pragma.html#pragma_synchronous). Changes that wait together
share one commit; each runs in a savepoint, so one that fails leaves the others alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import queue
import sqlite3
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any, TypeVar

from hornburg.dicom.normalize import normalize
from hornburg.errors import (
    DatabaseError,
    HornburgError,
    IncompatibleDatabaseError,
    StorageFullError,
)
from hornburg.index.base import Index, Reader, Writer
from hornburg.index.names import Names
from hornburg.index.sqlite_read import SqliteReader
from hornburg.index.sqlite_write import SqliteWriter

__all__ = ["FILE_NAME", "SqliteIndex"]

T = TypeVar("T")
log = logging.getLogger("hornburg.index")

FILE_NAME = "hornburg.sqlite3"

#: "Hbrg", in the field of the file header that SQLite leaves to applications.
_APPLICATION_ID = 0x48627267

#: More than this in one commit would make its first sender wait for the last.
_MOST_PER_COMMIT = 256

#: Threads for reads that may take long; two cores are the usual small server.
_READ_THREADS = 2


@dataclass(slots=True)
class _Job:
    work: Callable[[Writer], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class SqliteIndex(Index):
    """The index in one file of a folder that this process alone uses.

    Args:
        folder: where the file is; made if missing.
        names: names of metadata and attachments.
        synchronous: ``False`` gives up durability against a power cut.
    """

    def __init__(self, folder: Path, names: Names, *, synchronous: bool = True) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._names = names
        self._synchronous = synchronous
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer_thread: threading.Thread | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._lock_file: IO[str] | None = None
        self._look: SqliteReader | None = None

    # -- life -----------------------------------------------------------------------------

    async def open(self) -> None:
        await asyncio.to_thread(self._open)
        self._look = SqliteReader(self._connect(), self._names)
        self._readers = ThreadPoolExecutor(_READ_THREADS, "index-reader")
        self._writer_thread = threading.Thread(target=self._write_loop, name="index-writer")
        self._writer_thread.start()

    def _open(self) -> None:
        self._refuse_foreign()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock()
        try:
            connection = self._connect()
            try:
                _migrate(connection, self._path)
            finally:
                connection.close()
                self._connections.remove(connection)
        except sqlite3.Error as error:
            self._unlock()
            raise DatabaseError(f"The index {self._path} can't be opened: {error}") from error
        except BaseException:
            self._unlock()
            raise

    def _refuse_foreign(self) -> None:
        """Look before anything is touched: only the first bytes of files are read."""
        orthanc = self._folder / "index"
        if orthanc.is_file() and _header(orthanc):
            raise IncompatibleDatabaseError(
                f"{self._folder} holds an index of Orthanc: choose another StorageDirectory for "
                "Hornburg, then upload the files of this one with 'hornburg import'"
            )
        header = _header(self._path) if self._path.is_file() else b""
        if header:
            version, application = struct.unpack(">I4xI", header[60:72])
            if application not in (0, _APPLICATION_ID):
                raise IncompatibleDatabaseError(
                    f"{self._path} was written by another program: move it away, or choose "
                    "another IndexDirectory"
                )
            _refuse_newer(version, self._path)

    def _lock(self) -> None:
        file = (self._folder / "hornburg.lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise IncompatibleDatabaseError(
                f"{self._folder} is in use by another Hornburg: stop that one, or choose another "
                "StorageDirectory"
            ) from None
        self._lock_file = file

    def _unlock(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._synchronous else 'NORMAL'}")
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.create_function(
            "hb_normalize",
            1,
            lambda text: None if text is None else normalize(str(text)),
            deterministic=True,
        )
        with self._guard:
            self._connections.append(connection)
        return connection

    async def close(self) -> None:
        if self._writer_thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._writer_thread.join)
            self._writer_thread = None
        if self._readers is not None:
            await asyncio.to_thread(self._readers.shutdown)
            self._readers = None
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._look = None
        self._local = threading.local()
        self._unlock()

    # -- reading --------------------------------------------------------------------------

    async def look(self, work: Callable[[Reader], T]) -> T:
        if self._look is None:
            raise DatabaseError("The index is closed")
        try:
            return work(self._look)
        except sqlite3.Error as error:
            raise _translate(error) from error

    async def read(self, work: Callable[[Reader], T]) -> T:
        if self._readers is None:
            raise DatabaseError("The index is closed")
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, self._read_here, work
        )

    def _read_here(self, work: Callable[[Reader], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        try:
            connection.execute("BEGIN")
            try:
                return work(SqliteReader(connection, self._names))
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _translate(error) from error

    # -- writing --------------------------------------------------------------------------

    async def write(self, work: Callable[[Writer], T]) -> T:
        if self._writer_thread is None:
            raise DatabaseError("The index is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        # A caller that goes away must not undo what the others share.
        return await asyncio.shield(future)

    def _write_loop(self) -> None:
        connection = self._connect()
        writer = SqliteWriter(connection, self._names)
        more = True
        while more:
            job = self._jobs.get()
            batch: list[_Job] = []
            while job is not None:
                batch.append(job)
                if len(batch) >= _MOST_PER_COMMIT:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            else:
                more = False
            if batch:
                self._commit(connection, writer, batch)

    def _commit(self, connection: sqlite3.Connection, writer: Writer, batch: list[_Job]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                _run(connection, writer, job)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - handed to everyone who waits for this commit
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            log.error("a commit of the index failed: %s", error)
            for job in batch:
                job.result, job.error = None, job.error or _translate(error)
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in batch:
            loops.setdefault(job.loop, []).append(job)
        for loop, jobs in loops.items():
            loop.call_soon_threadsafe(_settle, jobs)


def _run(connection: sqlite3.Connection, writer: Writer, job: _Job) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(writer)
    except Exception as error:
        job.error = _translate(error)
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction (disk full, I/O error)
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _translate(error: BaseException) -> BaseException:
    if isinstance(error, HornburgError) or not isinstance(error, sqlite3.Error):
        return error
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return StorageFullError("No room is left on the disk of the index")
    log.error("the index failed: %s", error)
    return DatabaseError("The index could not do its work; the log of the server says why")


def _header(path: Path) -> bytes:
    """The first 100 bytes of an SQLite file (https://www.sqlite.org/fileformat.html, 1.3)."""
    with path.open("rb") as file:
        header = file.read(100)
    return header if len(header) == 100 and header.startswith(b"SQLite format 3\0") else b""


def _steps() -> list[str]:
    folder = resources.files("hornburg.index") / "sql"
    files = sorted((file for file in folder.iterdir()), key=lambda file: file.name)
    return [file.read_text() for file in files if file.name.endswith(".sql")]


def _refuse_newer(version: int, path: os.PathLike[str]) -> None:
    known = len(_steps())
    if version > known:
        raise IncompatibleDatabaseError(
            f"{path} was written by a newer Hornburg (schema {version}, this one knows {known}): "
            "install that version or a later one"
        )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Run the steps that are missing, each in its own transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version, path)
    for number, step in enumerate(_steps()[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{step}\nPRAGMA application_id = {_APPLICATION_ID};\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )
