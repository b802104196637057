"""The one writer: changes that wait together share one commit.

Each change runs in a savepoint, so that one that fails leaves the others alone. When a commit
itself fails, the changes that shared it are tried once more one by one: what one of them could
not have (room on the disk, say) is not held against the rest.

A commit reaches the disk before it is answered. Where it does no more than store instances of
which the storage keeps notes, that wait is saved: after a power cut the log of SQLite holds a
beginning of what was committed, and what is missing at its end is made again from the notes. Each
commit that waits has all before it reach the disk, so nothing else is ever missing.

The writer has a thread. Quick changes run on the event loop as long as the thread has nothing to
do and the disk is quick: waking a thread, and its waking the loop again, took as long as the
commit, and all the while both wait for the interpreter's lock. A lock sees to it that one of the
two works at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hornburg.errors import DatabaseError, HornburgError, StorageFullError, UnavailableError
from hornburg.index.base import Writer
from hornburg.index.sqlite_write import NotesOnlyError, SqliteWriter

__all__ = ["GroupCommit", "translate"]

T = TypeVar("T")
log = logging.getLogger("hornburg.index")

#: More than this in one commit would make its first sender wait for the last.
_MOST_PER_COMMIT = 256

#: Each waiting change has a caller that waits too; their number is bounded by the front doors.
#: This is the bound when they are many: more would only wait longer than anybody does.
_MOST_WAITING = 10_000

#: Rows changed since the log was last copied into the database: so many, and nobody waits ...
_CHECKPOINT_WHEN_IDLE = 4_000
#: ... or so many, whoever waits. A row is about 1 KB of log, so about 30 MB.
_CHECKPOINT_AT_LEAST = 30_000
#: The event loop may be held for so long by a commit, in seconds, on average. Beyond, the disk is
#: too slow, and the thread takes so many commits before the loop tries again.
_LOOP_PATIENCE = 0.004
_COMMITS_ON_THREAD = 1_000

#: What PRAGMA synchronous answers when each commit is flushed.
_FULL = 2

#: Seconds that the loop has to begin its last commit.
_PATIENCE_AT_END = 60.0

#: Rows changed after which the log gets its room beforehand, in bytes, where so much is free.
#: A flush of what lies within a file took half as long as one that makes the file longer.
_ROOM_AFTER = 300
_ROOM = 24 << 20
_FREE = 1 << 30

#: Pages of log (64 MB) above which readers are waited for, so that it starts again.
_LOG_TOO_LONG = 16_384


@dataclass(slots=True)
class _Job:
    work: Callable[[Writer], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    needs: str | None = None
    quick: bool = False
    has_changed: bool = False
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """A thread with a queue.

    Args:
        connection: the writer's own; closed by its owner after :meth:`stop`.
        writer: what the changes are given.
        make_durable: has the files that the changes of a commit depend on reach the disk, and
            tells whether notes of all of them do.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        writer: SqliteWriter,
        make_durable: Callable[[Sequence[str]], bool] = lambda files: False,
    ) -> None:
        self._sql = connection
        self._writer = writer
        self._make_durable = make_durable
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._open = True
        #: Who has it may use the connection.
        self._turn = threading.Lock()
        #: Quick changes that share the next commit on the loop, and whether there are none.
        self._home: asyncio.AbstractEventLoop | None = None
        self._soon: list[_Job] = []
        self._none_soon = threading.Event()
        self._none_soon.set()
        self._pace = 0.0
        self._on_thread = 0
        self._rows = 0
        self._waits = connection.execute("PRAGMA synchronous").fetchone()[0] >= _FULL
        self._wants_room = self._may_wait = self._waits
        #: Whether the storage kept notes when it was last asked.
        self._has_notes = False
        self.commits = 0
        self._thread = threading.Thread(target=self._loop, name="index-writer")
        self._thread.start()

    async def run(
        self, work: Callable[[Writer], T], needs: str | None = None, *, quick: bool = False
    ) -> T:
        """Have a change made; when this returns it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._guard:  # so that nothing comes after the last one
            if not self._open:
                raise DatabaseError("The index is closed")
            if self._jobs.qsize() >= _MOST_WAITING:
                raise UnavailableError(f"{_MOST_WAITING} changes already wait for the index")
            job = _Job(work, loop, future, needs, quick and needs is not None)
            self._home = self._home or loop
            if quick and loop is self._home:
                # What else comes in this round of the loop shares the commit.
                if not self._soon:
                    self._none_soon.clear()
                    loop.call_soon(self._commit_soon)
                self._soon.append(job)
            else:
                self._jobs.put(job)
        # A caller that goes away undoes nothing: the work doesn't look at who waits.
        return await future

    def wait(self) -> None:
        """Wait for the commit that is being made right now."""
        with self._turn:
            pass

    def stop(self) -> None:
        """Finish what waits; blocks until then."""
        with self._guard:
            self._open = False
        self._none_soon.wait(_PATIENCE_AT_END)
        self._jobs.put(None)
        self._thread.join()

    # -- the loop -------------------------------------------------------------------------

    def _commit_soon(self) -> None:
        with self._guard:
            batch, self._soon = self._soon, []
        try:
            if self._on_thread:
                self._on_thread -= 1
            elif self._jobs.empty() and self._turn.acquire(blocking=False):
                try:
                    self._commit_here(batch)
                finally:
                    self._turn.release()
                return
            for job in batch:
                self._jobs.put(job)
        finally:
            self._none_soon.set()

    def _commit_here(self, batch: list[_Job]) -> None:
        started = time.monotonic()
        for at in range(0, len(batch), _MOST_PER_COMMIT):
            self._do(batch[at : at + _MOST_PER_COMMIT])
        _settle(batch)
        took = min(time.monotonic() - started, 5 * _LOOP_PATIENCE)  # a single one says little
        self._pace += (took - self._pace) / 16
        if self._pace > _LOOP_PATIENCE:
            self._pace, self._on_thread = 0.0, _COMMITS_ON_THREAD
        if self._rows >= (_ROOM_AFTER if self._wants_room else _CHECKPOINT_WHEN_IDLE):
            # The thread looks after it; meanwhile changes wait for it.
            self._jobs.put(_COPY)

    # -- the thread -----------------------------------------------------------------------

    def _loop(self) -> None:
        more = True
        while more:
            batch, more = self._next()
            if batch:
                with self._turn:
                    self._do(batch)
                # The loop has its turn again before it hears of it.
                _answer(batch)
                del batch
            if self._is_log_due():
                with self._turn:
                    self._checkpoint()

    def _next(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            if job is not _COPY:
                batch.append(job)
            if len(batch) >= _MOST_PER_COMMIT:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _do(self, batch: list[_Job]) -> None:
        notes_only = self._has_notes and all(job.quick for job in batch)
        error = self._commit(batch, notes_only=notes_only)
        if isinstance(error, NotesOnlyError):
            error = self._commit(batch)
        if error is None:
            return
        log.error("a commit of the index failed: %s", error)
        # On a full disk the log can still be copied over pages that are there, and then used anew.
        self._copy_log()
        if len(batch) > 1:
            for job in batch:
                alone = self._commit([job])
                if alone is not None:
                    job.result, job.error = None, job.error or translate(alone)
        else:
            batch[0].result, batch[0].error = None, batch[0].error or translate(error)

    def _commit(self, batch: list[_Job], *, notes_only: bool = False) -> BaseException | None:
        """One transaction; answers why it was undone, if it was."""
        before = self._sql.total_changes
        try:
            self._begin(notes_only)
            if len(batch) == 1:
                if not self._run_alone(batch[0]):
                    return None
            else:
                for job in batch:
                    self._run(job)
            files = [
                job.needs
                for job in batch
                # There is no note of what was there already, and need not be.
                if job.needs and job.error is None and (job.has_changed or not notes_only)
            ]
            if files:
                self._has_notes = self._make_durable(files)
                if notes_only and not self._has_notes:
                    raise NotesOnlyError
            self._sql.execute("COMMIT")
            self.commits += 1  # before anybody hears of it
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits for this
            self._undo()
            return error
        self._rows += self._sql.total_changes - before
        return None

    def _begin(self, notes_only: bool) -> None:
        self._writer.notes_only = notes_only
        if self._waits is notes_only and self._may_wait:
            self._waits = not notes_only
            self._sql.execute(f"PRAGMA synchronous = {'FULL' if self._waits else 'NORMAL'}")
        self._sql.execute("BEGIN IMMEDIATE")

    def _run_alone(self, job: _Job) -> bool:
        """Without a savepoint: what fails takes the transaction with it; tells whether it is on."""
        try:
            self._work(job)
        except NotesOnlyError:
            raise
        except BaseException as error:
            job.error = translate(error)
            if not self._sql.in_transaction:
                raise
            self._sql.execute("ROLLBACK")
            return False
        return True

    def _work(self, job: _Job) -> None:
        before = self._sql.total_changes
        job.error = None
        job.result = job.work(self._writer)
        job.has_changed = self._sql.total_changes != before

    def _run(self, job: _Job) -> None:
        self._sql.execute("SAVEPOINT job")
        try:
            self._work(job)
        except NotesOnlyError:
            raise
        except BaseException as error:
            job.error = translate(error)
            if not self._sql.in_transaction:
                raise  # SQLite gave up the whole transaction (disk full, I/O error)
            self._sql.execute("ROLLBACK TO job")
        self._sql.execute("RELEASE job")

    def _undo(self) -> None:
        try:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("a transaction of the index can't be undone: %s", error)

    # -- the log --------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        """Copy the log into the database, after those who waited have their answer."""
        if self._wants_room and self._rows >= _ROOM_AFTER:
            self._wants_room = False
            self._make_room()
        if self._is_log_due():
            self._copy_log()

    def _is_log_due(self) -> bool:
        if self._wants_room and self._rows >= _ROOM_AFTER:
            return True
        least = _CHECKPOINT_WHEN_IDLE if self._jobs.empty() else _CHECKPOINT_AT_LEAST
        return self._rows >= least

    def _make_room(self) -> None:
        """Make the file of the log as long as it will be, once.

        What a transaction could not keep in memory lies in the log, also after it was undone.
        """
        try:
            path = self._sql.execute("PRAGMA database_list").fetchone()[2]
            disk = os.statvfs(path)
            if disk.f_bavail * disk.f_frsize < _FREE:
                return
            cache = self._sql.execute("PRAGMA cache_size").fetchone()[0]
            self._sql.execute("PRAGMA cache_size = -512")
            self._sql.execute("BEGIN IMMEDIATE")
            self._sql.execute("CREATE TABLE room (content)")
            self._sql.execute("INSERT INTO room VALUES (zeroblob(?))", (_ROOM,))
            self._sql.execute("ROLLBACK")
            self._sql.execute(f"PRAGMA cache_size = {cache}")
        except (sqlite3.Error, OSError) as error:
            self._undo()
            log.warning("the log of the index could not be given room: %s", error)

    def _copy_log(self) -> None:
        """Let the log start again from its beginning.

        PASSIVE waits for nobody. Only when readers have kept the log from starting again for
        long are they waited for, at most busy_timeout
        (https://www.sqlite.org/c3ref/wal_checkpoint_v2.html).
        """
        self._rows = 0
        try:
            pages = self._sql.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
            if pages > _LOG_TOO_LONG:
                self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            # Nothing is lost: the log still holds it, and is copied later.
            log.warning("the log of the index could not be copied into it: %s", error)


class _CopyLog(_Job):
    """No change: asks the thread to look after the log."""

    def __init__(self) -> None:
        """Nobody waits for it."""


_COPY = _CopyLog()


def _answer(batch: list[_Job]) -> None:
    """Wake those who wait, with one call for each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, jobs)
        except RuntimeError:
            log.warning("nobody waits any more for %d changes of the index", len(jobs))


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            if job.error is not None:
                log.warning("a change failed that nobody waits for any more: %s", job.error)
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def translate(error: BaseException) -> BaseException:
    """What an error of SQLite means to a caller; other errors stay as they are."""
    if isinstance(error, HornburgError) or not isinstance(error, sqlite3.Error):
        return error
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return StorageFullError("No room is left on the disk of the index")
    log.error("the index failed: %s", error)
    return DatabaseError("The index could not do its work; the log of the server says why")
