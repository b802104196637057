"""Hooks of the server become callbacks of scripts, and what they answer is taken strictly."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builtin.lua.making import FakeServer, checked

from hornburg.builtin.lua.errors import LuaError
from hornburg.hooks.specs import (
    Event,
    FindRequest,
    HttpRequest,
    ReceivedInstance,
    RemoteEntity,
)

ONE = "0307b370-605f94ee-e4de00dc-80102677-06e2468d"
ORIGIN = {"RequestOrigin": "RestApi", "RemoteIp": "127.0.0.1", "Username": "alice"}
REMOTE = RemoteEntity("FINDER", "ARCHIVE", "10.0.0.9", "pacs")


def request(method: str = "GET", path: str = "/system", **more: Any) -> HttpRequest:
    given = {"address": "127.0.0.1", "username": "alice", "headers": {"host": "x"}} | more
    return HttpRequest(method, f"{path}?a=b", path, {}, **given)


def instance(**tags: str) -> ReceivedInstance:
    return ReceivedInstance(lambda: tags, b"", ORIGIN, {"HasPixelData": True})


def said(caplog: Any) -> list[str]:
    before = "Lua says: "
    lines = (one.message for one in caplog.records if one.name == "hornburg.lua")
    return [line.removeprefix(before) for line in lines if line.startswith(before)]


async def test_only_what_scripts_define_is_hooked():
    async with checked("function IncomingHttpRequestFilter() return true end") as plugin:
        assert plugin.hooks == {"on_start", "on_stop", "filter_http"}
    async with checked("function OnStoredInstance() end function OnHeartBeat() end") as plugin:
        assert plugin.hooks == {"on_start", "on_stop", "on_event"}
    async with checked("function OnHeartBeat() end", heart_beat_period=5) as plugin:
        assert plugin.hooks == {"on_start", "on_stop", "heartbeat"}
    async with checked("", may_execute=True) as plugin:
        assert plugin.hooks is not None
        assert "filter_http" in plugin.hooks
        assert await plugin.filter_http(request())
        # As in Orthanc, filters of what is received are those of LuaScripts alone.
        assert "filter_received" not in plugin.hooks


async def test_the_filter_of_the_book():
    source = """
    function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
       if method == 'GET' then return true end
       return username == 'admin' and ip == '127.0.0.1'
    end"""
    async with checked(source) as plugin:
        assert await plugin.filter_http(request())
        assert not await plugin.filter_http(request("POST", "/instances"))
        assert await plugin.filter_http(request("POST", "/instances", username="admin"))
        far = request("DELETE", "/x", username="admin", address="10.0.0.1")
        assert not await plugin.filter_http(far)


async def test_what_the_filter_is_shown(caplog):
    caplog.set_level("INFO")
    source = """
    function IncomingHttpRequestFilter(method, uri, ip, username, headers)
       print(method, uri, ip, username, DumpJson(headers)) return true
    end"""
    async with checked(source) as plugin:
        for method in ("GET", "HEAD", "OPTIONS", "PROPFIND", "MKCOL", "LOCK", "DELETE"):
            await plugin.filter_http(request(method))
    lines = said(caplog)
    shown = [line.split(", ")[0] for line in lines]
    assert shown == ["GET", "GET", "GET", "GET", "PUT", "PUT", "DELETE"]
    assert lines[0] == 'GET, /system, 127.0.0.1, alice, {"host":"x"}'


@pytest.mark.parametrize(
    "body",
    [
        "return 1",
        "return 'true'",
        "return nil",
        "",
        "return false",
        "error('no')",
        "error({})",
        "return nil + 1",
        "while true do end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "IncomingHttpRequestFilter = nil error('no')",
    ],
)
async def test_a_filter_that_does_not_say_true_denies(body, caplog):
    async with checked(f"function IncomingHttpRequestFilter() {body} end") as plugin:
        assert not await plugin.filter_http(request())
    if body != "return false":
        assert "IncomingHttpRequestFilter" in caplog.text


async def test_instances_are_filtered_by_their_tags():
    source = """
    function ReceivedInstanceFilter(dicom, origin, info)
       return dicom.Modality == 'MR' and origin.Username == 'alice' and info.HasPixelData
    end
    function ReceivedCStoreInstanceFilter(dicom) return dicom.PatientID == '1' and 0 or 0xA700 end
    """
    async with checked(source) as plugin:
        assert {"filter_received", "filter_cstore"} <= (plugin.hooks or set())
        assert await plugin.filter_received(instance(Modality="MR")) is True
        assert await plugin.filter_received(instance(Modality="CT")) is False
        assert await plugin.filter_cstore(instance(PatientID="1")) == 0
        assert await plugin.filter_cstore(instance(PatientID="2")) == 0xA700


@pytest.mark.parametrize("body", ["return 1", "return nil", "error('no')", "return {}"])
async def test_a_filter_of_instances_that_does_not_decide_raises(body):
    source = f"""function ReceivedInstanceFilter() {body} end
    function ReceivedCStoreInstanceFilter() {body.replace("1", "0.5")} end"""
    async with checked(source) as plugin:
        with pytest.raises(LuaError, match="ReceivedInstanceFilter"):
            await plugin.filter_received(instance())
        with pytest.raises(LuaError, match="ReceivedCStoreInstanceFilter"):
            await plugin.filter_cstore(instance())


async def test_an_upload_by_a_callback_is_filtered_while_the_callback_waits():
    source = """
    function OnHeartBeat() answer = RestApiPost("/instances", "x") end
    function ReceivedInstanceFilter() return true end"""
    async with checked(source, FakeServer(), heart_beat_period=1) as plugin:

        async def upload() -> bytes:
            return b"yes" if await plugin.filter_received(instance()) else b"no"

        plugin._server.answers["POST /instances"] = upload  # type: ignore[attr-defined]
        await plugin.heartbeat()
        assert await plugin.execute(b"print(answer)") == "yes\n"


async def test_queries_are_changed():
    source = """
    function IncomingFindRequestFilter(query, origin)
       assert(query['0008,0052'] == 'STUDY' and origin.RemoteAet == 'FINDER')
       assert(origin.CalledAet == 'ARCHIVE' and origin.Manufacturer == 'GE')
       query['5555,0010'] = nil
       query['0010,0010'] = 'left'
       query.PatientName = 'A*'
       query['0020-0013'] = 5
       return query
    end
    function OutgoingFindRequestFilter(query, modality)
       assert(query['0008,0052'] == nil and modality == 'FINDER')
       for key, value in pairs(query) do if value == '*' then query[key] = '' end end
       return query
    end
    function IncomingWorklistRequestFilter(query) return query end
    """
    tags = {"0008,0052": "STUDY", "0010,0020": "*", "5555,0010": "private"}
    shown = {"DicomModalities": {"pacs": {"Manufacturer": "GE"}}}
    async with checked(source, configuration=shown) as plugin:
        assert await plugin.filter_find(FindRequest(tags, "STUDY", REMOTE)) == {
            "0008,0052": "STUDY",
            "0010,0020": "*",
            "0010,0010": "A*",
            "0020,0013": "5",
        }
        changed = await plugin.filter_outgoing_find(FindRequest(tags, "STUDY", REMOTE))
        assert changed == {"0008,0052": "STUDY", "0010,0020": "", "5555,0010": "private"}
        nested = {"0040,0100": [{"0008,0060": "CT"}], "0008,1110": [{}]}
        assert await plugin.filter_worklist(FindRequest(nested, "WORKLIST", REMOTE)) == nested


@pytest.mark.parametrize(
    "body",
    [
        "return 5",
        "return nil",
        "error('x')",
        "return {nope = ''}",
        "return {['1'] = {}}",
        # An empty value would match everybody.
        "return {['0010,0020'] = {}}",
        "return {['0040,0100'] = {{['0040,0001'] = {}}}}",
    ],
)
async def test_a_query_that_is_none_is_refused(body):
    async with checked(f"function IncomingFindRequestFilter() {body} end") as plugin:
        with pytest.raises(LuaError, match="IncomingFindRequestFilter"):
            await plugin.filter_find(FindRequest({}, "STUDY", REMOTE))


async def test_events_reach_their_callbacks(caplog):
    caplog.set_level("INFO")
    names = (
        "OnStoredInstance OnStableSeries OnDeletedPatient OnUpdatedStudy OnJobSubmitted "
        "OnJobSuccess OnJobFailure Initialize Finalize OnHeartBeat"
    )
    source = "".join(
        f"function {name}(a, b, c, d) print('{name}', DumpJson({{a, b, c, d}})) end\n"
        for name in names.split()
    )
    server = FakeServer(
        {
            f"GET /instances/{ONE}/simplified-tags": b'{"PatientID":"p"}',
            f"GET /series/{ONE}": b'{"MainDicomTags":{"Modality":"MR"}}',
            f"GET /series/{ONE}/metadata?expand": b'{"LastUpdate":"now"}',
        }
    )
    stored = {"Origin": "DicomProtocol", "RemoteAET": "A", "RemoteIP": "::1", "CalledAET": "C"}
    async with checked(source, server, heart_beat_period=1) as plugin:
        await plugin.on_start()
        await plugin.on_event(Event("NewInstance", "Instance", ONE, stored))
        await plugin.on_event(Event("NewInstance", "Instance", "gone", stored))
        await plugin.on_event(Event("StableSeries", "Series", ONE))
        await plugin.on_event(Event("DeletedPatient", "Patient", ONE))
        await plugin.on_event(Event("DeletedStudy", "Study", ONE))
        await plugin.on_event(Event("UpdatedMetadata", "Study", ONE))
        await plugin.on_event(Event("JobFailure", "", "job"))
        await plugin.on_event(Event("OrthancStarted"))
        await plugin.heartbeat()
        await plugin.on_stop()
    lines = said(caplog)
    assert lines == [
        "Initialize, []",
        f'OnStoredInstance, ["{ONE}",{{"PatientID":"p"}},'
        '{"CalledAET":"C","Origin":"DicomProtocol","RemoteAET":"A","RemoteIP":"::1"},'
        '{"CalledAet":"C","RemoteAet":"A","RemoteIp":"::1","RequestOrigin":"DicomProtocol"}]',
        f'OnStableSeries, ["{ONE}",{{"Modality":"MR"}},{{"LastUpdate":"now"}}]',
        f'OnDeletedPatient, ["{ONE}"]',
        f'OnUpdatedStudy, ["{ONE}"]',
        'OnJobFailure, ["job"]',
        "OnHeartBeat, []",
        "Finalize, []",
    ]


async def test_a_callback_that_fails_is_logged_and_the_next_one_comes(caplog):
    source = "function OnHeartBeat() n = (n or 0) + 1 if n == 1 then error('once') end end"
    async with checked(source, heart_beat_period=1) as plugin:
        await plugin.heartbeat()
        await plugin.heartbeat()
        assert await plugin.execute(b"print(n)") == "2\n"
    assert "OnHeartBeat: test.lua:1: once" in caplog.text


async def test_a_filter_that_nobody_would_ask_is_refused():
    filters = "function OutgoingCStoreInstanceFilter() return false end"
    with pytest.raises(LuaError, match="not part of this version"):
        async with checked(filters):
            pass
    async with checked("", may_execute=True) as plugin:
        with pytest.raises(LuaError, match="not part of this version"):
            await plugin.execute(filters.encode())
