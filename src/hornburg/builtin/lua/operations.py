"""What scripts want done with instances: sent and deleted, once the callback has ended.

As in Orthanc, ``SendToModality``, ``SendToPeer`` and ``Delete`` only note what is to be done. The
operations of one callback are done in order, on a task of their own, so that a slow receiver holds
up no callback. When one fails, the later ones for the same instance are left out: what could not
be sent is not deleted.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from hornburg.errors import HornburgError
from hornburg.hooks.specs import RestApi

__all__ = ["MOST_OF_A_CALL", "Operation", "Operations"]

log = logging.getLogger("hornburg.lua")

#: Operations of one callback; callbacks whose operations wait.
MOST_OF_A_CALL = 10_000
_MOST_WAITING = 10_000

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


@dataclass(frozen=True, slots=True)
class Operation:
    """``function`` is ``SendToModality``, ``SendToPeer`` or ``Delete``; ``target`` the name of the
    modality or peer."""

    function: str
    instance: str
    target: str = ""


class Operations:
    """The operations that wait, and the task that does them, in order."""

    def __init__(self, api: RestApi) -> None:
        self._api = api
        self._waiting: deque[tuple[Operation, ...]] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def add(self, operations: Sequence[Operation]) -> None:
        """Have them done."""
        if not operations:
            return
        if len(self._waiting) >= _MOST_WAITING:
            log.error(
                "too much waits to be sent or deleted: %d operations dropped", len(operations)
            )
            return
        self._waiting.append(tuple(operations))
        self._is_idle.clear()
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self, seconds: float) -> None:
        """Do what waits, as far as there is time; the log says what is left."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_idle.wait()
        except TimeoutError:
            left = sum(map(len, self._waiting))
            log.warning("the server stops: %d operations of scripts are not done", left)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._do_all(self._waiting[0])
                self._waiting.popleft()
            self._is_idle.set()

    async def _do_all(self, operations: Sequence[Operation]) -> None:
        failed: set[str] = set()
        for operation in operations:
            if operation.instance in failed:
                log.warning(
                    "%s of %s is left out: what was to be done before failed",
                    operation.function,
                    operation.instance[:80],
                )
                continue
            try:
                await self._do(operation)
            except HornburgError as error:
                failed.add(operation.instance)
                log.error("%s of %s: %s", operation.function, operation.instance[:80], error)
            except Exception:
                failed.add(operation.instance)
                log.exception("%s of %s", operation.function, operation.instance[:80])

    async def _do(self, operation: Operation) -> None:
        if _IDENTIFIER.fullmatch(operation.instance) is None:
            raise HornburgError("that is no identifier of an instance")
        instance = operation.instance
        if operation.function == "Delete":
            method, uri, body = "DELETE", f"/instances/{instance}", b""
        else:
            family = "modalities" if operation.function == "SendToModality" else "peers"
            uri = f"/{family}/{quote(operation.target, safe='')}/store"
            method, body = "POST", instance.encode()
        answer = await self._api.call(method, uri, body)
        if not 200 <= answer.status < 300:
            where = f" to {operation.target[:80]}" if operation.target else ""
            raise HornburgError(f"failed{where} with status {answer.status}")
