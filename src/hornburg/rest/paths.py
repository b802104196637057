"""Paths that exist at several levels, and the parameters that many routes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from litestar.params import HeaderParameter, PathParameter

from hornburg.dicom.levels import Level

__all__ = [
    "ABOVE_INSTANCES",
    "IfMatch",
    "IfNoneMatch",
    "IfRange",
    "Name",
    "PublicId",
    "Range",
    "at_levels",
]

PublicId = Annotated[str, PathParameter(description="Orthanc identifier of the resource")]
Name = Annotated[str, PathParameter(description="Name or number")]

# What these headers mean is in revisions.py and ranges.py, which read them themselves.
IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description="ETag of what is to be changed")
]
IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="ETag of what is known already")
]
IfRange = Annotated[
    str | None, HeaderParameter(name="If-Range", description="ETag of what the range belongs to")
]
Range = Annotated[
    str | None, HeaderParameter(name="Range", description="Part of the file: bytes=first-last")
]

ABOVE_INSTANCES = (Level.PATIENT, Level.STUDY, Level.SERIES)


def at_levels(rest: str, levels: Iterable[Level] = Level) -> list[str]:
    """``/patients/{public_id}…`` and so on, for each level."""
    return [f"/{level.plural}/{{public_id:str}}{rest}" for level in levels]
