"""Small instances: written within the change of the index, so only when it takes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hornburg.archive.ingest import Status, store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.errors import StorageFullError
from hornburg.server import open_archive
from hornburg.settings import Settings
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
