"""Plug-ins in a real server, with curl and DCMTK on the other side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.archive.making import dicom
from tests.wire.dicom_peers import run

Start = Callable[..., Any]

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "plugins" / "quarantine.py"

HEAD = """
import json, sys, threading, time
from hornburg.hooks.specs import *
from hornburg.security.principals import Permission
"""

POLITE = """
class Polite(Plugin):
    def filter_http(self, request):
        if request.query.get("raise"):
            raise KeyError("Doe^John")
        while request.query.get("loop"):
            pass
        return request.path != "/closed" and request.method != "DELETE"

    def filter_received(self, instance):
        return instance.tags()["PatientID"] != "P2"

    def filter_cstore(self, instance):
        return 0xA700 if instance.tags()["PatientID"] == "P3" else None

    def filter_association(self, request):
        return request.aet != "FOE"

    def filter_find(self, request):
        return {**request.tags, "0010,0020": "P1"}

    def routes(self):
        yield Route("GET", "/polite/{name}", Permission.VIEW, self.greet)

    async def greet(self, request):
        answer = await self.server.call("GET", "/statistics")
        count = json.loads(answer.body)["CountInstances"]
        return Answer(f"{request.parameters['name']}: {count}".encode(), 200, "text/plain")

    def on_event(self, event):
        self.server.log.info("heard %s of a %s", event.kind, event.level)
        if event.kind == "NewInstance":
            raise KeyError("Doe^John")

def create(server):
    made = Polite()
    made.server = server
    return made
"""


def written(path: Path, source: str) -> str:
    """A plug-in that only we can write."""
    path.write_text(HEAD + source)
    path.chmod(0o600)
    return str(path)


def curl(running: Any, path: str, *arguments: str) -> tuple[int, str]:
    """Status and body of what curl gets."""
    done = subprocess.run(
        ["curl", "-s", "-g", "-w", "\n%{http_code}", *arguments, running.url + path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.fixture
def polite(server: Start, tmp_path: Path) -> Any:
    path = written(tmp_path / "polite.py", POLITE)
    modalities = {"friend": ["FRIEND", "127.0.0.1", 11112]}
    return server(Plugins=[path], PluginTimeLimit=1, DicomModalities=modalities)


def test_http(polite: Any, tmp_path: Path) -> None:
    assert curl(polite, "/system")[0] == 200
    assert curl(polite, "/closed")[0] == 403
    assert curl(polite, "/instances/x", "-X", "DELETE")[0] == 403
    # The shortest way asks as well.
    file = tmp_path / "one.dcm"
    file.write_bytes(dicom())
    status, body = curl(polite, "/instances", "--data-binary", f"@{file}")
    assert (status, json.loads(body)["Status"]) == (200, "Success")
    uri = f"/instances/{json.loads(body)['ID']}"
    assert curl(polite, uri)[0] == 200
    assert curl(polite, f"{uri}?raise=1")[0] == 403
    assert "filter_http raised KeyError" in polite.said("filter_http raised")
    # An answer would take for ever; and the next request finds the thread free again.
    assert curl(polite, "/system?loop=1")[0] == 403
    polite.said("plug-in polite: filter_http did not answer within 1 seconds")
    for _ in range(100):
        if curl(polite, "/system")[0] == 200:
            break
    else:
        raise AssertionError("the plug-in never came back")
    # What handles events has raised meanwhile, and hears of the next.
    polite.said("heard NewPatient of a Patient")
    assert "NewInstance" in polite.said("heard NewInstance")
    assert curl(polite, "/polite/Anna") == (200, "Anna: 1")
    assert curl(polite, "/plugins") == (200, '["explorer.js","polite"]')
    before = len(polite.lines)
    assert polite.stop() == 0
    polite.said("heard OrthancStopped", since=before)


def test_dicom(polite: Any, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"{number}.dcm").write_bytes(dicom(number))
    to = ("-aet", "FRIEND", "-aec", "ORTHANC", "127.0.0.1", polite.dicom_port)
    rejected = run("echoscu", "-v", "-aet", "FOE", "127.0.0.1", polite.dicom_port)
    assert rejected.status != 0
    assert "Rejected Permanent" in rejected.said
    assert run("echoscu", *to).status == 0
    sent = {number: run("storescu", "-v", *to, tmp_path / f"{number}.dcm") for number in (1, 2, 3)}
    assert [one.status for one in sent.values()][:2] == [0, 0]
    assert "0xa700" in sent[3].said.lower() or "OutOfResources" in sent[3].said
    assert json.loads(curl(polite, "/patients")[1]) != []
    assert len(json.loads(curl(polite, "/instances")[1])) == 1
    found = run("findscu", "-v", "-P", "-k", "0008,0052=PATIENT", "-k", "PatientID=*", *to)
    assert "[P1" in found.said


def test_a_handler_that_hangs_does_not_hold_up_the_stop(server: Start, tmp_path: Path) -> None:
    source = """
class Hangs(Plugin):
    def on_event(self, event):
        print("hangs now", file=sys.stderr, flush=True)
        if event.kind == "OrthancStarted":
            threading.Event().wait()
plugin = Hangs()
"""
    running = server(Plugins=[written(tmp_path / "hangs.py", source)], PluginTimeLimit=1)
    running.said("hangs now")
    assert curl(running, "/system")[0] == 200
    assert running.stop() == 0
    running.said("plug-in hangs: on_event does not end")


def test_a_restart_reads_plug_ins_again(server: Start, tmp_path: Path) -> None:
    source = 'class Mine(Plugin):\n    version = "{}"\nplugin = Mine()\n'
    path = written(tmp_path / "mine.py", source.format("first"))
    running = server(Plugins=[path], HttpPort=_free_port())
    assert '"Version":"first"' in curl(running, "/plugins/mine")[1]
    written(tmp_path / "mine.py", source.format("second"))
    before = len(running.lines)
    assert curl(running, "/tools/reset", "-d", "")[0] == 200
    running.said("listens on http://", since=before)
    assert '"Version":"second"' in curl(running, "/plugins/mine")[1]


def _free_port() -> int:
    from tests.wire.dicom_peers import free_port

    return free_port()


@pytest.mark.parametrize(
    ("source", "mode", "why"),
    [
        ("1 / 0\n", 0o600, "mine.py: ZeroDivisionError: division by zero (line 5)"),
        ("plugin = Plugin()\n", 0o602, "mine.py can be written by others"),
        ("plugin = 3\n", 0o600, "must be a hornburg.hooks.specs.Plugin"),
        (
            "class Mine(Plugin):\n    def routes(self):\n"
            "        return [Route('GET', '/system', Permission.VIEW, print)]\nplugin = Mine()\n",
            0o600,
            "Plugins: mine: GET /system is a route of the server itself",
        ),
    ],
)
def test_what_can_not_be_loaded_stops_the_start(
    tmp_path: Path, source: str, mode: int, why: str
) -> None:
    path = Path(written(tmp_path / "mine.py", source))
    path.chmod(mode)
    configuration = tmp_path / "hornburg.json"
    options = {"Plugins": [str(path)], "HttpPort": 0, "DicomPort": 0}
    configuration.write_text(json.dumps(options))
    done = subprocess.run(
        [sys.executable, "-m", "hornburg", "serve", str(configuration)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ,
        timeout=60,
    )
    assert done.returncode not in (0, None)
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_of_the_manual(server: Start, tmp_path: Path) -> None:
    path = tmp_path / "quarantine.py"
    path.write_bytes(EXAMPLE.read_bytes())
    path.chmod(0o600)
    running = server(
        Plugins=[str(path)],
        PluginOptions={"quarantine": {"Institutions": ["TEST LAB"]}},
        StableAge=1,
    )
    kept = running.client.post("/instances", content=dicom())
    out = running.client.post("/instances", content=dicom(2, InstitutionName="TEST LAB"))
    assert (kept.json()["Status"], out.json()["Status"]) == ("Success", "FilteredOut")
    assert running.client.get("/quarantine").json() == {"KeptOut": 1}
    running.said(f"study {kept.json()['ParentStudy']} is complete: 1 instances")


@pytest.fixture(autouse=True)
def _plug_ins_of_tests_are_ours(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
