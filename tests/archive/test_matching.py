"""What a query's text means, with no archive at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.archive.matching import MOST_CHARACTERS, criterion, glob_matches, split_range
from hornburg.errors import BadRequestError, ParameterOutOfRangeError


def accepts(vr: str, text: str, value: str, *, case_sensitive: bool = False) -> bool:
    wanted = criterion("Tag", vr, text, case_sensitive=case_sensitive)
    return wanted is None or wanted.accepts(value)


@pytest.mark.parametrize("text", ["", " ", "\0", "\\", "\\\\"])
def test_nothing_is_universal(text: str) -> None:
    assert criterion("Tag", "LO", text) is None


@pytest.mark.parametrize(
    ("vr", "text", "value", "expected"),
    [
        ("PN", "muller^jurgen", "Müller^Jürgen", True),
        ("PN", "MÜLLER*", "Muller^Anna", True),
        ("LO", "head", "Head CT", False),
        ("LO", "head*", "Head CT", True),
        ("LO", "he?d*", "Head CT", True),
        ("LO", "?", "", False),
        ("LO", "*", "", True),
        ("SH", "a\\b\\c", "B", True),
        ("SH", "a\\b*", "Bcd", True),
        ("CS", "primary", "ORIGINAL\\PRIMARY", True),
        ("LT", "a\\b", "A\\B", True),
        ("LT", "a\\b", "a", False),
        ("LO", "a-b", "a", False),
        ("LO", "a-b", "A-B", True),
        ("LO", "50%", "500", False),
        ("LO", "a_c", "abc", False),
        ("LO", "[ab]*", "a", False),
        ("LO", "[ab]*", "[AB]c", True),
        ("DA", "20200101-20201231", "20200615", True),
        ("DA", "20200101-20201231", "20201231", True),
        ("DA", "20200101-20201231", "20210101", False),
        ("DA", "-20201231", "19000101", True),
        ("DA", "-20201231", "", False),
        ("DA", "20200101-", "29990101", True),
        ("DA", "20210101-20200101", "20200601", False),
        ("DA", "20200101\\20210101", "20210101", True),
        ("TM", "10-11", "113059.5", True),
        ("TM", "10-11", "120000", False),
        ("DT", "20200101120000-0500", "20200101120000-0500", True),
        ("DT", "20200101-20201231", "20200615120000", True),
        ("DT", "2019-2021", "20200615", True),
        ("DT", "20200101120000-0500-20200102", "20200101180000", True),
        ("US", "512", "512", True),
        ("UI", "1.2\\1.3", "1.3", True),
    ],
)
def test_values(vr: str, text: str, value: str, expected: bool) -> None:
    assert accepts(vr, text, value) is expected


def test_case_counts_when_asked() -> None:
    assert not accepts("PN", "anna*", "Anna^Test", case_sensitive=True)
    assert accepts("PN", "Anna*", "Anna^Test", case_sensitive=True)
    assert not accepts("PN", "Muller", "Müller", case_sensitive=True)


def test_a_lone_dash_is_every_date() -> None:
    assert criterion("StudyDate", "DA", "-") is None


@pytest.mark.parametrize("vr", ["DA", "TM", "DT", "UI", "US", "FD", "AT", "AS", "IS", "DS"])
def test_no_wildcards_where_the_standard_has_none(vr: str) -> None:
    with pytest.raises(
        ParameterOutOfRangeError, match="Wildcards are not allowed on tag 0008,0020"
    ):
        criterion("StudyDate", vr, "2020*", tag="0008,0020")


@pytest.mark.parametrize("vr", ["SQ", "OB", "OW"])
def test_what_has_no_text_is_not_compared(vr: str) -> None:
    assert criterion("Tag", vr, "") is None
    with pytest.raises(BadRequestError, match="Tag: a tag of VR"):
        criterion("Tag", vr, "1")


@pytest.mark.parametrize("text", ["2020-01-01", "a-b-c", "--"])
def test_a_range_has_one_dash(text: str) -> None:
    with pytest.raises(ParameterOutOfRangeError, match="StudyDate"):
        split_range("StudyDate", "DA", text)


def test_length_is_bounded() -> None:
    with pytest.raises(BadRequestError, match="at most"):
        criterion("Tag", "LO", "a" * (MOST_CHARACTERS + 1))


@given(st.text("ab?*", max_size=12), st.text("ab", max_size=12))
def test_glob_as_a_regular_expression(pattern: str, value: str) -> None:
    expression = "".join(
        ".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in pattern
    )
    assert glob_matches(pattern, value) is bool(re.fullmatch(expression, value, re.DOTALL))


def test_many_stars_take_no_time() -> None:
    # A backtracking matcher would not come back from this.
    assert not glob_matches("*a" * 200 + "*b", "a" * 5000)


@given(st.sampled_from(["LO", "PN", "DA", "TM", "DT", "UI", "US", "LT", "UN", "SQ"]), st.text())
def test_any_text_is_read_or_refused(vr: str, text: str) -> None:
    try:
        wanted = criterion("Tag", vr, text)
    except BadRequestError as error:
        assert str(error)
    else:
        assert wanted is None or wanted.accepts("20200101") in (True, False)
