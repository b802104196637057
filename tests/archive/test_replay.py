"""A power cut takes the end of the index's log: what was acknowledged is made again from the journal,
in its order, and nothing that was deleted comes back."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hornburg.archive import ingest
from hornburg.archive.ingest import store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.remove import delete
from hornburg.archive.replay import note
from hornburg.archive.spool import Spool
from hornburg.dicom.levels import Level
from hornburg.errors import StorageFullError
from hornburg.index.sqlite import FILE_NAME, SqliteIndex
from hornburg.index.sqlite_commit import GroupCommit
from hornburg.index.sqlite_write import SqliteWriter
from hornburg.server import open_archive
from hornburg.settings import OverwriteInstances, Settings
from hornburg.storage import journal
from hornburg.storage.journal import LONGEST_NOTE
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
ORIGIN = Origin("DicomProtocol", "10.1.2.3", remote_aet="SCANNER", called_aet="ARCHIVE")


class Crash(Exception):
    """The process is gone: nothing is put in order."""


class Disk:
    """What of the index has reached the disk: what it was when something waited for that."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.index = folder / "index"
        self.files = folder / "files"
        self._durable = folder / "durable"
        self.settings = Settings(storage_directory=self.files, index_directory=self.index)
        self.waited = 0
        self._guard = threading.Lock()
        commit, settle, disk = GroupCommit._commit, SqliteIndex.settle, self

        def committed(self: GroupCommit, batch: Any, **more: Any) -> BaseException | None:
            error = commit(self, batch, **more)
            if self._waits and error is None:
                disk.keep()
            return error

        def settled(self: SqliteIndex) -> None:
            settle(self)
            disk.keep()

        monkeypatch.setattr(GroupCommit, "_commit", committed)
        monkeypatch.setattr(SqliteIndex, "settle", settled)

    def keep(self) -> None:
        with self._guard:
            self.waited += 1
            shutil.rmtree(self._durable, ignore_errors=True)
            self._durable.mkdir()
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                if (self.index / name).exists():
                    shutil.copy(self.index / name, self._durable)

    @asynccontextmanager
    async def running(self, **more: Any) -> AsyncIterator[Archive]:
        """A run with a journal, and instance 0, that ends in a power cut."""
        settings = Settings(storage_directory=self.files, index_directory=self.index, **more)
        then = self.files.with_name("then")
        with pytest.raises(Crash):
            async with open_archive(settings) as archive:
                begin_journal(archive)
                await put(archive, 0)  # afterwards it is known that there are notes
                yield archive
                with self._guard:
                    shutil.copytree(self.files, then / "files")
                    shutil.copytree(self._durable, then / "index")
                raise Crash
        # What closing did was never done.
        for folder in (self.files, self.index):
            shutil.rmtree(folder)
            (then / folder.name).rename(folder)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


def begin_journal(archive: Archive) -> None:
    made = archive.storage._durability.journal  # type: ignore[attr-defined]
    made.begin()
    made._worker.submit(lambda: None).result()
    assert made.is_open


async def put(archive: Archive, *numbers: int, make: DatasetFactory = MAKE) -> None:
    for number in numbers:
        with Spool(archive.storage) as spool:
            spool.write(make.instance(number // 10, instance=number % 10))
            await store(archive, spool, ORIGIN)


def name(number: int) -> str:
    return MAKE.identity(number // 10, instance=number % 10).sop_instance_uid


async def there(archive: Archive) -> dict[str, str]:
    """SOP Instance UIDs of all instances, with their identifiers; each has its file, whole."""

    def look(reader: Any) -> list[tuple[str, str, str, int]]:
        return reader._sql.execute(  # type: ignore[no-any-return]
            "SELECT sop_instance_uid, public_id, uuid, size FROM instances"
            " JOIN attachments ON level = 3 AND resource = id"
        ).fetchall()

    rows = await archive.index.read(look)
    assert all(len(archive.storage.read(uuid)) == size for _, _, uuid, size in rows)
    return {uid: public_id for uid, public_id, _, _ in rows}


async def state(archive: Archive) -> list[tuple[object, ...]]:
    """All rows of the index, but for what a start changes."""
    tables = ("patients", "studies", "series", "instances", "attachments", "labels", "changes")

    def rows(reader: Any) -> list[tuple[object, ...]]:
        return [
            row
            for table in (*tables, "totals")
            for row in reader._sql.execute(f"SELECT * FROM {table}")
        ]

    return await archive.index.read(rows)


def stored_files(disk: Disk) -> int:
    return sum(len(path.name) == 36 for path in disk.files.rglob("*"))


async def test_entries_are_made_again_as_they_were(disk: Disk) -> None:
    async with disk.running() as archive:
        waited = disk.waited
        await put(archive, *range(1, 25))
        before = await state(archive)
        assert disk.waited == waited  # all this without a flush of the index
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before
        assert len(await there(archive)) == 25
        assert not list(disk.files.glob("journal-*"))
        await put(archive, 25)
    assert stored_files(disk) == 26


@pytest.mark.parametrize("kept", [0, 3, 11])
async def test_a_beginning_of_the_log_has_reached_the_disk(disk: Disk, kept: int) -> None:
    async with disk.running() as archive:
        await put(archive, *range(1, kept + 1))
        disk.keep()
        await put(archive, *range(kept + 1, 12))
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_what_was_deleted_stays_deleted(disk: Disk) -> None:
    async with disk.running() as archive:
        await put(archive, 1, 2, 11)
        found = await there(archive)
        await delete(archive, Level.INSTANCE, found[name(2)])
        await put(archive, 12, 13)
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(number) for number in (0, 1, 11, 12, 13)}
    assert stored_files(disk) == 5


async def test_a_log_of_changes_that_was_cleared_keeps_its_numbers(disk: Disk) -> None:
    async with disk.running() as archive:
        await put(archive, 1, 2)
        found = await there(archive)
        await delete(archive, Level.INSTANCE, found[name(1)])
        await archive.index.write(lambda writer: writer.clear_changes())
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(0), name(2)}


async def test_labels_and_what_else_is_changed_wait_for_the_disk(disk: Disk) -> None:
    async with disk.running() as archive:
        await put(archive, 1)
        public_id = (await there(archive))[name(1)]
        await archive.index.write(
            lambda writer: writer.set_label(Level.INSTANCE, public_id, "seen", True)
        )
        await put(archive, 2)
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_an_instance_that_takes_the_place_of_another(disk: Disk) -> None:
    other = DatasetFactory("MR", size=9000)
    async with disk.running(overwrite_instances=OverwriteInstances.ALWAYS) as archive:
        await put(archive, 1, 2)
        waited = disk.waited
        await put(archive, 1, make=other)
        assert disk.waited > waited
        await put(archive, 3)
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before
        assert len(await there(archive)) == 4
    assert stored_files(disk) == 4


async def test_the_power_goes_while_what_was_replaced_is_removed(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file goes before it is durable that nothing needs it; the next start may see it another
    way (``OverwriteInstances``)."""
    other = DatasetFactory("MR", size=9000)
    removed: list[str] = []

    async def discard(archive: Archive, uuids: list[str]) -> None:
        removed.extend(uuids)
        for uuid in uuids:
            archive.storage.remove(uuid)

    monkeypatch.setattr(ingest, "discard", discard)
    async with disk.running(overwrite_instances=OverwriteInstances.ALWAYS) as archive:
        await put(archive, 1)
        await put(archive, 1, make=other)
        before = await state(archive)
    assert len(removed) == 1
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before
        assert len(await there(archive)) == 2


@pytest.mark.parametrize("overwrite", OverwriteInstances)
async def test_a_commit_that_was_tried_again(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, overwrite: OverwriteInstances
) -> None:
    """Two records of the same file, and a record each of others with the same number."""
    async with disk.running(overwrite_instances=overwrite) as archive:
        failing(archive, monkeypatch, times=1)
        await asyncio.gather(*(put(archive, number) for number in (1, 2, 3)))
        before = await state(archive)
    async with open_archive(Settings(**_folders(disk), overwrite_instances=overwrite)) as archive:
        assert await state(archive) == before
        assert len(await there(archive)) == 4
    assert stored_files(disk) == 4


async def test_what_could_not_be_stored_is_not_there_after_a_crash(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with disk.running() as archive:
        await put(archive, 1)
        with monkeypatch.context() as patch:
            failing(archive, patch, times=100)
            with pytest.raises(StorageFullError):
                await put(archive, 2)
        assert stored_files(disk) == 2
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(0), name(1)}
    assert stored_files(disk) == 2


def failing(archive: Archive, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have that many commits find no room, after the files and their notes were written."""
    writer = archive.index._writer  # type: ignore[attr-defined]
    real, left = writer._sql, [times]

    class Connection:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def execute(self, sql: str, *more: Any) -> Any:
            if sql == "COMMIT" and left[0]:
                left[0] -= 1
                error = sqlite3.OperationalError("made up")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return real.execute(sql, *more)

    monkeypatch.setattr(writer, "_sql", Connection())


def _folders(disk: Disk) -> dict[str, Any]:
    return {"storage_directory": disk.files, "index_directory": disk.index}


async def test_what_is_there_already_costs_no_flush(disk: Disk) -> None:
    async with disk.running() as archive:
        await put(archive, 1)
        waited = disk.waited
        await put(archive, 1, 2, 1)
        assert disk.waited == waited


async def test_limits_wait_for_the_disk(disk: Disk) -> None:
    """What makes room for others removes, and what is removed must stay so."""
    async with disk.running(maximum_patient_count=2) as archive:
        await put(archive, 1, 11, 21, 31)
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(21), name(31)}


async def test_two_segments(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of a segment have reached the disk before it is written anew."""
    monkeypatch.setattr(journal, "_SEGMENT", 6 * 12 << 10)
    monkeypatch.setattr(journal, "_FREE", 0)
    async with disk.running() as archive:
        made = archive.storage._durability.journal  # type: ignore[attr-defined]
        for number in range(1, 60):
            await put(archive, number)
            made._worker.submit(lambda: None).result()
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_without_room_in_the_journal(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_SEGMENT", 6 * 12 << 10)
    monkeypatch.setattr(journal, "_FREE", 0)
    async with disk.running() as archive:
        made = archive.storage._durability.journal  # type: ignore[attr-defined]
        monkeypatch.setattr(made, "_free", lambda segment: None)  # the disk takes its time
        await put(archive, *range(1, 30))
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_a_journal_that_fails(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    async with disk.running() as archive:
        await put(archive, 1, 2)
        made = archive.storage._durability.journal  # type: ignore[attr-defined]

        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(made, "_append", fail)
        await put(archive, 3, 4)
        assert not made.is_open
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before
    assert stored_files(disk) == 5


async def test_a_damaged_record_ends_what_is_made_again(disk: Disk) -> None:
    async with disk.running() as archive:
        await put(archive, *range(1, 8))
    path = disk.files / "journal-0"
    content = bytearray(path.read_bytes())
    content[5 * 12288 + 100] ^= 1
    path.write_bytes(content)
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(number) for number in range(5)}


async def test_an_index_from_a_backup_is_left_as_it_is(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_archive(disk.settings) as archive:
        await put(archive, 90)
    backup = disk.index.with_name("backup")
    shutil.copytree(disk.index, backup)
    async with open_archive(disk.settings) as archive:
        await put(archive, 91)
    async with disk.running() as archive:
        await put(archive, 1, 2)
    shutil.rmtree(disk.index)
    backup.rename(disk.index)
    async with open_archive(disk.settings) as archive:
        assert (await there(archive)).keys() == {name(90)}
        assert "older than the files" in caplog.text
    assert stored_files(disk) == 5
    assert not list(disk.files.glob("journal-*"))


async def test_a_start_that_can_not_make_them_loses_nothing(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with disk.running() as archive:
        await put(archive, 1, 2)
        before = await state(archive)

    def full(*_: object) -> None:
        raise StorageFullError("No room is left on the disk of the index")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteWriter, "store", full)
        with pytest.raises(StorageFullError):
            async with open_archive(disk.settings):
                pass
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_a_second_power_cut_while_they_are_made(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with disk.running() as archive:
        await put(archive, 1, 2)
        before = await state(archive)

    def crash(_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr("hornburg.storage.filesystem.FilesystemStorage.notes_heeded", crash)
        with pytest.raises(Crash):
            async with open_archive(disk.settings):
                pass
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


async def test_a_note_that_is_too_long_is_none(disk: Disk) -> None:
    long = Origin("RestApi", username="x" * LONGEST_NOTE)
    assert len(note(1, 1.0, long)) > LONGEST_NOTE
    async with disk.running() as archive:
        with Spool(archive.storage) as spool:
            spool.write(MAKE.instance(1))
            await store(archive, spool, long)
        await put(archive, 1)
        before = await state(archive)
    async with open_archive(disk.settings) as archive:
        assert await state(archive) == before


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_done(disk: Disk, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """All that was acknowledged before the power went, and nothing else."""
    monkeypatch.setattr(journal, "_SEGMENT", 8 * 12 << 10)
    monkeypatch.setattr(journal, "_FREE", 0)
    dice = random.Random(seed)
    numbers = iter(range(1, 1000))
    expected = {name(0)}
    for _ in range(3):
        async with disk.running() as archive:
            for _ in range(dice.randrange(10, 40)):
                what = dice.randrange(10)
                if what < 7:
                    number = next(numbers)
                    await put(archive, number)
                    expected.add(name(number))
                elif what < 9 and len(expected) > 1:
                    victim = dice.choice(sorted(expected - {name(0)}))
                    await delete(archive, Level.INSTANCE, (await there(archive))[victim])
                    expected.remove(victim)
                else:
                    await archive.index.write(lambda writer: writer.set_property("x", "y"))
        async with open_archive(disk.settings) as archive:
            assert (await there(archive)).keys() == expected
        assert stored_files(disk) == len(expected)
