"""``LuaScripts``: what is loaded, and what stops the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.builtin.lua.making import FakeServer

from hornburg.builtin.lua import LuaPlugin, make_lua
from hornburg.errors import HornburgError
from hornburg.settings import load


def made(folder: Path, *sources: str, **options: Any) -> LuaPlugin | None:
    scripts = []
    for place, source in enumerate(sources):
        path = folder / f"{place}.lua"
        path.write_text(source)
        scripts.append(str(path))
    configuration = folder / "hornburg.json"
    configuration.write_text(json.dumps({"LuaScripts": scripts, **options}))
    return make_lua(load([configuration], {}), FakeServer(settings={"Name": "here"}))


def test_nothing_is_made_when_nobody_wants_lua(tmp_path):
    assert made(tmp_path) is None


def test_hooks_are_those_of_all_scripts(tmp_path):
    plugin = made(
        tmp_path,
        "function OnStoredInstance() end x = GetOrthancConfiguration().Name",
        "assert(x == 'here') function ReceivedInstanceFilter() return true end",
    )
    assert plugin is not None
    assert plugin.hooks == {"on_start", "on_stop", "on_event", "filter_received"}


def test_scripts_may_come_later(tmp_path):
    assert made(tmp_path, ExecuteLuaEnabled=True) is not None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("\nx x", ":2: syntax error near 'x'"),
        ("\n\nerror('no')", ":3: no"),
        ("while true do end", "ran longer than LuaTimeLimit (1 s)"),
        ("local s = ('x'):rep(1e9)", "LuaMemoryLimit (128 MB)"),
        ("\x1bLua", "binary"),
    ],
)
def test_a_script_that_can_not_be_loaded_stops_the_start(tmp_path, source, reason):
    with pytest.raises(HornburgError) as caught:
        made(tmp_path, "x = 1", source, LuaTimeLimit=1)
    text = str(caught.value)
    assert text.startswith("LuaScripts: ")
    assert str(tmp_path / "1.lua") in text
    assert reason in text
    assert "\n" not in text


def test_a_script_that_can_not_be_read_stops_the_start(tmp_path):
    (tmp_path / "hornburg.json").write_text(json.dumps({"LuaScripts": ["nope.lua"]}))
    with pytest.raises(HornburgError, match=r"nope\.lua can't be read"):
        make_lua(load([tmp_path / "hornburg.json"], {}), FakeServer())
    (tmp_path / "hornburg.json").write_text(json.dumps({"LuaScripts": ["/dev/zero"]}))
    with pytest.raises(HornburgError, match="is no file"):
        make_lua(load([tmp_path / "hornburg.json"], {}), FakeServer())


def test_secrets_of_modalities_have_no_place_and_forms_are_those_of_orthanc(tmp_path):
    source = """local m = GetOrthancConfiguration().DicomModalities.x
    assert(m.AET == 'X' and m.Port == 104 and m.AllowEcho == true)"""
    assert made(tmp_path, source, DicomModalities={"x": ["X", "host", 104]}) is not None


def test_a_script_that_everybody_can_write_is_named(tmp_path, caplog):
    path = tmp_path / "a.lua"
    path.write_text("")
    path.chmod(0o666)
    (tmp_path / "hornburg.json").write_text(json.dumps({"LuaScripts": [str(path)]}))
    make_lua(load([tmp_path / "hornburg.json"], {}), FakeServer())
    assert "everybody can write" in caplog.text
