"""The words of rejections and aborts."""

from __future__ import annotations

import pytest

from hornburg.ul.rejections import abort_sentence, reject_sentence


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1, 1, 3), "calling application entity title not recognised (permanent, 1/1/3)"),
        ((1, 1, 7), "called application entity title not recognised (permanent, 1/1/7)"),
        ((1, 2, 2), "protocol version not supported (permanent, 1/2/2)"),
        ((2, 3, 2), "local limit exceeded (transient, 2/3/2)"),
        ((9, 8, 7), "reserved reason (reserved result, 9/8/7)"),
    ],
)
def test_rejections(numbers: tuple[int, int, int], words: str) -> None:
    assert reject_sentence(*numbers) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0, 0), "by the service user (0/0)"),
        ((2, 6), "by the service provider: invalid PDU parameter value (2/6)"),
        ((2, 3), "by the service provider: reserved reason (2/3)"),
    ],
)
def test_aborts(numbers: tuple[int, int], words: str) -> None:
    assert abort_sentence(*numbers) == words
