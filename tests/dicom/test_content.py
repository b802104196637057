"""Raw values by path, as Orthanc 1.10.1 answers for the same files."""

import struct

import pytest
from tests.dicom.files import BIG, dataset, element, file, item, shipped

from hornburg.dicom.content import Bytes, Listing, content
from hornburg.dicom.reader import DicomFile, read
from hornburg.errors import InexistentItemError


def value(found: DicomFile, path: str) -> bytes:
    answer = content(found, path)
    assert isinstance(answer, Bytes)
    return bytes(answer.view())


def names(found: DicomFile, path: str) -> list[str]:
    answer = content(found, path)
    assert isinstance(answer, Listing)
    return answer.names


CT = read(shipped("CT_small.dcm"))


def test_listings() -> None:
    assert names(CT, "")[:2] == ["0008-0005", "0008-0008"]
    assert names(CT, "/")[-1] == "fffc-fffc"
    assert names(CT, "0010-1002") == ["0", "1"]
    assert names(CT, "0010-1002/0/") == ["0010-0020", "0010-0022"]
    assert names(CT, "OtherPatientIDsSequence/00") == ["0010-0020", "0010-0022"]
    assert names(CT, "7fe0-0010") == names(CT, "PixelData") == names(CT, "7FE0,0010/") == ["0"]


def test_values() -> None:
    assert value(CT, "PatientName") == b"CompressedSamples^CT1 "
    assert value(CT, "0009-1027") == b"\xb5,g3"
    assert value(CT, "0010-1002/1/PatientID") == b"1234ABCD"
    assert len(value(CT, "7fe0-0010/0")) == 32768
    assert len(value(CT, "fffc-fffc")) == 126


@pytest.mark.parametrize(
    "path",
    [
        "nonsense",
        "0010-9999",
        "0002-0010",
        "PatientName/0",
        "0010-1002/2",
        "0010-1002/x",
        "0010-1002/-1",
        "0010-1002/٣",
        "0010-1002/0/PatientName",
        "0010-1002/0/0010-0020/0",
        "7fe0-0010/1",
        "7fe0-0010/0/0",
        "0/" * 5000,
    ],
)
def test_nothing_there(path: str) -> None:
    with pytest.raises(InexistentItemError):
        content(CT, path)


def test_padding() -> None:
    found = read(
        file(
            dataset(
                (0x00081030, "LO", b"  lead\\ x \\y   "),
                (0x00080080, "LO", b"In\xe9st  "),
                (0x00200013, "IS", b" +1 "),
                (0x00081150, "UI", b"1.2.3.4\0"),
                (0x00081010, "SH", b""),
            )
        )
    )
    assert value(found, "0008-1030") == b"  lead\\ x \\y"
    assert value(found, "0008-0080") == b"In\xe9st "
    assert value(found, "0020-0013") == b" +1 "
    assert value(found, "0008-1150") == b"1.2.3.4\0"
    assert value(found, "0008-1010") == b""


def test_fragments() -> None:
    found = read(shipped("SC_rgb_rle_2frame.dcm"))
    assert names(found, "7fe0-0010") == ["0", "1", "2"]
    assert value(found, "7fe0-0010/0") == b"\0\0\0\0\xa0\2\0\0"
    assert len(value(found, "7fe0-0010/1")) == len(value(found, "7fe0-0010/2")) == 664


def test_sequence_without_items() -> None:
    found = read(file(dataset((0x00081140, "SQ", b""), (0x00080051, "SQ", item(b"")))))
    assert names(found, "0008-1140") == []
    assert names(found, "0008-0051/0") == []


def test_big_endian_is_turned() -> None:
    rows = [(0x00280009, "AT", struct.pack(">HH", 0x18, 0x1063)), (0x00280010, "US", b"\0\x40")]
    rows += [(0x00420011, "OB", b"abcd"), (0x7FE00010, "OW", b"\1\2\3\4")]
    found = read(file(b"".join(element(*row, order=">") for row in rows), BIG))
    assert value(found, "0028-0010") == b"\x40\0"
    assert value(found, "0028-0009") == struct.pack("<HH", 0x18, 0x1063)
    assert value(found, "0042-0011") == b"abcd"
    assert value(found, "PixelData/0") == b"\2\1\4\3"
