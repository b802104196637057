"""Bytes as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.archive.verbatim import from_text, to_text

_pieces = st.one_of(
    st.binary(max_size=8),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"\0", b"\xff", "\U0010ff00\U0010ff80\U0010ffff".encode(), b"\xf4\x8f"]),
)


@given(st.lists(_pieces, max_size=8).map(b"".join))
def test_every_value_comes_back(content: bytes) -> None:
    text = to_text(content)
    assert "\0" not in text
    text.encode()  # no lone surrogates
    assert from_text(text) == content


@pytest.mark.parametrize("text", ["", "plain", "Müller", "山田", "\U0001f600", "\U0010fe00"])
def test_text_stays_what_it_is(text: str) -> None:
    assert to_text(text.encode()) == text
    assert from_text(text) == text.encode()
