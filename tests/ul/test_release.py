"""Both sides ask for the release at the same time (PS3.8 7.2.2, Sta9 to Sta12)."""

from __future__ import annotations

import pytest
from tests.ul.pair import Pair

from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import DataReceived, ReleaseReply, ReleaseRequest
from hornburg.ul.state import State


def test_a_collision() -> None:
    pair = Pair()
    of_requestor = pair.requestor.send(ReleaseRequest())
    of_acceptor = pair.acceptor.send(ReleaseRequest())
    assert pair.requestor.receive(of_acceptor) == [ReleaseRequest()]
    assert pair.acceptor.receive(of_requestor) == [ReleaseRequest()]
    # The acceptor has to wait for the requestor's answer.
    with pytest.raises(LocalProtocolError):
        pair.acceptor.send(ReleaseReply())
    assert pair.say(pair.requestor, ReleaseReply()) == [ReleaseReply()]
    assert pair.requestor.state is State.COLLISION_REQUESTOR_AWAITING
    assert pair.say(pair.acceptor, ReleaseReply()) == [ReleaseReply()]
    assert pair.requestor.wants_close
    assert pair.acceptor.state is State.AWAITING_CLOSE
    assert pair.acceptor.receive(b"") == []
    assert pair.acceptor.wants_close


def test_data_on_the_way_is_still_told_and_may_still_be_sent() -> None:
    pair = Pair()
    data = pair.acceptor.data(1, True, b"x", True)
    release = pair.requestor.send(ReleaseRequest())
    assert pair.requestor.receive(data) == [DataReceived(1, True, True, memoryview(b"x"))]
    assert pair.requestor.state is State.AWAITING_RELEASE_REPLY
    assert pair.acceptor.receive(release) == [ReleaseRequest()]
    late = pair.acceptor.data(1, False, b"y", True)
    assert pair.acceptor.state is State.AWAITING_LOCAL_RELEASE_REPLY
    assert pair.requestor.receive(late + pair.acceptor.send(ReleaseReply())) == [
        DataReceived(1, False, True, memoryview(b"y")),
        ReleaseReply(),
    ]
    with pytest.raises(LocalProtocolError):
        pair.requestor.data(1, True, b"x", True)
