"""What a crash leaves is removed, and nothing else ever: not with another index, an older one,
none at all, nor with somebody else's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hornburg.archive import sweep
from hornburg.archive.ingest import store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.errors import IncompatibleDatabaseError
from hornburg.server import open_archive
from hornburg.settings import Settings
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


class Crash(Exception):
    """The process is gone: nothing is put in order."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage_directory=tmp_path / "files", index_directory=tmp_path / "index")


async def put(archive: Archive, *instances: int) -> None:
    for number in instances:
        with Spool(archive.storage) as spool:
            spool.write(MAKE.instance(instance=number))
            await store(archive, spool, Origin("RestApi"))


async def run(settings: Settings, *instances: int, orphans: int = 0) -> None:
    """A run of the server that ends in a crash, with files that never reached the index."""
    with pytest.raises(Crash):
        async with open_archive(settings) as archive:
            await put(archive, *instances)
            for _ in range(orphans):
                archive.storage.create(archive.storage.new_uuid(), b"left over")
            raise Crash


def files(settings: Settings) -> int:
    return sum(len(path.name) == 36 for path in settings.storage_directory.rglob("*"))


async def test_left_overs_of_a_crash_go(settings: Settings) -> None:
    await run(settings, 1, 2, orphans=3)
    assert files(settings) == 5
    async with open_archive(settings) as archive:
        assert files(settings) == 2
        await put(archive, 3)
    assert files(settings) == 3


async def test_the_index_is_missing(settings: Settings) -> None:
    await run(settings, 1, 2)
    assert settings.index_directory is not None
    settings.index_directory.rename(settings.index_directory.with_name("away"))
    for _ in range(2):
        with pytest.raises(IncompatibleDatabaseError, match="put it back"):
            async with open_archive(settings):
                pass
    assert not settings.index_directory.exists()
    assert files(settings) == 2


async def test_the_index_of_another_archive(settings: Settings, tmp_path: Path) -> None:
    await run(settings, 1, 2)
    other = Settings(storage_directory=tmp_path / "other", index_directory=tmp_path / "other")
    await run(other, 3)
    mixed = Settings(
        storage_directory=settings.storage_directory, index_directory=tmp_path / "other"
    )
    with pytest.raises(IncompatibleDatabaseError, match="belong to another index"):
        async with open_archive(mixed):
            pass
    assert files(settings) == 2


async def test_the_files_are_missing(settings: Settings, tmp_path: Path) -> None:
    await run(settings, 1)
    moved = Settings(storage_directory=tmp_path / "empty", index_directory=tmp_path / "index")
    with pytest.raises(IncompatibleDatabaseError, match="put them back"):
        async with open_archive(moved):
            pass


async def test_files_of_another_program(settings: Settings) -> None:
    theirs = settings.storage_directory / "ab" / "cd" / "abcd0000-0000-4000-8000-000000000000"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"of a server with its index elsewhere")
    for _ in range(2):
        with pytest.raises(IncompatibleDatabaseError, match="of another program"):
            async with open_archive(settings):
                pass
    assert [path for path in settings.storage_directory.rglob("*") if path.is_file()] == [theirs]


async def test_an_index_from_a_backup(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert settings.index_directory is not None
    backup = settings.index_directory.with_name("backup")
    async with open_archive(settings) as archive:
        await put(archive, 1)
    shutil.copytree(settings.index_directory, backup)
    await run(settings, 2, 3)
    await run(settings, 4)
    shutil.rmtree(settings.index_directory)
    backup.rename(settings.index_directory)
    async with open_archive(settings) as archive:
        assert files(settings) == 4
        assert "older than the files" in caplog.text
        totals = await archive.index.look(lambda reader: reader.statistics())
        assert totals.instances == 1
    assert files(settings) == 4


async def test_a_crash_in_the_middle_of_a_checkpoint(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Crash):
        async with open_archive(settings) as archive:
            await put(archive, 1)
            archive.storage.create(archive.storage.new_uuid(), b"left over")

            def broken(_: str) -> None:
                raise Crash

            monkeypatch.setattr(archive.storage, "checkpoint", broken)
            await sweep.checkpoint(archive)
    async with open_archive(settings):
        assert files(settings) == 1


async def test_what_is_on_its_way_at_a_checkpoint_stays_a_suspect(settings: Settings) -> None:
    with pytest.raises(Crash):
        async with open_archive(settings) as archive:
            archive.storage.create(archive.storage.new_uuid(), b"on its way")
            await sweep.checkpoint(archive)
            raise Crash
    async with open_archive(settings):
        assert files(settings) == 0


async def test_two_servers_on_one_storage(settings: Settings, tmp_path: Path) -> None:
    async with open_archive(settings) as archive:
        await put(archive, 1)
        second = Settings(
            storage_directory=settings.storage_directory, index_directory=tmp_path / "second"
        )
        with pytest.raises(IncompatibleDatabaseError):
            async with open_archive(second):
                pass
        assert files(settings) == 1
