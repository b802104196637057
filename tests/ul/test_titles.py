"""Titles, and the requests that nobody accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ul.pair import REQUEST

from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import AssociateReject
from hornburg.ul.refusal import refusal
from hornburg.ul.titles import title_bytes, title_fault, title_text


def test_blanks_and_nuls_around_a_title_are_left_out() -> None:
    assert title_text(b"  STORE SCP     ") == "STORE SCP"
    assert title_text(b"STORE\0\0\0\0\0\0\0\0\0\0\0") == "STORE"
    assert title_text(b"STORE  \0\0\0\0\0\0\0\0\0") == "STORE"
    assert title_text(b"A\0B".ljust(16)) == "A\0B"
    assert title_text(b"\0" * 16) == title_text(b" " * 16) == ""


@pytest.mark.parametrize("title", ["A", "STORE SCP", "A" * 16, "a-b_c.d~!'\"$(){}|;&"[:16]])
def test_good_titles(title: str) -> None:
    assert title_fault(title) is None
    assert title_text(title_bytes(title)) == title
    assert len(title_bytes(title)) == 16


@pytest.mark.parametrize(
    ("title", "fault"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("A" * 17, "is longer than 16 characters"),
        ("CAF\xc9", "holds a character that is not ASCII"),
        ("A\nB", "holds a control character"),
        ("A\0B", "holds a control character"),
        ("A\x7f", "holds a control character"),
        ("A\\B", "holds a backslash"),
    ],
)
def test_bad_titles(title: str, fault: str) -> None:
    assert title_fault(title) == fault
    with pytest.raises(LocalProtocolError, match=fault):
        title_bytes(title)


def test_the_application_context() -> None:
    assert refusal(REQUEST) is None
    for name in ("", "1.2.840.10008.3.1.1.2", "x" * 200):
        refused = refusal(replace(REQUEST, application_context=name))
        assert refused is not None
        assert refused[0] == AssociateReject(1, 1, 2)
        assert len(refused[1]) < 120
