"""Values in the other byte order (PS3.5 section 7.3)."""

from __future__ import annotations

from array import array

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.vrs import FORMATS

__all__ = ["WORDS", "swapped"]

WORDS = {vr: size for vr, (_letter, size) in FORMATS.items()} | {
    "AT": 2,
    "OW": 2,
    "OL": 4,
    "OF": 4,
    "OD": 8,
    "OV": 8,
}
"""The size in bytes of the words that a value consists of; of all other VRs they are bytes."""

_LETTERS = {2: "H", 4: "I", 8: "Q"}


def swapped(value: Buffer, size: int) -> bytes:
    """The words of ``size`` bytes in the other byte order; what is no whole word stays."""
    raw = bytes(value)
    whole = len(raw) // size * size
    words = array(_LETTERS[size], raw[:whole])
    words.byteswap()
    return words.tobytes() + raw[whole:]
