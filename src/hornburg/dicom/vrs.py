"""The value representations of PS3.5 section 6.2, as sets that readers and writers ask."""

from __future__ import annotations

__all__ = [
    "AMBIGUOUS",
    "BINARY",
    "CHARSET",
    "FORMATS",
    "LONG",
    "SHORT",
    "TEXT",
    "UNSPLIT",
    "resolve",
]

SHORT = frozenset(
    (
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "SL",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "US",
    )
)
"""Explicit VRs whose length has 16 bits (PS3.5 table 7.1-2)."""

LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
"""Explicit VRs whose length has 32 bits (PS3.5 table 7.1-1)."""

BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
"""Values that are only bytes."""

TEXT = frozenset(
    (
        "AE",
        "AS",
        "CS",
        "DA",
        "DS",
        "DT",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "ST",
        "TM",
        "UC",
        "UI",
        "UR",
        "UT",
    )
)
"""Values that are characters."""

CHARSET = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Texts to which Specific Character Set applies (PS3.5 6.1.2.3)."""

UNSPLIT = frozenset(("LT", "ST", "UR", "UT"))
"""Texts in which a backslash is only a character (PS3.5 6.4)."""

FORMATS = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("I", 4),
    "SL": ("i", 4),
    "UV": ("Q", 8),
    "SV": ("q", 8),
    "FL": ("f", 4),
    "FD": ("d", 8),
}
"""The :mod:`struct` letter and the size in bytes of the numbers."""

AMBIGUOUS = {"US or SS": "xs", "OB or OW": "ox", "US or OW": "lt", "US or SS or OW": "xw"}
"""Dictionary entries whose VR depends on the rest of the data set, and our short names for them."""


def resolve(vr: str, signed: bool) -> str:
    """Turn an ambiguous VR of the dictionary into a real one (PS3.5 annex A.1).

    ``signed`` tells that Pixel Representation (0028,0103) is 1.
    """
    if vr == "xs":
        return "SS" if signed else "US"
    if vr in ("ox", "lt", "xw"):
        return "OW"
    return vr
