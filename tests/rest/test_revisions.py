"""``If-Match`` and ``If-None-Match``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.archive.revisions import Revision
from hornburg.errors import ParameterOutOfRangeError
from hornburg.rest.revisions import etag, expected_revision, is_unchanged

MD5 = "0123456789abcdef0123456789abcdef"
TAG = f'"3-{MD5}"'


class _Asked:
    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def asked(**headers: str) -> Any:
    return cast("Any", _Asked(**headers))


def test_there_and_back() -> None:
    revision = Revision(3, MD5)
    assert etag(revision) == TAG
    assert expected_revision(asked(if_match=TAG)) == revision
    assert expected_revision(asked(if_match=TAG.strip('"'))) == revision
    assert expected_revision(asked()) is None


@pytest.mark.parametrize(
    "value",
    ["", "*", "3", '"3"', f"W/{TAG}", f"{TAG}, {TAG}", f'"3-{MD5}', TAG.upper(), "٣-" + MD5],
)
def test_what_if_match_does_not_take(value: str) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        expected_revision(asked(if_match=value))


@pytest.mark.parametrize(
    ("value", "unchanged"),
    [(TAG, True), (f"W/{TAG}", True), (f'"x" , {TAG}', True), ("*", True), (TAG.strip('"'), True),
     ('"x"', False), (f'"4-{MD5}"', False)],
)  # fmt: skip
def test_if_none_match(value: str, unchanged: bool) -> None:
    assert is_unchanged(asked(if_none_match=value), TAG) is unchanged


@given(st.text(max_size=60))
def test_any_header_is_read_or_refused(value: str) -> None:
    for read in (
        lambda: is_unchanged(asked(if_none_match=value), TAG),
        lambda: expected_revision(asked(if_match=value)),
    ):
        with suppress(ParameterOutOfRangeError):
            read()
