"""The road in, where its callers go away or the disk fails."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import ModuleType

import pytest

from hornburg.archive import attach, ingest
from hornburg.archive.origin import Origin
from hornburg.archive.spool import IN_MEMORY, Spool
from hornburg.dicom.levels import Level
from hornburg.errors import StorageFullError
from hornburg.server import open_archive
from hornburg.settings import Settings
from hornburg.testing.datasets import DatasetFactory

LARGE = DatasetFactory("CT", size=2 * IN_MEMORY)


def files(folder: Path) -> int:
    return sum(len(path.name) == 36 for path in folder.rglob("*"))


@pytest.mark.parametrize("module", [ingest, attach], ids=["instance", "attachment"])
async def test_a_caller_that_goes_away_undoes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    real = module.keep

    def slow(*arguments: object, **more: object) -> object:
        reached.set()
        assert go_on.wait(60)
        return real(*arguments, **more)  # type: ignore[arg-type]

    async with open_archive(Settings(storage_directory=tmp_path)) as archive:
        spool = Spool(archive.storage)
        spool.write(LARGE.instance(1))
        with Spool(archive.storage) as first:
            first.write(LARGE.instance(0))
            there = await ingest.store(archive, first, Origin("RestApi"))
        monkeypatch.setattr(module, "keep", slow)

        async def caller() -> None:
            with spool:
                if module is ingest:
                    await ingest.store(archive, spool, Origin("RestApi"))
                else:
                    public_id = there.public_ids[Level.INSTANCE]
                    await attach.put_attachment(archive, Level.INSTANCE, public_id, 1024, spool)

        task = asyncio.create_task(caller())
        await asyncio.to_thread(reached.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        totals = await archive.index.look(lambda reader: reader.statistics())
        assert totals.instances == (2 if module is ingest else 1)
        assert totals.uncompressed_size == len(LARGE.instance(0)) + len(LARGE.instance(1))
        assert files(tmp_path) == 2


async def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_archive(Settings(storage_directory=tmp_path)) as archive:

        def full(_: object) -> None:
            raise StorageFullError("full")

        monkeypatch.setattr(archive.storage, "sync", full)
        with Spool(archive.storage) as spool:
            spool.write(LARGE.instance())
            with pytest.raises(StorageFullError):
                await ingest.store(archive, spool, Origin("RestApi"))
        totals = await archive.index.look(lambda reader: reader.statistics())
        assert totals.instances == 0
        assert files(tmp_path) == 0
