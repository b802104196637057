"""What of the peers is left after ``/tools/reset``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.compat.exchange import Server
from tests.compat.servers import running

_PATIENCE = 20.0

_OBJECT = {
    "Url": "http://b",
    "HttpHeaders": {"X": "y"},
    "Timeout": 3,
    "Own": "o",
    "Number": 5,
    "Truth": True,
}


@pytest.mark.parametrize("in_database", [False, True])
def test_peers_outlive_a_restart_as_in_orthanc(in_database: bool, tmp_path: Path) -> None:
    with running(
        tmp_path / "pair",
        OrthancPeersInDatabase=in_database,
        OrthancPeers={"conf": ["http://c/", "user", "password"]},
    ) as pair:
        theirs, ours = (_story(server) for server in pair)
    assert ours == theirs


def _story(server: Server) -> list[Any]:
    story: list[Any] = [_peers(server)]
    for name, entry in (("a", ["http://a/", "u", "p"]), ("b", _OBJECT), ("conf", ["http://d/"])):
        story.append(_status(server, "PUT", f"/peers/{name}", json.dumps(entry).encode()))
    story += [_peers(server), _status(server, "DELETE", "/peers/conf"), _peers(server)]
    story.append(_status(server, "POST", "/tools/reset", b""))
    _await_restart(server)
    return [*story, _peers(server)]


def _await_restart(server: Server) -> None:
    """Until it is gone, and then until it is back."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            server.ask("GET", "/system", None, {})
        except OSError:
            server.close()
            break
        time.sleep(0.02)
    while time.monotonic() < end:
        try:
            server.ask("GET", "/system", None, {})
        except OSError:
            server.close()
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"{server.name} did not come back")


def _status(server: Server, method: str, path: str, body: bytes | None = None) -> int:
    return server.ask(method, path, body, {}).status


def _peers(server: Server) -> Any:
    return server.ask("GET", "/peers?expand", None, {}).json()
