"""How much a DICOM file may ask of its reader."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one file may hold.

    ``depth`` is the number of sequences one inside another; real objects (structured reports)
    stay below 50. ``elements`` counts every element and item of the file and bounds memory, at
    some 200 bytes each. ``fragments`` counts those of all encapsulated values. ``inflated`` is
    the size in bytes to which a deflated data set may grow.
    """

    depth: int = 512
    elements: int = 1_000_000
    fragments: int = 4_000_000
    inflated: int = 1 << 30
