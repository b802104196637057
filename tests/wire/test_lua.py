"""Scripts in a real server: what they are told, what they decide, and what they do."""

from __future__ import annotations

import http.server
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage
from tests.wire.dicom_files import made
from tests.wire.dicom_peers import Peers, associate, elements, entity

Start = Callable[..., Any]

FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture
def scripted(server: Start, tmp_path: Path) -> Start:
    """A server with one script."""

    def start(script: str, **options: Any) -> Any:
        path = tmp_path / "test.lua"
        path.write_text(script)
        return server(LuaScripts=[str(path)], **options)

    return start


def test_execute_script_is_off_unless_allowed(server):
    running = server()
    answer = running.client.post("/tools/execute-script", content="print(42)")
    assert answer.status_code == 403
    assert "ExecuteLuaEnabled" in answer.json()["Details"]


def test_execute_script_answers_what_is_printed(server):
    running = server(ExecuteLuaEnabled=True)

    def run(source: str) -> Any:
        return running.client.post("/tools/execute-script", content=source)

    answer = run("print(42)")
    assert (answer.status_code, answer.text) == (200, "42\n")
    assert answer.headers["content-type"].startswith("text/plain")
    answer = run('error("boom")')
    assert answer.status_code == 500
    assert answer.json()["OrthancStatus"] == 2031
    assert answer.json()["Details"] == '[string "line"]:1: boom'
    assert run('print(ParseJson(RestApiGet("/system")).DicomAet)').text == "ORTHANC\n"
    # What it defines is there for the next request: a filter that lets nobody change anything.
    run("function IncomingHttpRequestFilter(method) return method == 'GET' end")
    assert running.client.get("/system").status_code == 200
    assert run("IncomingHttpRequestFilter = nil").status_code == 403


def test_scripts_are_limited_and_the_server_lives(server):
    running = server(ExecuteLuaEnabled=True, LuaTimeLimit=1, LuaMemoryLimit=16)
    for source in ("while true do end", "local s = ('x'):rep(1e8)"):
        assert running.client.post("/tools/execute-script", content=source).status_code == 500
    assert running.client.post("/tools/execute-script", content="print(1)").text == "1\n"


def test_the_filter_of_http_requests(scripted):
    running = scripted(
        """
        function IncomingHttpRequestFilter(method, uri, ip, username, headers)
          if uri == '/patients' then error('no') end
          if uri == '/studies' then while true do end end
          if uri == '/series' then return 1 end
          return method == 'GET' and ip == '127.0.0.1' and headers['x-key'] == 'right'
        end""",
        LuaTimeLimit=1,
    )
    get = running.client.get
    right = {"X-Key": "right"}
    assert get("/system").status_code == 403
    assert get("/system", headers=right).status_code == 200
    assert running.client.post("/instances", content=b"", headers=right).status_code == 403
    # Short ways are no way round it.
    assert get("/instances/x/file").status_code == 403
    for path in ("/patients", "/studies", "/series"):
        assert get(path, headers=right).status_code == 403
    assert get("/system", headers=right).status_code == 200
    running.said("IncomingHttpRequestFilter failed")


def test_instances_that_scripts_do_not_want(scripted, peers: Peers):
    running = scripted(
        """
        function ReceivedInstanceFilter(dicom, origin, info)
          if dicom.PatientID == 'BROKEN' then error('no') end
          return dicom.PatientID ~= 'OUT' and info.TransferSyntaxUID == '1.2.840.10008.1.2.1'
        end
        function ReceivedCStoreInstanceFilter(dicom, origin)
          return origin.RemoteAet == 'GOOD' and 0 or 0xA700
        end"""
    )

    def upload(patient: str) -> Any:
        return running.client.post("/instances", content=made(PatientID=patient))

    assert upload("IN").json()["Status"] == "Success"
    assert upload("OUT").json()["Status"] == "FilteredOut"
    assert upload("BROKEN").status_code >= 400
    for title, status in (("GOOD", 0), ("BAD", 0xA700)):
        one = entity(title)
        one.add_requested_context(CTImageStorage)
        link = associate(one, running.dicom_port)
        sent = dcmread(io.BytesIO(made(PatientID=title)))
        assert link.send_c_store(sent).Status == status
        link.release()
    patients = running.client.get("/patients?expand").json()
    assert {one["MainDicomTags"]["PatientID"] for one in patients} == {"IN", "GOOD"}


def test_auto_routing(scripted, peers: Peers):
    """The one-liner of the Book: sent, and deleted only when that went well."""
    scp = peers.store_scp()
    running = scripted(
        """
        function OnStoredInstance(instanceId, tags, metadata, origin)
          local where = tags.PatientID == 'AWAY' and 'scp' or 'nobody'
          Delete(SendToModality(instanceId, where))
        end
        function OnDeletedInstance(id) print('deleted', id) end""",
        DicomModalities={
            "scp": ["STORESCP", "127.0.0.1", scp.port],
            "nobody": ["NOBODY", "127.0.0.1", 1],
        },
    )
    away = running.client.post("/instances", content=made(PatientID="AWAY")).json()["ID"]
    running.said(f"Lua says: deleted, {away}")
    assert len(scp.received()) == 1
    stays = running.client.post("/instances", content=made(PatientID="STAYS")).json()["ID"]
    running.said(f"Delete of {stays} is left out")
    assert running.client.get(f"/instances/{stays}").status_code == 200


def test_what_scripts_upload_comes_from_lua(scripted):
    running = scripted(
        """
        function ReceivedInstanceFilter(dicom, origin)
          print('filtered', origin.RequestOrigin) return true
        end
        function OnStoredInstance(instanceId, tags, metadata, origin)
          print('stored', origin.RequestOrigin, metadata.Origin)
          if origin.RequestOrigin ~= 'Lua' then
            local file = RestApiGet('/instances/' .. instanceId .. '/file')
            RestApiDelete('/instances/' .. instanceId)
            print('again', ParseJson(RestApiPost('/instances', file)).Status, #file)
          end
        end"""
    )
    file = made()
    running.client.post("/instances", content=file)
    running.said("Lua says: filtered, RestApi")
    running.said("Lua says: filtered, Lua")
    running.said("Lua says: stored, Lua, Lua")
    running.said(f"Lua says: again, Success, {len(file)}")


def test_queries_are_changed_on_their_way(scripted):
    running = scripted(
        """
        function IncomingFindRequestFilter(query, origin)
          if origin.RemoteAet == 'BROKEN' then error('no') end
          if query['0010,0020'] == 'ALIAS' then query.PatientID = 'REAL' end
          return query
        end""",
        DicomAlwaysAllowFind=True,
    )
    running.client.post("/instances", content=made(PatientID="REAL"))

    def found(title: str, patient: str) -> list[Any]:
        one = entity(title)
        one.add_requested_context(FIND)
        link = associate(one, running.dicom_port)
        query = elements(QueryRetrieveLevel="STUDY", PatientID=patient, StudyInstanceUID="")
        answers = list(link.send_c_find(query, FIND))
        link.release()
        return answers

    assert [status.Status for status, _ in found("FINDER", "ALIAS")] == [0xFF00, 0x0000]
    assert [status.Status for status, _ in found("FINDER", "OTHER")] == [0x0000]
    assert found("BROKEN", "REAL")[-1][0].Status not in (0x0000, 0xFF00)


def test_events_and_heart_beat_arrive(scripted):
    running = scripted(
        """
        function Initialize() print('begins') end
        function Finalize() print('ends') end
        function OnHeartBeat() print('beats') end
        function OnStableStudy(id, tags, metadata) print('stable', tags.StudyInstanceUID) end
        function OnUpdatedStudy(id) print('updated', id) end
        function OnDeletedStudy(id) print('deleted', id) end
        function OnJobSubmitted(id) print('job', id) end
        function OnJobFailure(id) print('failed', id) end
        """,
        StableAge=1,
        LuaHeartBeatPeriod=1,
        DicomModalities={"nobody": ["NOBODY", "127.0.0.1", 1]},
        UserMetadata={"mine": 1500},
    )
    running.said("Lua says: begins")
    answer = running.client.post("/instances", content=made()).json()
    study = answer["ParentStudy"]
    running.client.put(f"/studies/{study}/metadata/mine", content="x")
    running.said(f"Lua says: updated, {study}")
    running.said("Lua says: stable, 1.2.826.0.1.3680043.8.498.1")
    running.client.post("/modalities/nobody/store", content=answer["ID"])
    running.said("Lua says: job, ")
    running.said("Lua says: failed, ")
    running.client.delete(f"/studies/{study}")
    running.said(f"Lua says: deleted, {study}")
    running.said("Lua says: beats")
    assert running.stop() == 0
    assert any("Lua says: ends" in line for line in running.lines)


class _Other(http.server.BaseHTTPRequestHandler):
    """Another server, which says what it was asked."""

    def do_GET(self) -> None:
        self._say()

    def do_POST(self) -> None:
        self._say()

    def _say(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.command} {self.headers.get('Authorization')} {body.decode()}".encode()
        self.send_response(404 if "nope" in self.path else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def other() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


def test_other_servers_are_asked(server, other):
    running = server(ExecuteLuaEnabled=True)
    source = f"""
    SetHttpCredentials('a', 'b')
    print(HttpGet('http://127.0.0.1:{other}/x'), HttpGet('http://127.0.0.1:{other}/nope'))
    print(HttpPost('http://127.0.0.1:{other}/x', 'body'), HttpGet('http://127.0.0.1:1/'))
    print(HttpGet('file:///etc/passwd'))
    """
    answer = running.client.post("/tools/execute-script", content=source)
    assert answer.text == "GET Basic YTpi , \nPOST Basic YTpi body, nil\nnil\n"


def test_requests_of_scripts_stay_within_the_allowed_hosts(server, other):
    running = server(ExecuteLuaEnabled=True, AllowedPeerHosts=["10.0.0.0/8"])
    source = f"print(HttpGet('http://127.0.0.1:{other}/x'))"
    assert running.client.post("/tools/execute-script", content=source).text == "nil\n"


@pytest.mark.parametrize("script", ["\nx x", "error('no')"])
def test_a_script_that_can_not_be_loaded_stops_the_start(tmp_path, script):
    (tmp_path / "a.lua").write_text(script)
    (tmp_path / "hornburg.json").write_text(
        f'{{"LuaScripts": ["{tmp_path}/a.lua"], "HttpPort": 0, "DicomServerEnabled": false}}'
    )
    done = subprocess.run(
        [sys.executable, "-m", "hornburg", "serve", str(tmp_path / "hornburg.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r"LuaScripts: .*a\.lua: a\.lua:\d: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_the_process_of_the_scripts_ends_with_a_killed_server(scripted):
    running = scripted("function OnHeartBeat() end", LuaHeartBeatPeriod=1, ExecuteLuaEnabled=True)
    running.client.post("/tools/execute-script", content="print(1)")
    children = _children(running.process.pid)
    assert children
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    for child in children:
        while _is_there(child):
            os.sched_yield()


def _children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "lua.worker" in line]


def _is_there(pid: int) -> bool:
    try:
        return "lua.worker" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
