"""Parts of a file: ``Range`` and ``If-Range`` (RFC 9110, 13.1.5 and 14)."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request

from hornburg.errors import BadRangeError

__all__ = ["asked_range", "parse_range"]

# Nothing is given back (the + after each quantifier), so the time is linear in the length.
_RANGE = re.compile(r"\s*+bytes\s*+=\s*+(\d*+)\s*+-\s*+(\d*+)\s*+", re.ASCII | re.IGNORECASE)

#: More digits than any size has; a longer number is past every end.
_DIGITS = 19


def asked_range(
    request: Request[Any, Any, Any], size: int, tag: str | None
) -> tuple[int, int] | None:
    """The part of a file that the client asks for, as (start, end); ``None`` is all of it.

    A range that belongs to another state than ``tag`` (``If-Range``) is left aside.

    Raises:
        BadRangeError: no byte of the file is in the range.
    """
    value = request.headers.get("range")
    if value is None:
        return None
    condition = request.headers.get("if-range")
    # RFC 9110 13.1.5: compared strongly, so a date or a weak tag never matches ours.
    if condition is not None and condition.strip() != tag:
        return None
    return parse_range(value, size)


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """One range of bytes of a file of ``size`` bytes.

    RFC 9110 14.2: a server ignores what it doesn't understand. Several ranges at once, and units
    other than bytes, are answered with the whole file.

    Raises:
        BadRangeError: the range begins past the end, or has no bytes.
    """
    found = _RANGE.fullmatch(value)
    if found is None:
        return None
    first, last = found[1], found[2]
    if not first:
        if not last:
            return None
        # The last so many bytes.
        count = _number(last, size)
        if not count or not size:
            raise BadRangeError(f"The last {last[:_DIGITS]} of {size} bytes are no bytes")
        return size - min(count, size), size
    start = _number(first, size)
    if last and _number(last, size) < start and _larger(first, last):
        return None  # 14.1.1: last before first makes the header invalid
    if start >= size:
        raise BadRangeError(f"The range begins after the end, at {size} bytes")
    end = min(_number(last, size), size - 1) if last else size - 1
    return start, end + 1


def _number(digits: str, size: int) -> int:
    """A number, or ``size`` when it is larger than that."""
    digits = digits.lstrip("0") or "0"
    return size if len(digits) > _DIGITS else min(int(digits), size)


def _larger(left: str, right: str) -> bool:
    """Whether one number of any length is larger than another."""
    left, right = left.lstrip("0"), right.lstrip("0")
    return (len(left), left) > (len(right), right)
