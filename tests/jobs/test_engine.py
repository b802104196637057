"""The engine: order, control, history, errors."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.jobs.kinds import RemoteTrouble, Scripted

from hornburg.errors import HornburgError, StorageFullError, UnavailableError
from hornburg.jobs.engine import Jobs
from hornburg.jobs.errors import (
    JobCanceledError,
    JobStateError,
    NoSuchOutputError,
    TooManyJobsError,
    UnknownJobError,
)
from hornburg.jobs.job import CONTINUE, SUCCESS, Output, Step, Why, failure, retry
from hornburg.jobs.limits import Limits
from hornburg.jobs.states import State
from hornburg.testing.clock import FakeClock

Make = Callable[..., Awaitable[Jobs]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """An engine that is closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(clock: FakeClock | None = None, **limits: Any) -> Jobs:
            jobs = Jobs(Limits(**{"grace": 0.01, **limits}), clock=clock)
            await jobs.start()
            stack.push_async_callback(jobs.close)
            return jobs

        yield start


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def blocked(jobs: Jobs, **options: Any) -> tuple[Scripted, str]:
    """A job that runs, and stays in its first step."""
    job = Scripted("block", CONTINUE)
    job_id = await jobs.submit(job, **options)
    await job.entered.wait()
    return job, job_id


async def test_a_job_runs_to_its_success(make: Make) -> None:
    jobs = await make()
    job = Scripted(CONTINUE, CONTINUE, name="x")
    status = await jobs.run(job, user_data={"a": 1})
    assert (status.state, status.progress) == (State.SUCCESS, 1.0)
    assert status.content == {"Name": "x", "Done": 2}
    assert status.user_data == {"a": 1}
    assert (job.steps, job.stops) == (3, [Why.SUCCESS])


async def test_higher_priorities_first_and_the_older_ones_among_equals(make: Make) -> None:
    jobs = await make(concurrent=1)
    first, _ = await blocked(jobs)
    order: list[str] = []

    class Noting(Scripted):
        async def step(self) -> Step:
            order.append(self.name)
            return SUCCESS

    ids = [
        await jobs.submit(Noting(name=name), priority=priority)
        for name, priority in (("a", 0), ("b", -3), ("c", 5), ("d", 0), ("e", 5))
    ]
    first.go.set()
    for job_id in ids:
        await jobs.wait(job_id)
    assert order == ["c", "e", "a", "d", "b"]


async def test_so_many_run_at_a_time(make: Make) -> None:
    jobs = await make(concurrent=3)
    waiting = [Scripted("block") for _ in range(5)]
    ids = [await jobs.submit(job) for job in waiting]
    await settle()
    assert [job.entered.is_set() for job in waiting] == [True, True, True, False, False]
    assert jobs.counts()[State.RUNNING] == 3
    waiting[1].go.set()
    await jobs.wait(ids[1])
    await settle()
    assert waiting[3].entered.is_set()
    for job in waiting:
        job.go.set()


async def test_the_error_of_a_job_is_shown_and_raised(make: Make) -> None:
    jobs = await make()
    with pytest.raises(StorageFullError, match="no room"):
        await jobs.run(Scripted(CONTINUE, StorageFullError("no room")))
    status = await jobs.wait(await jobs.submit(Scripted(failure(RemoteTrouble("it said no")))))
    assert status.state is State.FAILURE
    assert status.failed is not None
    assert (status.failed.code, status.failed.details) == (-1, "it said no")
    assert status.content["DimseErrorStatus"] == 0xA700
    assert status.completed is not None


async def test_what_was_not_foreseen_is_logged_under_a_number(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = await make()
    with pytest.raises(HornburgError, match=r"under [0-9a-f]{8}$") as caught:
        await jobs.run(Scripted(ValueError("secret of the house")))
    assert "secret" not in str(caught.value)
    number = str(caught.value)[-8:]
    assert any(number in record.getMessage() and record.exc_info for record in caplog.records)
    status = jobs.status(jobs.ids()[0])
    assert status.failed is not None
    assert status.failed.sentence == "Internal error"


async def test_cancel_ends_the_step_of_what_runs(make: Make) -> None:
    jobs = await make()
    job, job_id = await blocked(jobs)
    jobs.cancel(job_id)
    status = await jobs.wait(job_id)
    assert status.failed is not None
    assert (status.state, status.failed.code, status.failed.details) == (State.FAILURE, 37, "")
    assert job.stops == [Why.CANCELED]


async def test_cancel_counts_though_the_step_fails_of_it(make: Make) -> None:
    jobs = await make()

    class Touchy(Scripted):
        async def step(self) -> Step:
            try:
                return await super().step()
            except asyncio.CancelledError:
                raise StorageFullError("broke off") from None

    job = Touchy("block")
    running = asyncio.ensure_future(jobs.run(job))
    await job.entered.wait()
    jobs.cancel(jobs.ids()[0])
    with pytest.raises(JobCanceledError):
        await running


async def test_cancel_of_what_waits_or_is_finished(make: Make) -> None:
    jobs = await make(concurrent=1)
    first, _ = await blocked(jobs)
    job = Scripted()
    job_id = await jobs.submit(job)
    jobs.cancel(job_id)
    assert jobs.status(job_id).state is State.FAILURE
    jobs.cancel(job_id)
    jobs.pause(job_id)
    assert jobs.status(job_id).state is State.FAILURE
    first.go.set()
    await settle()
    assert job.steps == 0


async def test_pause_halts_after_the_step_and_resume_goes_on(make: Make) -> None:
    jobs = await make()
    job, job_id = await blocked(jobs)
    jobs.pause(job_id)
    assert jobs.status(job_id).state is State.RUNNING
    with pytest.raises(JobStateError):
        jobs.resume(job_id)
    job.go.set()
    await settle()
    assert (jobs.status(job_id).state, job.done) == (State.PAUSED, 1)
    assert job.stops == [Why.PAUSED]
    jobs.pause(job_id)
    jobs.resume(job_id)
    assert (await jobs.wait(job_id)).state is State.SUCCESS
    assert job.done == 2


async def test_a_paused_job_gives_its_place_to_others(make: Make) -> None:
    jobs = await make(concurrent=1)
    job, job_id = await blocked(jobs)
    other = await jobs.submit(Scripted())
    jobs.pause(job_id)
    job.go.set()
    assert (await jobs.wait(other)).state is State.SUCCESS
    jobs.cancel(job_id)
    assert jobs.status(job_id).state is State.FAILURE


async def test_pause_and_resume_of_what_waits(make: Make) -> None:
    jobs = await make(concurrent=1)
    first, _ = await blocked(jobs)
    job_id = await jobs.submit(Scripted())
    jobs.pause(job_id)
    first.go.set()
    await settle()
    assert jobs.status(job_id).state is State.PAUSED
    jobs.resume(job_id)
    assert (await jobs.wait(job_id)).state is State.SUCCESS


async def test_resubmit_begins_anew(make: Make) -> None:
    jobs = await make()
    job, job_id = await blocked(jobs)
    created = jobs.status(job_id).created
    jobs.cancel(job_id)
    await jobs.wait(job_id)
    job.go.set()
    jobs.resubmit(job_id)
    status = jobs.status(job_id)
    assert (status.failed, status.completed) == (None, None)
    status = await jobs.wait(job_id)
    assert (status.state, status.created) == (State.SUCCESS, created)
    with pytest.raises(JobStateError):
        jobs.resubmit(job_id)


async def test_who_waits_for_a_job_waits_for_its_second_try_too(make: Make) -> None:
    jobs = await make()
    job = Scripted("block", CONTINUE, name="x")
    running = asyncio.ensure_future(jobs.run(job))
    await job.entered.wait()
    (job_id,) = jobs.ids()
    jobs.pause(job_id)
    job.go.set()
    await settle()
    jobs.cancel(job_id)
    jobs.resubmit(job_id)
    assert (await running).state is State.SUCCESS


async def test_retry_waits_as_long_as_the_job_says(make: Make) -> None:
    clock = FakeClock()
    jobs = await make(clock)
    job = Scripted(retry(5), CONTINUE)
    job_id = await jobs.submit(job)
    await settle()
    assert (jobs.status(job_id).state, job.stops) == (State.RETRY, [Why.RETRY])
    await clock.advance(4.9)
    assert jobs.status(job_id).state is State.RETRY
    await clock.advance(0.2)
    assert jobs.status(job_id).state is State.SUCCESS


async def test_pause_and_cancel_while_another_try_is_due(make: Make) -> None:
    clock = FakeClock()
    jobs = await make(clock)
    paused, cancelled = Scripted(retry(5)), Scripted(retry(5))
    ids = [await jobs.submit(job) for job in (paused, cancelled)]
    await settle()
    jobs.pause(ids[0])
    jobs.cancel(ids[1])
    await clock.advance(10)
    assert [jobs.status(job_id).state for job_id in ids] == [State.PAUSED, State.FAILURE]
    assert (paused.steps, cancelled.steps) == (1, 1)


async def test_the_oldest_of_the_history_is_forgotten(make: Make) -> None:
    jobs = await make(history=2)
    done = [Scripted(name=str(number)) for number in range(4)]
    ids = [await jobs.submit(job) for job in done]
    for _ in range(5):
        await settle()
    assert jobs.ids() == sorted(ids[2:])
    assert [job.discarded for job in done] == [True, True, False, False]
    with pytest.raises(UnknownJobError):
        jobs.status(ids[0])


async def test_without_a_history_the_answer_is_there_all_the_same(make: Make) -> None:
    jobs = await make(history=0)
    assert (await jobs.run(Scripted(name="x"))).content["Name"] == "x"
    with pytest.raises(StorageFullError):
        await jobs.run(Scripted(StorageFullError("full")))
    assert jobs.ids() == []


async def test_one_too_many_is_refused(make: Make) -> None:
    jobs = await make(concurrent=1, waiting=2)
    await blocked(jobs)
    ids = [await jobs.submit(Scripted()) for _ in range(2)]
    with pytest.raises(TooManyJobsError, match="2 jobs wait already"):
        await jobs.submit(Scripted())
    jobs.cancel(ids[0])
    await jobs.submit(Scripted())
    with pytest.raises(TooManyJobsError):
        jobs.resubmit(ids[0])
    assert jobs.status(ids[0]).state is State.FAILURE


async def test_a_step_that_never_waits_leaves_others_their_turn(make: Make) -> None:
    jobs = await make()

    class Busy(Scripted):
        async def step(self) -> Step:
            return CONTINUE

    job_id = await jobs.submit(Busy())
    await settle()
    jobs.cancel(job_id)
    assert (await jobs.wait(job_id)).state is State.FAILURE


async def test_runtime_leaves_pauses_out_and_the_end_is_estimated(make: Make) -> None:
    clock = FakeClock(1000.0)
    jobs = await make(clock)
    job = Scripted(CONTINUE, "block", "block", CONTINUE)
    job_id = await jobs.submit(job)
    await settle()
    await clock.advance(10)
    status = jobs.status(job_id)
    assert (status.runtime, status.progress, status.remaining) == (10, 0.25, 30)
    jobs.pause(job_id)
    job.go.set()
    await settle()
    await clock.advance(100)
    status = jobs.status(job_id)
    assert (status.state, status.runtime, status.remaining) == (State.PAUSED, 10, None)
    jobs.resume(job_id)
    status = await jobs.wait(job_id)
    assert (status.created, status.completed, status.runtime) == (1000, 1110, 10)


async def test_outputs_are_for_successful_jobs(make: Make) -> None:
    jobs = await make()
    job, job_id = await blocked(jobs)
    job.outputs["archive"] = Output("application/zip", "a.zip", b"PK")
    with pytest.raises(NoSuchOutputError):
        jobs.output(job_id, "archive")
    job.go.set()
    await jobs.wait(job_id)
    assert jobs.output(job_id, "archive").content == b"PK"
    jobs.delete_output(job_id, "archive")
    with pytest.raises(NoSuchOutputError):
        jobs.delete_output(job_id, "archive")


async def test_only_finished_jobs_are_deleted(make: Make) -> None:
    jobs = await make()
    job, job_id = await blocked(jobs)
    with pytest.raises(JobStateError, match="is Running"):
        jobs.delete(job_id)
    job.go.set()
    await jobs.wait(job_id)
    jobs.delete(job_id)
    assert (jobs.ids(), job.discarded) == ([], True)
    with pytest.raises(UnknownJobError):
        jobs.delete(job_id)


async def test_a_job_with_faults_harms_no_other(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = await make(history=1)

    class Faulty(Scripted):
        @property
        def progress(self) -> float:
            return float("nan")

        def content(self) -> dict[str, Any]:
            raise ValueError("content")

        async def stop(self, why: Why) -> None:
            raise ValueError("stop")

        def discard(self) -> None:
            raise ValueError("discard")

    job_id = await jobs.submit(Faulty("block"))
    await settle()
    assert (jobs.status(job_id).progress, jobs.status(job_id).content) == (0.0, {})
    jobs.cancel(job_id)
    assert (await jobs.wait(job_id)).state is State.FAILURE
    assert (await jobs.run(Scripted())).state is State.SUCCESS
    assert jobs.ids() != [job_id]


async def test_the_caller_of_run_may_go_and_the_job_stays(make: Make) -> None:
    jobs = await make()
    job = Scripted("block")
    running = asyncio.ensure_future(jobs.run(job))
    await job.entered.wait()
    running.cancel()
    job.go.set()
    (job_id,) = jobs.ids()
    assert (await jobs.wait(job_id)).state is State.SUCCESS


async def test_close_tells_those_who_wait(make: Make) -> None:
    jobs = await make()
    job = Scripted("block")
    running = asyncio.ensure_future(jobs.run(job))
    await job.entered.wait()
    await jobs.close()
    with pytest.raises(UnavailableError):
        await running
    assert job.stops == [Why.CLOSING]
    with pytest.raises(UnavailableError):
        await jobs.submit(Scripted())


async def test_any_order_of_requests_leaves_the_books_in_order(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    dice = random.Random(7)
    clock = FakeClock()
    jobs = await make(clock, concurrent=2, history=5, waiting=20)
    for _ in range(600):
        ids = jobs.ids()
        what = dice.choice(("submit", "cancel", "pause", "resume", "resubmit", "delete", "turn"))
        try:
            if what == "submit":
                steps = [CONTINUE, retry(1), StorageFullError("x"), "block", ValueError("y")]
                script = dice.choices(steps, k=dice.randrange(4))
                await jobs.submit(Scripted(*script), priority=dice.randrange(-2, 3))
            elif what == "turn":
                await clock.advance(dice.choice((0.0, 2.0)))
            elif ids:
                getattr(jobs, what)(dice.choice(ids))
        except (JobStateError, TooManyJobsError):
            pass
        counts = jobs.counts()
        assert counts[State.RUNNING] <= 2
        assert counts[State.SUCCESS] + counts[State.FAILURE] <= 5
        assert sum(counts.values()) <= 27
    for job_id in jobs.ids():
        # Each one that ends may push another one out of the history.
        if job_id in jobs.ids():
            jobs.cancel(job_id)
    await clock.advance(5)
    assert all(jobs.status(job_id).state.finished for job_id in jobs.ids())
