"""``hornburg import``: files, folders and ZIP archives into the archive of a configuration."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import IO, Annotated

import cyclopts
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from hornburg.archive.folder_import import Imported, Result, find_files, import_files
from hornburg.archive.touched import act_as
from hornburg.cli.logs import set_up_logs
from hornburg.cli.system_user import system_user
from hornburg.errors import BadRequestError, StorageFullError
from hornburg.security.principals import Kind, Principal
from hornburg.security.redaction import LOGS
from hornburg.server import open_archive
from hornburg.settings import Settings, load

__all__ = ["import_"]

#: Refused files that are named on the screen; all of them are in the report file.
_NAMED = 20


class _Report:
    """Counts what was told, and writes it down."""

    def __init__(self, file: IO[str] | None) -> None:
        self.counts: Counter[Result] = Counter()
        self.refused: list[Imported] = []
        self._file = file

    def add(self, imported: Imported) -> None:
        self.counts.update(imported.results)
        if imported.reason and len(self.refused) < _NAMED:
            self.refused.append(imported)
        if self._file is not None:
            line = {
                "path": str(imported.path),
                "stored": imported.stored,
                "alreadyThere": imported.already_there,
                "noDicom": imported.no_dicom,
                "refused": imported.reason or None,
            }
            self._file.write(json.dumps(line) + "\n")

    def show(self, console: Console) -> None:
        table = Table(show_header=False, box=None)
        for result in Result:
            table.add_row(result.value, f"{self.counts[result]:,}")
        console.print(table)
        for one in self.refused:
            line = f"refused: {escape(str(one.path))}: {escape(one.reason)}"
            console.print(line, highlight=False, soft_wrap=True)
        more = self.counts[Result.REFUSED] - len(self.refused)
        if more > 0:
            console.print(f"and {more:,} more; --report FILE writes all of them")


def import_(
    *paths: Path,
    config: Annotated[
        list[Path] | None, cyclopts.Parameter(name=["--config", "-c"], negative="")
    ] = None,
    report: Path | None = None,
) -> int:
    """Store the DICOM files of files, folders and ZIP archives.

    The server must not run on the same folder meanwhile. The exit status is 1 when a DICOM file was
    refused. An import that was broken off goes on
    when the same command is given again: what is there already is recognised.

    Parameters
    ----------
    paths
        Files, folders, ZIP archives.
    config
        The configuration of the server: a file or folder; may be given several times.
    report
        A file that receives one line of JSON for each file that was looked at.
    """
    if not paths:
        raise BadRequestError("hornburg import PATH ...: name a file or a folder")
    os.umask(0o077)
    set_up_logs()
    settings = load(config or [], os.environ)
    LOGS.deidentify = settings.deidentify_logs
    with _open(report) as file:
        kept = _Report(file)
        try:
            asyncio.run(_import(settings, paths, kept))
        except StorageFullError:
            kept.show(Console(stderr=True))
            raise
        except KeyboardInterrupt:
            kept.show(Console(stderr=True))
            print("broken off; the same command goes on from here", file=sys.stderr)
            return 130
    kept.show(Console())
    return 1 if kept.counts[Result.REFUSED] else 0


def _open(report: Path | None) -> IO[str]:
    path = report or Path(os.devnull)
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise BadRequestError(f"--report {path} can't be written: {error.strerror}") from None


async def _import(settings: Settings, paths: tuple[Path, ...], kept: _Report) -> None:
    async with open_archive(settings) as archive:
        act_as(Principal(system_user(), Kind.INSIDE, detail="hornburg import"), "command")
        with _progress() as progress:
            searching = progress.add_task("searching", total=None, files=0)
            found = []
            for path, size in find_files(paths):
                found.append((path, size))
                progress.update(searching, files=len(found))
            progress.remove_task(searching)
            total = sum(size for _, size in found)
            task = progress.add_task("importing", total=total, files=0)
            done = 0

            def tell(imported: Imported) -> None:
                nonlocal done
                done += 1
                kept.add(imported)
                progress.update(task, advance=imported.size, files=done)

            await import_files(archive, found, tell)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[files]:,} files"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        # A log needs no bar.
        disable=not console.is_terminal,
    )
