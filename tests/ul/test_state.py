"""The state machine against the standard's tables: each state with each event, for both roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.ul.pair import ACCEPT, REQUEST, Pair
from tests.ul.standard import ACTIONS, TIMER, TRANSITIONS

from hornburg.ul.connection import Connection
from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import Abort, AssociateReject, ReleaseReply, ReleaseRequest
from hornburg.ul.state import EFFECTS, TABLE, Action, State, Trigger
from hornburg.ul.writers import (
    RELEASE_REPLY,
    RELEASE_REQUEST,
    write_abort,
    write_accept,
    write_reject,
    write_request,
)

REQUEST_PDU = write_request(REQUEST)
ACCEPT_PDU = write_accept(ACCEPT, REQUEST.application_context)
REJECT_PDU = write_reject(AssociateReject(1, 1, 1))
ABORT_PDU = write_abort(Abort(0, 0))
DATA_PDU = b"\4\0\0\0\0\7" + b"\0\0\0\3\1\3" + b"x"
INVALID_PDU = b"\x09\0\0\0\0\4abcd"


def _idle() -> Connection:
    return Connection(requestor=True)


def _awaiting_request() -> Connection:
    return Connection(requestor=False)


def _awaiting_local_answer() -> Connection:
    connection = Connection(requestor=False)
    connection.receive(REQUEST_PDU)
    return connection


def _connecting() -> Connection:
    connection = Connection(requestor=True)
    connection.send(REQUEST)
    return connection


def _awaiting_answer() -> Connection:
    connection = _connecting()
    connection.connected()
    connection.outgoing()
    return connection


def _established_requestor() -> Connection:
    return Pair().requestor


def _established_acceptor() -> Connection:
    return Pair().acceptor


def _releasing(established: Callable[[], Connection]) -> Connection:
    connection = established()
    connection.send(ReleaseRequest())
    return connection


def _asked_to_release(established: Callable[[], Connection]) -> Connection:
    connection = established()
    connection.receive(RELEASE_REQUEST)
    return connection


def _collided(established: Callable[[], Connection]) -> Connection:
    connection = _releasing(established)
    connection.receive(RELEASE_REQUEST)
    return connection


def _collision_requestor_awaiting() -> Connection:
    connection = _collided(_established_requestor)
    connection.send(ReleaseReply())
    return connection


def _collision_acceptor_to_answer() -> Connection:
    connection = _collided(_established_acceptor)
    connection.receive(RELEASE_REPLY)
    return connection


def _aborted(established: Callable[[], Connection]) -> Connection:
    connection = established()
    connection.send(Abort())
    return connection


# The standard's name, and how to get there.
PLACES: list[tuple[str, Callable[[], Connection]]] = [
    ("Sta1", _idle),
    ("Sta2", _awaiting_request),
    ("Sta3", _awaiting_local_answer),
    ("Sta4", _connecting),
    ("Sta5", _awaiting_answer),
    ("Sta6", _established_requestor),
    ("Sta6", _established_acceptor),
    ("Sta7", lambda: _releasing(_established_requestor)),
    ("Sta7", lambda: _releasing(_established_acceptor)),
    ("Sta8", lambda: _asked_to_release(_established_requestor)),
    ("Sta8", lambda: _asked_to_release(_established_acceptor)),
    ("Sta9", lambda: _collided(_established_requestor)),
    ("Sta10", lambda: _collided(_established_acceptor)),
    ("Sta11", _collision_requestor_awaiting),
    ("Sta12", _collision_acceptor_to_answer),
    ("Sta13", lambda: _aborted(_established_requestor)),
    ("Sta13", lambda: _aborted(_established_acceptor)),
]

# What makes an event happen: something said (its bytes are what is sent), or something received.
SAID: dict[str, Callable[[Connection], bytes]] = {
    "Evt1": lambda connection: connection.send(REQUEST),
    "Evt7": lambda connection: connection.send(ACCEPT),
    "Evt8": lambda connection: connection.send(AssociateReject(1, 1, 1)),
    "Evt9": lambda connection: connection.data(1, True, b"x", True),
    "Evt11": lambda connection: connection.send(ReleaseRequest()),
    "Evt14": lambda connection: connection.send(ReleaseReply()),
    "Evt15": lambda connection: connection.send(Abort()),
}
RECEIVED = {
    "Evt3": ACCEPT_PDU,
    "Evt4": REJECT_PDU,
    "Evt6": REQUEST_PDU,
    "Evt10": DATA_PDU,
    "Evt12": RELEASE_REQUEST,
    "Evt13": RELEASE_REPLY,
    "Evt16": ABORT_PDU,
    "Evt17": b"",
    "Evt19": INVALID_PDU,
}


def test_the_table_is_the_standards() -> None:
    ours = {
        (trigger.value, state.value): action.value
        for trigger, row in TABLE.items()
        for state, action in row.items()
    }
    assert ours == TRANSITIONS
    assert set(TABLE) == set(Trigger)
    assert set(EFFECTS) == set(Action)


def test_every_state_is_tried() -> None:
    assert {name for name, _ in PLACES} == {state.value for state in State}
    for name, place in PLACES:
        assert place().state.value == name
        assert place().timer is (name in TIMER)
        assert not place().wants_close
        assert place().outgoing() == b""


@pytest.mark.parametrize("event", [trigger.value for trigger in Trigger])
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_each_event_in_each_state(name: str, place: Callable[[], Connection], event: str) -> None:
    connection = place()
    action = TRANSITIONS.get((event, name))
    told = []
    sent = b""
    if event == "Evt5":
        # An acceptor is in Sta2 as soon as it is made.
        assert Connection(requestor=False).state is State.AWAITING_REQUEST
        return
    if event == "Evt2":
        if action is None:
            return
        connection.connected()
    elif event == "Evt18":
        connection.timed_out()
    elif event in SAID:
        if action is None:
            with pytest.raises(LocalProtocolError):
                SAID[event](connection)
            assert connection.state.value == name
            assert connection.outgoing() == b""
            return
        sent = SAID[event](connection)
    else:
        told = connection.receive(RECEIVED[event])
    sent += connection.outgoing()
    names = [type(one).__name__ for one in told]
    _check(connection, name, event, action, sent, names)


def _check(
    connection: Connection,
    before: str,
    event: str,
    action: str | None,
    sent: bytes,
    told: list[str],
) -> None:
    if action is None:
        assert (connection.state.value, sent, told) == (before, b"", [])
        return
    state, pdu, user, closes = ACTIONS[action]
    if action == "AR-8" and not connection.requestor:
        state = "Sta10"
    assert connection.state.value == state
    assert (sent[0] if sent else None) == pdu
    if action == "AA-1" and event != "Evt15" and before == "Sta2":
        # What the peer did before there was a user is told for the log.
        user = "Abort"
    assert told == ([] if user is None else [user])
    assert connection.timer is (state in TIMER)
    # When the peer closed its side, ours is closed as well.
    assert connection.wants_close is (closes or state == "Sta1")
    if action in ("AA-1", "AA-7", "AA-8"):
        # Of the user when he asked for it, else of the provider with the reason of table 9-26.
        why = {"Evt15": b"\0\0", "Evt19": b"\2\1"}.get(event, b"\2\2")
        assert sent == b"\7\0\0\0\0\4\0\0" + why
