"""Plug-ins at the doors of a server: faults, routes, calls, events."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.archive.making import dicom
from tests.hooks.serving import Hooked, hooked

from hornburg.hooks.errors import PluginLoadError
from hornburg.settings import Secret

RAISES = "raise KeyError('Doe^John')"
LOOPS = "while True: pass"
NOTHING = "return None"


class TestFaults:
    """A plug-in that fails has not said yes."""

    @pytest.mark.parametrize("body", [RAISES, LOOPS, NOTHING])
    async def test_of_requests(self, tmp_path: Path, body: str) -> None:
        source = f"def filter_http(self, request):\n    {body}"
        async with hooked(tmp_path, source, PluginTimeLimit=1) as at:
            assert await at.status("GET", "/system") == 403

    @pytest.mark.parametrize("hook", ["change_received", "filter_received"])
    @pytest.mark.parametrize("body", [RAISES, LOOPS, NOTHING])
    async def test_of_instances(self, tmp_path: Path, hook: str, body: str) -> None:
        source = f"def {hook}(self, instance):\n    {body}"
        async with hooked(tmp_path, source, PluginTimeLimit=1) as at:
            answer = await at.json("POST", "/instances", dicom())
            assert (answer["HttpStatus"], answer["OrthancStatus"]) == (500, 1)
            assert "Doe" not in json.dumps(answer)
            assert await at.json("GET", "/instances") == []

    @pytest.mark.parametrize("body", [RAISES, LOOPS, "return 'no'"])
    async def test_of_c_store(self, tmp_path: Path, body: str) -> None:
        source = f"def filter_cstore(self, instance):\n    {body}"
        async with hooked(tmp_path, source, PluginTimeLimit=1) as at:
            (one,) = await at.upload(dicom())
            store = {"Resources": [one["ID"]], "Permissive": True}
            job = await at.json("POST", "/modalities/self/store", store)
            assert job["FailedInstancesCount"] == 1

    @pytest.mark.parametrize("hook", ["filter_find", "filter_outgoing_find"])
    @pytest.mark.parametrize("body", [RAISES, LOOPS, "return True", "return {'Nonsense': '1'}"])
    async def test_of_queries(self, tmp_path: Path, hook: str, body: str) -> None:
        source = f"def {hook}(self, request):\n    {body}"
        async with hooked(tmp_path, source, PluginTimeLimit=1) as at:
            body = json.dumps({"PatientID": "P*"})
            status = await at.status("POST", "/modalities/self/find-patient", body.encode())
            assert status == 500

    @pytest.mark.parametrize("body", [RAISES, LOOPS, NOTHING])
    async def test_of_associations(self, tmp_path: Path, body: str) -> None:
        source = f"def filter_association(self, request):\n    {body}"
        async with hooked(tmp_path, source, PluginTimeLimit=1) as at:
            assert await at.status("POST", "/modalities/self/echo", b"{}") == 500

    async def test_a_changed_file_that_is_none_is_not_stored(self, tmp_path: Path) -> None:
        source = "def change_received(self, instance):\n    return b'nonsense'"
        async with hooked(tmp_path, source) as at:
            assert (await at.json("POST", "/instances", dicom()))["HttpStatus"] == 400
            assert await at.json("GET", "/instances") == []


class TestDiscarded:
    async def test_before_the_filters_are_asked(self, tmp_path: Path) -> None:
        source = (
            "def change_received(self, instance):\n    return Action.DISCARD\n"
            f"def filter_received(self, instance):\n    {RAISES}"
        )
        async with hooked(tmp_path, source) as at:
            assert (await at.json("POST", "/instances", dicom()))["Status"] == "FilteredOut"

    async def test_the_filters_see_the_new_file(self, tmp_path: Path) -> None:
        source = (
            "def change_received(self, instance):\n"
            "    return bytes(instance.buffer).replace(b'P1', b'Q7')\n"
            "def filter_received(self, instance):\n"
            "    return instance.tags()['PatientID'] == 'Q7'"
        )
        async with hooked(tmp_path, source) as at:
            assert (await at.json("POST", "/instances", dicom()))["Status"] == "Success"

    async def test_without_words_over_dicom(self, tmp_path: Path) -> None:
        source = (
            "def filter_received(self, instance):\n"
            "    return instance.origin['RequestOrigin'] == 'RestApi'"
        )
        async with hooked(tmp_path, source) as at:
            (one,) = await at.upload(dicom())
            job = await at.json("POST", "/modalities/self/store", {"Resources": [one["ID"]]})
            assert job["FailedInstancesCount"] == 0


ROUTES = """
def routes(self):
    return [Route("GET", "/mine", Permission.VIEW, self.show),
            Route("POST", "/mine", Permission.UPLOAD, self.take, most_body=10),
            Route("GET", "/studies/{name}/mine", Permission.VIEW, self.show),
            Route("GET", "/mine/raises", Permission.ANYONE, self.raises),
            Route("GET", "/mine/missing", Permission.ANYONE, self.missing),
            Route("GET", "/mine/header", Permission.ANYONE, self.header),
            Route("GET", "/mine/wrong/{what}", Permission.ANYONE, self.wrong),
            Route("GET", "/mine/who", Permission.DELETE, self.who)]
async def show(self, request):
    return Answer(json.dumps(dict(request.parameters)).encode())
def take(self, request):
    return Answer(request.body, 201, "text/plain")
def raises(self, request):
    raise KeyError("Doe^John")
def missing(self, request):
    raise UnknownResourceError("no such thing")
def header(self, request):
    return Answer(b"x", 200, "text/html", {"X-Mine": "1", "Content-Length": "9"})
def wrong(self, request):
    return {"header": Answer(b"", headers={"X": "a\\r\\nSet-Cookie: b"}),
            "type": Answer(b"", media_type="a\\nb"), "status": Answer(b"", 99),
            "body": Answer("text"), "nothing": None}[request.parameters["what"]]
def who(self, request):
    headers = sorted(request.headers)
    return Answer(json.dumps([request.principal.kind.value, headers]).encode())
"""


class TestRoutes:
    @pytest.fixture
    async def at(self, tmp_path: Path) -> Any:
        async with hooked(tmp_path, ROUTES) as at:
            yield at

    async def test_answers(self, at: Hooked) -> None:
        assert await at.json("GET", "/mine") == {}
        assert await at.json("GET", "/studies/x/mine") == {"name": "x"}
        taken = await at.client.post("/mine", content=b"0123456789")
        assert (taken.status_code, taken.text) == (201, "0123456789")
        assert taken.headers["content-type"] == "text/plain"
        headed = await at.client.get("/mine/header")
        assert headed.headers["x-mine"] == "1"
        assert headed.headers["content-length"] == "1"

    async def test_bodies_are_bounded(self, at: Hooked) -> None:
        assert await at.status("POST", "/mine", b"0123456789X") == 413

    async def test_other_methods(self, at: Hooked) -> None:
        answer = await at.client.delete("/mine")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")

    async def test_errors(self, at: Hooked) -> None:
        answer = await at.json("GET", "/mine/raises")
        assert (answer["HttpStatus"], answer["OrthancStatus"]) == (500, 1)
        assert "Doe" not in json.dumps(answer)
        assert (await at.json("GET", "/mine/missing"))["Details"] == "no such thing"

    @pytest.mark.parametrize("what", ["header", "type", "status", "body", "nothing"])
    async def test_what_can_not_be_sent(self, at: Hooked, what: str) -> None:
        answer = await at.client.get(f"/mine/wrong/{what}")
        assert answer.status_code == 500
        assert "set-cookie" not in answer.headers

    async def test_the_servers_own_routes_are_as_they_were(self, at: Hooked) -> None:
        assert (await at.json("GET", "/system"))["PluginsEnabled"] is True
        assert await at.status("GET", "/mine/nothing") == 404
        assert await at.json("GET", "/studies") == []

    async def test_credentials_stay_with_the_server(self, at: Hooked) -> None:
        answer = await at.client.get("/mine/who", headers={"Cookie": "a=b", "X-Seen": "1"})
        kind, headers = answer.json()
        assert kind == "nobody"
        assert "x-seen" in headers
        assert "cookie" not in headers and "authorization" not in headers


@pytest.mark.parametrize(
    ("route", "why"),
    [
        ("'GET', '/system', Permission.VIEW, print", "route of the server itself"),
        ("'DELETE', '/system', Permission.VIEW, print", "route of the server itself"),
        ("'GET', '/{any}', Permission.VIEW, print", "can't be a name in braces"),
        ("'GET', '/studies/{x}', Permission.VIEW, print", "route of the server itself"),
        ("'GET', '/studies/mine', Permission.VIEW, print", "route of the server itself"),
        ("'GET', '/instances/{i}/content/mine', Permission.VIEW, print", "of the server itself"),
        ("'GET', '/instances/{i}/content/a/b/c', Permission.VIEW, print", "of the server itself"),
        ("'GET', '/mine', None, print", "states no permission"),
        ("'GET', '/mine', 'view', print", "states no permission"),
        ("'GET', '/mine', Permission.VIEW, 'print'", "has a function"),
        ("'PATCH', '/mine', Permission.VIEW, print", "the method of a route"),
        ("'GET', 'mine', Permission.VIEW, print", "a path is"),
        ("'GET', '/', Permission.VIEW, print", "a path is"),
        ("'GET', '/mine/', Permission.VIEW, print", "a path is"),
        ("'GET', '/mine/../system', Permission.VIEW, print", "a path is"),
        ("'GET', '/mine/%73', Permission.VIEW, print", "a path is"),
        ("'GET', '/mine/{a:path}', Permission.VIEW, print", "a path is"),
    ],
)
async def test_a_route_that_can_not_be_stops_the_start(
    tmp_path: Path, route: str, why: str
) -> None:
    source = f"def routes(self):\n    return [Route({route})]"
    with pytest.raises(PluginLoadError, match=why):
        async with hooked(tmp_path, source):
            pass


async def test_two_routes_for_one_path_stop_the_start(tmp_path: Path) -> None:
    source = (
        "def routes(self):\n"
        "    return [Route('GET', '/mine/{a}', Permission.VIEW, print),\n"
        "            Route('GET', '/mine/b', Permission.VIEW, print)]"
    )
    with pytest.raises(PluginLoadError, match="already"):
        async with hooked(tmp_path, source):
            pass


CALLS = """
def routes(self):
    return [Route("POST", "/mine/{how}", Permission.ANYONE, self.call)]
def call(self, request):
    if request.parameters["how"] == "options":
        seen = {"name": self.server.name, "own": dict(self.server.options),
                "aet": self.server.settings["DicomAet"],
                "users": "RegisteredUsers" in self.server.settings}
        return Answer(json.dumps(seen).encode())
    method, uri = request.query["m"], request.query["u"]
    return self.server.call_and_wait(method, uri, request.body, {"X-Test": "1"})
def filter_http(self, request):
    return request.path.startswith("/mine")
"""


class TestCalls:
    @pytest.fixture
    async def at(self, tmp_path: Path) -> Any:
        options = {"mine": {"A": [1, "b"]}, "other": {"C": 1}}
        async with hooked(tmp_path, CALLS, PluginOptions=options) as at:
            yield at

    async def call(self, at: Hooked, method: str, uri: str, body: bytes = b"") -> Any:
        return await at.client.post("/mine/x", params={"m": method, "u": uri}, content=body)

    async def test_nobody_filters_them(self, at: Hooked) -> None:
        assert await at.status("GET", "/statistics") == 403
        assert (await self.call(at, "GET", "/statistics")).json()["CountPatients"] == 0

    async def test_what_they_store_is_theirs(self, at: Hooked) -> None:
        stored = (await self.call(at, "POST", "/instances", dicom())).json()
        uri = f"/instances/{stored['ID']}/metadata/Origin"
        assert (await self.call(at, "GET", uri)).text == "Plugins"

    async def test_errors_are_answers(self, at: Hooked) -> None:
        answer = await self.call(at, "GET", "/studies/nothing")
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("method", "uri"), [("GET", "system"), ("OPTIONS", "/system"), ("GET", "/a\r\nb: c")]
    )
    async def test_what_is_no_request(self, at: Hooked, method: str, uri: str) -> None:
        assert (await self.call(at, method, uri)).status_code == 400

    async def test_a_path_has_one_form(self, at: Hooked) -> None:
        answer = await self.call(at, "GET", "//mine/../system?x=1")
        assert answer.json()["DicomAet"] == "HORNBURG"

    async def test_what_a_plug_in_knows(self, at: Hooked) -> None:
        assert await at.json("POST", "/mine/options", b"") == {
            "name": "mine",
            "own": {"A": [1, "b"]},
            "aet": "HORNBURG",
            "users": False,
        }


async def test_a_plug_in_is_asked_about_what_it_stores_itself(tmp_path: Path) -> None:
    """The handler waits on the thread that the filter needs."""
    source = (
        "one_thread = True\n"
        "def routes(self):\n"
        "    return [Route('POST', '/mine', Permission.ANYONE, self.take, 1 << 20)]\n"
        "def take(self, request):\n"
        "    return self.server.call_and_wait('POST', '/instances', request.body)\n"
        "def filter_received(self, instance):\n"
        "    return instance.origin['RequestOrigin'] == 'Plugins'"
    )
    async with hooked(tmp_path, source) as at:
        assert (await at.json("POST", "/mine", dicom()))["Status"] == "Success"
        assert (await at.json("POST", "/instances", dicom(2)))["Status"] == "FilteredOut"


async def test_to_wait_on_the_loop_is_refused(tmp_path: Path) -> None:
    source = (
        "async def filter_http(self, request):\n    self.server.call_and_wait('GET', '/system')"
    )
    async with hooked(tmp_path, source) as at:
        assert await at.status("GET", "/system") == 403


EVENTS = """
async def on_event(self, event):
    kinds.append((event.kind, event.level))
    if event.kind == "OrthancStopped":
        answer = await self.server.call("GET", "/system")
        kinds.append(("status", answer.status))
"""


async def test_events_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    kinds: list[tuple[str, Any]] = []
    monkeypatch.setattr(builtins, "kinds", kinds, raising=False)
    async with hooked(tmp_path, EVENTS, StableAge=1, OverwriteInstances=True) as at:
        one = await at.json("POST", "/instances", dicom())
        await at.json("POST", "/instances", dicom(PatientName="Other"))
        await at.client.put(f"/studies/{one['ParentStudy']}/metadata/1024", content=b"x")
        await at.client.put(f"/studies/{one['ParentStudy']}/attachments/1024", content=b"x")
        await at.client.put("/modalities/other", json=["A", "localhost", 104])
        job = {"Resources": [one["ID"]], "Asynchronous": True}
        await at.json("POST", "/modalities/self/store", job)
        while not any(kind.startswith("JobS") and kind != "JobSubmitted" for kind, _ in kinds):
            await asyncio.sleep(0.01)
        await at.client.delete(f"/series/{one['ParentSeries']}")
    new = [(f"New{level}", level) for level in ("Instance", "Series", "Study", "Patient")]
    gone = [(f"Deleted{level}", level) for level in ("Instance", "Series", "Study", "Patient")]
    again = [one for one in kinds if one[0].startswith(("New", "Deleted"))]
    # Overwritten by C-STORE to itself, too.
    assert again[: 4 * 3] == [*new, *gone, *new]
    assert again[-4:] == gone
    others = [kind for kind, _ in kinds if not kind.startswith(("New", "Deleted"))]
    assert others[0] == "OrthancStarted"
    assert others[1:6] == [
        "UpdatedMetadata",
        "UpdatedAttachment",
        "UpdatedModalities",
        "JobSubmitted",
        "JobSuccess",
    ]
    assert others[-2:] == ["OrthancStopped", "status"]
    assert kinds[-1] == ("status", 200)


async def test_what_is_recycled_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    kinds: list[tuple[str, Any]] = []
    monkeypatch.setattr(builtins, "kinds", kinds, raising=False)
    async with hooked(tmp_path, EVENTS, MaximumPatientCount=1) as at:
        await at.upload(dicom(1), dicom(2))
    assert kinds.count(("DeletedPatient", "Patient")) == 1


async def test_names_of_plug_ins(tmp_path: Path) -> None:
    source = "version = '1.5'\ndescription = 'Mine'"
    async with hooked(tmp_path, source) as at:
        assert await at.json("GET", "/plugins") == ["explorer.js", "mine"]
        assert await at.json("GET", "/plugins/mine") == {
            "Description": "Mine",
            "ExtendsOrthancExplorer": False,
            "ID": "mine",
            "Version": "1.5",
        }
        assert await at.status("GET", "/plugins/other") == 404
        assert await at.status("GET", "/plugins/explorer.js") == 200
    async with hooked(tmp_path / "none", None) as at:
        assert await at.json("GET", "/plugins") == ["explorer.js"]


async def test_secrets_stay_hidden(tmp_path: Path) -> None:
    source = "def filter_http(self, request):\n    return True"
    users = {"alice": "open sesame"}
    options = {"RegisteredUsers": users, "PluginOptions": {"mine": {"Key": "open sesame"}}}
    async with hooked(tmp_path, source, **options) as at:
        (guest,) = at.archive.hooks.guests
        seen = guest.plugin.server.settings  # type: ignore[attr-defined]
        assert "open sesame" not in repr(dict(seen))
        assert "Secret" not in repr(dict(seen))
        assert isinstance(at.archive.settings.registered_users["alice"], Secret)
