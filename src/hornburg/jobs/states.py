"""The states of a job, and the one table of what may follow what.

The states are Orthanc's (Orthanc Book, users/advanced-rest, "Jobs"); what each request does in
each of them was watched on Orthanc 1.10.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

__all__ = ["TRANSITIONS", "Event", "State", "after"]


class State(enum.Enum):
    """The states, in Orthanc's words."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESS = "Success"
    FAILURE = "Failure"
    PAUSED = "Paused"
    RETRY = "Retry"

    @property
    def finished(self) -> bool:
        """Whether the job has an end, and is history."""
        return self in (State.SUCCESS, State.FAILURE)


class Event(enum.Enum):
    """What happens to a job: the first four are asked for, the others come from the engine."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"

    START = "start"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    AGAIN = "again"  # its step wants to be repeated after a while
    DUE = "due"  # that while is over
    HALTED = "halted"  # a pause was asked for, and the step has ended
    SUSPENDED = "suspended"  # the server stops


# A running job goes on until its step has ended, whatever it is asked; then comes FAILED or
# HALTED. To cancel or pause what is finished already changes nothing, and is no error.
TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.PENDING, Event.START): State.RUNNING,
    (State.PENDING, Event.PAUSE): State.PAUSED,
    (State.PENDING, Event.CANCEL): State.FAILURE,
    (State.RUNNING, Event.PAUSE): State.RUNNING,
    (State.RUNNING, Event.CANCEL): State.RUNNING,
    (State.RUNNING, Event.SUCCEEDED): State.SUCCESS,
    (State.RUNNING, Event.FAILED): State.FAILURE,
    (State.RUNNING, Event.AGAIN): State.RETRY,
    (State.RUNNING, Event.HALTED): State.PAUSED,
    (State.RUNNING, Event.SUSPENDED): State.PENDING,
    (State.RETRY, Event.DUE): State.PENDING,
    (State.RETRY, Event.PAUSE): State.PAUSED,
    (State.RETRY, Event.CANCEL): State.FAILURE,
    (State.PAUSED, Event.PAUSE): State.PAUSED,
    (State.PAUSED, Event.RESUME): State.PENDING,
    (State.PAUSED, Event.CANCEL): State.FAILURE,
    (State.SUCCESS, Event.PAUSE): State.SUCCESS,
    (State.SUCCESS, Event.CANCEL): State.SUCCESS,
    (State.FAILURE, Event.PAUSE): State.FAILURE,
    (State.FAILURE, Event.CANCEL): State.FAILURE,
    (State.FAILURE, Event.RESUBMIT): State.PENDING,
}


def after(state: State, event: Event) -> State | None:
    """The next state; none when that can't happen in this one."""
    return TRANSITIONS.get((state, event))
