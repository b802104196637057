"""What a connection remembers between requests on the express way, and when it looks again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from hornburg.rest.express import Headers, Visitor
from hornburg.security.identify import Forgotten
from hornburg.security.policy import FULL, Access

URL = b"/studies/01234567-01234567-01234567-01234567-01234567"
HOST = (b"host", b"localhost:8042")
ALICE = (b"authorization", b"Basic alice")


@dataclass
class _Door:
    """Lets in who says what it knows, and counts how often it is asked."""

    known: set[bytes | None] = field(default_factory=set)
    asked: int = 0
    forgotten: Forgotten = field(default_factory=Forgotten)

    def at_once(self, authorization: bytes | None, host: bytes | None, peer: str) -> Access | None:
        self.asked += 1
        assert (host, peer) == (HOST[1], "127.0.0.1")
        return FULL if authorization in self.known else None

    def forget(self, authorization: bytes) -> None:
        self.known.discard(authorization)
        self.forgotten.times += 1


class _Express:
    def answer(
        self, found: re.Match[bytes], url: bytes, accept: bytes, access: Access
    ) -> bytes | None:
        assert found[0] == url
        assert access is FULL
        return accept


@pytest.fixture
def door() -> _Door:
    return _Door({ALICE[1]})


@pytest.fixture
def visitor(door: _Door) -> Visitor:
    return Visitor(_Express(), door, "127.0.0.1")  # type: ignore[arg-type]


def _asks(visitor: Visitor, *headers: tuple[bytes, bytes]) -> bytes | None:
    # Every request has a list of its own.
    return visitor(URL, [*headers])


def test_equal_headers_are_looked_at_once(visitor: Visitor, door: _Door) -> None:
    for _ in range(3):
        assert _asks(visitor, HOST, ALICE, (b"accept", b"text/plain")) == b"text/plain"
    assert door.asked == 1


def test_other_headers_are_looked_at(visitor: Visitor, door: _Door) -> None:
    assert _asks(visitor, HOST, ALICE) == b"*/*"
    assert _asks(visitor, HOST, (b"authorization", b"Basic mallory")) is None
    assert _asks(visitor, HOST) is None
    assert _asks(visitor, HOST, ALICE) == b"*/*"
    assert door.asked == 4


def test_what_was_forgotten_is_no_more(visitor: Visitor, door: _Door) -> None:
    assert _asks(visitor, HOST, ALICE) == b"*/*"
    door.forget(ALICE[1])
    assert _asks(visitor, HOST, ALICE) is None
    door.known.add(ALICE[1])
    assert _asks(visitor, HOST, ALICE) == b"*/*"


def test_who_is_refused_is_looked_at_again(visitor: Visitor, door: _Door) -> None:
    door.known.clear()
    assert _asks(visitor, HOST, ALICE) is None
    door.known.add(ALICE[1])
    assert _asks(visitor, HOST, ALICE) == b"*/*"


@pytest.mark.parametrize(
    "more",
    [
        (b"content-length", b"1"),
        (b"if-none-match", b'"1"'),
        (b"origin", b"null"),
        (b"connection", b"close"),
        ALICE,
        HOST,
    ],
)
def test_what_is_not_plain_goes_the_usual_way(
    visitor: Visitor, door: _Door, more: tuple[bytes, bytes]
) -> None:
    headers: Headers = [HOST, ALICE, more]
    assert visitor(URL, headers) is None
    assert visitor(URL, list(headers)) is None
    assert door.asked == 0


def test_other_paths_go_the_usual_way(visitor: Visitor, door: _Door) -> None:
    for url in (b"/studies", URL + b"/series", URL + b"?full", b"/tools/find"):
        assert visitor(url, [HOST, ALICE]) is None
    assert door.asked == 0
