"""A whole association between two connections, and what each may say when."""

from __future__ import annotations

import pytest
from tests.ul.pair import ACCEPT, EXPLICIT, REQUEST, Pair

from hornburg.ul.connection import Connection
from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateReject,
    Closed,
    DataReceived,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.state import State


def test_an_association_from_beginning_to_end() -> None:
    pair = Pair()
    assert pair.requestor.state is pair.acceptor.state is State.ESTABLISHED
    assert pair.requestor.contexts.keys() == pair.acceptor.contexts.keys() == {1, 3}
    assert pair.acceptor.contexts[3].transfer_syntax == EXPLICIT
    assert pair.requestor.maximum_fragment == 16384 - 6

    (event,) = pair.acceptor.receive(pair.requestor.data(3, True, b"command", True))
    assert event == DataReceived(3, True, True, memoryview(b"command"))
    (event,) = pair.requestor.receive(pair.acceptor.data(1, False, b"fragment", False))
    assert event == DataReceived(1, False, False, memoryview(b"fragment"))

    assert pair.say(pair.requestor, ReleaseRequest()) == [ReleaseRequest()]
    assert pair.say(pair.acceptor, ReleaseReply()) == [ReleaseReply()]
    assert pair.requestor.state is State.IDLE
    assert pair.requestor.wants_close
    assert pair.acceptor.state is State.AWAITING_CLOSE
    assert pair.acceptor.timer
    assert not pair.acceptor.wants_close
    assert pair.acceptor.receive(b"") == []
    assert pair.acceptor.wants_close
    assert not pair.acceptor.timer


def test_a_request_may_wait_for_the_transport() -> None:
    requestor = Connection(requestor=True)
    assert not requestor.wants_close
    assert requestor.send(REQUEST) == b""
    assert requestor.state is State.CONNECTING
    assert requestor.outgoing() == b""
    requestor.connected()
    assert requestor.state is State.AWAITING_ANSWER
    assert Connection(requestor=False).receive(requestor.outgoing()) == [REQUEST]
    assert requestor.outgoing() == b""
    with pytest.raises(LocalProtocolError, match="open already"):
        requestor.connected()


def test_giving_up_while_the_transport_opens() -> None:
    requestor = Connection(requestor=True)
    requestor.send(REQUEST)
    assert requestor.send(Abort()) == b""
    assert requestor.wants_close


def test_a_transport_that_does_not_open() -> None:
    requestor = Connection(requestor=True)
    requestor.send(REQUEST)
    assert requestor.receive(b"") == [Closed()]
    assert requestor.wants_close


def test_a_rejection() -> None:
    pair = Pair(associate=False)
    pair.say(pair.requestor, REQUEST)
    reject = AssociateReject(1, 1, 3)
    assert pair.say(pair.acceptor, reject) == [reject]
    assert pair.requestor.wants_close
    assert pair.acceptor.state is State.AWAITING_CLOSE


def test_an_abort_of_either_side() -> None:
    for aborts in (True, False):
        pair = Pair()
        side = pair.requestor if aborts else pair.acceptor
        assert pair.say(side, Abort(0, 0)) == [Abort(0, 0)]
        assert pair.other(side).wants_close
        assert side.state is State.AWAITING_CLOSE


def test_nothing_can_be_said_after_the_end() -> None:
    pair = Pair()
    pair.acceptor.receive(b"")
    for event in (REQUEST, ACCEPT, AssociateReject(1, 1, 1), ReleaseRequest(), Abort()):
        assert not pair.acceptor.may_send(type(event))
        with pytest.raises(LocalProtocolError, match="can't be sent in the state IDLE"):
            pair.acceptor.send(event)
    with pytest.raises(LocalProtocolError, match="can't be sent in the state IDLE"):
        pair.acceptor.data(1, True, b"late", True)


def test_ending_it_in_any_state() -> None:
    waiting = Connection(requestor=False)
    assert waiting.abort() == b""
    assert waiting.wants_close
    assert not waiting.timer
    pair = Pair()
    assert pair.acceptor.abort(Abort(2, 0)) == b"\7\0\0\0\0\4\0\0\2\0"
    assert pair.acceptor.state is State.AWAITING_CLOSE
    assert pair.acceptor.abort() == b""
    assert pair.acceptor.wants_close
    assert pair.acceptor.abort() == b""
    not_begun = Connection(requestor=True)
    assert not_begun.abort() == b""
    assert not_begun.wants_close
