"""Texts on their way into SQLite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import ParameterOutOfRangeError
from hornburg.index.text import FOLDED_LENGTH, after_prefix, clean, fold, glob, literal_prefix


@given(st.text(st.characters(codec=None), max_size=600))
def test_whatever_comes_can_be_stored(text: str) -> None:
    clean(text).encode()
    assert "\0" not in clean(text)
    folded = fold(text)
    folded.encode()
    assert "\0" not in folded
    assert len(folded) <= FOLDED_LENGTH
    assert fold(folded) == folded


def test_halves_of_pairs() -> None:
    assert clean("a\ud83d\ude00b") == "a😀b"
    assert clean("a\ud83db") == "a\ufffdb"


@given(st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_after_a_prefix(prefix: str, rest: str) -> None:
    upper = after_prefix(prefix)
    if upper is not None:
        assert prefix.encode() <= (prefix + rest).encode() < upper.encode()


def test_at_the_end_of_all_characters() -> None:
    assert after_prefix("") is None
    assert after_prefix("\U0010ffff") is None
    assert after_prefix("a\U0010ffff") == "b"
    assert after_prefix("\ud7ff") == "\ue000"


@pytest.mark.parametrize(
    ("pattern", "prefix"), [("A*B", "A"), ("*", ""), ("AB?", "AB"), ("AB", "AB"), ("", "")]
)
def test_literal_prefix(pattern: str, prefix: str) -> None:
    assert literal_prefix(pattern) == prefix


def test_a_pattern_has_a_longest() -> None:
    assert glob("[a]*") == "[[]a]*"
    with pytest.raises(ParameterOutOfRangeError, match="4096"):
        glob("*a" * 3000)
