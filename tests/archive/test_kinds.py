"""Names and numbers of metadata and attachments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.archive.kinds import known_attachment, known_metadata, user_attachment, user_metadata
from hornburg.errors import ForbiddenError, InexistentItemError
from hornburg.index.names import Names

NAMES = Names({"mine": 1024}, {"file": 2000})


def test_known() -> None:
    assert known_metadata(NAMES, "mine") == known_metadata(NAMES, "01024") == 1024
    assert known_metadata(NAMES, "Origin") == known_metadata(NAMES, "8") == 8
    assert known_attachment(NAMES, "dicom") == 1
    assert known_attachment(NAMES, "file") == known_attachment(NAMES, "+2000") == 2000
    for text in ("nope", "", "-1", "70000", "9" * 30):
        with pytest.raises(InexistentItemError):
            known_metadata(NAMES, text)


def test_user() -> None:
    assert user_metadata(NAMES, "mine") == 1024
    assert user_attachment(NAMES, "file") == 2000
    assert user_attachment(NAMES, "65535") == 65535
    for text in ("dicom", "1", "0", "-1", "1023", "65536", "9" * 20):
        with pytest.raises(ForbiddenError):
            user_attachment(NAMES, text)
    with pytest.raises(InexistentItemError):
        user_metadata(NAMES, "file")


@given(st.one_of(st.text(max_size=25), st.integers().map(str)))
def test_what_users_may_change_is_in_their_range(text: str) -> None:
    try:
        number = user_metadata(NAMES, text)
    except (ForbiddenError, InexistentItemError):
        return
    assert 1024 <= number <= 65535
    assert known_metadata(NAMES, text) == number
