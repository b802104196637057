"""Cookies: what is ours in a header that others fill too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.rest.cookies import cookie, session_of, value_of


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"hornburg=abc", "abc"),
        (b"a=b; hornburg=abc;c", "abc"),
        (b" hornburg=abc ", "abc"),
        (b"xhornburg=abc", None),
        (b"hornburgx=abc", None),
        (b"__Host-hornburg=abc", None),
        # Of two, one was set by somebody else.
        (b"hornburg=abc; hornburg=abd", None),
        (b"hornburg=", None),
        (b"hornburg", None),
        (b'hornburg="abc"', None),
        (b"hornburg=a b", None),
        (b"hornburg=a\xff", None),
        (b"hornburg=" + b"a" * 20_000, None),
        (b"", None),
    ],
)
def test_values(header: bytes, value: str | None) -> None:
    assert session_of("http", header) == value


def test_under_https_it_has_another_name() -> None:
    assert session_of("https", b"hornburg=abc") is None
    assert session_of("https", b"__Host-hornburg=abc") == "abc"
    assert session_of("http", None) is None
    assert cookie("https", "v", age=5).endswith("; Secure; Max-Age=5")
    assert "Secure" not in cookie("http", "v")


@given(st.binary(max_size=300))
def test_anything(header: bytes) -> None:
    found = value_of("hornburg", header)
    assert found is None or found.encode() in header
