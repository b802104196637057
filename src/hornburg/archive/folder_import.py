"""Bringing in files and folders of this machine.

What the archive has already is recognised by its header alone, so that an import that was broken
off goes on where it stopped when it is started again.
"""

from __future__ import annotations

import asyncio
import enum
import mmap
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hornburg.archive.ingest import (
    MediaDirectoryError,
    Received,
    Status,
    already_stored,
    store,
)
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.archive.unpack import LeftOut, is_zip, may_be_dicom, store_zip
from hornburg.errors import BadFileFormatError, HornburgError, StorageFullError

__all__ = ["Imported", "Result", "find_files", "import_files"]

#: Files that are on their way at the same time; they share the commits of the index.
_WORKERS = 8

#: Members of a ZIP archive whose reasons are told.
_NAMED = 10

_CHUNK = 1 << 20
_PEEK = 132


class Result(enum.Enum):
    """What became of a file, or of one member of a ZIP archive."""

    STORED = "stored"
    ALREADY_THERE = "already there"
    NO_DICOM = "no DICOM"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """One file that was looked at: its results (several for a ZIP archive) and why not.

    ``refused`` counts the members of an archive that were; for a file, ``reason`` tells alone.
    """

    path: Path
    size: int
    stored: int = 0
    already_there: int = 0
    no_dicom: bool = False
    reason: str = ""
    refused: int = 0

    @property
    def results(self) -> dict[Result, int]:
        """How many instances came to which end."""
        return {
            Result.STORED: self.stored,
            Result.ALREADY_THERE: self.already_there,
            Result.NO_DICOM: int(self.no_dicom),
            Result.REFUSED: self.refused or int(bool(self.reason)),
        }


def find_files(paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Every regular file at or below the paths, with its size in bytes; sorted, links to folders
    are not followed."""
    for path in paths:
        if not path.is_dir():
            yield path, path.stat().st_size if path.is_file() else 0
            continue
        for folder, names, files in os.walk(path):
            names.sort()
            for name in sorted(files):
                file = Path(folder) / name
                try:
                    status = file.stat()
                except OSError:
                    yield file, 0
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield file, status.st_size


async def import_files(
    archive: Archive,
    files: Iterable[tuple[Path, int]],
    tell: Callable[[Imported], None],
) -> None:
    """Store files, several at a time; ``tell`` hears of each one when it is done.

    Raises:
        StorageFullError: no room is left; what was told of is stored.
    """
    archive.refuse_if_read_only()
    waiting = iter(files)
    full: list[StorageFullError] = []

    async def work() -> None:
        for path, size in waiting:
            if full:
                return
            try:
                tell(await _import_file(archive, path, size))
            except StorageFullError as error:
                full.append(error)

    await asyncio.gather(*(work() for _ in range(_WORKERS)))
    if full:
        raise full[0]


#: What is said of a file that a plug-in does not want.
_FILTERED = "a filter does not want it"


async def _import_file(archive: Archive, path: Path, size: int) -> Imported:
    origin = Origin("Unknown")
    try:
        with path.open("rb") as file:
            start = file.read(_PEEK)
            if is_zip(start):
                return await _import_zip(archive, path, size, file, origin)
            if not may_be_dicom(start):
                return Imported(path, size, no_dicom=True)
            received = await _store_file(archive, file.fileno(), origin)
    except StorageFullError:
        raise
    except MediaDirectoryError:
        return Imported(path, size, no_dicom=True)
    except HornburgError as error:
        return Imported(path, size, reason=str(error))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Imported(path, size, reason=f"can't be read: {why}")
    if received.status is Status.SUCCESS:
        return Imported(path, size, stored=1)
    if received.status is Status.FILTERED_OUT:
        return Imported(path, size, reason=_FILTERED)
    return Imported(path, size, already_there=1)


async def _import_zip(
    archive: Archive, path: Path, size: int, file: BinaryIO, origin: Origin
) -> Imported:
    stored = already = 0
    reasons: list[str] = []
    async for one in store_zip(archive, file, origin):
        if isinstance(one, LeftOut):
            reasons.append(f"{one.name}: {one.reason}")
        elif one.status is Status.FILTERED_OUT:
            reasons.append(_FILTERED)
        else:
            stored += one.status is Status.SUCCESS
            already += one.status is Status.ALREADY_STORED
    nothing = not stored and not already and not reasons
    reason = "; ".join(reasons[:_NAMED])
    return Imported(path, size, stored, already, nothing, reason, len(reasons))


async def _store_file(archive: Archive, descriptor: int, origin: Origin) -> Received:
    if os.fstat(descriptor).st_size == 0:
        raise BadFileFormatError("empty")
    mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    there = await already_stored(archive, mapped)
    if there is not None:
        return there
    with Spool(archive.storage) as spool:
        await archive.work(_copy, mapped, spool)
        return await store(archive, spool, origin)


def _copy(source: mmap.mmap, spool: Spool) -> None:
    for at in range(0, len(source), _CHUNK):
        spool.write(source[at : at + _CHUNK])
