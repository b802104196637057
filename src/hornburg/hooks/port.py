"""The server as a plug-in sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any

from hornburg.errors import UnavailableError
from hornburg.hooks.guest import Guest
from hornburg.hooks.specs import Answer
from hornburg.hooks.worker import Call, inside, set_inside

__all__ = ["Caller", "Port", "Switchboard"]

Caller = Callable[[str, str, str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""Carries a call to the REST API: who calls, method, URI, body, headers."""

_EMPTY: Mapping[str, str] = {}


class Switchboard:
    """Where calls of all plug-ins go, once the REST API is there."""

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def connect(self, caller: Caller) -> None:
        """From now on calls are answered."""
        self.caller = caller
        self.loop = asyncio.get_running_loop()

    def disconnect(self) -> None:
        """From now on they aren't."""
        self.caller = None


class Port:
    """One plug-in's way to the server, see :class:`hornburg.hooks.specs.ServerPort`.

    Args:
        name: of the plug-in.
        settings: what it may see of the configuration.
        options: all of ``PluginOptions``.
        switchboard: where calls go.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        options: Mapping[str, Mapping[str, Any]],
        switchboard: Switchboard,
    ) -> None:
        self.settings = settings
        self._options = options
        self.rename(name)
        self._switchboard = switchboard
        #: The plug-in itself, once it is loaded.
        self.guest: Guest | None = None

    def rename(self, name: str) -> None:
        """Take the name that the plug-in says it has."""
        self.name = name
        self.log = logging.getLogger(f"hornburg.plugins.{name}")

    @property
    def options(self) -> Mapping[str, Any]:
        """The plug-in's own member of ``PluginOptions``."""
        return self._options.get(self.name, _EMPTY)

    async def call(
        self, method: str, uri: str, body: bytes = b"", headers: Mapping[str, str] = _EMPTY
    ) -> Answer:
        """Ask the REST API.

        Raises:
            UnavailableError: it is not there yet, or no more.
        """
        caller = self._switchboard.caller
        if caller is None:
            raise UnavailableError("The REST API is not there: the server starts, or stops")
        return await caller(self.name, method.upper(), uri, body, headers)

    def call_and_wait(
        self, method: str, uri: str, body: bytes = b"", headers: Mapping[str, str] = _EMPTY
    ) -> Answer:
        """The same for plain functions.

        Raises:
            UnavailableError: as for :meth:`call`.
            RuntimeError: it is called on the event loop.
        """
        loop = self._switchboard.loop
        if loop is None or self._switchboard.caller is None:
            raise UnavailableError("The REST API is not there: the server starts, or stops")
        if _is_on(loop):
            raise RuntimeError("call_and_wait() would block the server: await call() instead")
        workers = () if self.guest is None else self.guest.workers
        worker = next((one for one in workers if one.is_mine), None)
        if worker is None:
            return self._ask(loop, inside(), method, uri, body, headers).result()
        call, within = worker.begin_call()
        answer = self._ask(loop, within, method, uri, body, headers)
        found: Answer = worker.wait_for(call, answer)
        return found

    def _ask(
        self,
        loop: asyncio.AbstractEventLoop,
        within: frozenset[Call],
        method: str,
        uri: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Future[Answer]:
        async def called() -> Answer:
            set_inside(within)
            return await self.call(method, uri, body, headers)

        return asyncio.run_coroutine_threadsafe(called(), loop)


def _is_on(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
