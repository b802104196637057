"""One runtime: a process with scripts in it, and whose turn it is.

Callbacks run in mutual exclusion, as in Orthanc. Only what a callback itself brings about may call
another one while it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hornburg.builtin.lua.errors import LuaEndedError, LuaError, LuaFunctionError
from hornburg.builtin.lua.messages import Ask, Call, Done, Failed, Load, Reply, Run, Say
from hornburg.builtin.lua.process import LuaLimits, LuaProcess
from hornburg.builtin.lua.turn import Turn, log, one_line
from hornburg.errors import HornburgError

__all__ = ["Answerer", "LuaRuntime", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script of the configuration; ``name`` is its path."""

    name: str
    source: bytes


_INSIDE: ContextVar[Turn | None] = ContextVar("hornburg.lua", default=None)

Answerer = Callable[[Turn, str, list[Any]], Awaitable[Any]]
"""Does what a function of the server is to do, and gives its value. Errors of Hornburg become
errors of Lua."""

Finish = Callable[[Turn], None]
"""Told of each call that ended well."""


class LuaRuntime:
    """Scripts, loaded into a process that is made anew when one of them breaks it."""

    def __init__(
        self,
        scripts: Sequence[Script],
        limits: LuaLimits,
        answer: Answerer,
        finish: Finish = lambda turn: None,
    ) -> None:
        self._scripts = tuple(scripts)
        self._limits = limits
        self._answer = answer
        self._finish = finish
        self._process: LuaProcess | None = None
        self._lock = asyncio.Lock()
        self._closed = False
        self._running: set[asyncio.Task[Any]] = set()
        self._was_initialized = False
        self._known: frozenset[str] = frozenset()
        #: Filters that came later than the scripts, and went with their process.
        self._lost: frozenset[str] = frozenset()

    @property
    def defined(self) -> frozenset[str]:
        """Which callbacks there are. A filter that was lost with its process is one that fails:
        what it would have refused is refused."""
        return self._known | self._lost

    def expect(self, defined: frozenset[str]) -> None:
        """What the scripts will define, from a look at them elsewhere. The process starts with the
        first call."""
        self._known = defined

    async def start(self) -> None:
        """Load the scripts now.

        Raises:
            LuaError: one of them can't be loaded: its name, the line, and why.
        """
        async with self._lock:
            await self._ready()

    async def call(self, function: str, *arguments: Any) -> Any:
        """Call a global function; answers its first result, texts as bytes.

        Raises:
            LuaError: it failed, or took too long.
        """
        return await self._do(Call(function, list(arguments)), Turn())

    async def run(self, source: bytes) -> str:
        """Run a text; answers what it has printed.

        Raises:
            LuaError: it failed, or took too long.
        """
        turn = Turn(printed=[])
        await self._do(Run(source), turn)
        return "".join(turn.printed or ())

    async def initialize(self) -> None:
        """Call ``Initialize``, now and whenever the scripts have been loaded anew."""
        try:
            if "Initialize" in self.defined:
                await self.call("Initialize")
        finally:
            self._was_initialized = True

    async def close(self) -> None:
        """End the process, whatever runs."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            await process.close()
        if self._running:
            await asyncio.wait(self._running)

    async def _do(self, message: Call | Run, turn: Turn) -> Any:
        turn.owner, turn.outer = self, _INSIDE.get()
        outer = self._waiting_turn(turn.outer)
        if outer is not None:
            work = self._within(outer, message, turn)
        else:
            work = self._in_turn(message, turn)
        # A call goes on to its end when nobody waits for it any more: the process would not know
        # what to make of half a call.
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_look_at)
            raise

    def _waiting_turn(self, turn: Turn | None) -> Turn | None:
        """The call of this runtime that brought about what is done now, if it waits for it."""
        while turn is not None:
            if turn.owner is self and turn.waits:
                return turn
            turn = turn.outer
        return None

    async def _within(self, outer: Turn, message: Call | Run, turn: Turn) -> Any:
        """A callback that is called for what another one does."""
        async with outer.lock:
            process = self._process
            if outer.waits and process is not None:
                return await self._work(process, message, turn)
        return await self._in_turn(message, turn)

    async def _in_turn(self, message: Call | Run, turn: Turn) -> Any:
        async with self._lock:
            return await self._work(await self._ready(), message, turn)

    async def _work(self, process: LuaProcess, message: Call | Run, turn: Turn) -> Any:
        got = await self._converse(process, message, turn)
        self._known = frozenset(got.defined)
        self._lost -= self._known
        if isinstance(got, Failed):
            raise LuaError(one_line(got.reason))
        self._finish(turn)
        return got.value

    async def _ready(self) -> LuaProcess:
        process = self._process
        if process is not None and process.alive:
            return process
        if self._closed:
            raise LuaEndedError("the server stops")
        if process is not None:
            await process.close()
        self._process = process = await LuaProcess.start(self._limits)
        try:
            await self._load(process)
        except LuaError:
            process.kill()
            raise
        if self._was_initialized and "Initialize" in self._known:
            try:
                await self._work(process, Call("Initialize", []), Turn(self))
            except LuaEndedError:
                raise
            except LuaError as error:
                log.error("Initialize: %s", error)
        return process

    async def _load(self, process: LuaProcess) -> None:
        """All scripts, and only then it counts what they define: a filter is never missing."""
        known: frozenset[str] = frozenset()
        for script in self._scripts:
            # Lua shortens long names, so it is told the last part.
            load = Load(script.name.rpartition("/")[2], script.source)
            try:
                got = await self._converse(process, load, Turn(self))
            except LuaEndedError as error:
                raise LuaEndedError(f"{script.name}: {error}") from None
            if isinstance(got, Failed):
                raise LuaError(f"{script.name}: {one_line(got.reason)}")
            known = frozenset(got.defined)
        filters = frozenset(name for name in self.defined if name.endswith("Filter"))
        self._lost = filters - known
        self._known = known
        if self._lost:
            log.error(
                "lost with its process, so it denies everything until it is there again or the "
                "server is started anew: %s",
                ", ".join(sorted(self._lost)),
            )

    async def _converse(
        self, process: LuaProcess, message: Call | Run | Load, turn: Turn
    ) -> Done | Failed:
        """One call, from the message to its end. Only the time in which the process computes
        counts."""
        _INSIDE.set(turn)
        loop = asyncio.get_running_loop()
        left: float = self._limits.seconds
        await process.send(message)
        try:
            while True:
                began = loop.time()
                got = await process.receive(left)
                left -= loop.time() - began
                if isinstance(got, Done | Failed):
                    return got
                if isinstance(got, Say):
                    turn.say(got)
                else:
                    await self._send_reply(process, await self._reply(turn, got))
        except BaseException:
            # It would not know what to make of half a call.
            process.kill()
            raise

    async def _send_reply(self, process: LuaProcess, reply: Reply) -> None:
        try:
            await process.send(reply)
        except LuaFunctionError as error:
            await process.send(Reply(error=str(error)))

    async def _reply(self, turn: Turn, asked: Ask) -> Reply:
        turn.waits = True
        try:
            value = await self._answer(turn, asked.function, asked.arguments)
            reply = Reply(value)
        except LuaFunctionError as error:
            reply = Reply(error=str(error))
        except HornburgError as error:
            reply = Reply(error=f"{asked.function}: {error}")
        except Exception:  # noqa: BLE001 - logged; a script is told no more
            log.exception("%s, called by a script", asked.function)
            reply = Reply(error=f"{asked.function}: an error that was not foreseen")
        # Whoever came between finishes first.
        async with turn.lock:
            turn.waits = False
        return reply


def _look_at(task: asyncio.Task[Any]) -> None:
    """An error of a call that nobody waits for is in the log."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("a callback that nobody waited for any more: %s", error)
