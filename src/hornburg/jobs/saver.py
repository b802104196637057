"""Saves jobs: at once where somebody waits for it, soon after any other change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from hornburg.errors import HornburgError
from hornburg.jobs.clock import Clock

__all__ = ["Saver", "Store"]

log = logging.getLogger("hornburg.jobs")

#: Changes within so many seconds are saved together (Orthanc Book: within 100 ms).
_SOON = 0.1

#: Seconds until another try, when the store failed.
_LATER = 5.0


class Store(ABC):
    """The port: texts by the identifiers of jobs, durable."""

    @abstractmethod
    async def load(self) -> Mapping[str, str]:
        """All texts.

        Raises:
            HornburgError: they can't be read.
        """

    @abstractmethod
    async def save(self, changed: Mapping[str, str | None]) -> None:
        """Replace the texts of these jobs, all or none; ``None`` removes one. When this returns it
        is durable.

        Raises:
            HornburgError: they can't be written.
        """


class Saver:
    """Keeps a store up to date.

    Args:
        store: where to.
        encode: the text of a job by its identifier; none when it isn't to be kept.
        clock: for the pause between saves.
    """

    def __init__(self, store: Store, encode: Callable[[str], str | None], clock: Clock) -> None:
        self._store = store
        self._encode = encode
        self._clock = clock
        self._marked: set[str] = set()
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def load(self) -> Mapping[str, str]:
        """What was saved by an earlier run."""
        return await self._store.load()

    def start(self) -> None:
        """Begin to save what is marked."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Save what is marked, a last time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        try:
            await self.flush()
        except HornburgError as error:
            log.error("the jobs could not be saved before the stop: %s", error)

    def mark(self, job_id: str) -> None:
        """A job has changed."""
        self._marked.add(job_id)
        self._wake.set()

    async def flush(self, job_id: str | None = None) -> None:
        """Save all that is marked, and return when one job, or all of it, is durable. Callers that
        come at the same time share one write.

        Raises:
            HornburgError: of the store; all stays marked.
        """
        async with self._lock:
            if not self._marked or (job_id is not None and job_id not in self._marked):
                return
            marked, self._marked = self._marked, set()
            try:
                await self._store.save({job_id: self._encode(job_id) for job_id in marked})
            except BaseException:
                self._marked |= marked
                self._wake.set()
                raise

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            await self._clock.sleep(_SOON)
            self._wake.clear()
            try:
                await self.flush()
            except HornburgError as error:
                log.error("the jobs could not be saved, and will be tried again: %s", error)
                await self._clock.sleep(_LATER)
            except Exception:
                log.exception("the jobs could not be saved, and will be tried again")
                await self._clock.sleep(_LATER)
