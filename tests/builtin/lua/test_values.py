"""Values between Lua and JSON, as Orthanc 1.10 was seen to turn them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.builtin.lua.values import dump_json, parse_json, to_lua


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], "[]"),
        ([1, 2, 3], "[1,2,3]"),
        ({"b": b"12", "a": 1}, '{"a":1,"b":12}'),
        (b"1.5", "1.5"),
        (b"007", "7"),
        (b"0x10", "16"),
        (b" 5", "5"),
        (b"-3", "-3"),
        (b"1e3", "1000"),
        (b"nan", '"nan"'),
        (b"inf", '"inf"'),
        (b"1_0", '"1_0"'),
        (b"", '""'),
        (b"true", '"true"'),
        (1.0, "1"),
        (0.1, "0.10000000000000001"),
        (2**53, "9007199254740992.0"),
        (3_000_000_000, "3000000000.0"),
        (2**63, "9.2233720368547758e+18"),
        (1e300, "1.0000000000000001e+300"),
        (math.inf, "1e+9999"),
        (None, "null"),
        (True, "true"),
        ('é\n"\\/<'.encode(), '"\\u00e9\\n\\"\\\\/<"'),
        ("😀".encode(), '"\\ud83d\\ude00"'),
        (b"\xff", '"\\ufffd"'),
    ],
)
def test_dumps_as_orthanc(value, expected):
    assert dump_json(value, keep_strings=False).decode() == expected


def test_strings_are_kept_when_asked():
    assert dump_json({"a": b"12"}, keep_strings=True) == b'{"a":"12"}'


@given(
    st.recursive(
        st.none() | st.booleans() | st.binary(max_size=20) | st.integers() | st.floats(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_is_dumped_is_json(value):
    for keep in (True, False):
        text = dump_json(value, keep_strings=keep)
        assert text.isascii()
        json.loads(text)


@given(st.binary(max_size=200))
def test_texts_that_are_no_json_are_nothing(raw):
    try:
        expected = json.loads(raw)
    except ValueError:
        expected = None
    if expected is None:
        assert parse_json(raw) is None


def test_null_is_no_member():
    assert to_lua({"a": None, "b": [1, None, 2]}, dict) == {b"b": {1: 1, 3: 2}}


def test_numbers_are_floats():
    assert to_lua(1 << 70, dict) == float(1 << 70)
    assert to_lua(10**400, dict) == math.inf
    assert isinstance(to_lua(5, dict), float)
    assert to_lua(True, dict) is True


def test_json_that_is_too_deep_is_nothing():
    assert parse_json(b"[" * 100_000) is None
