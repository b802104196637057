"""Runs the steps of one job until it has to leave ``Running``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from hornburg.errors import HornburgError
from hornburg.jobs.entry import Entry, unexpected
from hornburg.jobs.errors import JobCanceledError
from hornburg.jobs.job import CONTINUE, Outcome, Step, Why, failure
from hornburg.jobs.states import Event

__all__ = ["Ending", "let_go", "run_steps"]

log = logging.getLogger("hornburg.jobs")

#: Seconds for a job to let go of what it holds: an association is released or aborted by then.
_LONGEST_STOP = 30.0


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a job leaves ``Running``, and where it goes."""

    event: Event
    why: Why
    error: HornburgError | None = None
    delay: float = 0.0


async def run_steps(entry: Entry, closing: Callable[[], bool]) -> Ending:
    """Run one step after the other, until the job has an end or somebody wants it to halt."""
    while True:
        ending = _ending(entry, CONTINUE, closing())
        ending = ending or _ending(entry, await _step(entry), closing())
        if ending is not None:
            return ending
        # A job whose steps never wait for anything leaves others their turn all the same.
        await asyncio.sleep(0)


def _ending(entry: Entry, step: Step, closing: bool) -> Ending | None:
    if step.outcome is Outcome.SUCCESS:
        return Ending(Event.SUCCEEDED, Why.SUCCESS)
    if entry.asked is Event.CANCEL:
        return Ending(Event.FAILED, Why.CANCELED, JobCanceledError())
    if step.outcome is Outcome.FAILURE and not (closing and entry.interrupted):
        error = step.error or HornburgError("The job does not say why it failed")
        return Ending(Event.FAILED, Why.FAILURE, error)
    if closing:
        return Ending(Event.SUSPENDED, Why.CLOSING)
    if entry.asked is Event.PAUSE:
        return Ending(Event.HALTED, Why.PAUSED)
    if step.outcome is Outcome.RETRY:
        return Ending(Event.AGAIN, Why.RETRY, delay=step.delay)
    return None


async def _step(entry: Entry) -> Step:
    """One step in a task of its own, so that it can be cancelled and the engine stays."""
    task = asyncio.ensure_future(entry.job.step())
    entry.step = task
    try:
        await asyncio.wait((task,))
    finally:
        entry.step = None
    if task.cancelled():
        if entry.interrupted:
            return CONTINUE
        return failure(unexpected(None, f"job {entry.id} ({entry.kind}): it cancelled itself"))
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, HornburgError):
        return failure(error)
    return failure(unexpected(error, f"job {entry.id} ({entry.kind})"))


async def let_go(entry: Entry, why: Why) -> None:
    """Have the job let go of what it holds; what goes wrong in that is for the log alone."""
    try:
        await asyncio.wait_for(entry.job.stop(why), _LONGEST_STOP)
    except TimeoutError:
        log.error("job %s (%s) does not let go of what it holds", entry.id, entry.kind)
    except Exception as error:  # noqa: BLE001
        unexpected(error, f"the stop of job {entry.id} ({entry.kind})")
