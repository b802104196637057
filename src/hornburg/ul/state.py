"""The state machine of the upper layer: PS3.8 section 9.2, tables 9-1 to 9-10.

An association is in one of 13 states. 19 kinds of trigger move it: what our own side asks for,
what the transport tells, and what the peer sends. ``TABLE`` says which action a trigger has in
each state, and ``EFFECTS`` to which state the action leads and whether it closes the transport.
Everything that changes the state is in this file; sending and telling is done in
:mod:`hornburg.ul.connection`.

A trigger that has no action in a state can't happen there. When our own side asks for one, that
is its mistake (``LocalProtocolError``); what the peer sends has an action in every state in which
there is a transport.

The ARTIM timer (association request, reject, release; PS3.8 9.1.5) runs in the two states where
only the peer can go on and there is no association: before its request, and before it closes the
transport. It starts anew at each change of the state.

Beside the standard's actions stands one more, ``REFUSE_REQUEST``: the second half of AE-6, for
a request that the service provider itself does not accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["EFFECTS", "TABLE", "Action", "Effect", "State", "Trigger"]


class State(Enum):
    """Where an association is; the value is the standard's name."""

    IDLE = "Sta1"
    AWAITING_REQUEST = "Sta2"
    AWAITING_LOCAL_ANSWER = "Sta3"
    CONNECTING = "Sta4"
    AWAITING_ANSWER = "Sta5"
    ESTABLISHED = "Sta6"
    AWAITING_RELEASE_REPLY = "Sta7"
    AWAITING_LOCAL_RELEASE_REPLY = "Sta8"
    # Both sides asked for the release at the same time. The requestor of the association
    # answers first (9, then 11), and its acceptor waits for that (10, then 12).
    COLLISION_REQUESTOR_TO_ANSWER = "Sta9"
    COLLISION_ACCEPTOR_AWAITING = "Sta10"
    COLLISION_REQUESTOR_AWAITING = "Sta11"
    COLLISION_ACCEPTOR_TO_ANSWER = "Sta12"
    AWAITING_CLOSE = "Sta13"


class Trigger(Enum):
    """What moves an association; the value is the standard's name. ``_CAME`` is of the peer."""

    REQUEST_ASKED = "Evt1"
    TRANSPORT_OPENED = "Evt2"
    ACCEPT_CAME = "Evt3"
    REJECT_CAME = "Evt4"
    TRANSPORT_ACCEPTED = "Evt5"
    REQUEST_CAME = "Evt6"
    ACCEPT_ASKED = "Evt7"
    REJECT_ASKED = "Evt8"
    DATA_ASKED = "Evt9"
    DATA_CAME = "Evt10"
    RELEASE_ASKED = "Evt11"
    RELEASE_CAME = "Evt12"
    RELEASE_REPLY_CAME = "Evt13"
    RELEASE_REPLY_ASKED = "Evt14"
    ABORT_ASKED = "Evt15"
    ABORT_CAME = "Evt16"
    TRANSPORT_CLOSED = "Evt17"
    TIMER_EXPIRED = "Evt18"
    INVALID_CAME = "Evt19"


class Action(Enum):
    """What is done; the value is the standard's name."""

    OPEN_TRANSPORT = "AE-1"
    SEND_REQUEST = "AE-2"
    TELL_ACCEPT = "AE-3"
    TELL_REJECT = "AE-4"
    TAKE_TRANSPORT = "AE-5"
    TELL_REQUEST = "AE-6"
    REFUSE_REQUEST = "AE-6, otherwise"
    SEND_ACCEPT = "AE-7"
    SEND_REJECT = "AE-8"
    SEND_DATA = "DT-1"
    TELL_DATA = "DT-2"
    SEND_RELEASE = "AR-1"
    TELL_RELEASE = "AR-2"
    TELL_RELEASED = "AR-3"
    SEND_RELEASE_REPLY = "AR-4"
    FINISH = "AR-5"
    TELL_LATE_DATA = "AR-6"
    SEND_LATE_DATA = "AR-7"
    TELL_COLLISION = "AR-8"
    SEND_COLLISION_REPLY = "AR-9"
    TELL_COLLISION_REPLY = "AR-10"
    SEND_ABORT = "AA-1"
    CLOSE_TRANSPORT = "AA-2"
    TELL_ABORT = "AA-3"
    TELL_CLOSED = "AA-4"
    GIVE_UP = "AA-5"
    IGNORE = "AA-6"
    ABORT_AGAIN = "AA-7"
    ABORT_AND_TELL = "AA-8"


@dataclass(frozen=True, slots=True)
class Effect:
    """Where an action leads: ``acceptor`` differs from ``requestor`` for a collision alone."""

    requestor: State
    acceptor: State


def _to(state: State) -> Effect:
    return Effect(state, state)


EFFECTS: dict[Action, Effect] = {
    # Table 9-6: making an association.
    Action.OPEN_TRANSPORT: _to(State.CONNECTING),
    Action.SEND_REQUEST: _to(State.AWAITING_ANSWER),
    Action.TELL_ACCEPT: _to(State.ESTABLISHED),
    Action.TELL_REJECT: _to(State.IDLE),
    Action.TAKE_TRANSPORT: _to(State.AWAITING_REQUEST),
    Action.TELL_REQUEST: _to(State.AWAITING_LOCAL_ANSWER),
    Action.REFUSE_REQUEST: _to(State.AWAITING_CLOSE),
    Action.SEND_ACCEPT: _to(State.ESTABLISHED),
    Action.SEND_REJECT: _to(State.AWAITING_CLOSE),
    # Table 9-7: data.
    Action.SEND_DATA: _to(State.ESTABLISHED),
    Action.TELL_DATA: _to(State.ESTABLISHED),
    # Table 9-8: release.
    Action.SEND_RELEASE: _to(State.AWAITING_RELEASE_REPLY),
    Action.TELL_RELEASE: _to(State.AWAITING_LOCAL_RELEASE_REPLY),
    Action.TELL_RELEASED: _to(State.IDLE),
    Action.SEND_RELEASE_REPLY: _to(State.AWAITING_CLOSE),
    Action.FINISH: _to(State.IDLE),
    Action.TELL_LATE_DATA: _to(State.AWAITING_RELEASE_REPLY),
    Action.SEND_LATE_DATA: _to(State.AWAITING_LOCAL_RELEASE_REPLY),
    Action.TELL_COLLISION: Effect(
        State.COLLISION_REQUESTOR_TO_ANSWER, State.COLLISION_ACCEPTOR_AWAITING
    ),
    Action.SEND_COLLISION_REPLY: _to(State.COLLISION_REQUESTOR_AWAITING),
    Action.TELL_COLLISION_REPLY: _to(State.COLLISION_ACCEPTOR_TO_ANSWER),
    # Table 9-9: abort.
    Action.SEND_ABORT: _to(State.AWAITING_CLOSE),
    Action.CLOSE_TRANSPORT: _to(State.IDLE),
    Action.TELL_ABORT: _to(State.IDLE),
    Action.TELL_CLOSED: _to(State.IDLE),
    Action.GIVE_UP: _to(State.IDLE),
    Action.IGNORE: _to(State.AWAITING_CLOSE),
    Action.ABORT_AGAIN: _to(State.AWAITING_CLOSE),
    Action.ABORT_AND_TELL: _to(State.AWAITING_CLOSE),
}

# The states in which there is an association, or half of one: 3 and 5 to 12.
_ASSOCIATED = (
    State.AWAITING_LOCAL_ANSWER,
    State.AWAITING_ANSWER,
    State.ESTABLISHED,
    State.AWAITING_RELEASE_REPLY,
    State.AWAITING_LOCAL_RELEASE_REPLY,
    State.COLLISION_REQUESTOR_TO_ANSWER,
    State.COLLISION_ACCEPTOR_AWAITING,
    State.COLLISION_REQUESTOR_AWAITING,
    State.COLLISION_ACCEPTOR_TO_ANSWER,
)


def _came(
    expected: dict[State, Action],
    *,
    first: Action = Action.SEND_ABORT,
    otherwise: Action = Action.ABORT_AND_TELL,
    late: Action = Action.IGNORE,
) -> dict[State, Action]:
    """The row of something that the peer sends.

    ``expected`` are the states that wait for it. ``first`` is done before a request (Sta2),
    ``otherwise`` in every other state with an association, ``late`` after its end (Sta13).
    """
    row = {State.AWAITING_REQUEST: first, State.AWAITING_CLOSE: late}
    row.update(dict.fromkeys(_ASSOCIATED, otherwise))
    return row | expected


# Table 9-10, a row for each trigger.
TABLE: dict[Trigger, dict[State, Action]] = {
    Trigger.REQUEST_ASKED: {State.IDLE: Action.OPEN_TRANSPORT},
    Trigger.TRANSPORT_OPENED: {State.CONNECTING: Action.SEND_REQUEST},
    Trigger.ACCEPT_CAME: _came({State.AWAITING_ANSWER: Action.TELL_ACCEPT}),
    Trigger.REJECT_CAME: _came({State.AWAITING_ANSWER: Action.TELL_REJECT}),
    Trigger.TRANSPORT_ACCEPTED: {State.IDLE: Action.TAKE_TRANSPORT},
    Trigger.REQUEST_CAME: _came({}, first=Action.TELL_REQUEST, late=Action.ABORT_AGAIN),
    Trigger.ACCEPT_ASKED: {State.AWAITING_LOCAL_ANSWER: Action.SEND_ACCEPT},
    Trigger.REJECT_ASKED: {State.AWAITING_LOCAL_ANSWER: Action.SEND_REJECT},
    Trigger.DATA_ASKED: {
        State.ESTABLISHED: Action.SEND_DATA,
        State.AWAITING_LOCAL_RELEASE_REPLY: Action.SEND_LATE_DATA,
    },
    Trigger.DATA_CAME: _came(
        {
            State.ESTABLISHED: Action.TELL_DATA,
            State.AWAITING_RELEASE_REPLY: Action.TELL_LATE_DATA,
        }
    ),
    Trigger.RELEASE_ASKED: {State.ESTABLISHED: Action.SEND_RELEASE},
    Trigger.RELEASE_CAME: _came(
        {
            State.ESTABLISHED: Action.TELL_RELEASE,
            State.AWAITING_RELEASE_REPLY: Action.TELL_COLLISION,
        }
    ),
    Trigger.RELEASE_REPLY_CAME: _came(
        {
            State.AWAITING_RELEASE_REPLY: Action.TELL_RELEASED,
            State.COLLISION_ACCEPTOR_AWAITING: Action.TELL_COLLISION_REPLY,
            State.COLLISION_REQUESTOR_AWAITING: Action.TELL_RELEASED,
        }
    ),
    Trigger.RELEASE_REPLY_ASKED: {
        State.AWAITING_LOCAL_RELEASE_REPLY: Action.SEND_RELEASE_REPLY,
        State.COLLISION_REQUESTOR_TO_ANSWER: Action.SEND_COLLISION_REPLY,
        State.COLLISION_ACCEPTOR_TO_ANSWER: Action.SEND_RELEASE_REPLY,
    },
    Trigger.ABORT_ASKED: {
        State.CONNECTING: Action.CLOSE_TRANSPORT,
        **dict.fromkeys(_ASSOCIATED, Action.SEND_ABORT),
    },
    Trigger.ABORT_CAME: _came(
        {},
        first=Action.CLOSE_TRANSPORT,
        otherwise=Action.TELL_ABORT,
        late=Action.CLOSE_TRANSPORT,
    ),
    Trigger.TRANSPORT_CLOSED: _came(
        {State.CONNECTING: Action.TELL_CLOSED},
        first=Action.GIVE_UP,
        otherwise=Action.TELL_CLOSED,
        late=Action.FINISH,
    ),
    Trigger.TIMER_EXPIRED: {
        State.AWAITING_REQUEST: Action.CLOSE_TRANSPORT,
        State.AWAITING_CLOSE: Action.CLOSE_TRANSPORT,
    },
    Trigger.INVALID_CAME: _came({}, late=Action.ABORT_AGAIN),
}
