"""Names and numbers of metadata and attachments."""

from __future__ import annotations

import pytest

from hornburg.index.names import Names

NAMES = Names({"mine": 1024}, {"report": 1025})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("LastUpdate", 7),
        ("7", 7),
        ("mine", 1024),
        ("1024", 1024),
        ("1025", 1025),
        ("65535", 65535),
        ("65536", None),
        ("99", None),
        ("-1", None),
        ("report", None),
        ("lastupdate", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_numbers_of_metadata(text: str, number: int | None) -> None:
    assert NAMES.metadata_number(text) == number


def test_numbers_of_attachments() -> None:
    assert [NAMES.attachment_number(name) for name in ("dicom", "report", "1030", "mine")] == [
        1,
        1025,
        1030,
        None,
    ]


def test_names_of_numbers() -> None:
    assert [NAMES.metadata_name(number) for number in (7, 1024, 1030)] == [
        "LastUpdate",
        "mine",
        "1030",
    ]
    assert [NAMES.attachment_name(number) for number in (1, 1025, 1030)] == [
        "dicom",
        "report",
        "1030",
    ]
