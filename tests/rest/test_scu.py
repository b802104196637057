"""Bodies of the routes that talk to other application entities: anything may come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import BadFileFormatError, BadParameterTypeError
from hornburg.rest.scu import number_in_path, parsed


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_bytes_are_json_of_a_known_form_or_refused(content: bytes) -> None:
    try:
        body: Any = parsed(content)
    except BadFileFormatError:
        return
    assert isinstance(body, str | list | dict)


def test_depth_is_refused_without_a_look_into_it() -> None:
    for opening in (b"[", b'{"a":'):
        with pytest.raises(BadFileFormatError):
            parsed(opening * 1_000_000)


@given(st.text(max_size=20))
def test_numbers_in_paths(text: str) -> None:
    try:
        number = number_in_path(text)
    except BadParameterTypeError:
        return
    assert int(text) == number
