"""The reader against pydicom, over every file that pydicom and pydicom-data ship."""

import mmap
import warnings

import pydicom
import pytest
from tests.dicom.comparison import compare
from tests.dicom.files import FILES

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
