"""Plug-ins and the archive without its doors: the command of imports, and what is paid for."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from tests.archive.making import dicom
from tests.hooks.serving import plugin_file

from hornburg.archive.folder_import import Imported, find_files, import_files
from hornburg.hooks.manager import NO_HOOKS
from hornburg.hooks.telling import TellingIndex
from hornburg.server import open_archive
from hornburg.settings import Settings

FILTER = "def filter_received(self, instance):\n    return instance.tags()['PatientID'] != 'P2'"
EVENT = f"def on_event(self, event):\n    open({'told'!r}, 'w')"


async def imported(folder: Path, source: str) -> tuple[list[Imported], int]:
    """What is said of two files and a ZIP archive, and how many instances there are then."""
    files = folder / "files"
    files.mkdir()
    for number in (1, 2):
        (files / f"{number}.dcm").write_bytes(dicom(number))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("2.dcm", dicom(2))
    (files / "3.zip").write_bytes(packed.getvalue())
    plugins = (Path(plugin_file(folder / "plugins", source)),)
    said: list[Imported] = []
    async with open_archive(
        Settings(storage_directory=folder / "storage", plugins=plugins)
    ) as opened:
        await import_files(opened, list(find_files([files])), said.append)
        totals = await opened.index.look(lambda reader: reader.statistics())
    return sorted(said, key=lambda one: one.path.name), totals.instances


async def test_an_import_asks_the_filters(tmp_path: Path) -> None:
    said, count = await imported(tmp_path, FILTER)
    assert [(one.stored, one.already_there, one.no_dicom) for one in said] == [
        (1, 0, False),
        (0, 0, False),
        (0, 0, False),
    ]
    assert ["filter" in one.reason for one in said] == [False, True, True]
    assert count == 1


async def test_an_import_tells_no_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to answer the calls that a handler would make."""
    monkeypatch.chdir(tmp_path)
    _, count = await imported(tmp_path, EVENT)
    assert count == 2
    assert not (tmp_path / "told").exists()


async def test_where_nobody_listens_nothing_is_paid(tmp_path: Path) -> None:
    async with open_archive(Settings(storage_directory=tmp_path / "none")) as archive:
        assert archive.hooks is NO_HOOKS
        assert not isinstance(archive.index, TellingIndex)
    plugins = (Path(plugin_file(tmp_path / "plugins", FILTER)),)
    settings = Settings(storage_directory=tmp_path / "filter", plugins=plugins)
    async with open_archive(settings) as archive:
        assert not isinstance(archive.index, TellingIndex)
