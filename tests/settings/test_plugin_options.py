"""``PluginOptions``: anything below the names of plug-ins, and nothing that can't be walked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hornburg.settings import Settings, SettingsError, load


def loaded(folder: Path, **options: Any) -> Settings:
    (folder / "hornburg.json").write_text(json.dumps(options))
    return load([folder / "hornburg.json"], {})


def test_anything_below_names(tmp_path: Path) -> None:
    settings = loaded(tmp_path, PluginOptions={"mine": {"A": [1, {"B": None}], "C": "x"}})
    assert settings.plugin_options["mine"]["A"][1]["B"] is None
    with pytest.raises(TypeError):
        settings.plugin_options["mine"]["C"] = "y"  # type: ignore[index]


@pytest.mark.parametrize("value", [[], 1, {"mine": 1}, {"mine": []}])
def test_what_is_no_object_is_refused_without_its_value(tmp_path: Path, value: Any) -> None:
    with pytest.raises(SettingsError, match=r"PluginOptions.*an object with one object"):
        loaded(tmp_path, PluginOptions=value)


def test_depth_is_bounded(tmp_path: Path) -> None:
    deep: Any = "secret"
    for _ in range(40):
        deep = [deep]
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, PluginOptions={"mine": {"A": deep}})
    assert "secret" not in str(error.value)


def test_relative_paths_of_plug_ins_start_at_their_configuration(tmp_path: Path) -> None:
    settings = loaded(tmp_path, Plugins=["mine.py", "entry-point:shipped"])
    assert settings.plugins == (tmp_path / "mine.py", tmp_path / "entry-point:shipped")
