"""SaveJobs: what goes on after a restart, a crash, or with a store that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jobs.kinds import Counting, RemoteTrouble, Scripted

from hornburg.errors import DatabaseError, StorageFullError, UnavailableError
from hornburg.jobs.engine import Jobs
from hornburg.jobs.errors import JobStateError, UnknownJobError
from hornburg.jobs.job import CONTINUE, Why
from hornburg.jobs.limits import Limits
from hornburg.jobs.saved import decode
from hornburg.jobs.saver import Store
from hornburg.jobs.states import State
from hornburg.testing.clock import FakeClock


class Memory(Store):
    """A store that outlives its engine, and may fail."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.writes = 0
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> Mapping[str, str]:
        return dict(self.texts)

    async def save(self, changed: Mapping[str, str | None]) -> None:
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        self.writes += 1
        for job_id, text in changed.items():
            if text is None:
                self.texts.pop(job_id, None)
            else:
                self.texts[job_id] = text

    def state(self, job_id: str) -> dict[str, Any]:
        state = json.loads(self.texts[job_id])
        assert isinstance(state, dict)
        return state


async def started(
    store: Memory, clock: FakeClock | None = None, **limits: Any
) -> tuple[Jobs, list[Counting]]:
    """An engine on that store, and the jobs that it brought back."""
    back: list[Counting] = []
    jobs = Jobs(Limits(**{"grace": 0.01, **limits}), store, clock or FakeClock())
    await jobs.start({"Counting": partial(Counting.load, tools=back)})
    return jobs, back


async def test_a_submitted_job_is_durable_at_once() -> None:
    store = Memory()
    jobs, _ = await started(store)
    store.gate.clear()
    submitting = asyncio.ensure_future(jobs.submit(Counting(1)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not submitting.done()
    assert jobs.ids() == []
    store.gate.set()
    job_id = await submitting
    assert list(store.texts) == [job_id]
    await jobs.close()


async def test_submissions_at_one_time_share_a_write() -> None:
    store = Memory()
    jobs, _ = await started(store)
    ids = await asyncio.gather(*(jobs.submit(Counting(1)) for _ in range(100)))
    assert store.writes <= 3
    assert set(store.texts) == set(ids)
    await jobs.close()


async def test_a_job_that_can_not_be_saved_is_not_run() -> None:
    store = Memory()
    jobs, _ = await started(store)
    store.trouble = StorageFullError("no room")
    job = Counting(1)
    with pytest.raises(StorageFullError):
        await jobs.submit(job)
    assert (jobs.ids(), job.steps) == ([], 0)
    store.trouble = None
    await jobs.close()
    assert store.texts == {}


async def test_a_caller_that_goes_while_it_is_saved_leaves_no_job() -> None:
    store = Memory()
    jobs, _ = await started(store)
    store.gate.clear()
    submitting = asyncio.ensure_future(jobs.submit(Counting(1)))
    for _ in range(20):
        await asyncio.sleep(0)
    submitting.cancel()
    store.gate.set()
    await jobs.close()
    assert (jobs.ids(), store.texts) == ([], {})


async def test_what_ran_waits_again_after_a_stop_and_goes_on_where_it_was() -> None:
    store = Memory()
    jobs, _ = await started(store, concurrent=1)
    job = Counting(3, name="a")
    job_id = await jobs.submit(job, priority=4, user_data="mine")
    other = await jobs.submit(Counting(1, name="b"))
    await job.entered.wait()
    job.go.set()
    await asyncio.sleep(0)
    await job.entered.wait()
    created = jobs.status(job_id).created
    await jobs.close()
    assert job.stops == [Why.CLOSING]
    assert store.state(job_id)["state"] == "Pending"

    jobs, back = await started(store, concurrent=1)
    assert [(one.name, one.done) for one in back] == [("a", 1), ("b", 0)]
    await back[0].entered.wait()
    status = jobs.status(job_id)
    assert (status.state, status.priority, status.user_data) == (State.RUNNING, 4, "mine")
    assert (status.created, status.type) == (created, "Counting")
    assert jobs.status(other).state is State.PENDING
    await jobs.close()


async def test_after_a_crash_jobs_begin_from_their_last_saved_state() -> None:
    store, clock = Memory(), FakeClock()
    jobs, _ = await started(store, clock)
    job = Counting(3)
    job_id = await jobs.submit(job)
    await job.entered.wait()
    await clock.advance(0.2)
    assert (store.state(job_id)["state"], store.state(job_id)["job"]["done"]) == ("Running", 0)
    job.go.set()
    await asyncio.sleep(0)
    await job.entered.wait()
    await clock.advance(10)
    await clock.advance(0.2)
    crashed = dict(store.texts)
    await jobs.close()

    store = Memory()
    store.texts = crashed
    jobs, back = await started(store)
    assert [one.done for one in back] == [1]
    await jobs.close()


async def test_paused_jobs_the_history_and_its_order_survive() -> None:
    store, clock = Memory(), FakeClock()
    jobs, _ = await started(store, clock, history=2, concurrent=1)
    running = Counting(1)
    await jobs.submit(running)
    await running.entered.wait()
    paused, first, second, third = [await jobs.submit(Counting(0, name=name)) for name in "pabc"]
    jobs.pause(paused)
    failing = await jobs.submit(Scripted(RemoteTrouble("no")), priority=-1)
    running.go.set()
    for job_id in (first, second, third, failing):
        await jobs.wait(job_id)
        await clock.advance(1)
    before = jobs.status(failing)
    await jobs.close()

    jobs, _ = await started(store, clock, history=2)
    assert jobs.ids() == sorted((paused, third, failing))
    assert jobs.status(paused).state is State.PAUSED
    after = jobs.status(failing)
    assert (after.failed, after.content, after.completed, after.type) == (
        before.failed,
        before.content,
        before.completed,
        "Scripted",
    )
    assert (await jobs.wait(failing)).state is State.FAILURE
    with pytest.raises(JobStateError, match="nothing is left"):
        jobs.resubmit(failing)
    assert jobs.status(failing).state is State.FAILURE
    await jobs.run(Counting(0))
    assert third not in jobs.ids()
    jobs.resume(paused)
    assert (await jobs.wait(paused)).state is State.SUCCESS
    await jobs.close()


async def test_a_failed_job_can_be_resubmitted_after_a_restart() -> None:
    store = Memory()
    jobs, _ = await started(store)
    job = Counting(1)
    job_id = await jobs.submit(job)
    await job.entered.wait()
    jobs.cancel(job_id)
    await jobs.wait(job_id)
    await jobs.close()

    jobs, back = await started(store)
    jobs.resubmit(job_id)
    await back[0].entered.wait()
    back[0].go.set()
    assert (await jobs.wait(job_id)).state is State.SUCCESS
    await jobs.close()


async def test_jobs_that_can_not_be_loaded_are_failures_and_others_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Memory()
    jobs, _ = await started(store, concurrent=1)
    ids = [await jobs.submit(Counting(1, name=str(number))) for number in range(5)]
    await jobs.close()
    for job_id, change in (
        (ids[1], {"type": "Strange"}),
        (ids[2], {"job": {"nonsense": 1}}),
        (ids[3], {"job": None}),
    ):
        store.texts[job_id] = json.dumps(store.state(job_id) | change)
    store.texts["broken"] = '{"id": 3'
    store.texts["deep"] = "[" * 100_000

    jobs, back = await started(store, concurrent=1)
    assert jobs.ids() == sorted((*ids, "broken", "deep"))
    assert [one.name for one in back] == ["0", "4"]
    for job_id in (*ids[1:4], "broken", "deep"):
        status = jobs.status(job_id)
        assert status.state is State.FAILURE
        assert status.failed is not None
        assert (status.failed.code, status.content.get("Done", 0)) == (-1, 0)
    failed = jobs.status(ids[1]).failed
    assert failed is not None
    assert "'Strange'" in failed.details
    assert "text of the saved job broken" in caplog.text
    await jobs.close()


async def test_what_has_no_state_is_not_saved_until_it_is_finished() -> None:
    store = Memory()
    jobs, _ = await started(store)
    job = Scripted("block", CONTINUE)
    job_id = await jobs.submit(job)
    assert store.texts == {}
    await job.entered.wait()
    job.go.set()
    await jobs.wait(job_id)
    await jobs.close()
    assert store.state(job_id)["state"] == "Success"


async def test_forgotten_jobs_are_removed_from_the_store() -> None:
    store = Memory()
    jobs, _ = await started(store, history=1)
    for _ in range(3):
        await jobs.run(Counting(0))
    await jobs.close()
    assert list(store.texts) == list(jobs.ids())
    assert len(store.texts) == 1


@pytest.mark.parametrize("trouble", (DatabaseError("locked"), ValueError("locked")))
async def test_a_store_that_fails_is_tried_again(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    store, clock = Memory(), FakeClock()
    jobs, _ = await started(store, clock)
    job_id = await jobs.submit(Counting(1))
    store.trouble = trouble
    jobs.cancel(job_id)
    await jobs.wait(job_id)
    await clock.advance(0.2)
    assert "locked" in caplog.text
    store.trouble = None
    await clock.advance(5)
    await clock.advance(0.2)
    assert store.state(job_id)["state"] == "Failure"
    await jobs.close()


async def test_a_submission_that_the_stop_overtakes_is_told_so() -> None:
    store = Memory()
    jobs, _ = await started(store)
    store.gate.clear()
    running = asyncio.ensure_future(jobs.run(Counting(1)))
    for _ in range(20):
        await asyncio.sleep(0)
    closing = asyncio.ensure_future(jobs.close())
    for _ in range(20):
        await asyncio.sleep(0)
    store.gate.set()
    await closing
    with pytest.raises(UnavailableError):
        await running
    assert len(store.texts) == 1


async def test_a_job_with_a_state_that_is_no_json_does_not_stop_the_others() -> None:
    store = Memory()
    jobs, _ = await started(store)

    class Odd(Counting):
        def state(self) -> dict[str, Any]:
            return {"x": object()}

    await jobs.submit(Odd(1))
    job_id = await jobs.submit(Counting(1))
    assert list(store.texts) == [job_id]
    await jobs.close()


@given(st.text() | st.dictionaries(st.text(), st.integers()).map(json.dumps))
def test_any_text_becomes_a_job_that_is_shown(text: str) -> None:
    entry = decode("id", text, {}, 1.0)
    assert (entry.id, entry.state, entry.completed) == ("id", State.FAILURE, 1.0)


async def test_the_owner_is_the_same_after_a_restart() -> None:
    store = Memory()
    jobs, _ = await started(store, concurrent=1)
    mine = await jobs.submit(Counting(1, name="a"), owner="user:alice")
    server = await jobs.submit(Counting(1, name="b"))
    await jobs.close()

    jobs, _ = await started(store, concurrent=1)
    assert jobs.ids("user:alice") == [mine]
    assert jobs.ids("") == [server]
    assert jobs.ids() == sorted([mine, server])
    jobs.refuse_others(mine, "user:alice")
    jobs.refuse_others(mine, None)
    for job_id in (mine, "nothing"):
        with pytest.raises(UnknownJobError):
            jobs.refuse_others(job_id, "user:bob")
    await jobs.close()
