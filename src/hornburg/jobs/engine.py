"""The job engine: what waits, what runs, what is history.

Everything happens on the event loop. The queue is sorted by priority, then by age; as many jobs
as ``ConcurrentJobs`` allows run at a time, and ``JobsHistorySize`` finished ones are remembered.
Source: Orthanc Book, users/advanced-rest, "Jobs".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hornburg.errors import HornburgError, UnavailableError
from hornburg.jobs.book import Book
from hornburg.jobs.clock import Clock
from hornburg.jobs.entry import Entry, Failed, Status
from hornburg.jobs.errors import (
    JobCanceledError,
    JobStateError,
    NoSuchOutputError,
    TooManyJobsError,
    UnknownJobError,
)
from hornburg.jobs.job import Job, Loader, Output
from hornburg.jobs.limits import Limits
from hornburg.jobs.saved import decode, encode
from hornburg.jobs.saver import Saver, Store
from hornburg.jobs.states import Event, State, after
from hornburg.jobs.steps import Ending, let_go, run_steps
from hornburg.security.redaction import Quoting

__all__ = ["Jobs"]

log = logging.getLogger("hornburg.jobs")

#: How often the progress of what runs is saved (Orthanc Book: every 10 seconds).
_SAVE_EVERY = 10.0

#: Seconds that jobs have to let go of what they hold when the server stops, after their grace.
_LAST_GRACE = 10.0

#: What an error says about a request that comes at the wrong time.
_ALLOWED = {
    Event.RESUME: "only a paused job can be resumed",
    Event.RESUBMIT: "only a failed job can be resubmitted",
}


class Jobs:
    """Runs jobs.

    Args:
        limits: how many of them.
        store: where they survive a restart; none when they don't (``SaveJobs``).
        clock: another one for tests.
        tell: is told ``JobSubmitted``, ``JobSuccess`` or ``JobFailure``, and of which job.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        tell: Callable[[str, str], None] | None = None,
    ) -> None:
        self._tell = tell or (lambda _kind, _job_id: None)
        self._limits = limits or Limits()
        self._clock = clock or Clock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._book = Book(self._limits.history, self._mark)
        self._started = False
        self._closing = False
        self._watching: asyncio.Task[None] | None = None
        self._saver = None if store is None else Saver(store, self._encode, self._clock)

    # Start and stop

    async def start(self, loaders: Mapping[str, Loader] | None = None) -> None:
        """Bring back what was saved, and begin to work. Jobs that were running begin again from
        their last saved state.

        Args:
            loaders: for each type, what makes a job of its saved state.

        Raises:
            HornburgError: what was saved can't be read.
        """
        if self._saver is not None:
            now = self._clock.now()
            saved = await self._saver.load()
            back = [decode(job_id, text, loaders or {}, now) for job_id, text in saved.items()]
            self._book.bring_back(back)
            if self._book.unfinished():
                log.info("%d jobs of an earlier run go on", self._book.unfinished())
            self._saver.start()
            self._watching = asyncio.create_task(self._save_progress())
        self._started = True
        self._fill()

    async def close(self) -> None:
        """Stop. What runs gets a moment to end its step, and is saved as it is then; whoever waits
        for a job is told that the server stops."""
        self._closing = True
        runners = set(self._running.values())
        if runners:
            _, runners = await asyncio.wait(runners, timeout=self._limits.grace)
        for job_id in list(self._running):
            self._book.get(job_id).interrupt()
        if runners:
            _, runners = await asyncio.wait(runners, timeout=_LAST_GRACE)
        for runner in runners:
            log.error("a job does not stop, and is left behind")
            runner.cancel()
        for entry in self._book:
            if entry.timer is not None:
                entry.timer.cancel()
            entry.ended.set()
        if self._watching is not None:
            self._watching.cancel()
        if self._saver is not None:
            await self._saver.close()

    # What others ask

    async def submit(
        self, job: Job, *, priority: int = 0, user_data: Any = None, owner: str = ""
    ) -> str:
        """Have a job run when its turn comes; answers its identifier.

        When this returns, the job survives a crash, unless ``SaveJobs`` is off or the job has no
        state to save. ``owner`` is the account of who wants it
        (:attr:`hornburg.security.principals.Principal.account`).

        Raises:
            TooManyJobsError: too many wait already.
            UnavailableError: the server stops.
            HornburgError: the job can't be saved; it is not run.
        """
        return (await self._submit(job, priority, user_data, owner)).id

    async def run(
        self, job: Job, *, priority: int = 0, user_data: Any = None, owner: str = ""
    ) -> Status:
        """Submit a job and wait for its success. It goes on when the caller is cancelled, as
        Orthanc's jobs go on when the client hangs up.

        Raises:
            JobCanceledError: somebody cancelled it.
            UnavailableError: the server stops; the job goes on after its next start.
            HornburgError: the error with which the job failed; and those of :meth:`submit`.
        """
        entry = await self._submit(job, priority, user_data, owner)
        await self._end_of(entry)
        if entry.state is State.SUCCESS:
            return entry.status(self._clock)
        if entry.error is not None:
            raise entry.error
        raise UnavailableError("The server stops; the job goes on after its next start")

    def ids(self, owner: str | None = None) -> Sequence[str]:
        """The identifiers of all jobs that are known, or of those of one owner, sorted as Orthanc
        does."""
        if owner is None:
            return self._book.ids()
        return sorted(entry.id for entry in self._book if entry.owner == owner)

    def refuse_others(self, job_id: str, owner: str | None) -> None:
        """A job of somebody else is as good as none, unless ``owner`` is ``None``.

        Raises:
            UnknownJobError: there is no such job, or it is of somebody else.
        """
        if owner is not None and self._book.get(job_id).owner != owner:
            raise UnknownJobError(f"There is no job {job_id[:64]!r}")

    def kind(self, job_id: str) -> str:
        """The kind of a job, by its word of Orthanc.

        Raises:
            UnknownJobError: there is no such job.
        """
        return self._book.get(job_id).kind

    def status(self, job_id: str) -> Status:
        """A job at this moment.

        Raises:
            UnknownJobError: there is no such job.
        """
        return self._book.get(job_id).status(self._clock)

    async def wait(self, job_id: str) -> Status:
        """A job when it has ended; as it is when the server stops.

        Raises:
            UnknownJobError: there is no such job.
        """
        entry = self._book.get(job_id)
        await self._end_of(entry)
        return entry.status(self._clock)

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        counts = dict.fromkeys(State, 0)
        for entry in self._book:
            counts[entry.state] += 1
        return counts

    def cancel(self, job_id: str) -> None:
        """End a job as a failure; the step of one that runs is cancelled. Finished ones stay.

        Raises:
            UnknownJobError: there is no such job.
        """
        entry = self._book.get(job_id)
        state = self._next(entry, Event.CANCEL)
        if entry.state is State.RUNNING:
            entry.asked = Event.CANCEL
            entry.interrupt()
        elif not entry.state.finished:
            self._book.take_back(entry)
            entry.state = state
            self._finished(entry, JobCanceledError())

    def pause(self, job_id: str) -> None:
        """Halt a job; one that runs halts after its step. Finished ones stay.

        Raises:
            UnknownJobError: there is no such job.
        """
        entry = self._book.get(job_id)
        state = self._next(entry, Event.PAUSE)
        if entry.state is State.RUNNING:
            entry.asked = entry.asked or Event.PAUSE
        else:
            self._book.take_back(entry)
            entry.state = state

    def resume(self, job_id: str) -> None:
        """Let a paused job wait for its turn again.

        Raises:
            UnknownJobError: there is no such job.
            JobStateError: it isn't paused.
        """
        entry = self._book.get(job_id)
        entry.state = self._next(entry, Event.RESUME)
        self._enqueue(entry)

    def resubmit(self, job_id: str) -> None:
        """Begin a failed job anew.

        Raises:
            UnknownJobError: there is no such job.
            JobStateError: it has not failed, or nothing is left that could be run.
            TooManyJobsError: too many wait already.
        """
        entry = self._book.get(job_id)
        state = self._next(entry, Event.RESUBMIT)
        self._refuse_too_many()
        entry.job.restart()
        self._book.begin_anew(entry)
        entry.state = state
        self._enqueue(entry)

    def delete(self, job_id: str) -> None:
        """Forget a finished job and its files.

        Raises:
            UnknownJobError: there is no such job.
            JobStateError: it isn't finished.
        """
        entry = self._book.get(job_id)
        if not entry.state.finished:
            raise JobStateError(
                f"Job {entry.id} is {entry.state.value}; only a finished job can be deleted"
            )
        self._book.forget(entry)

    def output(self, job_id: str, key: str) -> Output:
        """A file that a job made.

        Raises:
            UnknownJobError: there is no such job.
            NoSuchOutputError: it has no such file.
        """
        entry = self._book.get(job_id)
        output = entry.job.output(key) if entry.state is State.SUCCESS else None
        if output is None:
            raise NoSuchOutputError(f"Job has no such output: {key[:64]}")
        return output

    def delete_output(self, job_id: str, key: str) -> None:
        """Remove a file that a job made; errors as in :meth:`output`."""
        self.output(job_id, key)
        self._book.get(job_id).job.delete_output(key)

    # How it works

    async def _end_of(self, entry: Entry) -> None:
        """Wait for the end of a job, or of the server."""
        ended = None
        # One that is submitted again before we have our turn has another end to wait for.
        while ended is not entry.ended:
            ended = entry.ended
            await ended.wait()

    def _next(self, entry: Entry, event: Event) -> State:
        state = after(entry.state, event)
        if state is None:
            raise JobStateError(
                f"Job {entry.id} is {entry.state.value}; {_ALLOWED.get(event, event.value)}"
            )
        return state

    def _refuse_too_many(self) -> None:
        if self._closing:
            raise UnavailableError("The server stops, and takes no more jobs")
        waiting = self._book.unfinished() - len(self._running)
        if waiting >= self._limits.waiting:
            raise TooManyJobsError(f"{waiting} jobs wait already, which is the most")

    async def _submit(self, job: Job, priority: int, user_data: Any, owner: str) -> Entry:
        self._refuse_too_many()
        entry = Entry(
            str(uuid.uuid4()), job.type, job, priority, user_data, self._clock.now(), owner=owner
        )
        with self._book.arriving(entry):
            if self._saver is not None:
                await self._saver.flush(entry.id)
        self._tell("JobSubmitted", entry.id)
        self._enqueue(entry)
        if self._closing:
            entry.ended.set()
        return entry

    def _enqueue(self, entry: Entry) -> None:
        self._book.enqueue(entry)
        self._fill()

    def _fill(self) -> None:
        """Start what has its turn."""
        while self._started and not self._closing and len(self._running) < self._limits.concurrent:
            entry = self._book.take_next()
            if entry is None:
                return
            entry.state = self._next(entry, Event.START)
            entry.asked = None
            entry.interrupted = False
            entry.begun = self._clock.running()
            self._running[entry.id] = asyncio.create_task(self._run(entry), context=entry.context)
            self._mark(entry.id)

    async def _run(self, entry: Entry) -> None:
        ending = await run_steps(entry, lambda: self._closing)
        await let_go(entry, ending.why)
        self._end(entry, ending)

    def _end(self, entry: Entry, ending: Ending) -> None:
        entry.runtime = entry.effective_runtime(self._clock)
        entry.begun = None
        entry.asked = None
        del self._running[entry.id]
        entry.state = self._next(entry, ending.event)
        self._mark(entry.id)
        if entry.state.finished:
            self._finished(entry, ending.error)
        elif entry.state is State.RETRY:
            entry.timer = asyncio.create_task(self._try_again(entry, ending.delay))
        self._fill()

    async def _try_again(self, entry: Entry, delay: float) -> None:
        await self._clock.sleep(delay)
        entry.timer = None
        entry.state = self._next(entry, Event.DUE)
        self._enqueue(entry)

    def _finished(self, entry: Entry, error: HornburgError | None) -> None:
        entry.completed = self._clock.now()
        entry.error = error
        entry.failed = None if error is None else Failed.of(error)
        if entry.failed is not None:
            told = (entry.failed.sentence, entry.failed.details)
            words = Quoting(": ".join(filter(None, told)))
            log.warning("job %s (%s): %s", entry.id, entry.kind, words)
        self._book.finished(entry)
        self._tell("JobSuccess" if error is None else "JobFailure", entry.id)

    # Saving

    def _mark(self, job_id: str) -> None:
        if self._saver is not None:
            self._saver.mark(job_id)

    def _encode(self, job_id: str) -> str | None:
        entry = self._book.find(job_id)
        return None if entry is None else encode(entry, self._clock)

    async def _save_progress(self) -> None:
        while True:
            await self._clock.sleep(_SAVE_EVERY)
            for job_id in self._running:
                self._mark(job_id)
