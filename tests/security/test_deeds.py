"""What commands have done waits for the server, and goes into the trail once."""

from __future__ import annotations

import json

import pytest

from hornburg.errors import HornburgError
from hornburg.security.deeds import Deed, Deeds
from hornburg.security.private_file import PrivateFile


def deed(number: int = 1) -> Deed:
    return Deed(1_700_000_000.0, "account", f"/account/tokens/{number}", "root", "hornburg token")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deeds.json"


def test_a_deed_waits_once(path):
    server, command = Deeds(PrivateFile(path)), Deeds(PrivateFile(path))
    assert not server.are_there()
    command.leave(deed(1))
    command.leave(deed(2))
    assert server.are_there()
    assert server.take() == [deed(1), deed(2)]
    assert not server.are_there()
    assert server.take() == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_the_trail_is_told():
    event = deed().event()
    assert (event.action, event.door, event.what) == ("account", "command", "/account/tokens/1")
    assert (event.who.name, event.who.detail) == ("root", "hornburg token")
    assert event.detail == "done at 2023-11-14T22:13:20.000000Z"


def test_deeds_are_bounded(path, monkeypatch):
    monkeypatch.setattr("hornburg.security.deeds._MOST", 3)
    deeds = Deeds(PrivateFile(path))
    for number in range(5):
        deeds.leave(deed(number))
    assert deeds.take() == [deed(2), deed(3), deed(4)]


@pytest.mark.parametrize("found", [{"deeds": [{"time": "x"}]}, {"deeds": [1]}])
def test_what_is_none_is_said_once_and_goes(path, found):
    path.write_text(json.dumps(found))
    deeds = Deeds(PrivateFile(path))
    with pytest.raises(HornburgError, match="commands have done"):
        deeds.take()
    assert deeds.take() == []
