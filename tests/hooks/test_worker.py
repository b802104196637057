"""Threads of plug-ins: one after another, bounded, and given up when they hang."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

from hornburg.hooks.errors import TimeLimitError
from hornburg.hooks.worker import MOST_WAITING, Call, Worker, set_inside


@pytest.fixture
def worker() -> Worker:
    return Worker("test")


async def test_answers_and_errors_come_back(worker: Worker) -> None:
    assert await worker.run(lambda a, b: a + b, 1, 2) == 3
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0)


async def test_an_exit_of_the_plug_in_ends_neither_thread_nor_server(worker: Worker) -> None:
    with pytest.raises(RuntimeError, match="SystemExit"):
        await worker.run(exit, 3)
    assert await worker.run(lambda: 1) == 1


async def test_one_after_another_on_one_thread(worker: Worker) -> None:
    seen: list[int] = []
    threads = set()

    def note(number: int) -> None:
        threads.add(threading.get_ident())
        seen.append(number)

    await asyncio.gather(*(worker.run(note, number) for number in range(20)))
    assert seen == list(range(20))
    assert len(threads) == 1


async def test_an_endless_loop_is_ended(worker: Worker) -> None:
    def endless() -> None:
        while True:
            pass

    with pytest.raises(TimeLimitError):
        await worker.run(endless, limit=0.05)
    # The thread is free again: without an interrupt this would wait for ever.
    assert await _soon(worker) == "free"


async def test_a_loop_that_swallows_errors_is_ended_too(worker: Worker) -> None:
    def stubborn() -> None:
        while True:
            try:
                while True:
                    pass
            except Exception:
                continue

    with pytest.raises(TimeLimitError):
        await worker.run(stubborn, limit=0.05)
    assert await _soon(worker) == "free"


async def _soon(worker: Worker) -> str:
    """Run something as soon as the thread is free."""
    while True:
        try:
            return await worker.run(lambda: "free", limit=30)
        except TimeLimitError:
            await asyncio.sleep(0.005)


async def test_who_waits_for_a_stuck_thread_is_told_at_once(worker: Worker) -> None:
    block = threading.Event()
    stuck = asyncio.ensure_future(worker.run(block.wait, limit=0.05))
    waiting = asyncio.ensure_future(worker.run(lambda: 1, limit=3600))
    with pytest.raises(TimeLimitError):
        await stuck
    with pytest.raises(TimeLimitError):
        await waiting  # an hour before its own limit
    with pytest.raises(TimeLimitError, match="took too long"):
        await worker.run(lambda: 1, limit=3600)
    block.set()
    assert await _soon(worker) == "free"


async def test_waiting_counts(worker: Worker) -> None:
    block = threading.Event()
    first = asyncio.ensure_future(worker.run(block.wait))
    await asyncio.sleep(0)
    with pytest.raises(TimeLimitError):
        await worker.run(lambda: 1, limit=0.05)
    block.set()
    assert await first
    assert await worker.run(lambda: 2, limit=30) == 2


async def test_no_more_than_so_many_wait(worker: Worker) -> None:
    block = threading.Event()
    begun = threading.Event()

    def first() -> None:
        begun.set()
        block.wait()

    running = asyncio.ensure_future(worker.run(first))
    await asyncio.to_thread(begun.wait)
    waiting = [asyncio.ensure_future(worker.run(lambda: 1)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TimeLimitError, match="wait already"):
        await worker.run(lambda: 1)
    block.set()
    await asyncio.gather(running, *waiting)


async def test_what_nobody_waits_for_any_more_is_not_begun(worker: Worker) -> None:
    block = threading.Event()
    ran: list[int] = []
    first = asyncio.ensure_future(worker.run(block.wait))
    second = asyncio.ensure_future(worker.run(ran.append, 1))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    block.set()
    await first
    await worker.run(lambda: None)
    assert ran == []


async def test_what_runs_without_its_caller_keeps_its_limit(worker: Worker) -> None:
    begun = threading.Event()

    def endless() -> None:
        begun.set()
        while True:
            pass

    caller = asyncio.ensure_future(worker.run(endless, limit=0.1))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    assert await _soon(worker) == "free"


async def test_a_call_that_asks_the_same_plug_in_is_answered_on_its_thread(worker: Worker) -> None:
    loop = asyncio.get_running_loop()

    async def called(within: frozenset[Call]) -> str:
        set_inside(within)
        return str(await worker.run(lambda: "inner", limit=30))

    def outer() -> str:
        call, within = worker.begin_call()
        answer: Future[str] = asyncio.run_coroutine_threadsafe(called(within), loop)
        return f"outer {worker.wait_for(call, answer)}"

    assert await worker.run(outer, limit=30) == "outer inner"


async def test_calls_do_not_go_round_for_ever(worker: Worker) -> None:
    loop = asyncio.get_running_loop()

    async def called(within: frozenset[Call]) -> int:
        set_inside(within)
        return int(await worker.run(again, limit=30))

    def again() -> int:
        call, within = worker.begin_call()
        answer = asyncio.run_coroutine_threadsafe(called(within), loop)
        return int(worker.wait_for(call, answer)) + 1

    with pytest.raises(RecursionError):
        await worker.run(again, limit=30)


async def test_the_limit_ends_a_wait_for_a_call(worker: Worker) -> None:
    loop = asyncio.get_running_loop()

    def outer() -> None:
        call, _ = worker.begin_call()
        worker.wait_for(call, asyncio.run_coroutine_threadsafe(asyncio.Event().wait(), loop))

    with pytest.raises(TimeLimitError):
        await worker.run(outer, limit=0.05)
    assert await _soon(worker) == "free"


async def test_closing_ends_what_runs_and_what_waits() -> None:
    worker = Worker("test")
    begun = threading.Event()

    def endless() -> None:
        begun.set()
        while True:
            pass

    running = asyncio.ensure_future(worker.run(endless))
    waiting = asyncio.ensure_future(worker.run(lambda: 1))
    await asyncio.to_thread(begun.wait)
    worker.close()
    with pytest.raises(TimeLimitError):
        await running
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(TimeLimitError):
        await worker.run(lambda: 1)


async def test_what_outlasts_its_call_has_its_turn_as_all_others(worker: Worker) -> None:
    """A job that a handler submits, and that ends in a filter, while the next handler runs."""
    loop = asyncio.get_running_loop()
    jobs: list[asyncio.Future[str]] = []
    go = asyncio.Event()
    begun, block = threading.Event(), threading.Event()

    async def job() -> str:
        await go.wait()
        return str(await worker.run(lambda: "done", limit=30))

    async def submitting(within: frozenset[Call]) -> None:
        set_inside(within)
        jobs.append(asyncio.ensure_future(job()))

    def handler() -> None:
        call, within = worker.begin_call()
        worker.wait_for(call, asyncio.run_coroutine_threadsafe(submitting(within), loop))

    def busy() -> None:
        begun.set()
        block.wait()

    await worker.run(handler, limit=30)
    running = asyncio.ensure_future(worker.run(busy))
    await asyncio.to_thread(begun.wait)
    go.set()
    await asyncio.sleep(0.01)
    block.set()
    await running
    assert await jobs[0] == "done"
