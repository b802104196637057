"""Stable resources, with a clock that the test holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hornburg.archive import stable
from hornburg.archive.ingest import store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.dicom.levels import Level
from hornburg.index.base import Query
from hornburg.server import open_archive
from hornburg.settings import Settings
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage_directory=tmp_path / "storage", stable_age=60)


def at(archive: Archive, now: float) -> Archive:
    """The same archive at another time."""
    return dataclasses.replace(archive, clock=lambda: now)


async def put(archive: Archive, instance: int, series: int = 0) -> None:
    with Spool(archive.storage) as spool:
        spool.write(MAKE.instance(0, 0, series, instance))
        await store(archive, spool, Origin("RestApi"))


async def kinds(archive: Archive) -> list[str]:
    changes = await archive.index.read(lambda reader: reader.changes(0, None, 100, (), False))
    return [change.type for change in changes if change.type.startswith("Stable")]


async def stable_series(archive: Archive) -> list[bool]:
    found = await archive.index.read(lambda reader: reader.find(Query(Level.SERIES)))
    return [one.is_stable for one in found]


async def test_becomes_stable_once_and_again(settings: Settings) -> None:
    async with open_archive(settings) as archive:
        await put(at(archive, 1000), 1)
        assert await stable.settle(at(archive, 1059)) == 0
        assert await stable.settle(at(archive, 1061)) == 3
        assert await stable.settle(at(archive, 2000)) == 0
        assert await kinds(archive) == ["StableSeries", "StableStudy", "StablePatient"]
        assert await stable_series(archive) == [True]
        await put(at(archive, 3000), 1)  # there already: nothing has changed
        assert await stable_series(archive) == [True]
        await put(at(archive, 3000), 2, series=1)
        assert await stable_series(archive) == [True, False]
        assert await stable.settle(at(archive, 3061)) == 3


async def test_a_restart_forgets_nothing(settings: Settings) -> None:
    async with open_archive(settings) as archive:
        await put(at(archive, 1000), 1)
    async with open_archive(settings) as archive:
        assert await stable.settle(at(archive, 1059)) == 0
        assert await stable.settle(at(archive, 1061)) == 3


async def test_watch_ends_when_told(settings: Settings) -> None:
    import asyncio

    async with open_archive(settings) as archive:
        stop: Any = asyncio.Event()
        watching = asyncio.create_task(stable.watch(archive, stop))
        stop.set()
        await asyncio.wait_for(watching, 10)
