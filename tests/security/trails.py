"""Reading the trail of an archive in tests."""

from __future__ import annotations

import asyncio
from typing import Any

from hornburg.archive.parts import Archive
from hornburg.security.trail.reading import Wanted, lines_of
from hornburg.security.trail.verify import verify


async def lines_of_archive(archive: Archive) -> list[dict[str, Any]]:
    """All lines that an archive has written so far, which are whole."""
    await archive.trail.flush(everything=True)
    settings, storage = archive.settings.trail, archive.settings.storage_directory
    folder = settings.folder(storage)
    verdict = await asyncio.to_thread(verify, folder, settings.key(storage))
    assert verdict.is_whole, verdict.findings
    return await asyncio.to_thread(lambda: list(lines_of(folder, Wanted())))
