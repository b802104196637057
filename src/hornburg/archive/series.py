"""Whether a series is complete (Orthanc's ``Status``)."""

from __future__ import annotations

from hornburg.dicom.levels import Level
from hornburg.index.base import Query, Reader, Resource

__all__ = ["as_number", "expected_number", "series_status"]


def as_number(text: str | None) -> int | None:
    """The integer that a metadata holds, none when it holds none."""
    if text is None or len(text) > 18:
        return None
    text = text.strip()
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() else None


def expected_number(resource: Resource) -> int | None:
    """How many instances the series will have, when its first instance told."""
    return as_number(resource.metadata.get("ExpectedNumberOfInstances"))


def series_status(reader: Reader, resource: Resource) -> str:
    """``Complete``, ``Missing``, ``Inconsistent`` or ``Unknown``.

    Unknown without an expected number or with an instance that has no number; Inconsistent when
    a number is there twice or is out of the expected ones, which count from 1.
    """
    expected = expected_number(resource)
    if expected is None:
        return "Unknown"
    instances = reader.find(Query(Level.INSTANCE, ancestor=(Level.SERIES, resource.public_id)))
    numbers: set[int] = set()
    inconsistent = False
    for instance in instances:
        number = as_number(instance.metadata.get("IndexInSeries"))
        if number is None:
            return "Unknown"
        if number in numbers or not 1 <= number <= expected:
            inconsistent = True
        numbers.add(number)
    if inconsistent:
        return "Inconsistent"
    return "Complete" if len(numbers) == expected else "Missing"
