"""Hostile bytes, made up and mutated: nothing is raised, memory is bounded, answers are sound."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ul import messages
from tests.ul.messages import FULL_ACCEPT, FULL_REQUEST
from tests.ul.pair import ACCEPT, REQUEST, Pair

from hornburg.ul.connection import Connection
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateRequest,
    DataReceived,
    ReleaseRequest,
)
from hornburg.ul.limits import Limits
from hornburg.ul.pdu import HEAD_SIZE
from hornburg.ul.readers import READERS
from hornburg.ul.state import State
from hornburg.ul.writers import RELEASE_REPLY, RELEASE_REQUEST, write_abort, write_accept

SMALL = Limits(maximum_length=1024, association_pdu=4096)
REQUEST_SMALL = AssociateRequest("A", "B", REQUEST.contexts, maximum_length=1024)
ACCEPT_SMALL = AssociateAccept("A", "B", ACCEPT.contexts, maximum_length=1024)


def _stream(pair: Pair) -> bytes:
    return b"".join(
        (
            pair.requestor.data(1, True, b"command", True),
            pair.requestor.data(3, False, bytes(300), False),
            pair.requestor.data(3, False, bytes(1000), True),
        )
    )


def _acceptor() -> Connection:
    return Connection(requestor=False, limits=SMALL)


def _asked() -> Connection:
    connection = Connection(requestor=True, limits=SMALL)
    connection.connected()
    connection.send(REQUEST_SMALL)
    return connection


def _established(side: str) -> Connection:
    connection: Connection = getattr(Pair(REQUEST_SMALL, ACCEPT_SMALL, limits=SMALL), side)
    return connection


def _releasing() -> Connection:
    connection = _established("acceptor")
    connection.send(ReleaseRequest())
    return connection


PLACES: list[Callable[[], Connection]] = [
    _acceptor,
    _asked,
    lambda: _established("requestor"),
    lambda: _established("acceptor"),
    _releasing,
]

_ASKED_BYTES = Connection(requestor=True)
_ASKED_BYTES.connected()
PIECES = [
    _ASKED_BYTES.send(FULL_REQUEST),
    write_accept(FULL_ACCEPT, "1.2.840.10008.3.1.1.1"),
    write_accept(ACCEPT_SMALL, "1.2.840.10008.3.1.1.1"),
    _stream(Pair(REQUEST_SMALL, ACCEPT_SMALL, limits=SMALL)),
    RELEASE_REQUEST,
    RELEASE_REPLY,
    write_abort(Abort(0, 0)),
]


def check(connection: Connection, received: bytes, cuts: list[int]) -> None:
    """Feed it in pieces; everything that must hold holds after each of them."""
    position = 0
    for cut in [*cuts, len(received)]:
        part = received[position : position + cut]
        if not part:
            break
        position += cut
        ended = connection.wants_close
        events = connection.receive(part)
        for event in events:
            if isinstance(event, DataReceived):
                assert event.context_id in connection.contexts
                assert len(event.data) <= connection.limits.maximum_length
                assert not ended
            else:
                assert repr(event).isprintable()
        assert len(connection._incoming.waiting) <= connection.limits.association_pdu + HEAD_SIZE
        check_sound(connection.outgoing())
    connection.receive(b"")
    assert connection.wants_close
    assert connection.state is State.IDLE
    assert connection.receive(received) == []
    check_sound(connection.outgoing())


def check_sound(sent: bytes) -> None:
    """The bytes are whole PDUs that we would take ourselves."""
    while sent:
        length = int.from_bytes(sent[2:6], "big")
        assert len(sent) >= HEAD_SIZE + length
        READERS[sent[0]](sent[HEAD_SIZE : HEAD_SIZE + length], Limits())
        sent = sent[HEAD_SIZE + length :]


cuts = st.lists(st.integers(1, 600), max_size=8)


@given(st.sampled_from(PLACES), st.binary(max_size=600), cuts)
def test_anything(place: Callable[[], Connection], received: bytes, cuts: list[int]) -> None:
    check(place(), received, cuts)


@given(
    st.sampled_from(PLACES),
    st.lists(
        st.one_of(
            st.sampled_from(PIECES),
            st.builds(
                lambda kind, body: bytes((kind, 0)) + len(body).to_bytes(4, "big") + body,
                st.integers(0, 8),
                st.binary(max_size=100),
            ),
        ),
        max_size=6,
    ).map(b"".join),
    cuts,
)
def test_pdus_in_any_order(
    place: Callable[[], Connection], received: bytes, cuts: list[int]
) -> None:
    check(place(), received, cuts)


@given(st.sampled_from(PLACES), messages.requests, st.data())
@settings(max_examples=60)
def test_made_up_requests_with_a_changed_byte(
    place: Callable[[], Connection], request: AssociateRequest, data: st.DataObject
) -> None:
    asking = Connection(requestor=True, limits=Limits(maximum_length=0xFFFFFFFF, least_length=0))
    asking.connected()
    written = bytearray(asking.send(request))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    check(place(), bytes(written), [])


def test_mutations() -> None:
    """Valid streams with bytes changed, taken out, put in and doubled."""
    chance = random.Random(int(os.environ.get("HORNBURG_SEED", "20")))
    for number in range(3000):
        place = PLACES[number % len(PLACES)]
        parts = chance.choices(PIECES, k=chance.randint(1, 4))
        received = bytearray(b"".join(parts))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(received))
            change = chance.randrange(4)
            if change == 0:
                received[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            elif change == 1:
                del received[at : at + chance.randint(1, 8)]
            elif change == 2:
                received[at:at] = chance.randbytes(chance.randint(1, 8))
            else:
                received[at:at] = received[at : at + 60]
            if not received:
                received = bytearray(b"\0")
        check(place(), bytes(received), [chance.randint(1, 400) for _ in range(3)])


@given(st.sampled_from(range(len(PLACES))), st.lists(st.sampled_from(PIECES), max_size=4), cuts)
def test_how_it_is_cut_makes_no_difference(place: int, parts: list[bytes], cuts: list[int]) -> None:
    received = b"".join(parts)
    if not received:
        return
    whole, cut = PLACES[place](), PLACES[place]()
    expected = [_plain(event) for event in whole.receive(received)]
    got, position = [], 0
    for size in [*cuts, len(received)]:
        part = received[position : position + size]
        if part:
            got += [_plain(event) for event in cut.receive(part)]
        position += size
    assert got == expected
    assert cut.state is whole.state
    assert cut.outgoing() == whole.outgoing()


def _plain(event: object) -> object:
    return (*event[:3], bytes(event.data)) if isinstance(event, DataReceived) else event
