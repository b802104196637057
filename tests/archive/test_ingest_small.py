"""Small instances: written within the change of the index, so only when it takes them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hornburg.archive.ingest import Status, store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.remove import delete
from hornburg.archive.spool import Spool
from hornburg.dicom.levels import Level
from hornburg.errors import StorageFullError
from hornburg.index.base import NewInstance, Query, Stored
from hornburg.index.sqlite_write import SqliteWriter
from hornburg.server import open_archive
from hornburg.settings import Settings
from hornburg.storage import journal
from hornburg.storage.filesystem import FilesystemStorage
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


def files(folder: Path) -> int:
    return sum(len(path.name) == 36 for path in folder.rglob("*"))


async def put(archive: Archive, content: bytes) -> Status:
    with Spool(archive.storage) as spool:
        spool.write(content)
        return (await store(archive, spool, Origin("DicomProtocol"))).status


async def test_what_is_there_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        assert await put(archive, MAKE.instance()) is Status.SUCCESS
        monkeypatch.setattr(archive.storage, "create", None)
        assert await put(archive, MAKE.instance()) is Status.ALREADY_STORED
    assert files(tmp_path) == 1


async def test_the_same_one_from_several_senders_is_stored_once(tmp_path: Path) -> None:
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        results = await asyncio.gather(*(put(archive, MAKE.instance()) for _ in range(4)))
        assert sorted(result.value for result in results) == ["AlreadyStored"] * 3 + ["Success"]
    assert files(tmp_path) == 1


async def test_a_commit_that_is_tried_again_leaves_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        real, calls = archive.index._writer._make_durable, []  # type: ignore[attr-defined]

        def fails_once(names: list[str]) -> None:
            calls.append(list(names))
            if len(calls) == 1:
                raise StorageFullError("full")
            real(names)

        monkeypatch.setattr(archive.index._writer, "_make_durable", fails_once)  # type: ignore[attr-defined]
        contents = [MAKE.instance(instance=number) for number in range(3)]
        results = await asyncio.gather(*(put(archive, content) for content in contents))
        assert results == [Status.SUCCESS] * 3
        assert [len(names) for names in calls] == [3, 1, 1, 1]
        assert (await archive.index.look(lambda reader: reader.statistics())).instances == 3
    assert files(tmp_path) == 3


async def test_a_file_that_can_not_be_written_leaves_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        real = archive.storage.create
        full = True

        def create(*arguments: object, **more: object) -> None:
            if full:
                raise StorageFullError("full")
            real(*arguments, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(archive.storage, "create", create)
        with pytest.raises(StorageFullError):
            await put(archive, MAKE.instance())
        assert (await archive.index.look(lambda reader: reader.statistics())).patients == 0
        full = False
        assert await put(archive, MAKE.instance()) is Status.SUCCESS
    assert files(tmp_path) == 1


async def test_a_power_cut_that_takes_the_files_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the files only the journal has reached the disk; one was removed in the meantime."""
    monkeypatch.setattr(journal, "_SEGMENT", 2 << 20)
    monkeypatch.setattr(journal, "_FREE", 0)
    left = tmp_path / "left"
    contents = [MAKE.instance(series=number // 40, instance=number) for number in range(120)]
    async with open_archive(Settings(storage_directory=tmp_path / "archive")) as archive:
        storage = archive.storage
        assert isinstance(storage, FilesystemStorage)
        for content in contents[:40]:
            await put(archive, content)
        while not storage._durability.journal.is_open:
            await asyncio.sleep(0)
        before = {path.name for path in (tmp_path / "archive").rglob("*") if len(path.name) == 36}
        await asyncio.gather(*(put(archive, content) for content in contents[40:]))
        instances = await archive.index.read(lambda reader: reader.find_ids(Query(Level.INSTANCE)))
        await delete(archive, Level.INSTANCE, instances[-1])
        shutil.copytree(tmp_path / "archive", left)
    for path in left.rglob("*"):
        if len(path.name) == 36 and path.name not in before:
            path.unlink()
    async with open_archive(Settings(storage_directory=left)) as archive:
        found = await archive.index.read(lambda reader: reader.find(Query(Level.INSTANCE)))
        assert [one.public_id for one in found] == instances[:-1]
        stored = {archive.storage.read(one.attachments[0].uuid) for one in found}
        assert stored < set(contents)
        assert len(stored) == 119
    assert files(left) == 119


async def test_a_larger_one_is_durable_before_the_index_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        real_sync, real_store = archive.storage.sync, SqliteWriter.store

        def sync(names: Sequence[str]) -> None:
            events.append("flush")
            real_sync(names)

        def index(writer: SqliteWriter, new: NewInstance) -> Stored:
            events.append("index")
            return real_store(writer, new)

        monkeypatch.setattr(archive.storage, "sync", sync)
        monkeypatch.setattr(SqliteWriter, "store", index)
        assert await put(archive, DatasetFactory("CT").instance()) is Status.SUCCESS
    assert events[:2] == ["flush", "index"]
