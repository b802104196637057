"""Which jobs there are: the queue, the history, and what is being submitted."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from hornburg.jobs.entry import Entry, unexpected
from hornburg.jobs.errors import UnknownJobError
from hornburg.jobs.states import State

__all__ = ["Book"]


class Book:
    """Keeps account of jobs, and runs none.

    Args:
        history: how many finished ones are remembered.
        changed: told the identifier of each job that comes, changes its place, or goes.
    """

    def __init__(self, history: int, changed: Callable[[str], None]) -> None:
        self._most = history
        self._changed = changed
        self._entries: dict[str, Entry] = {}
        self._arriving: dict[str, Entry] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._history: dict[str, None] = {}
        self._tickets = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, job_id: str) -> Entry:
        """A job.

        Raises:
            UnknownJobError: there is no such job.
        """
        entry = self._entries.get(job_id)
        if entry is None:
            raise UnknownJobError(f"There is no job {job_id[:64]!r}")
        return entry

    def find(self, job_id: str) -> Entry | None:
        """A job, also one that is only about to be submitted."""
        return self._entries.get(job_id) or self._arriving.get(job_id)

    def ids(self) -> Sequence[str]:
        """All identifiers, sorted."""
        return sorted(self._entries)

    def unfinished(self) -> int:
        """How many jobs have no end yet, those that arrive included."""
        return len(self._entries) + len(self._arriving) - len(self._history)

    @contextmanager
    def arriving(self, entry: Entry) -> Iterator[None]:
        """Inside of this a job is saved, and not to be seen yet. It is in the book afterwards,
        unless saving it failed: then nobody ever learns its identifier, and it must not run."""
        self._ticket(entry)
        self._arriving[entry.id] = entry
        self._changed(entry.id)
        try:
            yield
        except BaseException:
            self._changed(entry.id)
            raise
        finally:
            del self._arriving[entry.id]
        self._entries[entry.id] = entry

    def bring_back(self, entries: Iterable[Entry]) -> None:
        """Jobs of an earlier run, each in its place."""
        by_age = sorted(entries, key=lambda entry: entry.ticket)
        for entry in by_age:
            self._entries[entry.id] = entry
            if entry.state is State.PENDING:
                self.enqueue(entry)
        finished = [entry for entry in by_age if entry.state.finished]
        for entry in sorted(finished, key=lambda entry: entry.completed or 0.0):
            self.finished(entry)

    def enqueue(self, entry: Entry) -> None:
        """Behind all others of its priority."""
        self._ticket(entry)
        entry.queued = True
        bisect.insort(self._queue, entry.rank)
        self._changed(entry.id)

    def take_next(self) -> Entry | None:
        """The job whose turn it is; none when none waits."""
        if not self._queue:
            return None
        entry = self._entries[self._queue.pop(0)[2]]
        entry.queued = False
        return entry

    def take_back(self, entry: Entry) -> None:
        """Out of the queue, or out of the wait for another try."""
        if entry.queued:
            entry.queued = False
            del self._queue[bisect.bisect_left(self._queue, entry.rank)]
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        self._changed(entry.id)

    def finished(self, entry: Entry) -> None:
        """A job has its end; the oldest of the history may have to go."""
        entry.ended.set()
        self._history[entry.id] = None
        self._changed(entry.id)
        while len(self._history) > self._most:
            self.forget(self._entries[next(iter(self._history))])

    def begin_anew(self, entry: Entry) -> None:
        """A finished job is history no more."""
        del self._history[entry.id]
        entry.completed = entry.failed = entry.error = None
        entry.runtime = 0.0
        entry.ended = asyncio.Event()
        self._changed(entry.id)

    def forget(self, entry: Entry) -> None:
        """A finished job goes, and its files with it."""
        del self._history[entry.id]
        del self._entries[entry.id]
        self._changed(entry.id)
        try:
            entry.job.discard()
        except Exception as error:  # noqa: BLE001
            unexpected(error, f"the files of job {entry.id} ({entry.kind})")

    def _ticket(self, entry: Entry) -> None:
        self._tickets += 1
        entry.ticket = self._tickets
