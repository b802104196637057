"""What scripts may call, and what is done when they have asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.builtin.lua.making import FakeServer, checked

from hornburg.builtin.lua.errors import LuaError
from hornburg.builtin.lua.operations import Operation, Operations
from hornburg.builtin.lua.process import LuaLimits
from hornburg.errors import HornburgError
from hornburg.hooks.specs import Answer

ONE = "0307b370-605f94ee-e4de00dc-80102677-06e2468d"
TWO = "20e60cb7-8ba4a002-6f2cc4e6-8ffc829c-53afe638"


async def said(source: str, server: FakeServer | None = None, **more: Any) -> str:
    async with checked("", server, may_execute=True, **more) as plugin:
        return await plugin.execute(source.encode())


async def test_the_rest_api():
    server = FakeServer(
        {
            "GET /system": b'{"Name":"x"}',
            "POST /tools/lookup": b"[]",
            "PUT /y": Answer(b""),
            "DELETE /z": b"{}",
        }
    )
    source = """
    print(ParseJson(RestApiGet("/system")).Name, RestApiGet("/nope"), RestApiGet("system"))
    print(RestApiPost("/tools/lookup", "\\0\\255", true, {Accept = "text/plain"}))
    print(RestApiPut("/y", 5), RestApiDelete("/z"), RestApiDelete("/nope"))
    """
    assert await said(source, server) == "x, nil, nil\n[]\ntrue, nil\n"
    assert ("POST", "/tools/lookup", b"\0\xff") in server.asked
    assert {"Accept": "text/plain"} in server.headers
    assert ("PUT", "/y", b"5") in server.asked
    # What is no URI is not asked for.
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("RestApiGet()", "argument 1 (URI) must be a text"),
        ("RestApiGet({})", "argument 1 (URI) must be a string"),
        ('RestApiGet("/\\255")', "text in UTF-8"),
        ('RestApiPost("/", {})', "argument 2 (body) must be a string"),
        ('RestApiGet("/", true, 5)', "headers"),
        ('RestApiGet("/", true, {["a\\r\\nb"] = "c"})', "names of headers"),
        ('RestApiGet("/", true, {a = "b\\r\\nc: d"})', "control characters"),
        ("SetHttpTimeout(-1)", "not negative"),
        ('HttpGet("http://x/")', "makes no requests"),
        ('CallSystem("id")', "start no programs"),
        (f'ModifyInstance("{ONE}", {{}}, {{}}, true)', "can't modify instances yet"),
    ],
)
async def test_wrong_calls_are_lua_errors(call, reason):
    with pytest.raises(LuaError) as caught:
        await said(call)
    assert reason in str(caught.value)


async def test_other_servers():
    asked: list[tuple[Any, ...]] = []

    async def http(
        method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float | None
    ) -> tuple[int, bytes]:
        asked.append((method, url, dict(headers), body, seconds))
        if "broken" in url:
            raise HornburgError("nobody there")
        return (404, b"no") if "nope" in url else (200, b"\xff\0yes")

    source = """
    print(#HttpGet("http://x/a"), HttpGet("http://x/nope"), HttpGet("http://x/broken"))
    SetHttpCredentials("user", "password") SetHttpTimeout(7)
    print(HttpDelete("http://x/a"), #HttpPost("http://x/b", "body", {A = "b"}))
    SetHttpCredentials("", "") SetHttpTimeout(0)
    HttpPut("http://x/c", "d")
    """
    assert await said(source, http=http) == "5, , nil\nSUCCESS, 5\n"
    signed = {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert asked[3:] == [
        ("DELETE", "http://x/a", signed, b"", 7.0),
        ("POST", "http://x/b", {"A": "b", **signed, **form}, b"body", 7.0),
        ("PUT", "http://x/c", form, b"d", None),
    ]


async def test_the_configuration_comes_as_a_table():
    shown = {"Name": "here", "LuaScripts": ("a", "b"), "DicomModalities": {"x": {"AET": "X"}}}
    source = """local c = GetOrthancConfiguration()
    print(c.Name, #c.LuaScripts, c.DicomModalities.x.AET)"""
    assert await said(source, configuration=shown) == "here, 2, X\n"


async def test_operations_wait_for_the_end_of_the_callback():
    server = FakeServer({f"DELETE /instances/{ONE}": b"{}"})
    async with checked("", server, may_execute=True) as plugin:
        source = f'Delete("{ONE}") RestApiGet("/first")'
        await plugin.execute(source.encode())
        await plugin.on_stop()
    assert [uri for _, uri, _ in server.asked] == ["/first", f"/instances/{ONE}"]


async def test_operations_of_a_callback_that_fails_are_not_done():
    server = FakeServer()
    async with checked("", server, may_execute=True) as plugin:
        with pytest.raises(LuaError):
            await plugin.execute(f'Delete("{ONE}") error("no")'.encode())
        await plugin.on_stop()
    assert server.asked == []


async def test_what_could_not_be_sent_is_not_deleted(caplog):
    server = FakeServer({f"DELETE /instances/{TWO}": b"{}"})
    operations = Operations(server)
    operations.add(
        [
            Operation("SendToModality", ONE, "a/../b"),
            Operation("Delete", ONE),
            Operation("Delete", TWO),
        ]
    )
    await operations.close(20)
    assert server.asked == [
        ("POST", "/modalities/a%2F..%2Fb/store", ONE.encode()),
        ("DELETE", f"/instances/{TWO}", b""),
    ]
    assert "is left out" in caplog.text


async def test_sends_to_modalities_and_peers_in_order():
    server = FakeServer({"POST /modalities/m/store": b"{}", "POST /peers/p/store": b"{}"})
    async with checked("", server, may_execute=True) as plugin:
        source = f'Delete(SendToPeer(SendToModality("{ONE}", "m"), "p"))'
        await plugin.execute(source.encode())
        await plugin.on_stop()
    assert [uri for _, uri, _ in server.asked] == [
        "/modalities/m/store",
        "/peers/p/store",
        f"/instances/{ONE}",
    ]


async def test_identifiers_that_are_none_reach_no_route(caplog):
    server = FakeServer()
    operations = Operations(server)
    operations.add([Operation("Delete", "../patients/x"), Operation("Delete", "")])
    await operations.close(20)
    assert server.asked == []
    assert "no identifier" in caplog.text


async def test_a_stop_does_not_wait_for_ever(caplog):
    async def never() -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    operations = Operations(FakeServer({f"DELETE /instances/{ONE}": never}))
    operations.add([Operation("Delete", ONE)])
    await operations.close(0.01)
    assert "1 operations of scripts are not done" in caplog.text


async def test_operations_of_one_callback_are_bounded():
    with pytest.raises(LuaError, match="more than 10000 operations"):
        await said(f'while true do Delete("{ONE}") end', limits=LuaLimits(32 << 20, 60))


async def test_what_is_searched_is_not_in_the_log(caplog):
    await said('RestApiGet("/studies?PatientName=Doe") RestApiDelete("studies?PatientName=Doe")')
    assert "GET /studies, called by a script: status 404" in caplog.text
    assert "RestApiDelete: studies is no URI" in caplog.text
    assert "Doe" not in caplog.text
