"""The table of states."""

from __future__ import annotations

import pytest

from hornburg.jobs.states import TRANSITIONS, Event, State, after

ASKED = (Event.CANCEL, Event.PAUSE, Event.RESUME, Event.RESUBMIT)


@pytest.mark.parametrize("state", State)
def test_cancel_and_pause_are_never_an_error(state: State) -> None:
    assert after(state, Event.CANCEL) is not None
    assert after(state, Event.PAUSE) is not None


@pytest.mark.parametrize("state", State)
def test_resume_is_for_paused_and_resubmit_for_failed_jobs_alone(state: State) -> None:
    assert (after(state, Event.RESUME) is not None) == (state is State.PAUSED)
    assert (after(state, Event.RESUBMIT) is not None) == (state is State.FAILURE)


def test_a_success_stays_one() -> None:
    assert {after(State.SUCCESS, event) for event in Event} == {None, State.SUCCESS}


def test_only_the_engine_starts_and_ends_what_runs() -> None:
    for (state, event), target in TRANSITIONS.items():
        if event in ASKED and state is State.RUNNING:
            assert target is State.RUNNING
        if target is State.RUNNING and state is not State.RUNNING:
            assert (state, event) == (State.PENDING, Event.START)
