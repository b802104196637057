"""A thread that runs the plain functions of a plug-in, one after another, and can be given up.

What takes too long is told so: an exception is raised inside of it, which ends a loop of Python
code. What is blocked elsewhere stays; then the thread is *stuck*, and whatever else would have
to wait for it fails at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

from hornburg.hooks.errors import TimeLimitError

__all__ = ["MOST_WAITING", "Call", "Worker", "inside", "set_inside"]

#: Functions that may wait for a worker.
MOST_WAITING = 1000

#: Functions of one plug-in inside one another: it calls the server, which asks the plug-in, which
#: calls the server…
_DEEPEST = 8


class Call:
    """A call of a function to the server, for whose answer its worker waits."""

    __slots__ = ("is_open", "worker")

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.is_open = True


_inside: ContextVar[frozenset[Call]] = ContextVar("inside", default=frozenset())


def inside() -> frozenset[Call]:
    """The calls that what runs now is part of: while their workers wait for the answer, they run
    what it needs of them. What outlasts its call, such as a job, waits as all others do."""
    return _inside.get()


def set_inside(calls: frozenset[Call]) -> None:
    """Say for this task, and for those that it starts, which calls they are part of."""
    _inside.set(calls)


class _Interrupt(BaseException):
    """Raised inside of what takes too long; no ``except Exception`` of a plug-in holds it up."""


class _Work:
    """A function on its way through the worker. All of it changes under the worker's lock."""

    __slots__ = ("arguments", "expired", "function", "future", "inside", "interrupted", "waits")

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], future: asyncio.Future[Any]
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.future = future
        self.inside = inside()
        self.expired = False
        self.interrupted = False
        #: Whether it waits for a call of its own.
        self.waits = False


class Worker:
    """One thread. It starts with the first function, and never keeps the process alive.

    All methods but :meth:`wait_for` belong to the event loop.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._condition = threading.Condition()
        self._waiting: deque[_Work] = deque()
        #: What calls of our own functions need; it runs while they wait.
        self._nested: deque[_Work] = deque()
        #: What runs, each inside of the one before.
        self._running: list[_Work] = []
        #: The calls whose answers are waited for.
        self._calls: list[Call] = []
        self._thread: threading.Thread | None = None
        self._stuck = False
        self._closed = False

    async def run(
        self, function: Callable[..., Any], *arguments: Any, limit: float | None = None
    ) -> Any:
        """Run a function when its turn comes.

        Args:
            limit: seconds from now, waiting included; ``None`` for no limit.

        Raises:
            TimeLimitError: it took longer, or could not begin.
            BaseException: what the function raises.
        """
        loop = asyncio.get_running_loop()
        work = _Work(function, arguments, loop.create_future())
        with self._condition:
            if self._closed or self._stuck:
                raise TimeLimitError("its thread still runs something that took too long")
            waits = any(call.is_open and call.worker is self for call in work.inside)
            queue = self._nested if waits else self._waiting
            if len(queue) >= MOST_WAITING:
                raise TimeLimitError(f"{MOST_WAITING} others wait already")
            queue.append(work)
            self._condition.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name=self.name, daemon=True)
            self._thread.start()
        timer = None if limit is None else loop.call_later(limit, self._expire, work)
        try:
            return await work.future
        except asyncio.CancelledError:
            with self._condition:
                if work in queue:
                    queue.remove(work)
            raise
        finally:
            # One that runs on without its caller has its limit nevertheless.
            if timer is not None and work not in self._running:
                timer.cancel()

    def close(self) -> None:
        """Take no more, and end what runs, as far as that can be."""
        with self._condition:
            self._closed = True
            waiting = (*self._waiting, *self._nested)
            self._waiting.clear()
            self._nested.clear()
            for work in self._running:
                self._interrupt(work)
            self._condition.notify_all()
        for work in waiting:
            work.future.cancel()

    def wait_for(self, call: Call, answer: Future[Any]) -> Any:
        """Wait, on the worker's own thread, for the answer to a call; what the call needs of this
        worker is run meanwhile.

        Raises:
            TimeLimitError: the time of the function that waits is up.
            BaseException: what the call raised.
        """
        answer.add_done_callback(self._wake)
        try:
            return self._wait(answer)
        finally:
            with self._condition:
                self._end_call(call)

    def _end_call(self, call: Call) -> None:
        call.is_open = False
        if call in self._calls:
            self._calls.remove(call)
        if not self._calls:
            # Nobody is left who would run it inside.
            self._waiting.extendleft(reversed(self._nested))
            self._nested.clear()

    def _wait(self, answer: Future[Any]) -> Any:
        work = self._running[-1]
        while True:
            with self._condition:
                work.waits = True
                while not (answer.done() or self._nested or work.expired):
                    self._condition.wait()
                work.waits = False
                nested = None if answer.done() or work.expired else self._nested.popleft()
            if nested is not None:
                self._run(nested)
            elif answer.done():
                return answer.result()
            else:
                answer.cancel()
                raise TimeLimitError("the time is up")

    @property
    def is_mine(self) -> bool:
        """Whether this is the worker's own thread."""
        return threading.current_thread() is self._thread

    def begin_call(self) -> tuple[Call, frozenset[Call]]:
        """On the worker's own thread: a call that begins, to be given to :meth:`wait_for`, and
        all those that it is part of, itself included."""
        call = Call(self)
        with self._condition:
            self._calls.append(call)
        return call, self._running[-1].inside | {call}

    # -- time-outs ------------------------------------------------------------------------------

    def _expire(self, work: _Work) -> None:
        with self._condition:
            if work in self._running:
                self._interrupt(work)
                self._stuck = True
                # Nothing that waits will have its turn in time.
                late = [work, *self._waiting, *self._nested]
                self._waiting.clear()
                self._nested.clear()
            else:
                for queue in (self._waiting, self._nested):
                    if work in queue:
                        queue.remove(work)
                late = [work]
        for one in late:
            if not one.future.done():
                one.future.set_exception(TimeLimitError("the time is up"))

    def _interrupt(self, work: _Work) -> None:
        work.expired = True
        if work.waits:
            self._condition.notify_all()
        elif work is self._running[-1] and not work.interrupted and self._thread is not None:
            work.interrupted = True
            _raise_in(self._thread.ident, _Interrupt)

    def _wake(self, _answer: object) -> None:
        with self._condition:
            self._condition.notify_all()

    # -- on the thread --------------------------------------------------------------------------

    def _main(self) -> None:
        while True:
            with self._condition:
                while not self._waiting:
                    if self._closed:
                        return
                    self._condition.wait()
                work = self._waiting.popleft()
                self._running.append(work)
            self._run_entered(work)

    def _run(self, work: _Work) -> None:
        with self._condition:
            if len(self._running) >= _DEEPEST:
                error = RecursionError(f"calls and hooks are nested deeper than {_DEEPEST}")
                _tell(work.future, None, error)
                return
            self._running.append(work)
        self._run_entered(work)

    def _run_entered(self, work: _Work) -> None:
        outcome: tuple[Any, BaseException | None] | None = None
        # An interrupt may come at any place, once: what it hits is done again.
        while True:
            try:
                if outcome is None:
                    outcome = _outcome(work)
                self._leave(work)
                break
            except _Interrupt:
                outcome = outcome or (None, TimeLimitError("the time is up"))
        _tell(work.future, *outcome)

    def _leave(self, work: _Work) -> None:
        """From here on nobody interrupts this work; what was to be raised and wasn't is taken
        back."""
        with self._condition:
            if work in self._running:
                self._running.remove(work)
            if work.interrupted and self._thread is not None:
                _raise_in(self._thread.ident, None)
            if not self._running:
                self._stuck = False
                for call in tuple(self._calls):  # whose end an interrupt has hit
                    self._end_call(call)


def _outcome(work: _Work) -> tuple[Any, BaseException | None]:
    try:
        return work.function(*work.arguments), None
    except _Interrupt:
        return None, TimeLimitError("the time is up")
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
        return None, error


def _tell(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            future.set_exception(error)
        else:
            # SystemExit and the like are for a program, and not for the server round a plug-in.
            future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))

    loop = future.get_loop()
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # closed since: nobody is left to hear it
            return


def _raise_in(thread: int | None, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next step of Python code, or take that back (C API
    reference, ``PyThreadState_SetAsyncExc``)."""
    if thread is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error)
        )
