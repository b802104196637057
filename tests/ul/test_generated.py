"""Hostile bytes, made up and mutated: nothing is raised, memory is bounded, answers are sound."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ul import messages
from tests.ul.invariants import PIECES, PLACES, check

from hornburg.ul.connection import Connection
from hornburg.ul.events import AssociateRequest, DataReceived
from hornburg.ul.writers import write_request

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
    written = bytearray(write_request(request))
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
