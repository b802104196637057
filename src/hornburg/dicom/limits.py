"""How much a DICOM file may ask of its reader."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one file may hold.

    ``depth`` is the number of sequences one inside another; real objects (structured reports)
    stay below 50, and the JSON of 256, three levels each, can still be read by the usual parsers.
    ``elements`` counts every element and item of the file and bounds memory, at
    some 200 bytes each. ``fragments`` counts those of all encapsulated values. ``inflated`` is
    the size in bytes to which a deflated data set may grow, and
    ``inflation`` how many times its own size once it is above ``always_inflated`` bytes; images
    of patients stay below 50 times.
    """

    depth: int = 256
    elements: int = 1_000_000
    fragments: int = 1_000_000
    inflated: int = 1 << 30
    inflation: int = 200
    always_inflated: int = 64 << 20
