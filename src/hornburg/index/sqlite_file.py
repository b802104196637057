"""Whose folder it is, and what lies in it: refusals, the lock, connections, schema steps.

Everything that can be refused is refused before anything is touched.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from hornburg.errors import DatabaseError, IncompatibleDatabaseError
from hornburg.index.text import fold

__all__ = ["FILE_NAME", "connect", "lock", "migrate", "refuse_foreign", "refuse_orthanc"]

FILE_NAME = "hornburg.sqlite3"
LOCK_NAME = "hornburg.lock"

#: "Hbrg", in the field of the file header that SQLite leaves to applications.
APPLICATION_ID = 0x48627267

#: The file of the log is cut to this again after a burst, in bytes.
_LOG_KEPT = 32 << 20


def refuse_orthanc(folder: Path) -> None:
    """Refuse a folder with an index of Orthanc, be it StorageDirectory or IndexDirectory.

    Raises:
        IncompatibleDatabaseError: there is one. Nothing was touched.
    """
    index = folder / "index"
    if index.is_file() and _header(index):
        raise IncompatibleDatabaseError(
            f"{folder} holds an index of Orthanc: choose another StorageDirectory for "
            "Hornburg, then upload the files of this one with 'hornburg import'"
        )


def refuse_foreign(folder: Path) -> None:
    """Look before anything is touched: only the first bytes of files are read.

    Raises:
        IncompatibleDatabaseError: an index of Orthanc, of another program, or of a newer
            Hornburg; or no database at all.
        DatabaseError: the folder can't be looked into.
    """
    try:
        refuse_orthanc(folder)
        path = folder / FILE_NAME
        if not path.exists() or not path.stat().st_size:
            return
        header = _header(path) if path.is_file() else b""
    except OSError as error:
        raise unusable(folder, error.strerror) from None
    if not header:
        raise IncompatibleDatabaseError(
            f"{path} is no SQLite database: move it away, or choose another IndexDirectory"
        )
    version, application = struct.unpack(">I4xI", header[60:72])
    if application not in (0, APPLICATION_ID):
        raise IncompatibleDatabaseError(
            f"{path} was written by another program: move it away, or choose another IndexDirectory"
        )
    _refuse_newer(version, path)


def unusable(folder: Path, why: str | None) -> DatabaseError:
    """The error for a folder that is no folder, can't be read or can't be written."""
    return DatabaseError(
        f"{folder} can't be used as folder of the index (IndexDirectory, without it "
        f"StorageDirectory): {why}"
    )


def _header(path: Path) -> bytes:
    """The first 100 bytes of an SQLite file (https://www.sqlite.org/fileformat.html, 1.3)."""
    with path.open("rb") as file:
        header = file.read(100)
    return header if len(header) == 100 and header.startswith(b"SQLite format 3\0") else b""


def lock(folder: Path) -> BinaryIO:
    """Take the folder for this process, until the answer is closed.

    Raises:
        IncompatibleDatabaseError: another server has it.
    """
    path = folder / LOCK_NAME
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    file = os.fdopen(handle, "r+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise IncompatibleDatabaseError(
            f"{folder} is in use by another Hornburg: stop that one, or choose another "
            "StorageDirectory"
        ) from None
    except BaseException:
        file.close()
        raise
    _make_entries_durable(folder)
    return file


def _make_entries_durable(folder: Path) -> None:
    """Have the folder and what was just made in it survive a power cut (fsync(2))."""
    for place in (folder, folder.resolve().parent):
        try:
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:  # a folder above that may be passed, but not be read
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def connect(
    path: Path, *, cache_kib: int, busy_ms: int = 10_000, synchronous: bool = True
) -> sqlite3.Connection:
    """A connection in WAL mode. Commits are explicit, and checkpoints those of the writer alone.

    Args:
        path: the database file.
        cache_kib: pages that SQLite keeps in memory, in KiB.
        busy_ms: how long to wait for a lock, in ms.
        synchronous: ``False`` gives up durability against a power cut.
    """
    # Made beforehand, for this user alone; SQLite gives the log and its index the same rights.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    for pragma in (
        f"busy_timeout = {busy_ms}",
        "journal_mode = WAL",
        f"synchronous = {'FULL' if synchronous else 'NORMAL'}",
        f"cache_size = -{cache_kib}",
        f"journal_size_limit = {_LOG_KEPT}",
        "wal_autocheckpoint = 0",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("hb_fold", 1, _fold, deterministic=True)
    return connection


def _fold(text: object) -> str | None:
    return None if text is None else fold(str(text))


def _steps() -> list[str]:
    folder = resources.files("hornburg.index") / "sql"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [file.read_text() for file in files if file.name.endswith(".sql")]


def _refuse_newer(version: int, path: os.PathLike[str]) -> None:
    known = len(_steps())
    if version > known:
        raise IncompatibleDatabaseError(
            f"{path} was written by a newer Hornburg (schema {version}, this one knows {known}): "
            "install that version or a later one"
        )


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Run the steps that are missing, each in its own transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version, path)
    for number, step in enumerate(_steps()[version:], version + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{step}\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {number};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    if version < len(_steps()):
        # The header of the file itself is what a later start looks at, before it opens anything.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        # What the step says of the size of tables counts for this connection too.
        connection.execute("ANALYZE sqlite_schema")
