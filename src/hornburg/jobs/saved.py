"""A job as text, for the next run of the server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from hornburg.errors import HornburgError
from hornburg.jobs.clock import Clock
from hornburg.jobs.entry import Entry, Failed, unexpected
from hornburg.jobs.errors import JobStateError
from hornburg.jobs.job import Job, Loader, Step
from hornburg.jobs.states import State

__all__ = ["Remembered", "decode", "encode"]

log = logging.getLogger("hornburg.jobs")


class _Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The text, a JSON object. ``job`` is the job's own state, ``content`` and ``progress`` are
    what it showed, for when the state can't be loaded."""

    type: str
    state: State
    ticket: int
    priority: int
    user_data: Any
    created: float
    completed: float | None
    runtime: float
    failed: Failed | None
    progress: float
    content: dict[str, Any]
    job: dict[str, Any] | None
    owner: str = ""


class Remembered(Job):
    """A job of an earlier run of which only the looks are left."""

    type = "Remembered"

    def __init__(self, content: Mapping[str, Any], progress: float) -> None:
        self._content = content
        self._progress = progress

    async def step(self) -> Step:
        """Nothing is left to do."""
        raise JobStateError(_NOTHING_LEFT)

    def content(self) -> dict[str, Any]:
        """What it showed."""
        return dict(self._content)

    @property
    def progress(self) -> float:
        """How far it was."""
        return self._progress

    def restart(self) -> None:
        """It can't."""
        raise JobStateError(_NOTHING_LEFT)


_NOTHING_LEFT = "The job is of an earlier run of the server, and nothing is left that could be run"


def encode(entry: Entry, clock: Clock) -> str | None:
    """The text; none when there is no use in keeping it, because the job can't go on from it."""
    try:
        state = entry.job.state()
        if state is None and not entry.state.finished:
            return None
        saved = _Saved(
            type=entry.kind,
            state=entry.state,
            ticket=entry.ticket,
            priority=entry.priority,
            user_data=entry.user_data,
            created=entry.created,
            completed=entry.completed,
            runtime=entry.effective_runtime(clock),
            failed=entry.failed,
            progress=entry.progress(),
            content=entry.content(),
            job=state,
            owner=entry.owner,
        )
        return msgspec.json.encode(saved).decode()
    except Exception as error:  # noqa: BLE001
        # One job that can't be saved must not keep the others from it.
        unexpected(error, f"the state of job {entry.id} ({entry.kind})")
        return None


def decode(job_id: str, text: str, loaders: Mapping[str, Loader], now: float) -> Entry:
    """The job, ready to go on. One that can't be loaded has failed ``now``."""
    try:
        saved = msgspec.json.decode(text, type=_Saved)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        reason = unexpected(error, f"the text of the saved job {job_id}")
        nothing = Remembered({}, 0.0)
        return _lost(Entry(job_id, nothing.type, nothing, 0, None, now), reason, now)
    job, trouble = _load(job_id, saved, loaders)
    entry = Entry(
        job_id,
        saved.type,
        job or Remembered(saved.content, saved.progress),
        saved.priority,
        saved.user_data,
        saved.created,
        state=_STATES.get(saved.state, saved.state),
        ticket=saved.ticket,
        runtime=saved.runtime,
        completed=saved.completed,
        failed=saved.failed,
        owner=saved.owner,
    )
    return entry if job or entry.state.finished else _lost(entry, trouble, now)


def _lost(entry: Entry, error: HornburgError, now: float) -> Entry:
    entry.state = State.FAILURE
    entry.completed = now
    entry.failed = Failed.of(error)
    return entry


#: What ran, or was to be tried again, waits for its turn.
_STATES = {State.RUNNING: State.PENDING, State.RETRY: State.PENDING}


def _load(
    job_id: str, saved: _Saved, loaders: Mapping[str, Loader]
) -> tuple[Job | None, HornburgError]:
    """The job; when there is none, the error says why not."""
    nothing = HornburgError(_NOTHING_LEFT)
    if saved.job is None:
        return None, nothing
    loader = loaders.get(saved.type)
    if loader is None:
        log.error("job %s is of type %r, which this server doesn't know", job_id, saved.type)
        return None, HornburgError(f"This server has no jobs of type {saved.type!r}")
    try:
        return loader(saved.job), nothing
    except Exception as error:  # noqa: BLE001
        return None, unexpected(error, f"the saved state of job {job_id} ({saved.type})")
