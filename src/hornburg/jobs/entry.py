"""A job as the engine keeps it, and as others may see it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hornburg.errors import HornburgError
from hornburg.jobs.clock import Clock
from hornburg.jobs.job import Job
from hornburg.jobs.states import Event, State

__all__ = ["Entry", "Failed", "Status", "unexpected"]

log = logging.getLogger("hornburg.jobs")


def unexpected(error: BaseException | None, what: str) -> HornburgError:
    """What the world is told of a fault of ours: the log has the stack, the world a number."""
    number = secrets.token_hex(4)
    log.error("unexpected error %s in %s", number, what, exc_info=error)
    return HornburgError(
        f"An error that was not foreseen; the log of the server has it under {number}"
    )


@dataclass(frozen=True, slots=True)
class Failed:
    """What is known of an error also after a restart; ``dimse`` is the status that the other
    side answered, if it answered one."""

    code: int
    sentence: str
    details: str
    dimse: int | None = None

    @classmethod
    def of(cls, error: HornburgError) -> Failed:
        """What an error looks like."""
        dimse = getattr(error, "dimse_status", None)
        return cls(error.outside.orthanc, error.outside.sentence, str(error), dimse)


@dataclass(frozen=True, slots=True)
class Status:
    """A job at one moment. Times are Unix times, durations are in seconds, ``progress`` is 0 to 1."""

    id: str
    type: str
    state: State
    priority: int
    progress: float
    content: Mapping[str, Any]
    user_data: Any
    created: float
    completed: float | None
    runtime: float
    remaining: float | None
    failed: Failed | None
    seen: float


@dataclass(slots=True, eq=False)
class Entry:
    """One job and its book-keeping.

    ``ticket`` says which of several with one priority comes first. ``error`` is the error itself,
    ``failed`` what is left of it after a restart. ``asked`` is a pause or a cancellation that
    waits for the end of the step; ``interrupted`` says that the step was told to end at once.
    ``begun`` is when the job started to run, by :meth:`Clock.running`. ``context`` is that of
    whoever submitted it, whoever has its turn come. ``owner`` is the account
    that submitted it, "" for the server itself.
    """

    id: str
    kind: str
    job: Job
    priority: int
    user_data: Any
    created: float
    state: State = State.PENDING
    ticket: int = 0
    queued: bool = False
    runtime: float = 0.0
    begun: float | None = None
    completed: float | None = None
    failed: Failed | None = None
    error: HornburgError | None = None
    asked: Event | None = None
    interrupted: bool = False
    step: asyncio.Task[Any] | None = None
    timer: asyncio.Task[None] | None = None
    owner: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    @property
    def rank(self) -> tuple[int, int, str]:
        """The smallest one runs first."""
        return (-self.priority, self.ticket, self.id)

    def interrupt(self) -> None:
        """End the step that runs, if one does."""
        if self.step is not None:
            self.interrupted = True
            self.step.cancel()

    def progress(self) -> float:
        """0 to 1, whatever the job says; a success is complete."""
        if self.state is State.SUCCESS:
            return 1.0
        try:
            value = float(self.job.progress)
        except Exception as error:  # noqa: BLE001
            unexpected(error, f"the progress of job {self.id}")
            return 0.0
        return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0

    def content(self) -> dict[str, Any]:
        """The public content, with the status of the other side when the job failed by it."""
        try:
            content = dict(self.job.content())
        except Exception as error:  # noqa: BLE001
            unexpected(error, f"the content of job {self.id}")
            content = {}
        if self.failed is not None and self.failed.dimse is not None:
            content.setdefault("DimseErrorStatus", self.failed.dimse)
        return content

    def effective_runtime(self, clock: Clock) -> float:
        """Seconds that the job has been running, pauses left out."""
        current = 0.0 if self.begun is None else clock.running() - self.begun
        return self.runtime + max(current, 0.0)

    def status(self, clock: Clock) -> Status:
        """The job at this moment."""
        progress = self.progress()
        runtime = self.effective_runtime(clock)
        remaining = None
        if self.state is State.RUNNING and progress > 0:
            remaining = runtime * (1 - progress) / progress
        return Status(
            self.id,
            self.kind,
            self.state,
            self.priority,
            progress,
            self.content(),
            self.user_data,
            self.created,
            self.completed,
            runtime,
            remaining,
            self.failed,
            clock.now(),
        )
