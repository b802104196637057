"""One plug-in in the house: where its code runs, for how long, and what the log says of it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable
from typing import Any

from hornburg.errors import HornburgError
from hornburg.hooks.errors import PluginFaultError, TimeLimitError
from hornburg.hooks.specs import Plugin
from hornburg.hooks.worker import Worker

__all__ = ["DECIDING", "EVENTS", "ROUTES", "Guest"]

log = logging.getLogger("hornburg.plugins")

# The threads of a plug-in: a slow handler holds up no filter, and no route.
DECIDING = "filters"
EVENTS = "events"
ROUTES = "routes"

#: Faults of a plug-in whose stack is in the log; of the same ones again there is one line each.
_MOST_STACKS = 50


class Guest:
    """A plug-in.

    Args:
        name: in logs.
        plugin: the plug-in itself.
        limit: seconds that a filter has (``PluginTimeLimit``).
    """

    def __init__(self, name: str, plugin: Plugin, limit: float) -> None:
        self.name = name
        self.plugin = plugin
        self.limit = limit
        self._workers: dict[str, Worker] = {}
        self._seen: set[tuple[str, str]] = set()

    async def ask(self, hook: str, *arguments: Any) -> Any:
        """The answer of a filter, in time.

        Raises:
            PluginFaultError: there is none; the log says why.
        """
        try:
            return await self.run(getattr(self.plugin, hook), DECIDING, self.limit, *arguments)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise what it likes
            raise self.fault(hook, error) from None

    async def run(
        self, function: Callable[..., Any], thread: str, limit: float | None, *arguments: Any
    ) -> Any:
        """Run a function of the plug-in where it belongs.

        Raises:
            TimeLimitError: it took longer than ``limit`` seconds.
            Exception: what the function raises.
        """
        started = asyncio.get_running_loop().time()
        if inspect.iscoroutinefunction(function):
            return await _within(limit, function(*arguments))
        answer = await self._worker(thread).run(function, *arguments, limit=limit)
        if not inspect.isawaitable(answer):
            return answer
        if limit is not None:
            limit -= asyncio.get_running_loop().time() - started
        return await _within(limit, answer)

    def fault(self, hook: str, error: Exception) -> PluginFaultError:
        """Tell the log that a hook failed; answers the error that says so outside."""
        if isinstance(error, TimeLimitError):
            words = f"{hook} did not answer within {self.limit:g} seconds: {error}"
            log.error("plug-in %s: %s", self.name, words)
        else:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} at {frames[-1].name}:{frames[-1].lineno}"
            if isinstance(error, HornburgError):
                # It is meant, and its sentence says what a stack would.
                log.error("plug-in %s: %s raised %s: %s", self.name, hook, place, error)
            else:
                self._log_stack(hook, place, error)
        return PluginFaultError(f"The plug-in {self.name} failed; the log of the server says how")

    def _log_stack(self, hook: str, place: str, error: Exception) -> None:
        is_new = (hook, place) not in self._seen and len(self._seen) < _MOST_STACKS
        if is_new:
            self._seen.add((hook, place))
        shown = error if is_new else None
        log.error("plug-in %s: %s raised %s", self.name, hook, place, exc_info=shown)

    def wrong_answer(self, hook: str, answer: object) -> PluginFaultError:
        """Tell the log that a hook answered what it may not."""
        log.error("plug-in %s: %s answered a %s", self.name, hook, type(answer).__name__)
        return PluginFaultError(f"The plug-in {self.name} failed; the log of the server says how")

    def close(self) -> None:
        """Let go of its threads, whatever they do."""
        for worker in self._workers.values():
            worker.close()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Its threads."""
        return tuple(self._workers.values())

    def _worker(self, thread: str) -> Worker:
        if self.plugin.one_thread:
            thread = "all"
        worker = self._workers.get(thread)
        if worker is None:
            worker = self._workers[thread] = Worker(f"{self.name} {thread}")
        return worker


async def _within(limit: float | None, awaitable: Any) -> Any:
    inner = asyncio.timeout(limit)
    try:
        async with inner:
            return await awaitable
    except TimeoutError:
        if inner.expired():
            raise TimeLimitError("the time is up") from None
        raise
