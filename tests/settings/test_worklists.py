"""The section of the worklist server."""

import json
from pathlib import Path
from typing import Any

import pytest

from hornburg.settings import Settings, SettingsError, WorklistSettings, load


def loaded(folder: Path, section: Any) -> Settings:
    (folder / "hornburg.json").write_text(json.dumps({"Worklists": section}))
    return load([folder / "hornburg.json"], {})


def test_without_the_section_there_are_none() -> None:
    assert Settings().worklists is None


def test_defaults_and_the_folder_of_the_configuration(tmp_path: Path) -> None:
    expected = WorklistSettings(enabled=True, directory=tmp_path / "WorklistsDatabase")
    settings = loaded(tmp_path, {"Enable": True})
    assert settings.worklists == expected
    assert "Worklists" not in settings.ignored


def test_every_member(tmp_path: Path) -> None:
    section = {
        "Enable": True,
        "Directory": "wl",
        "FilterIssuerAet": True,
        "LimitAnswers": 7,
        "SaveInOrthancDatabase": True,
        "SetStudyInstanceUidIfMissing": False,
        "DeleteWorklistsOnStableStudy": False,
        "HousekeepingInterval": 5,
        "DeleteWorklistsDelay": 0,
    }
    expected = WorklistSettings(True, tmp_path / "wl", True, 7, True, False, False, 5, 0)
    assert loaded(tmp_path, section).worklists == expected


def test_the_name_of_the_folder_until_1_12_9(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"Database": "/srv/old"}).worklists
    assert found is not None and found.directory == Path("/srv/old")
    found = loaded(tmp_path, {"Directory": "/srv/new", "Database": "/srv/old"}).worklists
    assert found is not None and found.directory == Path("/srv/new")


@pytest.mark.parametrize(
    "section",
    [
        [],
        {"Enable": 1},
        {"Directory": ""},
        {"LimitAnswers": -1},
        {"HousekeepingInterval": 0},
        {"Unknown": True},
    ],
)
def test_what_is_refused(tmp_path: Path, section: Any) -> None:
    with pytest.raises(SettingsError, match="Worklists"):
        loaded(tmp_path, section)
