"""Old files go as a whole, and the chain says so before they do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hornburg.security.trail.files import files_of, first_of

__all__ = ["RETENTION", "outdated"]

RETENTION = "trail-retention"
"""The action of a line that says up to which line (``removed``) the trail may be gone."""

_DAY = 86_400


def outdated(folder: Path, days: int, now: float) -> list[Path]:
    """The files whose last line is older than this many days, the oldest first.

    The last line of a file is older than the first of the next one. The newest file stays.

    Raises:
        TrailError: the folder can't be read.
    """
    if not days:
        return []
    files = [file for _, file in files_of(folder)]
    found = []
    for file, after in pairwise(files):
        began = first_of(after)
        if began is None or began >= now - days * _DAY:
            break
        found.append(file)
    return found
