"""Orthanc's JSON, against what Orthanc 1.10.1 answers about the same bytes."""

import struct

import msgspec
import pytest
from tests.dicom.files import dataset, element, file, item, shipped

from hornburg.dicom.orthanc_json import encode, encode_header, encode_items
from hornburg.dicom.reader import read

VALUES = [
    (0x00080008, "CS", b"A \\ B\\C ", "A \\ B\\C"),
    (0x0008001B, "UI", b"1.2.3\0\0", "1.2.3"),
    (0x00080119, "UC", b" a\\b ", " a\\b"),
    (0x00080120, "UR", b" http://x ", " http://x"),
    (0x00081030, "LO", b"  lead\\ x \\y   ", "  lead\\ x \\y"),
    (0x00081160, "IS", b"1\\2\\3", "1\\2\\3"),
    (0x00100010, "PN", b" A^B ", " A^B"),
    (0x00104000, "LT", b"  text\\with \r\n ", "  text\\with \r\n"),
    (0x00180022, "CS", b"\xe9", "é"),
    (0x00181000, "LO", b"ab\0cd", "ab"),
    (0x00181020, "LO", b'e\xe9"<>/\x01', 'eé"<>/\x01'),
    (0x00186028, "FD", b"", None),
    (
        0x0018602C,
        "FD",
        struct.pack("<ddd", 1e22, 0.1, -1 / 3),
        "1e+22\\0.10000000000000001\\-0.33333333333333331",
    ),
    (0x0018604C, "FD", struct.pack("<dd", float("nan"), float("inf")), "nan\\inf"),
    (0x00189073, "FD", struct.pack("<d", 1.5), "1.5"),
    (
        0x00189317,
        "FL",
        struct.pack("<ff", 0.1, 1e-10),
        "0.10000000149011612\\1.000000013351432e-10",
    ),
    (0x00189459, "FL", struct.pack("<ff", float("-inf"), 3), "-inf\\3"),
    (0x00280009, "AT", struct.pack("<HHHH", 0x18, 0x1063, 0x28, 0xABCD), "0018,1063"),
    (0x00280010, "US", struct.pack("<HH", 1, 65535), "1\\65535"),
    (0x00280106, "SS", struct.pack("<h", -5), "-5"),
    (0x00281201, "OW", b"\1\2\3\4", None),
    (0x00420011, "OB", b"%PDF", None),
    (0x00660016, "OF", struct.pack("<f", 1.0), None),
    (0x00101000, "UN", b"abc  ", "abc  "),
    (0x00280002, "UN", b"\1\0", None),
    (0x00091001, "UN", b"abc", None),
]


@pytest.mark.parametrize(("tag", "vr", "raw", "shown"), VALUES)
def test_values(tag: int, vr: str, raw: bytes, shown: str | None) -> None:
    found = read(file(dataset((0x00080005, "CS", b"ISO_IR 100"), (tag, vr, raw))))
    key = f"{tag >> 16:04x},{tag & 0xFFFF:04x}"
    assert msgspec.json.decode(encode(found, "short"))[key] == shown
    full = msgspec.json.decode(encode(found))[key]
    assert full["Type"] == ("Null" if shown is None else "String")
    assert full["Value"] == shown


def full(*rows: tuple[int, str, bytes], **options: object) -> dict[str, object]:
    answer: dict[str, object] = msgspec.json.decode(encode(read(file(dataset(*rows))), **options))
    return answer


def test_the_order_of_members() -> None:
    text = encode(read(file(dataset((0x00090010, "LO", b"ACME"), (0x00091001, "LO", b"v")))))
    assert (
        b'"0009,1001":{"Name":"Unknown Tag & Data","PrivateCreator":"ACME","Type":"String","Value":"v"}'
        in text
    )


def test_private_creators() -> None:
    nested = item(element(0x00090010, "LO", b"ACME") + element(0x00091001, "LO", b"x"))
    answer = full(
        (0x00090010, "LO", b"ACME"),
        (0x00091002, "SQ", nested),
        (0x00091101, "LO", b"no creator"),
    )
    assert answer["0009,0010"] == {"Name": "PrivateCreator", "Type": "String", "Value": "ACME"}
    assert "PrivateCreator" not in answer["0009,1101"]
    # Sequences never show theirs.
    assert answer["0009,1002"] == {
        "Name": "Unknown Tag & Data",
        "Type": "Sequence",
        "Value": [
            {
                "0009,0010": {"Name": "PrivateCreator", "Type": "String", "Value": "ACME"},
                "0009,1001": {
                    "Name": "Unknown Tag & Data",
                    "PrivateCreator": "ACME",
                    "Type": "String",
                    "Value": "x",
                },
            }
        ],
    }


def test_length() -> None:
    tag, key = 0x00104000, "0010,4000"
    charset = (0x00080005, "CS", b"ISO_IR 100")
    too_long = {"Name": "PatientComments", "Type": "TooLong", "Value": None}
    assert full((tag, "LT", b"x" * 256))[key]["Value"] == "x" * 256
    assert full((tag, "LT", b"x" * 256 + b" " * 100))[key]["Value"] == "x" * 256
    assert full((tag, "LT", b"x" * 257))[key] == too_long
    assert full(charset, (tag, "LT", b"\xe9" * 130))[key] == too_long
    assert full((tag, "LT", b"x" * 257), ignore_length={tag})[key]["Value"] == "x" * 257
    assert full((tag, "LT", b"x" * 9000))[key] == too_long
    assert full((tag, "LT", b"x" * 9000), max_length=0)[key]["Value"] == "x" * 9000
    assert full((tag, "LT", b"x" * 9), max_length=8)[key] == too_long
    numbers = full((0x00281201, "US", bytes(9000)))["0028,1201"]
    assert numbers["Type"] == "TooLong"
    assert full((0x00281201, "OW", bytes(9000)))["0028,1201"]["Type"] == "Null"


def test_sequences() -> None:
    answer = full((0x00081140, "SQ", b""), (0x00080051, "SQ", item(b"") * 2))
    assert answer["0008,1140"]["Value"] == []
    assert answer["0008,0051"]["Value"] == [{}, {}]


def test_simplify_keeps_the_last_of_one_name() -> None:
    rows = [
        (0x00090010, "LO", b"ONE"),
        (0x00091001, "LO", b"first"),
        (0x00091003, "SQ", item(element(0x00080060, "CS", b"CT"))),
        (0x00110010, "LO", b"TWO"),
        (0x00111001, "LO", b"last"),
    ]
    text = encode(read(file(dataset(*rows))), "simplify")
    answer = msgspec.json.decode(text)
    assert answer["Unknown Tag & Data"] == "last"
    assert answer["PrivateCreator"] == "TWO"
    assert answer["PatientID"] == "id"
    assert text.count(b"PrivateCreator") == 1
    assert b"CT" not in text


def test_simplify_when_the_first_member_goes() -> None:
    inner = element(0x00090010, "LO", b"A") + element(0x000B0010, "LO", b"B")
    found = read(file(dataset((0x00081140, "SQ", item(inner)))))
    assert encode_items(found.dataset, 0x00081140) == b'[{"PrivateCreator":"B"}]'


def test_nothing_after_the_pixel_data() -> None:
    rows = [(0x7FE00010, "OW", b"\0\0"), (0x7FE10010, "LO", b"ACME"), (0xFFFCFFFC, "OB", b"\0\0")]
    assert list(full(*rows))[-1] == "7fe0,0010"
    assert list(full(*rows[1:]))[-1] == "0020,000e"


def test_a_creator_of_unknown_vr_is_shown() -> None:
    answer = full((0x00090010, "UN", b"ACME"), (0x00091010, "LO", b"x"))
    assert answer["0009,0010"] == {"Name": "PrivateCreator", "Type": "String", "Value": "ACME"}


def test_only_some_tags() -> None:
    found = read(file(dataset((0x00100010, "PN", b"A^B"))))
    assert encode(found, "simplify", only={0x00100010}) == b'{"PatientName":"A^B"}'
    assert encode(found, "short", only=()) == b"{}"


def test_the_first_of_two_equal_tags_counts() -> None:
    twice = element(0x00100020, "LO", b"first") + element(0x00100020, "LO", b"second")
    late = element(0x00080060, "CS", b"CT")
    answer = msgspec.json.decode(encode(read(file(dataset() + twice + late)), "short"))
    assert answer["0010,0020"] == "id"
    assert list(answer) == sorted(answer)
    assert answer["0008,0060"] == "CT"


def test_header() -> None:
    header = msgspec.json.decode(encode_header(read(shipped("CT_small.dcm"))))
    assert header["0002,0000"] == {
        "Name": "FileMetaInformationGroupLength",
        "Type": "String",
        "Value": "192",
    }
    # The version is only bytes, and is left out.
    assert sorted(header) == [
        "0002,0000",
        "0002,0002",
        "0002,0003",
        "0002,0010",
        "0002,0012",
        "0002,0013",
        "0002,0016",
    ]
    simple = msgspec.json.decode(encode_header(read(shipped("CT_small.dcm")), "simplify"))
    assert simple["TransferSyntaxUID"] == "1.2.840.10008.1.2.1"


def test_ct_small() -> None:
    answer = msgspec.json.decode(encode(read(shipped("CT_small.dcm"))))
    assert len(answer) == 257
    assert answer["0009,10e7"] == {
        "Name": "ExamRecordChecksum",
        "PrivateCreator": "GEMS_IDEN_01",
        "Type": "String",
        "Value": "973283917",
    }
    assert answer["0043,1041"]["Value"] == "3816.219482421875"
    assert answer["7fe0,0010"] == {"Name": "PixelData", "Type": "Null", "Value": None}
