"""The file of an instance waits for the commit that it shares with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from hornburg.archive.keep import keep
from hornburg.archive.spool import IN_MEMORY, Spool
from hornburg.server import open_archive
from hornburg.settings import Settings


@pytest.mark.parametrize("size", [100, IN_MEMORY + 1])
@pytest.mark.parametrize("compression", [False, True])
async def test_waits_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, compression: bool
) -> None:
    settings = Settings(storage_directory=tmp_path, storage_compression=compression)
    async with open_archive(settings) as archive:
        synced: list[str] = []
        monkeypatch.setattr(archive.storage, "sync", synced.extend)
        for wait in (False, True):
            with Spool(archive.storage) as spool:
                spool.write(bytes(size))
                attachment = keep(archive, spool, 1, wait=wait)
            assert synced == ([attachment.uuid] if wait else [])
            assert attachment.size == size
