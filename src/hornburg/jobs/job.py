"""What a kind of job fills in, so that the engine can run it.

A job works in steps. Each step is a bounded piece of work, such as one instance that is sent.
Between two of them the engine may pause or cancel the job, or stop with the server.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hornburg.errors import HornburgError

__all__ = [
    "CONTINUE",
    "LONGEST_DELAY",
    "SUCCESS",
    "Job",
    "Loader",
    "Outcome",
    "Output",
    "Step",
    "Why",
    "failure",
    "retry",
]

#: Seconds; what is to be tried again later than in a day is forgotten by whoever waits for it.
LONGEST_DELAY = 86_400.0


class Outcome(enum.Enum):
    """What comes after a step."""

    CONTINUE = "continue"
    SUCCESS = "success"
    RETRY = "retry"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Step:
    """How a step ended; ``delay`` in seconds goes with RETRY, ``error`` with FAILURE."""

    outcome: Outcome
    delay: float = 0.0
    error: HornburgError | None = None


CONTINUE = Step(Outcome.CONTINUE)
"""There is more to do."""

SUCCESS = Step(Outcome.SUCCESS)
"""All is done."""


def retry(delay: float) -> Step:
    """The step did not work, and shall be run again after ``delay`` seconds."""
    return Step(Outcome.RETRY, min(max(delay, 0.0), LONGEST_DELAY))


def failure(error: HornburgError) -> Step:
    """The job can't be done. To raise the error says the same."""
    return Step(Outcome.FAILURE, error=error)


class Why(enum.Enum):
    """Why a job stops running."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"
    PAUSED = "paused"
    RETRY = "retry"
    CLOSING = "closing"  # the server stops; the job goes on after the next start


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a job made: its content, or where it lies."""

    mime: str
    name: str
    content: bytes | Path


class Job(ABC):
    """One task. All methods run on the event loop; what blocks goes to a thread inside of a step.

    ``type`` is Orthanc's word for the kind, such as ``DicomModalityStore``.
    """

    type: ClassVar[str]

    @abstractmethod
    async def step(self) -> Step:
        """Do one bounded piece of work.

        It is cancelled (``asyncio.CancelledError``) when somebody cancels the job, or when the
        server stops and the step takes too long. So a job notes what it did only when that is
        done: after the next start the step is run once more, from the last :meth:`state`.

        Raises:
            HornburgError: the job fails with this error; ``dimse_status`` of the error, if it has
                one, is shown as ``DimseErrorStatus``. Any other exception becomes an internal
                error that the log has under a number.
        """

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """What everybody may know of the job, as JSON: ``Content``, and the answer of a
        synchronous call. Asked at any time, often; cheap."""

    @property
    @abstractmethod
    def progress(self) -> float:
        """How much is done, 0 to 1."""

    async def stop(self, why: Why) -> None:
        """Let go of what is only needed while the job runs, such as associations.

        Called each time that the job leaves ``Running``, after its step has ended.
        """
        return

    def state(self) -> dict[str, Any] | None:
        """All that :meth:`load` needs to go on from here, as JSON; none when the job can't
        survive a restart, and then it isn't saved while it is unfinished."""
        return None

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Any) -> Job:
        """The job that :meth:`state` described.

        Args:
            state: what :meth:`state` gave, checked like any other input.
            tools: what jobs work with; what that is, is between the kinds of jobs and whoever
                starts the engine.

        Raises:
            Exception: of any kind; the job is then shown as failed.
        """
        raise NotImplementedError(f"{cls.type} can't be loaded")

    def restart(self) -> None:
        """Begin anew: the failed job is submitted again."""
        return

    def output(self, key: str) -> Output | None:
        """A file that the job made."""
        return None

    def delete_output(self, key: str) -> bool:
        """Remove a file that the job made; whether there was one."""
        return False

    def discard(self) -> None:
        """The job is forgotten: remove all its files. Not called when the server stops."""
        return


Loader = Callable[[Mapping[str, Any]], Job]
"""Makes a job of its saved state: ``partial(StoreJob.load, tools=tools)``."""
