"""One runtime: turns, limits, and what is left when a script breaks its process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

import pytest
from tests.builtin.lua.making import pid_of, running

from hornburg.builtin.lua.errors import LuaEndedError, LuaError, LuaFunctionError
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.runtime import LuaRuntime, Script
from hornburg.builtin.lua.turn import Turn

QUICK = LuaLimits(memory=16 << 20, seconds=1)


async def test_a_function_is_called_with_values_of_json():
    async with running("function F(a, b, c) return {a.x .. b, c[2]} end") as lua:
        assert await lua.call("F", {"x": "é"}, 5, [1, 2.5]) == ["é5.0".encode(), 2.5]


async def test_what_is_printed_is_the_answer():
    async with running() as lua:
        assert await lua.run(b'print(1, nil, "a", true) print() return 5') == "1, nil, a, true\n\n"
        assert await lua.run(b"") == ""
        assert await lua.run(b"PrintRecursive({a=1})") == "table\n\t[a], number, 1\n"


async def test_what_a_script_defines_stays():
    async with running() as lua:
        await lua.run(b"x = 41")
        await lua.run(b"function OnHeartBeat() end")
        assert await lua.run(b"print(x + 1)") == "42\n"
        assert lua.defined == {"OnHeartBeat"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b'error("boom")', '[string "line"]:1: boom'),
        (b"x x", "[string \"line\"]:1: syntax error near 'x'"),
        (b"error({})", "an error of type table"),
        (b"local a = nil; a()", "attempt to call a nil value"),
        (b"\x1bLua", "attempt to load a binary chunk"),
        (b'print(("x"):rep(1e9))', "LuaMemoryLimit"),
    ],
)
async def test_errors_are_one_line_and_the_runtime_goes_on(source, reason):
    async with running() as lua:
        await lua.run(b"kept = 'yes'")
        with pytest.raises(LuaError) as caught:
            await lua.run(source)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)
        assert await lua.run(b"print(kept)") == "yes\n"


async def test_a_script_that_can_not_be_loaded_names_file_and_line():
    async def answer(*_: Any) -> None:
        return None

    lua = LuaRuntime([Script("/etc/a.lua", b"\n\nx x")], QUICK, answer)
    with pytest.raises(LuaError, match=r"^/etc/a\.lua: a\.lua:3: syntax error"):
        await lua.start()
    await lua.close()


async def test_functions_of_the_server():
    async def answer(_: Turn, function: str, values: list[Any]) -> Any:
        if function == "RestApiPost":
            return values[1]
        raise LuaFunctionError(f"{function}: not today")

    async with running("", answer) as lua:
        # Bytes go through as they are, whatever they are.
        source = b'print(#RestApiPost("/x", "\\0\\255\\254"), RestApiPost("/x", {a=1}).a)'
        assert await lua.run(source) == "3, 1.0\n"
        assert await lua.run(b'print(pcall(HttpGet, "x"))') == "false, HttpGet: not today\n"
        with pytest.raises(LuaError, match=r"line.*HttpGet: not today"):
            await lua.run(b'HttpGet("x")')
        # In a coroutine, too.
        source = b"print(coroutine.wrap(function() return RestApiPost('/', 'c') end)())"
        assert await lua.run(source) == "c\n"


async def test_a_fault_of_the_server_is_a_lua_error_and_logged(caplog):
    async def answer(*_: Any) -> Any:
        raise RuntimeError("a secret")

    async with running("", answer) as lua:
        assert "secret" not in await lua.run(b'print(pcall(HttpGet, "x"))')
    assert "HttpGet, called by a script" in caplog.text


async def test_callbacks_exclude_each_other():
    inside = 0
    most = 0

    async def answer(*_: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    async with running("function F() RestApiGet('/') RestApiGet('/') end", answer) as lua:
        await asyncio.gather(*(lua.call("F") for _ in range(10)))
    assert most == 1


async def test_what_a_callback_brings_about_may_call_another_one():
    lua: LuaRuntime

    async def answer(_: Turn, function: str, values: list[Any]) -> Any:
        # On a task of its own, as the archive does its work.
        return await asyncio.ensure_future(lua.call("Inner", values[0]))

    source = "function Inner(x) return x + 1 end function Outer() return RestApiGet(1) * 10 end"
    async with running(source, answer) as lua:
        assert await asyncio.wait_for(lua.call("Outer"), 20) == 20


async def test_callbacks_within_callbacks_have_a_bottom():
    lua: LuaRuntime

    async def answer(*_: Any) -> Any:
        return await lua.call("F")

    async with running("function F() return RestApiGet('/') end", answer) as lua:
        with pytest.raises(LuaError, match="nested too deeply"):
            await asyncio.wait_for(lua.call("F"), 20)


async def test_a_callback_that_nobody_waits_for_any_more_ends_well():
    going, go_on = asyncio.Event(), asyncio.Event()

    async def answer(*_: Any) -> None:
        going.set()
        await go_on.wait()

    async with running("function F() RestApiGet('/') done = true end", answer) as lua:
        call = asyncio.create_task(lua.call("F"))
        await going.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go_on.set()
        assert await lua.run(b"print(done)") == "true\n"


async def test_time_that_the_server_takes_does_not_count():
    async def answer(*_: Any) -> None:
        await asyncio.sleep(1.2)

    async with running("function F() RestApiGet('/') return true end", answer, QUICK) as lua:
        assert await lua.call("F") is True


async def test_a_process_that_is_gone_is_replaced_and_initialized_again(caplog):
    caplog.set_level(logging.INFO)
    async with running("function Initialize() x = (x or 0) + 1 end") as lua:
        await lua.initialize()
        await lua.run(b"x = 7")
        first = pid_of(lua)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(LuaEndedError, match="is lost"):
            await lua.run(b"print(x)")
        assert await lua.run(b"print(x)") == "1\n"
        assert pid_of(lua) != first


async def test_a_filter_that_is_lost_with_its_process_denies(caplog):
    async with running() as lua:
        await lua.run(b"function IncomingHttpRequestFilter() return true end")
        assert await lua.call("IncomingHttpRequestFilter") is True
        os.kill(pid_of(lua), signal.SIGKILL)
        with pytest.raises(LuaEndedError):
            await lua.run(b"")
        await lua.run(b"")
        assert "IncomingHttpRequestFilter" in lua.defined
        with pytest.raises(LuaError, match="there is no function"):
            await lua.call("IncomingHttpRequestFilter")
        assert "lost with its process" in caplog.text
        await lua.run(b"function IncomingHttpRequestFilter() return true end")
        assert await lua.call("IncomingHttpRequestFilter") is True


async def test_scripts_that_can_not_be_loaded_again_are_not_forgotten():
    asked = 0

    async def answer(*_: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise LuaFunctionError("no more")

    first = "function IncomingHttpRequestFilter() return true end"
    scripts = [Script("a.lua", first.encode()), Script("b.lua", b"HttpGet('x')")]
    lua = LuaRuntime(scripts, QUICK, answer)
    try:
        await lua.start()
        os.kill(pid_of(lua), signal.SIGKILL)
        for _ in range(3):
            with pytest.raises(LuaError):
                await lua.call("IncomingHttpRequestFilter")
            assert "IncomingHttpRequestFilter" in lua.defined
    finally:
        await lua.close()


async def test_what_is_printed_is_bounded_in_the_log_and_in_the_answer(caplog):
    caplog.set_level(logging.INFO, "hornburg.lua")
    async with running() as lua:
        await lua.run(b"for i = 1, 3000 do print(i) end")
        assert len(caplog.records) == 1000
        assert "more than 1000 lines" in caplog.records[-1].message
        with pytest.raises(LuaError, match="prints more than"):
            await lua.run(b"local s = ('x'):rep(60000) while true do print(s) end")
        assert await lua.run(b"print('there')") == "there\n"


async def test_a_script_can_not_forge_lines_of_the_log(caplog):
    caplog.set_level(logging.INFO, "hornburg.lua")
    async with running() as lua:
        await lua.run(b'print("a\\nERROR root: all is lost\\27[31m") LogError("b\\r\\nc")')
    assert all("\n" not in one.message and "\x1b" not in one.message for one in caplog.records)
    assert caplog.records[-1].levelno == logging.ERROR


async def test_an_answer_that_does_not_fit_is_a_lua_error():
    async def answer(*_: Any) -> bytes:
        return b"x" * (17 << 20)

    async with running("", answer, QUICK) as lua:
        assert "LuaMemoryLimit" in await lua.run(b"print(pcall(RestApiGet, '/'))")


async def test_closing_ends_what_runs():
    async with running("", limits=LuaLimits(16 << 20, 60)) as lua:
        endless = asyncio.create_task(lua.run(b"while true do end"))
        while not pid_of(lua):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        await lua.close()
        with pytest.raises(LuaEndedError):
            await endless
        with pytest.raises(LuaEndedError, match="stops"):
            await lua.run(b"")
