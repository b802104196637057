"""Runtimes and plug-ins of Lua for tests, and a server that notes what it is asked."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hornburg.builtin.lua.plugin import LuaPlugin
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.runtime import LuaRuntime, Script
from hornburg.builtin.lua.turn import Turn
from hornburg.hooks.specs import Answer

__all__ = ["Asked", "FakeServer", "checked", "pid_of", "running"]

LIMITS = LuaLimits(memory=32 << 20, seconds=2)

Asked = tuple[str, str, bytes]


class FakeServer:
    """The REST API as a table: ``METHOD URI`` -> answer, or what makes one."""

    name = "lua"
    log = logging.getLogger("tests.lua")
    options: Mapping[str, Any] = {}

    def __init__(
        self, answers: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.answers = dict(answers or {})
        self.settings = settings or {}
        self.asked: list[Asked] = []
        self.headers: list[Mapping[str, str]] = []

    async def call(
        self, method: str, uri: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        self.asked.append((method, uri, body))
        self.headers.append(headers or {})
        found = self.answers.get(f"{method} {uri}")
        if callable(found):
            found = await found()
        if found is None:
            return Answer(b"{}", 404)
        return found if isinstance(found, Answer) else Answer(found)

    def call_and_wait(self, *_: Any) -> Answer:
        raise NotImplementedError


async def nothing(turn: Turn, function: str, values: list[Any]) -> Any:
    """Answers every function with its name."""
    return function


@asynccontextmanager
async def running(
    source: str = "",
    answer: Callable[..., Any] = nothing,
    limits: LuaLimits = LIMITS,
    **more: Any,
) -> AsyncIterator[LuaRuntime]:
    """A runtime with one script."""
    runtime = LuaRuntime([Script("test.lua", source.encode())], limits, answer, **more)
    try:
        await runtime.start()
        yield runtime
    finally:
        await runtime.close()


def pid_of(runtime: LuaRuntime) -> int:
    """The number of its process; 0 while there is none."""
    process = runtime._process
    return process._process.pid if process is not None else 0


@asynccontextmanager
async def checked(
    source: str, server: FakeServer | None = None, **more: Any
) -> AsyncIterator[LuaPlugin]:
    """A plug-in with one script."""
    scripts = [Script("test.lua", source.encode())]
    plugin = LuaPlugin(server or FakeServer(), scripts, more.pop("limits", LIMITS), **more)
    try:
        await plugin.check()
        yield plugin
    finally:
        await plugin.close()
