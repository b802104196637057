"""The same scripts in both servers: what callbacks get, and what functions answer.

Orthanc's ``ReceivedInstanceFilter`` runs in a runtime of its own, so what callbacks get is read from
the logs.
"""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from tests.compat.network import Client
from tests.compat.servers import Pair, running
from tests.wire.dicom_files import made

_TOLD = [
    "ReceivedInstanceFilter",
    "IncomingHttpRequestFilter",
    "IncomingFindRequestFilter",
    "OnStoredInstance",
    "OnStablePatient",
    "OnStableStudy",
    "OnStableSeries",
    "OnJobSubmitted",
    "OnJobSuccess",
    "OnJobFailure",
    "OnDeletedPatient",
    "OnDeletedStudy",
    "OnDeletedSeries",
    "OnDeletedInstance",
]

_SCRIPT = "\n".join(
    f"""function {name}(a, b, c, d, e)
      local said = {{DumpJson(a), DumpJson(b), DumpJson(c), DumpJson(d), DumpJson(e)}}
      print("{name}|[" .. table.concat(said, ",") .. "]")
      return {"a" if "Find" in name else "true"}
    end"""
    for name in _TOLD
)

_SAYS = "Lua says: "
_PATIENCE = 30.0

#: Headers and metadata that Orthanc 1.10 has and whose values are those of the moment, or that
#: ours does not show.
_LEFT = {"authorization", "ReceptionDate", "LastUpdate", "host", "PixelDataOffset"}

Told = list[tuple[str, list[Any]]]


class Scripted:
    """Both servers, and where their logs are."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.pair = pair
        self.logs = [folder / name / "log" for name in ("orthanc", "subject")]

    def told(self, *last: str, times: int = 1) -> tuple[Told, Told]:
        """What callbacks were told, once each of ``last`` was called so many times in both."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            theirs, ours = (_told(log) for log in self.logs)
            counts = [Counter(name for name, _ in one) for one in (theirs, ours)]
            if all(one[name] >= times for one in counts for name in last):
                return theirs, ours
            time.sleep(0.05)
        pytest.fail(f"not all of {last} were called {times} times:\n{theirs}\n{ours}")


def _told(log: Path) -> Told:
    found = []
    for line in log.read_text(errors="replace").splitlines():
        _, _, said = line.partition(_SAYS)
        name, bar, values = said.partition("|")
        if bar:
            found.append((name, json.loads(values)))
    return found


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    folder = tmp_path_factory.mktemp("lua")
    script = folder / "told.lua"
    script.write_text(_SCRIPT)
    with running(
        folder / "pair",
        LuaScripts=[str(script)],
        ExecuteLuaEnabled=True,
        DicomServerEnabled=True,
        DicomAlwaysAllowFind=True,
        DicomModalities={"nobody": ["NOBODY", "127.0.0.1", 1]},
        OrthancPeers={"full": {"Url": "http://127.0.0.1:1/", "Timeout": 7}},
        StableAge=1,
        SaveJobs=False,
    ) as pair:
        yield Scripted(pair, folder / "pair")


def _lacks(theirs: Any, ours: Any, where: str = "") -> list[str]:
    """What Orthanc tells that ours doesn't, or otherwise."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            line
            for key, value in theirs.items()
            if key not in _LEFT
            for line in _lacks(value, ours.get(key), f"{where}.{key}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = zip(theirs, ours, strict=True)
        return [line for n, (a, b) in enumerate(pairs) for line in _lacks(a, b, f"{where}[{n}]")]
    return [] if theirs == ours else [f"{where}: Orthanc {theirs!r}, ours {ours!r}"]


def test_callbacks_get_the_same(scripted: Scripted) -> None:
    rest = made(PatientID="12", PatientName="A^B", StudyDescription="007", ImageType=["X", "Y"])
    wire = made(PatientID="34", study="1.2.826.0.1.3680043.8.498.2")
    for server in scripted.pair:
        server.ask("GET", "/system?a=b", None, {"X-Key": "Value"})
        stored = server.ask("POST", "/instances", rest, {}).json()["ID"]
        with Client(server.dicom_port) as client:
            assert client.store(wire) == 0
            query = Dataset()
            query.QueryRetrieveLevel = "STUDY"
            query.PatientID = "12"
            query.StudyInstanceUID = ""
            client.find("study", query)
        server.ask("POST", "/modalities/nobody/store", stored.encode(), {})
    # One study, series and patient came over each door.
    scripted.told("OnStablePatient", "OnStableStudy", "OnStableSeries", times=2)
    for server in scripted.pair:
        server.ask("DELETE", f"/instances/{stored}", None, {})
    theirs, ours = scripted.told("OnDeletedInstance", "OnDeletedPatient", "OnJobFailure")
    found = []
    for name in _TOLD:
        first, second = ([values for one, values in told if one == name] for told in (theirs, ours))
        # The first request of each that waits for its server is not the same number of times there.
        first, second = (
            [one for one in some if name != "IncomingHttpRequestFilter" or "x-key" in one[4]]
            for some in (first, second)
        )
        if name.startswith("OnJob"):
            # Identifiers of jobs are random.
            first, second = ([len(one) for one in some] for some in (first, second))
        if "Stable" in name:
            # They come in no order.
            first, second = (sorted(some, key=lambda one: str(one[0])) for some in (first, second))
        assert first or name in ("OnJobSuccess", "OnDeletedSeries"), name
        found += _lacks(first, second, name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "print(42)",
        "print(1, 2.5, 'a', nil, true)",
        "print()",
        "print('', 1, '', '', 2, '')",
        "print('x') print('y') return 5",
        "",
        "print(DumpJson({}), DumpJson({1, 2, 3}), DumpJson('12'), DumpJson('12', true))",
        "print(DumpJson({a=1, b='12', c='1.5', d='007', e='abc', f=true, g=1.0, h={1, {2}}, i=''}))",
        "print(DumpJson({j='true', k=2^53, l='0x10', m=' 5', n='-3', o='1e3', p='nan', q='inf'}))",
        "print(DumpJson({a='12', b={c='3'}}, true), DumpJson(nil), DumpJson(print))",
        "print(DumpJson({[1]='a', [3]='b'}), DumpJson({[1]=1, x=2}), DumpJson({[0]=1}))",
        "print(DumpJson({[1.5]=2}), DumpJson(1/0), DumpJson(0.1), DumpJson(1e300), DumpJson(2^63))",
        "print(DumpJson({'\u00e9\\n\\\"\\\\/<'}), DumpJson(3000000000), DumpJson(math.maxinteger))",
        'local a = ParseJson(\'{"a":[1,2.5,null,"x",true],"b":null,"d":1.0}\') '
        "print(a.b, #a.a, a.d, math.type(a.d), a.a[3], a.a[4], a.a[1])",
        "print(ParseJson('nope'), ParseJson('5'), ParseJson('\"s\"'), ParseJson('null'))",
        "print(DumpJson(ParseJson('[1,[],{},\"2\",-5,1e3]')))",
        "PrintRecursive({{b=2}})",
        "PrintRecursive(5)",
        "print(RestApiGet('/nope'), RestApiGet('system'), RestApiDelete('/instances/nope'))",
        "print(RestApiPost('/tools/lookup', 'nothing'))",
        "print(HttpGet('http://127.0.0.1:1/'), SetHttpCredentials('a', 'b'))",
        "print(Delete('x'), SendToModality('a', 'b'), SendToPeer('a', 'b'))",
        "print(GetOrthancConfiguration().StableAge, GetOrthancConfiguration().SaveJobs)",
        "for name, peer in pairs(GetOrthancConfiguration().OrthancPeers) do print(name, peer.Url) end",
        "error('boom')",
        "x x",
        "local a = nil; a.b = 1",
        "print(_VERSION, math.type(1), 7 // 2, utf8.len('\u00e9'))",
    ],
)
def test_scripts_print_the_same(scripted: Scripted, source: str) -> None:
    _same_is_printed(scripted, source)


class _Other(http.server.BaseHTTPRequestHandler):
    """Another server: answers what it was asked, with the status that the path names."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        asked = [self.headers.get(name) for name in ("Content-Type", "Authorization", "X-Mine")]
        # Orthanc doesn't read what a DELETE is answered, and then loses its next request.
        is_told = self.command != "DELETE"
        content = f"{self.command} {self.path} {body!r} {asked}".encode() if is_told else b""
        self.send_response(int(self.path[1:4]))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "source",
    [
        "print(HttpGet('{}/200'), HttpGet('{}/200', {['X-Mine']='1'}))",
        "print(HttpGet('{}/404'), type(HttpGet('{}/404')), #HttpGet('{}/500'))",
        "print(HttpPost('{}/200', 'body'), HttpPost('{}/200'), HttpPost('{}/200', 5))",
        "print(HttpPost('{}/200', 'body', {['content-type']='a/b', ['X-Mine']='1'}))",
        "print(HttpPost('{}/404', 'body'), type(HttpPost('{}/500', '')))",
        "print(HttpPut('{}/200', 'body'), HttpPut('{}/200'))",
        "print(HttpPut('{}/200', '', {['X-Mine']='1'}), type(HttpPut('{}/400', '')))",
        "print(HttpDelete('{}/200'))",
        "HttpGet('{}/200') print(HttpDelete('{}/404')) HttpGet('{}/200')",
        "SetHttpCredentials('user', 'pw') print(HttpGet('{}/200'), HttpPost('{}/200', 'x'))",
    ],
)
def test_other_servers_are_asked_the_same(scripted: Scripted, other: str, source: str) -> None:
    _same_is_printed(scripted, source.replace("{}", other))


def _same_is_printed(scripted: Scripted, source: str) -> None:
    theirs, ours = (
        server.ask("POST", "/tools/execute-script", source.encode(), {}) for server in scripted.pair
    )
    assert ours.status == theirs.status
    if theirs.status == 200:
        assert ours.body.decode() == theirs.body.decode()
        assert ours.headers["content-type"].split(";")[0] == "text/plain"
        return
    first, second = theirs.json(), ours.json()
    for key in ("HttpStatus", "Message", "OrthancStatus", "Details"):
        assert second[key] == first[key]
