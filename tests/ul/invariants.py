"""What holds for a connection whatever arrives, as one function for tests and for ``make fuzz``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.ul.messages import FULL_ACCEPT, FULL_REQUEST
from tests.ul.pair import ACCEPT, REQUEST, Pair

from hornburg.ul.connection import Connection
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateRequest,
    DataReceived,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.limits import Limits
from hornburg.ul.pdu import HEAD_SIZE
from hornburg.ul.readers import READERS
from hornburg.ul.state import State
from hornburg.ul.writers import (
    RELEASE_REPLY,
    RELEASE_REQUEST,
    write_abort,
    write_accept,
    write_request,
)

SMALL = Limits(maximum_length=1024, association_pdu=4096)
REQUEST_SMALL = AssociateRequest("A", "B", REQUEST.contexts, maximum_length=1024)
ACCEPT_SMALL = AssociateAccept("A", "B", ACCEPT.contexts, maximum_length=1024)


def acceptor() -> Connection:
    """Waits for a request."""
    return Connection(requestor=False, limits=SMALL)


def requestor() -> Connection:
    """Waits for the answer to its request."""
    connection = Connection(requestor=True, limits=SMALL)
    connection.connected()
    connection.send(REQUEST_SMALL)
    return connection


def established_requestor() -> Connection:
    """Asked, and has an association."""
    return Pair(REQUEST_SMALL, ACCEPT_SMALL, limits=SMALL).requestor


def established_acceptor() -> Connection:
    """Was asked, and has an association."""
    return Pair(REQUEST_SMALL, ACCEPT_SMALL, limits=SMALL).acceptor


def releasing() -> Connection:
    """An acceptor that asked for the release."""
    connection = established_acceptor()
    connection.send(ReleaseRequest())
    return connection


def rejecting() -> Connection:
    """Waits for the peer to close."""
    connection = established_requestor()
    connection.receive(RELEASE_REQUEST)
    connection.send(ReleaseReply())
    return connection


PLACES: list[Callable[[], Connection]] = [
    acceptor,
    requestor,
    established_requestor,
    established_acceptor,
    releasing,
    rejecting,
]


def _data() -> bytes:
    connection = established_requestor()
    return b"".join(
        (
            connection.data(1, True, b"command", True),
            connection.data(3, False, bytes(300), False),
            connection.data(3, False, bytes(1000), True),
        )
    )


PIECES = [
    write_request(FULL_REQUEST),
    write_request(REQUEST_SMALL),
    write_accept(FULL_ACCEPT, "1.2.840.10008.3.1.1.1"),
    write_accept(ACCEPT_SMALL, "1.2.840.10008.3.1.1.1"),
    _data(),
    RELEASE_REQUEST,
    RELEASE_REPLY,
    write_abort(Abort(0, 0)),
]


def check(connection: Connection, received: bytes, cuts: Iterable[int] = ()) -> None:
    """Feed a connection in pieces of the sizes ``cuts`` and the rest.

    Nothing is raised; data is of a context in use and not longer than announced; what is kept is
    bounded; what is sent is whole PDUs; after the end nothing is told any more.
    """
    position = 0
    for cut in (*cuts, len(received)):
        part = received[position : position + cut]
        if not part:
            break
        position += cut
        _feed(connection, part)
    connection.receive(b"")
    check_sound(connection.outgoing())
    assert connection.wants_close
    assert connection.state is State.IDLE
    assert connection.receive(received or b"x") == []
    assert connection.outgoing() == b""


def _feed(connection: Connection, part: bytes) -> None:
    ended = connection.wants_close
    events = connection.receive(part)
    assert not (ended and events)
    for event in events:
        if isinstance(event, DataReceived):
            assert event.context_id in connection.contexts
            assert len(event.data) <= connection.limits.maximum_length - 6
        else:
            assert repr(event).isprintable()
    assert len(connection._incoming.waiting) <= connection.limits.association_pdu + HEAD_SIZE
    check_sound(connection.outgoing())


def check_sound(sent: bytes) -> None:
    """The bytes are whole PDUs that we would take ourselves."""
    while sent:
        assert len(sent) >= HEAD_SIZE
        length = int.from_bytes(sent[2:6], "big")
        assert len(sent) >= HEAD_SIZE + length
        READERS[sent[0]](sent[HEAD_SIZE : HEAD_SIZE + length], Limits())
        sent = sent[HEAD_SIZE + length :]
