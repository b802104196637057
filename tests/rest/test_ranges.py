"""``Range`` (RFC 9110, section 14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import BadRangeError
from hornburg.rest.ranges import parse_range


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 9110 14.1.2: the examples, for a representation of 10000 bytes.
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=-500", (9500, 10000)),
        ("bytes=9500-", (9500, 10000)),
        ("bytes=0-0", (0, 1)),
        ("bytes=9999-10000000000000000000000000", (9999, 10000)),
        ("bytes=-10000000000000000000000000", (0, 10000)),
        ("BYTES = 007-009 ", (7, 10)),
        ("bytes=0-0,-1", None),
        ("bytes=500-600,601-999", None),
        ("bytes=600-500", None),
        ("bytes=20000-500", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("lines=1-2", None),
        ("bytes=1-2x", None),
        ("bytes=--1", None),
        ("bytes=٣-٤", None),
        ("", None),
    ],
)
def test_ranges(value: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(value, 10000) == expected


@pytest.mark.parametrize(
    "value", ["bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999999999999999-"]
)
def test_ranges_without_bytes(value: str) -> None:
    with pytest.raises(BadRangeError):
        parse_range(value, 10000)


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_ranges(value: str) -> None:
    with pytest.raises(BadRangeError):
        parse_range(value, 0)


_header = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"bytes=[0-9]{0,30}-[0-9]{0,30}", fullmatch=True),
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda two: f"bytes={two[0]}-{two[1]}"),
)


@given(_header, st.integers(0, 20))
def test_a_range_lies_within_the_file_and_is_not_empty(value: str, size: int) -> None:
    try:
        found = parse_range(value, size)
    except BadRangeError:
        return
    if found is not None:
        start, end = found
        assert 0 <= start < end <= size
