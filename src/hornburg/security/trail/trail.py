"""The trail, as doors and verbs see it: :meth:`Trail.note` appends to a list and returns.

Changes are written ``FlushMilliseconds`` after they happened at the latest; reads are collected for
a second, so that equal ones share a line. What is written reaches the disk within a second more. So
a crash of the process loses the events of a moment, a power cut those of two seconds, and no
request waits for its event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time
from typing import Any, Protocol

from hornburg.errors import UnavailableError
from hornburg.security.principals import Principal
from hornburg.security.trail.chain import TrailError
from hornburg.security.trail.events import SHARED, Event, Identity, Outcome
from hornburg.security.trail.grouping import (
    Entry,
    grouped,
    members_of,
    quick_reads,
    single,
    unknown,
)
from hornburg.security.trail.writer import Writer

__all__ = ["NO_TRAIL", "Resolver", "Trail", "TrailBrokenError"]

log = logging.getLogger("hornburg.trail")

Resolver = Callable[[Sequence[tuple[int, str]]], Awaitable[Mapping[tuple[int, str], Identity]]]
"""Tells of resources (level, Orthanc identifier) whose they are; what is gone is left out."""


class Forward(Protocol):
    """Who else is told what was written."""

    def open(self) -> None:
        """Begin, on the loop."""

    def __call__(
        self, entries: Sequence[Entry], known: Mapping[tuple[int, str], Identity | None]
    ) -> None:
        """Take what was written; on the thread of the trail."""

    async def close(self) -> None:
        """End."""


#: Seconds that reads are collected.
_TOGETHER = 1.0

#: Events that may wait while nothing can be written.
_MOST_WAITING = 200_000

#: Resources of which it is remembered whose they are.
_MOST_KNOWN = 50_000
#: Resources that one look into the index is asked for.
_STEP = 500

#: Seconds between attempts to write after one has failed.
_PAUSE = 5.0


class TrailBrokenError(UnavailableError):
    """Patient data is not given while nobody can write down who took it (``Required``)."""


class Trail:
    """Collects events and has them written.

    Args:
        writer: where to; ``None`` forgets everything.
        flush: seconds between two batches.
        required: whether patient data is refused while the trail can't be written.
        forward: is told what was written.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        writer: Writer | None,
        *,
        flush: float = 0.2,
        required: bool = False,
        forward: Forward | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._writer = writer
        self._every = flush
        self._required = required
        self._forward = forward
        self._clock = clock
        self._resolve: Resolver | None = None
        self._changes: list[tuple[float, Event]] = []
        self._reads: list[tuple[float, Event]] = []
        self._quick: dict[int, tuple[Principal, list[bytes]]] = {}
        self._quick_since = 0.0
        self._quick_count = 0
        self._reads_since = monotonic()
        self._known: dict[tuple[int, str], Identity | None] = {}
        self._lines: list[dict[str, Any]] = []
        self._lost = 0
        self._broken = False
        self._tried = 0.0
        #: Whether all that was written has reached the disk.
        self._is_settled = True
        self._thread: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._turn = asyncio.Lock()

    # -- what happens all the time ------------------------------------------------------------

    def note(self, event: Event) -> None:
        """Have an event written, soon."""
        if self._writer is None:
            return
        events = self._reads if event.action in SHARED else self._changes
        if len(events) < _MOST_WAITING:
            events.append((self._clock(), event))
        else:
            self._lost += 1

    def read(self, who: Principal, url: bytes) -> None:
        """Note a ``GET`` of a resource, its tags or its file that was answered the express way."""
        if self._writer is None:
            return
        if self._quick_count >= _MOST_WAITING:
            self._lost += 1
            return
        self._quick_count += 1
        found = self._quick.get(id(who))
        if found is None:
            if not self._quick:
                self._quick_since = self._clock()
            # Kept here, so that no other principal gets its number.
            found = self._quick[id(who)] = (who, [])
        found[1].append(url)

    @property
    def must_refuse(self) -> bool:
        """Whether patient data is not to be given now: see :meth:`check`."""
        return self._broken and self._required

    def check(self) -> None:
        """Whoever gives or takes patient data asks first.

        Raises:
            TrailBrokenError: the trail is ``Required``, and can't be written.
        """
        if self.must_refuse:
            raise TrailBrokenError(
                "The audit trail can't be written, so that no patient data is given or taken "
                "(AuditTrail.Required); the log of the server says why"
            )

    # -- starting and stopping ----------------------------------------------------------------

    async def open(self, resolve: Resolver | None = None) -> None:
        """Begin to write.

        Raises:
            TrailError: the trail can't be written, and is ``Required``.
        """
        self._resolve = resolve
        if self._writer is None:
            return
        self._thread = ThreadPoolExecutor(1, "trail")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._open, self._writer)
        except TrailError as error:
            if self._required:
                self._thread.shutdown()
                self._thread = None
                raise
            self._fail(error)
        if self._forward is not None:
            self._forward.open()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what waits, and end."""
        if self._writer is None or self._thread is None:
            return
        self._closing.set()
        if self._task is not None:
            await self._task
        await self.flush(everything=True)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._writer.close)
        except TrailError as error:
            log.error("%s", error)
        self._thread.shutdown()
        self._thread = None
        if self._forward is not None:
            await self._forward.close()

    async def flush(self, *, everything: bool = False) -> None:
        """Write what waits: changes, and reads that were collected for a second (or
        ``everything``)."""
        async with self._turn:
            await self._flush(everything)

    # -- inside -------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._every)
            try:
                await self.flush()
            except Exception:
                log.exception("the audit trail has met an error that was not foreseen")

    def _open(self, writer: Writer) -> None:
        for words in writer.open():
            log.warning("audit trail: %s", words)

    async def _flush(self, everything: bool) -> None:
        thread = self._thread
        if thread is None:
            return
        changes, self._changes = self._changes, []
        reads: list[tuple[float, Event]] = []
        quick: list[tuple[Principal, list[bytes]]] = []
        now = monotonic()
        if everything or now - self._reads_since >= _TOGETHER:
            self._reads_since = now
            reads, self._reads = self._reads, []
            quick = list(self._quick.values())
            self._quick, self._quick_count = {}, 0
        loop = asyncio.get_running_loop()
        entries: list[Entry] = []
        if changes or reads or quick:
            entries, asked = await loop.run_in_executor(
                thread, self._entries, changes, reads, quick
            )
            await self._get_to_know(asked)
        if not entries and not self._lines and self._is_settled:
            return
        is_due = not self._broken or everything or now - self._tried >= _PAUSE
        if is_due:
            self._tried = now
        try:
            await loop.run_in_executor(thread, self._take, entries, is_due)
        except TrailError as error:
            self._fail(error)
        else:
            if is_due and self._broken:
                log.warning("the audit trail is written again")
                self._broken = False

    def _entries(
        self,
        changes: list[tuple[float, Event]],
        reads: list[tuple[float, Event]],
        quick: list[tuple[Principal, list[bytes]]],
    ) -> tuple[list[Entry], list[tuple[int, str]]]:
        """On the thread: the entries, and the resources whose owners are still to be asked for."""
        entries = single(changes) + grouped(reads)
        until = self._clock()
        for who, urls in quick:
            entries += quick_reads(who, urls, self._quick_since, until)
        entries.sort(key=lambda entry: entry.time)
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        return entries, unknown(entries, self._known)

    async def _get_to_know(self, asked: list[tuple[int, str]]) -> None:
        """Ask whose resources are."""
        if self._resolve is None:
            return
        for at in range(0, len(asked), _STEP):
            some = asked[at : at + _STEP]
            try:
                found = await self._resolve(some)
            except Exception as error:  # noqa: BLE001 - the line is more than whose it is
                log.error("whose resources are can't be told in the audit trail: %s", error)
                return
            # What is not there now is asked for again later: it may come.
            self._known.update(found)

    def _keep(self, entries: list[Entry]) -> None:
        for entry in entries:
            if len(self._lines) >= _MOST_WAITING:
                self._lost += entry.count
                continue
            self._lines += members_of(entry, self._known)

    def _take(self, entries: list[Entry], is_due: bool) -> None:
        """On the thread: who else wants to know, also while the disk is full; then the disk."""
        if self._forward is not None and entries:
            self._forward(entries, self._known)
        self._keep(entries)
        if is_due and self._writer is not None:
            self._write(self._writer)

    def _write(self, writer: Writer) -> None:
        if not writer.is_open:
            self._open(writer)
        self._write_lines(writer)
        if self._lost:
            lost = Event(
                action="trail-lost",
                outcome=Outcome.FAILED,
                detail="no room while nothing was written",
                count=self._lost,
            )
            self._lost = 0
            self._keep(single([(self._clock(), lost)]))
            self._write_lines(writer)
        self._is_settled = not writer.flush()

    def _write_lines(self, writer: Writer) -> None:
        written, error = writer.write(self._lines)
        del self._lines[:written]
        if error is not None:
            raise error

    def _fail(self, error: Exception) -> None:
        if not self._broken:
            log.error("%s%s", error, "; patient data is refused" if self._required else "")
        self._broken = True


NO_TRAIL = Trail(None)
"""Forgets everything."""
