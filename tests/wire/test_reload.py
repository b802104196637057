"""SIGHUP: a configuration that has changed is taken up, one that can't be used is not."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import httpx2
from tests.wire.conftest import Server
from tests.wire.dicom_peers import free_port


def test_a_changed_configuration_is_taken_up(server: Callable[..., Server]) -> None:
    running = server(HttpPort=free_port(), DicomServerEnabled=False, Name="first")
    given = json.loads(running.configuration.read_text())

    def hang_up(content: str, words: str) -> Any:
        before = len(running.lines)
        running.configuration.write_text(content)
        running.process.send_signal(signal.SIGHUP)
        running.said(words, before)
        return httpx2.get(f"{running.url}/system", timeout=60).json()["Name"]

    assert hang_up(json.dumps({**given, "Name": "second"}), "listens on http") == "second"
    assert hang_up("{ nonsense", "the configuration stays as it was") == "second"
    wrong = json.dumps({**given, "HttpPort": -1})
    assert hang_up(wrong, "the configuration stays as it was") == "second"
    same = json.dumps({**given, "Name": "second"}, indent=4)
    assert hang_up(same, "the configuration has not changed") == "second"
    assert running.stop() == 0
