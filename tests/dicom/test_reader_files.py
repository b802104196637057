"""The reader against pydicom, over every file that pydicom and pydicom-data ship."""

import mmap
import warnings

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from tests.dicom.files import FILES

from hornburg.dicom.dataset import DataSet
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.reader import read

# Cut short, which pydicom reads as far as it goes.
TRUNCATED = {
    "DICOMDIR-nooffset",
    "MR_truncated.dcm",
    "emri_small_jpeg_2k_lossless_too_short.dcm",
    "rtplan_truncated.dcm",
}
# The last of them begins with a byte too many.
NO_DICOM = {"README", "rtplan.dump", "rtstruct.dump", "crayons.icc", "no_meta.dcm"}
TEXTS = {"AE", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}


def test_reads_what_pydicom_reads_and_nothing_else() -> None:
    refused = set()
    for path in FILES:
        try:
            read(path.read_bytes())
        except DicomFormatError:
            refused.add(path.name)
    assert refused == TRUNCATED | NO_DICOM


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_equals_pydicom(path) -> None:
    if path.name in TRUNCATED | NO_DICOM:
        with pytest.raises(DicomFormatError):
            read(path.read_bytes())
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ours = read(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = pydicom.dcmread(path, force=True)
            if theirs.file_meta.get("TransferSyntaxUID"):
                assert ours.transfer_syntax == theirs.file_meta.TransferSyntaxUID
            assert [int(tag) for tag in sorted(theirs.file_meta.keys())] == list(ours.meta.entries)
            assert compare(theirs, ours.dataset) == []


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
