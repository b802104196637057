"""The headers that every answer has."""

from __future__ import annotations

from typing import Any

import pytest

from hornburg.rest.headers import Headed, Usual, preflight_headers
from hornburg.settings import Settings

HEAD = b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\n"


def headers(head: bytes) -> list[tuple[bytes, bytes]]:
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


def test_they_are_put_into_the_head() -> None:
    usual = Usual(Settings())
    made = usual.within(HEAD)
    assert made.startswith(b"HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\n")
    assert made.endswith(b"\r\ndate: today\r\ncontent-length: 2\r\n\r\n")
    names = [name for name, _ in headers(made)]
    assert len(names) == len(set(names)) == 9


@pytest.mark.parametrize(
    "own",
    [
        b"content-security-policy",
        b"cache-control",
        b"cross-origin-resource-policy",
        b"referrer-policy",
    ],
)
def test_an_answer_may_say_some_itself(own: bytes) -> None:
    made = Usual(Settings()).within(HEAD.replace(b"date", own))
    assert dict(headers(made))[own] == b"today"
    assert len(headers(made)) == 8
    # What it may not say otherwise is in the head whatever it says.
    made = Usual(Settings()).within(HEAD.replace(b"date", b"x-frame-options"))
    assert (b"x-frame-options", b"DENY") in headers(made)


def test_under_https_alone() -> None:
    """RFC 6797 7.2: not over plain HTTP."""
    assert b"strict-transport-security" not in Usual(Settings()).lines
    lines = Usual(Settings(ssl_enabled=True)).lines
    assert b"strict-transport-security: max-age=63072000\r\n" in lines


def test_answers_differ_by_origin() -> None:
    assert b"vary" not in Usual(Settings()).lines
    assert b"vary: Origin\r\n" in Usual(Settings(cors_allowed_origins=("https://a",))).lines


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


def test_the_first_bytes_are_the_head() -> None:
    transport: Any = Transport()
    headed = Headed(transport, Usual(Settings()))
    early = b"HTTP/1.1 100 Continue\r\n\r\n"
    for data in (early, HEAD, HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"):
        headed.write(data)
    assert transport.written[0] == early
    assert b"nosniff" in transport.written[1]
    assert transport.written[2:] == [HEAD, early]


def test_lists_without_end_are_not_repeated() -> None:
    names = [name for name, _ in preflight_headers(b"x" * 2000)]
    assert b"access-control-allow-headers" not in names
