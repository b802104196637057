"""The parts that every verb of the archive works with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hornburg.archive.cache import Cache
from hornburg.archive.metrics import Metrics
from hornburg.archive.transcoding import Transcoder
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.main_tags import MainTags
from hornburg.errors import ForbiddenError
from hornburg.hooks.manager import NO_HOOKS, Hooks
from hornburg.index.base import Index
from hornburg.index.names import Names
from hornburg.security.trail import NO_TRAIL, Trail
from hornburg.settings import Settings
from hornburg.storage.base import Storage

__all__ = ["Archive", "Runtime", "stamp"]

T = TypeVar("T")


def stamp(now: float) -> str:
    """A time as metadata and changes show it: UTC, ``20200131T235959``."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))


@dataclass(slots=True)
class Runtime:
    """What may be changed while the server runs; a restart brings the configuration back."""

    default_encoding: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The index, the storage and what belongs to them.

    ``clock`` gives Unix time in seconds. ``threads`` run what blocks: files, hashing, parsing of
    large headers. ``finishing`` holds work that goes on when its caller is gone, such as an
    ingest whose client has hung up; the server waits for it before it stops.
    """

    index: Index
    storage: Storage
    settings: Settings
    names: Names
    dictionary: Dictionary
    main_tags: MainTags
    threads: ThreadPoolExecutor
    runtime: Runtime
    metrics: Metrics
    cache: Cache
    transcoder: Transcoder
    hooks: Hooks = NO_HOOKS
    trail: Trail = NO_TRAIL
    clock: Callable[[], float] = time.time
    finishing: set[asyncio.Task[Any]] = field(default_factory=set)

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what blocks on a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, function, *arguments)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work that goes on when its caller is cancelled (its client hung up, the server
        stops), so that a file never stays without its entry."""
        task = asyncio.ensure_future(work)
        self.finishing.add(task)
        task.add_done_callback(self.finishing.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # The caller lets go of what the work reads when it gets the word: not before it is
            # needed no more.
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()
            raise

    def refuse_if_read_only(self) -> None:
        """Every verb that changes the archive asks first.

        Raises:
            ForbiddenError: ``ReadOnly`` is set.
        """
        if self.settings.read_only:
            raise ForbiddenError("The archive is read-only (ReadOnly)")
