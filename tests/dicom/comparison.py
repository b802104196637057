"""Whether our data set says the same as pydicom's."""

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue

from hornburg.dicom.dataset import DataSet

TEXTS = {"AE", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
NUMBERS = {"FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"}


def compare(theirs: pydicom.Dataset, ours: DataSet, where: str = "") -> list[object]:
    """The differences between two data sets."""
    different: list[object] = []
    if sorted(map(int, theirs.keys())) != list(ours.entries):
        different.append((where, "tags", set(map(int, theirs.keys())) ^ set(ours.entries)))
    for element in ours:
        raw = theirs.get_item(element.tag)
        if raw is None:
            continue
        if isinstance(raw, RawDataElement) and not element.is_sequence:
            if (raw.value or b"") != element.raw:
                different.append((where, hex(element.tag), "bytes"))
            if raw.VR == "UN" and element.vr == "UN":
                continue  # Explicit UN, which pydicom replaces by what its dictionary has.
        their = theirs[element.tag]
        if element.vr != their.VR and "UN" not in (their.VR, element.vr):
            different.append((where, hex(element.tag), their.VR, element.vr))
        if element.is_sequence:
            items = zip(their.value, element.items, strict=True)
            for number, (one, other) in enumerate(items):
                different += compare(one, other, f"{where}/{element.tag:08x}[{number}]")
        elif their.VR in NUMBERS and element.vr == their.VR:
            values = their.value if isinstance(their.value, list | MultiValue) else [their.value]
            expected = "\\".join(
                f"{value:.17g}" if isinstance(value, float) else str(value)
                for value in values
                if value is not None
            )
            if expected != (element.text or ""):
                different.append((where, hex(element.tag), expected, element.text))
        elif their.VR in TEXTS and element.vr == their.VR:
            value = their.value if their.value is not None else ""
            if isinstance(value, MultiValue):
                value = "\\".join(map(str, value))
            if shown(str(value), their.VR) != shown(element.text or "", their.VR):
                different.append((where, hex(element.tag), str(value), element.text))
    return different


def shown(text: str, vr: str) -> str:
    """A value without what doesn't count: padding, and the empty last groups of a name."""
    text = text.rstrip(" \0")
    if vr == "PN":
        return text.rstrip("=")
    return text if vr in ("LT", "ST", "UT", "UR") else "\\".join(map(str.strip, text.split("\\")))
