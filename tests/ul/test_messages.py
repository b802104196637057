"""Each PDU whole, byte by byte, and with a tail; what is written is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ul import messages
from tests.ul.messages import FULL_ACCEPT, FULL_REQUEST
from tests.ul.pair import ACCEPT, CT, REQUEST, Pair

from hornburg.ul.connection import Connection
from hornburg.ul.events import (
    Abort,
    AssociateReject,
    DataReceived,
    Event,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.limits import Limits
from hornburg.ul.pdu import HEAD_SIZE
from hornburg.ul.readers import READERS
from hornburg.ul.writers import write_abort, write_accept, write_reject, write_request


def _read(pdu: bytes) -> Event:
    assert int.from_bytes(pdu[2:6], "big") == len(pdu) - HEAD_SIZE
    return READERS[pdu[0]](pdu[HEAD_SIZE:], Limits())


def _data_of_two_values(context_id: int) -> bytes:
    values = b"\0\0\0\5" + bytes((context_id, 3)) + b"abc"
    values += b"\0\0\0\2" + bytes((context_id, 0))
    return b"\4\0" + len(values).to_bytes(4, "big") + values


def _established() -> Connection:
    return Pair().acceptor


def _awaiting_answer() -> Connection:
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(FULL_REQUEST)
    return requestor


def _acceptor() -> Connection:
    return Connection(requestor=False)


def _releasing() -> Connection:
    connection = _established()
    connection.send(ReleaseRequest())
    return connection


CASES = [
    (_acceptor, write_request(FULL_REQUEST), [FULL_REQUEST]),
    (_awaiting_answer, write_accept(FULL_ACCEPT, "1.2.840.10008.3.1.1.1"), [FULL_ACCEPT]),
    (_awaiting_answer, write_reject(AssociateReject(2, 3, 2)), [AssociateReject(2, 3, 2)]),
    (_established, b"\5\0\0\0\0\4\0\0\0\0", [ReleaseRequest()]),
    (_releasing, b"\6\0\0\0\0\4\0\0\0\0", [ReleaseReply()]),
    (_established, write_abort(Abort(2, 6)), [Abort(2, 6)]),
    (
        _established,
        _data_of_two_values(3),
        [
            DataReceived(3, True, True, memoryview(b"abc")),
            DataReceived(3, False, False, memoryview(b"")),
        ],
    ),
    (
        _established,
        Pair().requestor.data(3, False, bytes(range(250)) * 60, True),
        [DataReceived(3, False, True, memoryview(bytes(range(250)) * 60))],
    ),
]


@pytest.mark.parametrize(("place", "pdu", "events"), CASES)
def test_whole_byte_by_byte_and_with_a_tail(place, pdu, events) -> None:
    whole = place()
    assert whole.receive(pdu) == events
    slow = place()
    for position in range(len(pdu) - 1):
        assert slow.receive(pdu[position : position + 1]) == []
    assert slow.receive(pdu[-1:]) == events
    assert slow.state is whole.state
    # The beginning of another one changes nothing, as long as it isn't whole.
    tail = b"\7\0\0\0\0\4\0\0\0"
    for number in range(1, len(tail) + 1):
        with_tail = place()
        assert with_tail.receive(pdu + tail[:number]) == events
        assert with_tail.state is whole.state
        assert with_tail.outgoing() == b""


def test_data_looks_into_what_was_received() -> None:
    acceptor = _established()
    received = bytearray(Pair().requestor.data(3, False, b"abc", True))
    (event,) = acceptor.receive(received)
    received[-1:] = b"x"
    assert bytes(event.data) == b"abx"


def test_the_input_may_be_used_again_when_the_events_are_dealt_with() -> None:
    acceptor = _established()
    pdu = Pair().requestor.data(3, False, b"abcdef", True)
    place = bytearray(pdu[:15])
    assert acceptor.receive(memoryview(place)) == []
    place[:] = bytes(15)
    (event,) = acceptor.receive(memoryview(pdu)[15:])
    assert bytes(event.data) == b"abcdef"


@given(st.lists(st.integers(1, 400), max_size=60), st.data())
def test_a_stream_cut_anywhere(sizes, data) -> None:
    pair = Pair()
    stream, expected = b"", []
    for number, size in enumerate(sizes):
        value = bytes((number % 251,)) * size
        stream += pair.requestor.data(3, number % 3 == 0, value, number % 2 == 0)
        expected.append((3, number % 3 == 0, number % 2 == 0, value))
    stream += pair.requestor.send(ReleaseRequest())
    got: list[object] = []
    position = 0
    while position < len(stream):
        step = data.draw(st.integers(1, 700))
        for event in pair.acceptor.receive(stream[position : position + step]):
            got.append(
                (*event[:3], bytes(event.data)) if isinstance(event, DataReceived) else event
            )
        position += step
    assert got == [*expected, ReleaseRequest()]


@given(messages.requests)
def test_requests_are_read_as_they_were_written(request) -> None:
    assert _read(write_request(request)) == request


@given(messages.accepts)
def test_answers_are_read_as_they_were_written(accept) -> None:
    assert _read(write_accept(accept, "1.2.840.10008.3.1.1.1")) == accept


@given(messages.rejects)
def test_rejections_are_read_as_they_were_written(reject) -> None:
    assert _read(write_reject(reject)) == reject


@given(st.integers(0, 255), st.integers(0, 255))
def test_aborts_are_read_as_they_were_written(source, reason) -> None:
    assert _read(write_abort(Abort(source, reason))) == Abort(source, reason)


def test_nothing_to_say_has_no_bytes() -> None:
    """Items that are not used are not there, and a request that has none can be read."""
    written = write_request(REQUEST)
    assert _read(written) == REQUEST
    assert b"\x58" not in written
    assert _read(write_accept(ACCEPT, "1.2.3")) == ACCEPT


def test_unknown_items_are_skipped() -> None:
    unknown = b"\x7f\0\0\3abc"
    written = write_request(FULL_REQUEST)
    body = written[HEAD_SIZE:] + unknown
    # As the last item, and at the end of the user information, which is the last one before.
    start = written.rindex(b"\x50\0", 0, written.index(b"\x51\0\0\4")) - HEAD_SIZE
    user = body[start + 4 : -len(unknown)] + unknown
    body = body[:start] + b"\x50\0" + len(user).to_bytes(2, "big") + user + unknown
    assert READERS[1](body, Limits()) == FULL_REQUEST


def test_sloppy_peers_are_understood() -> None:
    """UIDs padded with NUL, titles padded with NUL, no user information, reserved bits set."""
    syntax = b"\x40\0\0\x12" + b"1.2.840.10008.1.2\0"
    context = b"\1\xff\xff\xff" + b"\x30\0\0\x1a" + CT.encode() + b"\0" + syntax
    items = b"\x10\0\0\x16" + b"1.2.840.10008.3.1.1.1\0"
    items += b"\x20\0" + len(context).to_bytes(2, "big") + context
    body = b"\xff\xff\xab\xcd" + b"HORNBURG".ljust(16, b"\0") + b"  SCANNER".ljust(16)
    body += bytes(32) + items
    request = READERS[1](body, Limits())
    assert request.called_aet == "HORNBURG"
    assert request.calling_aet == "SCANNER"
    assert request.contexts[0].abstract_syntax == CT
    assert request.contexts[0].transfer_syntaxes == ("1.2.840.10008.1.2",)
    assert request.application_context == "1.2.840.10008.3.1.1.1"
    assert request.maximum_length == 0
    assert request.implementation_version == ""
    (event,) = _established().receive(b"\4\xff\0\0\0\7\0\0\0\3\3\xfc!")
    assert event == DataReceived(3, False, False, memoryview(b"!"))
