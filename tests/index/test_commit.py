"""Group commit: who shares a commit, who fails, who goes on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hornburg.errors import DatabaseError, StorageFullError, UnavailableError
from hornburg.index import sqlite_commit
from hornburg.index.base import Writer
from hornburg.index.names import Names
from hornburg.index.sqlite import FILE_NAME, SqliteIndex


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[SqliteIndex]:
    made = SqliteIndex(tmp_path, Names())
    await made.open()
    yield made
    await made.close()


class Held:
    """Holds the writer, so that what comes meanwhile has to wait and share the next commit."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index
        self._begun = threading.Event()
        self._go = threading.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._index.write(self._hold))
        await asyncio.to_thread(self._begun.wait)

    def _hold(self, writer: Writer) -> None:
        self._begun.set()
        self._go.wait()

    async def __aexit__(self, *_: object) -> None:
        self._go.set()
        await self._task


class Connection:
    """The writer's connection, counting its commits and failing some of them."""

    def __init__(self, index: SqliteIndex) -> None:
        assert index._writer is not None
        self._real = index._writer._sql
        self.statements: list[str] = []
        self.failures: list[sqlite3.Error | None] = []
        index._writer._sql = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
        self.statements.append(sql)
        if sql == "COMMIT" and self.failures and (error := self.failures.pop(0)) is not None:
            raise error
        return self._real.execute(sql, *more)


def failure(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    return error


def setting(index: SqliteIndex, name: str, value: str = "x") -> asyncio.Task[None]:
    return asyncio.create_task(index.write(lambda writer: writer.set_property(name, value)))


async def value(index: SqliteIndex, name: str) -> str | None:
    return await index.look(lambda reader: reader.property(name))


async def test_those_who_wait_share_a_commit(index: SqliteIndex) -> None:
    connection = Connection(index)
    async with Held(index):
        tasks = [setting(index, f"p{number}") for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert connection.statements.count("COMMIT") == 2  # the one that held, and one for all
    assert [await value(index, f"p{number}") for number in range(50)] == ["x"] * 50


async def test_one_that_fails_leaves_the_others(index: SqliteIndex) -> None:
    def broken(writer: Writer) -> None:
        writer.set_property("broken", "x")
        raise ValueError("no")

    async with Held(index):
        before = setting(index, "before")
        bad = asyncio.create_task(index.write(broken))
        after = setting(index, "after")
        await asyncio.sleep(0)
    await before
    await after
    with pytest.raises(ValueError, match="no"):
        await bad
    names = ("before", "broken", "after")
    assert [await value(index, name) for name in names] == ["x", None, "x"]


@pytest.mark.parametrize(
    ("code", "error"),
    [(sqlite3.SQLITE_FULL, StorageFullError), (sqlite3.SQLITE_IOERR, DatabaseError)],
)
async def test_a_commit_that_fails_fails_all(
    index: SqliteIndex, code: int, error: type[Exception]
) -> None:
    connection = Connection(index)
    async with Held(index):
        tasks = [setting(index, f"p{number}") for number in range(3)]
        await asyncio.sleep(0)
        # The change that holds the writer commits; the rest fail together, then one by one.
        connection.failures = [None, *(failure(code) for _ in range(4))]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [error] * 3
    assert [await value(index, f"p{number}") for number in range(3)] == [None] * 3
    await setting(index, "next")
    assert await value(index, "next") == "x"


async def test_after_a_failed_commit_each_is_tried_alone(index: SqliteIndex) -> None:
    connection = Connection(index)
    async with Held(index):
        tasks = [setting(index, f"p{number}") for number in range(3)]
        await asyncio.sleep(0)
        connection.failures = [None, failure(sqlite3.SQLITE_FULL)]
    await asyncio.gather(*tasks)
    assert connection.statements.count("COMMIT") == 1 + 1 + 3
    assert [await value(index, f"p{number}") for number in range(3)] == ["x"] * 3


async def test_a_change_that_loses_the_transaction(index: SqliteIndex) -> None:
    """SQLite undoes all of it for some errors: the others are made again."""

    def loses(writer: Any) -> None:
        writer._sql.execute("ROLLBACK")
        raise failure(sqlite3.SQLITE_FULL)

    async with Held(index):
        before, bad, after = (
            setting(index, "before"),
            asyncio.create_task(index.write(loses)),
            setting(index, "after"),
        )
        await asyncio.sleep(0)
    await before
    await after
    with pytest.raises(StorageFullError):
        await bad
    assert [await value(index, name) for name in ("before", "after")] == ["x", "x"]


async def test_who_stops_waiting_does_not_undo(index: SqliteIndex) -> None:
    async with Held(index):
        task = setting(index, "kept")
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await setting(index, "next")
    assert await value(index, "kept") == "x"


async def test_closing_finishes_what_waits_and_refuses_what_comes(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    async with Held(index):
        waiting = setting(index, "waiting")
        await asyncio.sleep(0)
        closing = asyncio.create_task(index.close())
        await asyncio.sleep(0)
        while index._writer is not None and index._writer._open:
            await asyncio.sleep(0)
        late = setting(index, "late")
        with pytest.raises(DatabaseError, match="closed"):
            await late
    await waiting
    await closing
    await index.close()
    with pytest.raises(DatabaseError, match="closed"):
        await index.write(lambda writer: None)
    with pytest.raises(DatabaseError, match="closed"):
        await index.read(lambda reader: None)
    again = SqliteIndex(tmp_path, Names())
    await again.open()
    assert [await value(again, name) for name in ("waiting", "late")] == ["x", None]
    await again.close()


async def test_the_queue_is_bounded(index: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_commit, "_MOST_WAITING", 2)
    async with Held(index):
        tasks = [setting(index, f"p{number}") for number in range(3)]
        with pytest.raises(UnavailableError):
            await tasks[2]
    await asyncio.gather(*tasks[:2])


async def test_the_log_is_copied_after_the_answer(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_commit, "_CHECKPOINT_WHEN_IDLE", 5)
    monkeypatch.setattr(sqlite_commit, "_CHECKPOINT_AT_LEAST", 5)
    connection = Connection(index)
    for number in range(12):
        await setting(index, f"p{number}")
    await index.write(lambda writer: None)
    copies = [at for at, sql in enumerate(connection.statements) if "wal_checkpoint" in sql]
    assert len(copies) == 2
    assert all(connection.statements[at - 1] == "COMMIT" for at in copies)


async def test_a_clean_stop_leaves_one_file(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    await setting(index, "a")
    await index.close()
    assert {file.name for file in tmp_path.iterdir()} == {FILE_NAME, "hornburg.lock"}


class Files:
    """Files that changes depend on; some can't reach the disk."""

    def __init__(self) -> None:
        self.flushes: list[list[str]] = []
        self.refused: set[str] = set()

    def make_durable(self, names: Sequence[str]) -> bool:
        self.flushes.append(list(names))
        if self.refused.intersection(names):
            raise StorageFullError("full")
        return False

    def made(self, index: SqliteIndex, name: str) -> asyncio.Task[None]:
        work = lambda writer: writer.set_property(name, "x")  # noqa: E731
        return asyncio.create_task(index.write(work, needs=name))


async def test_files_are_flushed_together_before_the_commit(tmp_path: Path) -> None:
    files = Files()
    index = SqliteIndex(tmp_path, Names(), make_durable=files.make_durable)
    await index.open()
    connection = Connection(index)
    async with Held(index):
        tasks = [files.made(index, name) for name in ("a", "b")]
        tasks.append(setting(index, "without a file"))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert files.flushes == [["a", "b"]]
    assert connection.statements.count("COMMIT") == 2
    await index.close()


async def test_no_commit_names_a_file_that_did_not_reach_the_disk(tmp_path: Path) -> None:
    files = Files()
    files.refused = {"b"}
    index = SqliteIndex(tmp_path, Names(), make_durable=files.make_durable)
    await index.open()
    async with Held(index):
        tasks = [files.made(index, name) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StorageFullError, type(None)]
    assert files.flushes == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert [await value(index, name) for name in "abc"] == ["x", None, "x"]
    await index.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of four megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True
        )
        if made.returncode:
            pytest.skip("mounting a small tmpfs needs the rights of root")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    index = SqliteIndex(small_disk, Names())
    await index.open()
    kept = []
    with pytest.raises(StorageFullError):
        for number in range(100):
            await setting(index, f"p{number}", "x" * 100_000)
            kept.append(number)
    assert kept
    for number in kept:
        assert await value(index, f"p{number}") == "x" * 100_000
    assert await value(index, f"p{len(kept)}") is None
    # What is small still fits, since the log starts again from its beginning.
    await setting(index, "small")
    await index.close()
    again = SqliteIndex(small_disk, Names())
    await again.open()
    assert await value(again, "small") == "x"
    assert await value(again, f"p{kept[-1]}") == "x" * 100_000
    await again.close()


async def test_quick_changes_of_one_round_share_a_commit_on_the_loop(index: SqliteIndex) -> None:
    connection = Connection(index)
    threads: list[str] = []

    def work(writer: Writer) -> str:
        threads.append(threading.current_thread().name)
        writer.set_property(f"p{len(threads)}", "x")
        return "done"

    tasks = [asyncio.create_task(index.write(work, quick=True)) for _ in range(20)]
    assert await asyncio.gather(*tasks) == ["done"] * 20
    assert set(threads) == {threading.current_thread().name}
    assert connection.statements.count("COMMIT") == 1
    assert await value(index, "p20") == "x"


async def test_a_quick_change_waits_while_the_thread_is_at_work(index: SqliteIndex) -> None:
    threads: list[str] = []
    async with Held(index):
        task = asyncio.create_task(
            index.write(lambda writer: threads.append(threading.current_thread().name), quick=True)
        )
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
    await task
    assert threads == ["index-writer"]


async def test_quick_changes_that_fail_leave_the_others(index: SqliteIndex) -> None:
    def broken(writer: Writer) -> None:
        writer.set_property("broken", "x")
        raise ValueError("no")

    def good(writer: Writer) -> None:
        writer.set_property("good", "x")

    with pytest.raises(ValueError, match="no"):
        await index.write(broken, quick=True)
    results = await asyncio.gather(
        *(index.write(work, quick=True) for work in (broken, good, broken)), return_exceptions=True
    )
    assert [type(result) for result in results] == [ValueError, type(None), ValueError]
    assert [await value(index, name) for name in ("broken", "good")] == [None, "x"]


async def test_quick_changes_go_to_the_thread_when_the_disk_is_slow(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_commit, "_COMMITS_ON_THREAD", 2)
    threads: list[bool] = []

    def work(writer: Writer) -> None:
        threads.append(threading.current_thread().name == "index-writer")
        writer.set_property("p", "x")

    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            self.now += 1
            return self.now

    monkeypatch.setattr(sqlite_commit, "_LOOP_PATIENCE", 0.001)
    monkeypatch.setattr(sqlite_commit, "time", Clock())
    for _ in range(30):
        await index.write(work, quick=True)
    assert threads.index(True) > 1  # a single slow one says little
    first = threads.index(True)
    assert threads[first + 1]
    assert not all(threads[first + 2 :])


async def test_closing_waits_for_quick_changes(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    task = asyncio.create_task(
        index.write(lambda writer: writer.set_property("last", "x"), quick=True)
    )
    await asyncio.sleep(0)
    await index.close()
    await task
    with pytest.raises(DatabaseError):
        await index.write(lambda writer: None, quick=True)
    await index.open()
    assert await value(index, "last") == "x"
    await index.close()


async def test_a_quick_change_may_write_the_file_that_it_needs(tmp_path: Path) -> None:
    events: list[str] = []
    index = SqliteIndex(
        tmp_path,
        Names(),
        make_durable=lambda names: bool(events.extend(f"flush {n}" for n in names)),
    )
    await index.open()

    def refused(writer: Writer) -> None:
        raise ValueError("no")

    await asyncio.gather(
        index.write(lambda writer: events.append("a"), needs="a", quick=True),
        index.write(refused, needs="b", quick=True),
        return_exceptions=True,
    )
    assert events == ["a", "flush a"]  # what failed needs nothing
    await index.close()


async def test_the_log_gets_its_room_once(
    index: SqliteIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_commit, "_ROOM_AFTER", 5)
    monkeypatch.setattr(sqlite_commit, "_FREE", 0)
    log, room = tmp_path / f"{FILE_NAME}-wal", 24 << 20
    for number in range(4):
        await setting(index, f"p{number}")
    assert log.stat().st_size < room
    for number in range(4, 20):
        await setting(index, f"p{number}")
    await index.write(lambda writer: None)
    size = log.stat().st_size
    assert room * 0.95 <= size <= 32 << 20
    assert (tmp_path / FILE_NAME).stat().st_size < 1 << 20
    assert [await value(index, f"p{number}") for number in range(20)] == ["x"] * 20
    # A power cut now: another connection reads the log up to where it ends.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    again = SqliteIndex(copy, Names())
    await again.open()
    assert [await value(again, f"p{number}") for number in range(20)] == ["x"] * 20
    await again.close()


async def test_where_notes_are_kept_the_disk_is_not_waited_for(tmp_path: Path) -> None:
    """Only then, and only of what stores nothing else."""
    noted, waits = [True], []
    index = SqliteIndex(tmp_path, Names(), make_durable=lambda names: noted[0])
    await index.open()
    connection = Connection(index)

    async def waited(needs: str | None, quick: bool, name: str | None = "x") -> list[bool]:
        """Of each transaction that was begun: whether it would have waited."""
        waits.clear()
        connection.statements.clear()
        work = lambda writer: name and writer.set_property(name, needs or "")  # noqa: E731
        await index.write(work, needs=needs, quick=quick)
        return list(waits)

    real = connection.execute

    def execute(sql: str, *more: Any) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE":
            waits.append(real("PRAGMA synchronous").fetchone()[0] == 2)
        return real(sql, *more)

    connection.execute = execute  # type: ignore[method-assign]
    assert await waited("a", quick=True) == [True]  # nothing is known of the storage yet
    assert await waited("b", quick=True) == [False]
    assert await waited("c", quick=False) == [True]
    assert await waited(None, quick=True) == [True]
    assert await waited("d", quick=True) == [False]
    noted[0] = False
    assert await waited("e", quick=True, name=None) == [False]  # nothing was stored
    assert await waited("f", quick=True) == [False, True]
    assert await waited("g", quick=True) == [True]
    await index.close()


async def test_settling_has_the_log_reach_the_disk(
    index: SqliteIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(
        os, "fdatasync", lambda handle: flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
    )
    await setting(index, "a")
    index.settle()
    assert flushed == [str(tmp_path / f"{FILE_NAME}-wal")]
    await index.close()
    index.settle()  # closing has copied it into the database
    assert len(flushed) == 1
