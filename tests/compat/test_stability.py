"""When patients, studies and series become stable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.compat.exchange import Server
from tests.compat.samples import made
from tests.compat.servers import Pair, running


@pytest.fixture
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair that calls a resource stable after one second."""
    with running(tmp_path_factory.mktemp("hasty"), StableAge=1) as pair:
        yield pair


def test_all_levels_become_stable_and_say_so(hasty: Pair):
    with ThreadPoolExecutor(2) as threads:
        theirs, ours = threads.map(_story, hasty)
    assert theirs == ours


def _story(server: Server) -> list[object]:
    """What happens to a study that grows in two steps, and then gets what it has."""
    stored = server.ask("POST", "/instances", made("ST1", "S", "600", "600.1", 1), {}).json()
    story: list[object] = [_stable(server, stored), _await_changes(server, 7)]
    again = made("ST1", "S", "600", "600.2", 1)
    server.ask("POST", "/instances", again, {})
    # The series that got nothing stays stable.
    story += [_stable(server, stored), _await_changes(server, 12)]
    known = server.ask("POST", "/instances", again, {}).json()
    return [*story, known["Status"], _stable(server, stored)]


def _stable(server: Server, stored: dict[str, str]) -> dict[str, bool]:
    paths = {
        "Patient": f"/patients/{stored['ParentPatient']}",
        "Study": f"/studies/{stored['ParentStudy']}",
        "Series": f"/series/{stored['ParentSeries']}",
    }
    return {
        level: server.ask("GET", path, None, {}).json()["IsStable"] for level, path in paths.items()
    }


def _await_changes(server: Server, count: int) -> list[str]:
    """The kinds of all changes once there are ``count`` of them."""
    end = time.monotonic() + 20
    while True:
        changes = server.ask("GET", "/changes", None, {}).json()["Changes"]
        if len(changes) >= count or time.monotonic() > end:
            return [change["ChangeType"] for change in changes]
        time.sleep(0.05)
