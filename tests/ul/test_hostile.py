"""What a peer may do wrong, one by one, and the answer that the standard has for it."""

from __future__ import annotations

import tracemalloc

import pytest
from tests.ul.messages import FULL_ACCEPT, FULL_REQUEST
from tests.ul.pair import ACCEPT, EXPLICIT, IMPLICIT, REQUEST, VERIFICATION, Pair

from hornburg.ul.connection import Connection
from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Closed,
    ContextResult,
    DataReceived,
    PresentationContext,
    ReleaseRequest,
    RoleSelection,
    UserIdentity,
)
from hornburg.ul.limits import Limits
from hornburg.ul.state import State
from hornburg.ul.writers import write_accept, write_request

CONTEXT_NAME = "1.2.840.10008.3.1.1.1"


def item(kind: int, value: bytes) -> bytes:
    return bytes((kind, 0)) + len(value).to_bytes(2, "big") + value


def pdu(kind: int, body: bytes) -> bytes:
    return bytes((kind, 0)) + len(body).to_bytes(4, "big") + body


def context(number: int = 1, *, syntaxes: int = 1, extra: bytes = b"") -> bytes:
    return item(
        0x20,
        bytes((number, 0, 0, 0))
        + item(0x30, VERIFICATION.encode())
        + item(0x40, IMPLICIT.encode()) * syntaxes
        + extra,
    )


def request(*items: bytes, version: bytes = b"\0\1", called: bytes = b"A", calling=b"B") -> bytes:
    body = version + b"\0\0" + called.ljust(16) + calling.ljust(16) + bytes(32)
    return pdu(1, body + b"".join(items))


NAME = item(0x10, CONTEXT_NAME.encode())
USER = item(0x50, item(0x51, b"\0\0\x40\0") + item(0x52, b"1.2.3"))


def value(context_id: int, data: bytes, control: int = 3) -> bytes:
    return (len(data) + 2).to_bytes(4, "big") + bytes((context_id, control)) + data


def abort_of(connection: Connection, received: bytes) -> Abort:
    """The one event, an abort of ours that is also sent."""
    *_, event = connection.receive(received)
    assert isinstance(event, Abort)
    assert event.fault
    assert connection.outgoing() == bytes((7, 0, 0, 0, 0, 4, 0, 0, event.source, event.reason))
    assert connection.state is State.AWAITING_CLOSE
    assert connection.timer
    # Whatever else comes is thrown away without another word.
    for more in (b"x" * 1000, write_request(REQUEST), received):
        assert connection.receive(more) == []
    assert event.source == 2
    return event


MALFORMED = {
    "shorter than its fixed part": (pdu(1, bytes(67)), 6),
    "longer than any request": (b"\1\0\xff\xff\xff\xff", 6),
    "one byte longer than allowed": (b"\1\0" + ((1 << 18) + 1).to_bytes(4, "big"), 6),
    "no presentation context": (request(NAME, USER), 6),
    "129 presentation contexts": (request(NAME, *[context(1)] * 129, USER), 6),
    "the same context twice": (request(NAME, context(1), context(1), USER), 6),
    "an even context": (request(NAME, context(2), USER), 6),
    "context 0": (request(NAME, context(0), USER), 6),
    "no transfer syntax": (request(NAME, context(1, syntaxes=0), USER), 6),
    "129 transfer syntaxes": (request(NAME, context(1, syntaxes=129), USER), 6),
    "two abstract syntaxes": (request(NAME, context(1, extra=item(0x30, b"1.2"))), 5),
    "a context of 3 bytes": (request(NAME, item(0x20, b"\1\0\0"), USER), 6),
    "no abstract syntax": (
        request(NAME, item(0x20, b"\1\0\0\0" + item(0x40, b"1.2")), USER),
        6,
    ),
    "a UID of 65 characters": (
        request(NAME, context(1, extra=item(0x40, b"1" * 65)), USER),
        6,
    ),
    "a UID with a line break": (
        request(NAME, context(1, extra=item(0x40, b"1.2\n3")), USER),
        6,
    ),
    "an item longer than the rest": (request(NAME, context(1), b"\x50\0\xff\xff"), 6),
    "an item one byte longer than the rest": (
        request(NAME, context(1), b"\x50\0\0\x0a" + item(0x52, b"1.2.3")),
        6,
    ),
    "half of an item's head": (request(NAME, context(1), b"\x50\0\0"), 6),
    "two application contexts": (request(NAME, NAME, context(1), USER), 5),
    "two user informations": (request(NAME, context(1), USER, USER), 5),
    "the answer to a context": (request(NAME, item(0x21, b"\1\0\0\0"), USER), 5),
    "a maximum length of 3 bytes": (
        request(NAME, context(1), item(0x50, item(0x51, b"\0\0\1"))),
        6,
    ),
    "two maximum lengths": (
        request(NAME, context(1), item(0x50, item(0x51, b"\0\0\x40\0") * 2)),
        5,
    ),
    "513 items of user information": (
        request(NAME, context(1), item(0x50, item(0x7F, b"") * 513)),
        6,
    ),
    "a role selection without roles": (
        request(NAME, context(1), item(0x50, item(0x54, b"\0\3" + b"1.2"))),
        6,
    ),
    "a role selection with a wild length": (
        request(NAME, context(1), item(0x50, item(0x54, b"\xff\xff" + b"1.2\1\1"))),
        6,
    ),
    "an empty role selection": (request(NAME, context(1), item(0x50, item(0x54, b""))), 6),
    "a window of one number": (request(NAME, context(1), item(0x50, item(0x53, b"\0\1"))), 6),
    "a user identity of one byte": (request(NAME, context(1), item(0x50, item(0x58, b"\1"))), 6),
    "a user identity of type 0": (
        request(NAME, context(1), item(0x50, item(0x58, b"\0\0\0\1a\0\0"))),
        6,
    ),
    "a user identity with a tail": (
        request(NAME, context(1), item(0x50, item(0x58, b"\1\0\0\1a\0\0x"))),
        6,
    ),
    "a user identity with a wild length": (
        request(NAME, context(1), item(0x50, item(0x58, b"\1\0\xff\xffa\0\0"))),
        6,
    ),
    "a user identity of 40,000 bytes": (
        request(NAME, context(1), item(0x50, item(0x58, b"\1\0\x9c\x40" + bytes(40000) + b"\0\0"))),
        6,
    ),
    "a common extended negotiation cut short": (
        request(NAME, context(1), item(0x50, item(0x57, b"\0\3" + b"1.2" + b"\0\3" + b"1"))),
        6,
    ),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 1),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 1),
    "data before a request": (pdu(4, value(1, b"abc")), 2),
    "a release of 5 bytes": (pdu(5, bytes(5)), 6),
    "an abort of 0 bytes": (pdu(7, b""), 6),
    "data of 0 bytes": (pdu(4, b""), 6),
}


@pytest.mark.parametrize(("received", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_before_there_is_an_association(received: bytes, reason: int) -> None:
    assert abort_of(Connection(requestor=False), received).reason == reason
    slow = Connection(requestor=False)
    told = [event for number in received for event in slow.receive(bytes((number,)))]
    assert told == [Abort(2, reason)]


BAD_DATA = {
    "a context that was not accepted": pdu(4, value(5, b"abc")),
    "a context that was not proposed": pdu(4, value(7, b"abc")),
    "an even context": pdu(4, value(2, b"abc")),
    "longer than announced": b"\4\0" + (16385).to_bytes(4, "big"),
    "longer than anything": b"\4\0\xff\xff\xff\xff",
    "a value longer than its PDU": pdu(4, b"\0\0\0\6\1\3abc"),
    "a value of 4 GB": pdu(4, b"\xff\xff\xff\xff\1\3abc"),
    "a value shorter than its PDU": pdu(4, b"\0\0\0\4\1\3abc"),
    "a value of 1 byte before a good one": pdu(4, b"\0\0\0\1\1" + value(1, b"abc")),
    "a value of 0 bytes before a good one": pdu(4, b"\0\0\0\0" + value(1, b"abc")),
    "longer than announced, and all there": pdu(4, value(1, bytes(16379))),
    "a value of 1 byte": pdu(4, b"\0\0\0\1\1\3abc"),
    "a value of 0 bytes": pdu(4, b"\0\0\0\0\1\3abc"),
    "a second value that is wrong": pdu(4, value(1, b"abc") + value(9, b"abc")),
    "5 bytes": pdu(4, b"\0\0\0\2\1"),
    "no value": pdu(4, b""),
}


@pytest.mark.parametrize("received", BAD_DATA.values(), ids=BAD_DATA)
def test_data_that_is_wrong(received: bytes) -> None:
    assert abort_of(Pair().acceptor, received).reason == 6
    assert abort_of(Pair().requestor, received).reason == 6
    # What came before it is told all the same.
    pair = Pair()
    good = pair.requestor.data(1, True, b"abc", True)
    first, last = pair.acceptor.receive(good + received)
    assert first == DataReceived(1, True, True, memoryview(b"abc"))
    assert last == Abort(2, 6)


def test_the_limits_are_those_that_were_given() -> None:
    received = request(NAME, context(1, syntaxes=2), context(3), USER)
    for limits in (
        Limits(contexts=1),
        Limits(transfer_syntaxes=1),
        Limits(user_items=1),
        Limits(association_pdu=len(received) - 7),
    ):
        assert abort_of(Connection(requestor=False, limits=limits), received).reason == 6
    enough = Limits(
        contexts=2, transfer_syntaxes=2, user_items=2, association_pdu=len(received) - 6
    )
    (event,) = Connection(requestor=False, limits=enough).receive(received)
    assert isinstance(event, AssociateRequest)


def test_too_long_is_known_from_the_head_alone() -> None:
    tracemalloc.start()
    try:
        acceptor = Connection(requestor=False)
        acceptor.receive(b"\1\0\0\4\0\1")
        assert acceptor.state is State.AWAITING_CLOSE
        for _ in range(1000):
            acceptor.receive(bytes(10_000))
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_sender_that_drips_holds_one_pdu() -> None:
    acceptor = Connection(requestor=False)
    acceptor.receive(b"\1\0\0\4\0\0")
    drop = bytes(1000)
    for _ in range((1 << 18) // 1000):
        assert acceptor.receive(drop) == []
    assert acceptor.timer
    assert len(acceptor._incoming.waiting) <= (1 << 18) + 6
    acceptor.timed_out()
    assert acceptor.wants_close
    assert acceptor.receive(drop) == []


@pytest.mark.parametrize("version", [b"\0\0", b"\0\2", b"\xff\xfe"])
def test_a_version_that_is_not_ours(version: bytes) -> None:
    acceptor = Connection(requestor=False)
    (event,) = acceptor.receive(request(NAME, context(1), USER, version=version))
    assert event == AssociateReject(1, 2, 2)
    assert acceptor.outgoing() == b"\3\0\0\0\0\4\0\1\2\2"
    assert acceptor.state is State.AWAITING_CLOSE


@pytest.mark.parametrize("length", range(1, 128))
def test_a_peer_that_takes_next_to_nothing(length: int) -> None:
    user = item(0x50, item(0x51, length.to_bytes(4, "big")))
    acceptor = Connection(requestor=False)
    assert acceptor.receive(request(NAME, context(1), user)) == [AssociateReject(1, 2, 1)]
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(REQUEST)
    answer = write_accept(
        AssociateAccept("A", "B", (ContextResult(1, 0, IMPLICIT),), maximum_length=length),
        CONTEXT_NAME,
    )
    assert abort_of(requestor, answer).reason == 6


@pytest.mark.parametrize(
    ("announced", "fragment"), [(0, 131066), (1 << 31, 131066), (128, 122), (129, 122)]
)
def test_fragments_are_even_and_bounded(announced: int, fragment: int) -> None:
    asked = AssociateRequest("A", "B", REQUEST.contexts, maximum_length=16384)
    acceptor = Connection(requestor=False)
    written = write_request(asked).replace(
        b"\x51\0\0\4\0\0\x40\0", b"\x51\0\0\4" + announced.to_bytes(4, "big")
    )
    acceptor.receive(written)
    acceptor.send(ACCEPT)
    assert acceptor.maximum_fragment == fragment
    with pytest.raises(LocalProtocolError):
        acceptor.data(1, False, bytes(fragment + 1), True)
    with pytest.raises(LocalProtocolError):
        acceptor.data(1, False, b"", False)
    with pytest.raises(LocalProtocolError):
        acceptor.data(5, False, b"x", True)
    assert len(acceptor.data(1, False, bytes(fragment), True)) == fragment + 12
    assert acceptor.data(1, False, b"", True)[-6:] == b"\0\0\0\2\1\2"


def test_bad_titles_and_contexts_are_left_to_the_caller() -> None:
    acceptor = Connection(requestor=False)
    (event,) = acceptor.receive(
        request(item(0x10, b"1.2.3"), context(1), USER, called=b"A\\B", calling=b"\xe9\n")
    )
    assert isinstance(event, AssociateRequest)
    assert event.called_aet == "A\\B"
    assert event.calling_aet == "\xe9\n"
    assert event.application_context == "1.2.3"
    assert acceptor.send(AssociateReject(1, 1, 2)) == b"\3\0\0\0\0\4\0\1\1\2"


WRONG_ANSWERS = {
    "not proposed": AssociateAccept("A", "B", (ContextResult(7, 0, IMPLICIT),)),
    "rejected, but not proposed": AssociateAccept("A", "B", (ContextResult(7, 3),)),
}


@pytest.mark.parametrize("accept", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_answers_to_what_was_not_asked(accept: AssociateAccept) -> None:
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(REQUEST)
    assert abort_of(requestor, write_accept(accept, CONTEXT_NAME)).reason == 6


def test_a_transfer_syntax_that_was_not_proposed_is_not_in_use() -> None:
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(REQUEST)
    accept = AssociateAccept(
        "A", "B", (ContextResult(1, 0, EXPLICIT), ContextResult(3, 0, IMPLICIT))
    )
    assert requestor.receive(write_accept(accept, CONTEXT_NAME)) == [accept]
    assert requestor.contexts.keys() == {3}
    assert abort_of(requestor, pdu(4, value(1, b"abc"))).reason == 6


RESULTS = {
    "result 5": item(0x21, b"\1\0\5\0" + item(0x40, b"1.2")),
    "no transfer syntax": item(0x21, b"\1\0\0\0"),
    "two transfer syntaxes": item(0x21, b"\1\0\0\0" + item(0x40, b"1.2") * 2),
    "3 bytes": item(0x21, b"\1\0\0"),
    "twice": item(0x21, b"\1\0\1\0") * 2,
}


@pytest.mark.parametrize("results", RESULTS.values(), ids=RESULTS)
def test_answers_that_are_malformed(results: bytes) -> None:
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(REQUEST)
    answer = pdu(2, b"\0\1\0\0" + bytes(64) + NAME + results + USER)
    assert abort_of(requestor, answer).reason == 6


def test_a_rejected_context_needs_no_transfer_syntax() -> None:
    requestor = Connection(requestor=True)
    requestor.connected()
    requestor.send(REQUEST)
    answer = pdu(2, b"\0\1\0\0" + bytes(64) + NAME + item(0x21, b"\1\0\3\0") + USER)
    (event,) = requestor.receive(answer)
    assert isinstance(event, AssociateAccept)
    assert event.contexts == (ContextResult(1, 3),)
    assert requestor.contexts == {}


def test_data_is_taken_up_to_the_announced_length_and_no_further() -> None:
    pair = Pair(
        accept=AssociateAccept("A", "B", ACCEPT.contexts, maximum_length=4096),
        limits=Limits(maximum_length=16384),
    )
    assert pair.requestor.maximum_fragment == 4090
    (event,) = pair.acceptor.receive(pair.requestor.data(1, False, bytes(4090), True))
    assert isinstance(event, DataReceived)
    assert abort_of(pair.acceptor, b"\4\0" + (4097).to_bytes(4, "big")).reason == 6


def test_we_announce_only_what_we_keep() -> None:
    for length in (0, 127, 16385):
        requestor = Connection(requestor=True)
        with pytest.raises(LocalProtocolError, match="maximum length"):
            requestor.send(AssociateRequest("A", "B", REQUEST.contexts, maximum_length=length))
        assert requestor.state is State.IDLE
        pair = Pair(associate=False)
        pair.say(pair.requestor, REQUEST)
        with pytest.raises(LocalProtocolError, match="maximum length"):
            pair.acceptor.send(AssociateAccept("A", "B", ACCEPT.contexts, maximum_length=length))
        assert pair.acceptor.state is State.AWAITING_LOCAL_ANSWER


@pytest.mark.parametrize(
    "contexts",
    [
        (),
        ACCEPT.contexts[:2],
        (*ACCEPT.contexts, ContextResult(7, 3)),
        (ContextResult(1, 0, EXPLICIT), *ACCEPT.contexts[1:]),
    ],
)
def test_we_answer_what_was_asked(contexts: tuple[ContextResult, ...]) -> None:
    pair = Pair(associate=False)
    pair.say(pair.requestor, REQUEST)
    with pytest.raises(LocalProtocolError):
        pair.acceptor.send(AssociateAccept("A", "B", contexts))
    assert pair.say(pair.acceptor, ACCEPT) == [ACCEPT]


def test_our_own_values_are_checked() -> None:
    good = PresentationContext(1, VERIFICATION, (IMPLICIT,))
    for wrong in (
        lambda: PresentationContext(2, VERIFICATION, (IMPLICIT,)),
        lambda: PresentationContext(257, VERIFICATION, (IMPLICIT,)),
        lambda: PresentationContext(1, "", (IMPLICIT,)),
        lambda: PresentationContext(1, "1." * 33, (IMPLICIT,)),
        lambda: PresentationContext(1, VERIFICATION, ()),
        lambda: PresentationContext(1, VERIFICATION, ("1.2 3",)),
        lambda: ContextResult(1, 5),
        lambda: ContextResult(1, 0),
        lambda: RoleSelection("", True, True),
        lambda: UserIdentity(0, False, b""),
        lambda: UserIdentity(1, False, bytes(65536)),
        lambda: AssociateRequest("A", "B", ()),
        lambda: AssociateRequest("A", "B", (good, good)),
        lambda: AssociateRequest("A", "B", (good,), maximum_length=-1),
        lambda: AssociateRequest("A", "B", (good,), asynchronous=(0, 65536)),
        lambda: AssociateReject(1, 256, 1),
        lambda: Abort(-1, 0),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()
    for aet in ("", " ", "A" * 17, "A\\B", "\xc9", "A\n"):
        requestor = Connection(requestor=True)
        with pytest.raises(LocalProtocolError, match="title"):
            requestor.send(AssociateRequest("A", aet, (good,)))
        assert requestor.state is State.IDLE


def test_what_does_not_fit_its_item_is_not_sent() -> None:
    requestor = Connection(requestor=True)
    extended = (("1.2.3", bytes(65535)),)
    with pytest.raises(LocalProtocolError, match="65535"):
        requestor.send(AssociateRequest("A", "B", REQUEST.contexts, extended=extended))
    with pytest.raises(LocalProtocolError, match="not ASCII"):
        requestor.send(AssociateRequest("A", "B", REQUEST.contexts, implementation_version="é"))
    assert requestor.state is State.IDLE


def test_secrets_are_in_no_text() -> None:
    identity = UserIdentity(2, True, b"frodo", b"baggins")
    asked = AssociateRequest("A", "B", REQUEST.contexts, identity=identity)
    answer = AssociateAccept("A", "B", ACCEPT.contexts, identity_response=b"gollum")
    acceptor = Connection(requestor=False)
    events = acceptor.receive(write_request(asked))
    for text in (repr(identity), str(identity), f"{asked}", repr(answer), repr(events)):
        assert "frodo" not in text
        assert "baggins" not in text
        assert "gollum" not in text
    with pytest.raises(LocalProtocolError) as caught:
        UserIdentity(2, True, b"frodo" * 20000, b"")
    assert "frodo" not in str(caught.value)


def test_the_peer_closes_in_the_middle_of_a_pdu() -> None:
    pair = Pair()
    pdu = pair.requestor.data(1, False, bytes(1000), True)
    assert pair.acceptor.receive(pdu[:500]) == []
    assert pair.acceptor.receive(b"") == [Closed()]
    assert pair.acceptor.wants_close
    assert pair.acceptor.receive(pdu[500:]) == []
    assert pair.acceptor.receive(b"") == []
    assert len(pair.acceptor._incoming.waiting) == 0


def test_a_request_and_more_in_one_read() -> None:
    """An acceptor that has not answered yet gets data: the request is told, then the abort."""
    acceptor = Connection(requestor=False)
    asked, abort = acceptor.receive(write_request(FULL_REQUEST) + pdu(4, value(1, b"abc")))
    assert asked == FULL_REQUEST
    assert abort == Abort(2, 2)
    assert not acceptor.may_send(AssociateAccept)
    with pytest.raises(LocalProtocolError):
        acceptor.send(FULL_ACCEPT)


def test_an_abort_after_ours_closes_at_once() -> None:
    pair = Pair()
    of_acceptor = pair.acceptor.send(Abort())
    of_requestor = pair.requestor.send(Abort())
    assert pair.acceptor.receive(of_requestor) == []
    assert pair.requestor.receive(of_acceptor) == []
    assert pair.acceptor.wants_close
    assert pair.requestor.wants_close


def test_garbage_after_the_end_is_answered_once() -> None:
    pair = Pair()
    pair.acceptor.send(Abort())
    assert pair.acceptor.receive(write_request(REQUEST) * 50 + b"x" * 1000) == []
    assert len(pair.acceptor.outgoing()) == 10
    assert pair.acceptor.receive(write_request(REQUEST) * 50) == []
    assert pair.acceptor.outgoing() == b""
    pair = Pair()
    pair.acceptor.send(Abort())
    data = pair.requestor.data(1, False, bytes(1000), True)
    assert pair.acceptor.receive(data * 50 + pair.requestor.send(ReleaseRequest())) == []
    assert pair.acceptor.outgoing() == b""


def test_many_empty_values_cost_bounded_memory() -> None:
    pair = Pair()
    flood = pdu(4, value(1, b"", 0) * 2730)
    assert len(flood) <= 16384 + 6
    assert len(pair.acceptor.receive(flood)) == 2730
