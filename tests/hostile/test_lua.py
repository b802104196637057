"""Scripts that want out, or want everything: each is ended, and the next one finds all in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.builtin.lua.making import running

from hornburg.builtin.lua.errors import LuaEndedError, LuaError, LuaFunctionError
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.turn import Turn

LIMITS = LuaLimits(memory=32 << 20, seconds=1)

ENDLESS = {
    "a loop": "while true do end",
    "within pcall": "while true do pcall(function() while true do end end) end",
    "within a coroutine": "coroutine.wrap(function() while true do pcall(error) end end)()",
    "a coroutine after the other": """
        local function again() return coroutine.wrap(function() return again() end) end
        while true do local c = coroutine.wrap(function() coroutine.yield() end) c() end""",
    "a finalizer": "setmetatable({}, {__gc = function() while true do end end}) collectgarbage()",
    "a finalizer that comes back": """
        local function f() setmetatable({}, {__gc = f}) collectgarbage() end f()
        while true do collectgarbage() end""",
    "__index": "local t = setmetatable({}, {__index = function() while true do end end}) x = t.x",
    "__tostring": "print(setmetatable({}, {__tostring = function() while true do end end}))",
    "a handler of errors": "xpcall(error, function() while true do end end)",
    "a nasty pattern": """
        local s, p = ("a"):rep(200000), (".-"):rep(30) .. "b" return s:find(p)""",
    "a pattern within pcall": "pcall(string.match, ('a'):rep(1e6), ('a-'):rep(100) .. 'b')",
    "gsub with a callback": "('a'):rep(1e5):gsub('', function() while true do end end)",
    "sort": "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t) end",
    "a goto": "::again:: goto again",
    "a long for": "for i = 1, math.maxinteger do end",
    "a load": "load(function() while true do end end)",
}

GREEDY = {
    "rep of rep": "return (('a'):rep(1e6)):rep(1e6)",
    "rep": "return ('a'):rep(1e9)",
    "a table": "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end",
    "numbers": "local t = {} for i = 1, 1e10 do t[i] = i end",
    "within pcall": """
        local t = {}
        while true do
          if not pcall(function() t[#t + 1] = ('x'):rep(1e6) .. #t end) then error('full') end
        end""",
    "recursion": "local function f() return 1 + f() end return f()",
    "recursion in C": "local function f(s) return s:gsub('.', f) end return f('x')",
    "recursion of coroutines": """
        local function f() return coroutine.wrap(f)() end return f()""",
    "coroutines": "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
    "concatenation": "local s = 'x' while true do s = s .. s end",
    "concat": "return table.concat(setmetatable({}, {__len = function() return 1e9 end}), 'x')",
    "format": "return string.format(('%99d'):rep(1e6), 1)",
    "pack": "return string.pack(('!16xi16'):rep(1e6))",
    "unpack": "return table.unpack({}, 1, 1e7)",
    "byte": "return string.byte(('a'):rep(1e7), 1, -1)",
    "source": "return assert(load('return ' .. ('('):rep(1e6)))",
    "closures": "local t = {} while true do t[#t + 1] = function() return t end end",
    "JSON": "return ParseJson('[' .. ('[0],'):rep(3e6) .. '0]')",
    "JSON, deep": "return ParseJson(('['):rep(1e6)).x",
    "JSON of a ring": "local t = {} t.t = t return DumpJson(t)",
    "JSON of a bomb": """
        local t = {1} for i = 1, 40 do t = {t, t} end return DumpJson(t)""",
    "an argument": "return RestApiPost('/', ('x'):rep(3e7))",
    "an argument that is a bomb": """
        local t = {1} for i = 1, 40 do t = {t, t} end return RestApiPost('/', t)""",
}


async def answer(_: Turn, function: str, values: list[Any]) -> Any:
    return b""


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
async def test_what_never_ends_is_ended(source):
    async with running("loaded = true", answer, LIMITS) as lua:
        with pytest.raises(LuaError):
            await lua.run(source.encode())
        assert await lua.run(b"print(loaded)") == "true\n"


@pytest.mark.parametrize("source", GREEDY.values(), ids=GREEDY)
async def test_what_takes_everything_is_stopped_and_gives_it_back(source):
    async with running("loaded = true", answer, LIMITS) as lua:
        with pytest.raises(LuaError):
            await lua.run(source.encode())
        assert await lua.run(b"print(loaded)") == "true\n"
        assert float(await lua.run(b"collectgarbage() print(collectgarbage('count'))")) < 8 << 10


@pytest.mark.parametrize(
    "expression",
    [
        "io",
        "os.execute",
        "os.exit",
        "os.getenv",
        "os.remove",
        "os.rename",
        "os.tmpname",
        "os.setlocale",
        "package",
        "require",
        "debug",
        "dofile",
        "loadfile",
        "string.dump",
        "('').dump",
        "getmetatable('').__index.dump",
        "python",
        "_G.python",
        "_G.io",
        "getmetatable(print)",
        "getmetatable(RestApiGet)",
        "getmetatable(_G)",
        "load('return io')()",
        "load('return debug', 'x', 'bt')()",
        "load('return python', 'x', 't')()",
        "load(string.char(27) .. 'LuaS')",
        "({pcall(load, function() return nil end)})[3]",
        "coroutine.close",
        "_ENV.package",
        "_ENV._LOADED",
    ],
)
async def test_what_leads_out_is_not_there(expression):
    async with running() as lua:
        assert await lua.run(f"print(({expression}))".encode()) == "nil\n"


async def test_no_value_of_python_is_ever_seen():
    """Whatever a script can get hold of is of Lua's own types, errors of the server included."""

    async def fails(_: Turn, function: str, values: list[Any]) -> Any:
        if function == "HttpGet":
            raise LuaFunctionError("no")
        raise RuntimeError("a fault")

    source = rb"""
    local seen, bad = {}, {}
    local function look(value, path)
      local kind = type(value)
      if kind == "userdata" or kind == "thread" and path ~= "co" then bad[#bad + 1] = path end
      if kind == "table" and not seen[value] then
        seen[value] = true
        for k, v in next, value do look(k, path .. ".key") look(v, path .. "." .. tostring(k)) end
      end
      local meta = getmetatable(value)
      if meta ~= nil and meta ~= seen then look(meta, path .. ".meta") end
    end
    look(_G, "_G")
    for _, call in next, {
      function() HttpGet("x") end, function() RestApiGet("/") end, function() RestApiGet(print) end,
      function() DumpJson(coroutine.running()) end, function() ParseJson({}) end,
      function() error(setmetatable({}, {__tostring = error})) end, function() LogError({}) end,
      function() GetOrthancConfiguration() end, function() local x = nil; x() end,
    } do
      look({pcall(call)}, "pcall")
      look({xpcall(call, function(e) return e end)}, "xpcall")
      look({coroutine.resume(coroutine.create(call))}, "resume")
    end
    print(#bad, table.concat(bad, " "))
    """
    async with running("", fails) as lua:
        assert await lua.run(source) == "0, \n"


async def test_functions_that_are_changed_change_nothing_for_the_server():
    source = rb"""
    for name in next, _G do if name ~= "_G" and name ~= "rawset" then rawset(_G, name, nil) end end
    """
    async with running("function F() return 1 end", answer, LIMITS) as lua:
        await lua.run(b"xpcall = nil load = nil type = 5 rawget = nil string.format = nil")
        assert await lua.call("F") == 1
        await lua.run(b"setmetatable(_G, {__index = function(_, k) error(k) end})")
        assert await lua.call("F") == 1
        await lua.run(source)
        with pytest.raises(LuaError, match="no function"):
            await lua.call("F")


async def test_garbage_is_collected_whatever_a_script_says():
    async with running("", answer, LIMITS) as lua:
        for word in ("stop", "setpause", "setstepmul", "incremental", "generational"):
            with pytest.raises(LuaError, match="only 'collect'"):
                await lua.run(f"collectgarbage('{word}')".encode())


ATTEMPTS = """
import os, socket, subprocess, sys, ctypes
from hornburg.builtin.lua.confine import confine
confine(16 << 20)
def attempt(what, work):
    try:
        work()
    except OSError as error:
        return
    except MemoryError:
        return
    print(what)
attempt("read", lambda: open("/etc/passwd"))
attempt("write", lambda: open("/tmp/lua-was-here", "w"))
attempt("socket", lambda: socket.socket())
attempt("unix", lambda: socket.socketpair())
attempt("pipe", lambda: os.pipe())
attempt("memory", lambda: bytearray(1 << 30))
attempt("list", lambda: os.listdir("/"))
print("end")
"""


def test_the_process_opens_nothing_once_it_is_confined(tmp_path: Path):
    found = subprocess.run(
        [sys.executable, "-c", ATTEMPTS], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout == "end\n", found.stderr


async def test_a_process_that_talks_nonsense_is_ended():
    """What a script could do if it had all of its process."""
    async with running("", answer, LIMITS) as lua:
        process = lua._process
        assert process is not None
        for raw in (b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\2\x91\xa3"):
            process = lua._process
            assert process is not None
            process._reader.feed_data(raw)
            with pytest.raises(LuaEndedError):
                await lua.run(b"")
            assert await lua.run(b"print(1)") == "1\n"
