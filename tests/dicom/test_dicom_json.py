"""The DICOM JSON Model, against PS3.18 annex F and pydicom."""

import struct
import warnings

import msgspec
import pydicom
import pytest
from tests.dicom.files import FILES, dataset, element, file, item, shipped

from hornburg.dicom.dicom_json import encode
from hornburg.dicom.reader import read


def model(*rows: tuple[int, str, bytes]) -> dict[str, object]:
    answer: dict[str, object] = msgspec.json.decode(encode(read(file(dataset(*rows)))))
    return answer


@pytest.mark.parametrize(
    ("tag", "vr", "raw", "value"),
    [
        (0x00080008, "CS", b"A\\B", ["A", "B"]),
        (0x00080008, "CS", b"A\\\\B", ["A", None, "B"]),
        (0x00104000, "LT", b"a\\b ", ["a\\b"]),
        (
            0x00280009,
            "AT",
            struct.pack("<HHHH", 0x18, 0x1063, 0x28, 0xABCD),
            ["00181063", "0028ABCD"],
        ),
        (0x00280010, "US", b"\1\0\2\0", [1, 2]),
        (0x00189073, "FD", struct.pack("<d", 0.1), [0.1]),
        (
            0x0018602C,
            "FD",
            struct.pack("<ddd", float("nan"), float("inf"), float("-inf")),
            ["NaN", "Infinity", "-Infinity"],
        ),
        (0x00720083, "UV", struct.pack("<QQ", 5, 2**63), [5, "9223372036854775808"]),
        (0x00200013, "IS", b"+07", [7]),
        (0x00200032, "DS", b" 1.50\\-.5\\1.\\x", [1.5, -0.5, 1.0, "x"]),
        (0x00200032, "DS", b"1_0\\1e999\\NaN\\", ["1_0", "1e999", "NaN", None]),
        (0x00100010, "PN", b"A^B", [{"Alphabetic": "A^B"}]),
        (
            0x00100010,
            "PN",
            b"A=B=C\\D",
            [{"Alphabetic": "A", "Ideographic": "B", "Phonetic": "C"}, {"Alphabetic": "D"}],
        ),
        (0x00100010, "PN", b"=B", [{"Ideographic": "B"}]),
        (0x00080005, "CS", b"ISO_IR 100", ["ISO_IR 192"]),
    ],
)
def test_values(tag: int, vr: str, raw: bytes, value: list[object]) -> None:
    assert model((tag, vr, raw))[f"{tag:08X}"] == {"vr": vr, "Value": value}


def test_numbers_keep_their_digits() -> None:
    text = encode(read(file(dataset((0x00200032, "DS", b"1.50\\0.10000000000000")))))
    assert b"[1.50,0.10000000000000]" in text


def test_bytes() -> None:
    answer = model((0x00420011, "OB", b"%PDF"), (0x00281201, "OW", b""), (0x00091001, "UN", b"ab"))
    assert answer["00420011"] == {"vr": "OB", "InlineBinary": "JVBERg=="}
    assert answer["00281201"] == {"vr": "OW"}
    assert answer["00091001"] == {"vr": "UN", "InlineBinary": "YWI="}


def test_group_lengths_are_left_out() -> None:
    assert "00080000" not in model((0x00080000, "UL", b"\1\0\0\0"))


def test_sequences() -> None:
    inner = element(0x00080060, "CS", b"CT")
    answer = model((0x00081140, "SQ", item(inner) + item(b"")), (0x00080051, "SQ", b""))
    assert answer["00081140"] == {
        "vr": "SQ",
        "Value": [{"00080060": {"vr": "CS", "Value": ["CT"]}}, {}],
    }
    assert answer["00080051"] == {"vr": "SQ"}


def test_bulk_data() -> None:
    inner = element(0x00420011, "OB", b"%PDF")
    places = []

    def uri(place: tuple[int, ...], found: object) -> str | None:
        places.append(place)
        return (
            "/bulk/" + "/".join(f"{step:x}" for step in place) if place[-1] == 0x00420011 else None
        )

    found = read(file(dataset((0x00081140, "SQ", item(b"") + item(inner)))))
    answer = msgspec.json.decode(encode(found, uri))
    assert answer["00081140"]["Value"][1]["00420011"] == {
        "vr": "OB",
        "BulkDataURI": "/bulk/81140/2/420011",
    }
    assert (0x00100020,) in places


def test_encapsulated_pixel_data_has_no_inline_form() -> None:
    answer = msgspec.json.decode(encode(read(shipped("JPEG2000.dcm"))))
    assert answer["7FE00010"] == {"vr": "OB"}


# What is cut short, or begins with a byte too many.
REFUSED = ("MR_truncated.dcm", "rtplan_truncated.dcm", "no_meta.dcm", "too_short.dcm")
PLAIN = [
    path
    for path in FILES
    if path.stat().st_size < 60_000 and path.suffix == ".dcm" and not path.name.endswith(REFUSED)
]


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_equals_pydicom(path) -> None:
    ours = read(path.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(path, force=True).to_json_dict(
            suppress_invalid_tags=True, bulk_data_threshold=1 << 30
        )
    assert differences(theirs, msgspec.json.decode(encode(ours))) == []


def differences(theirs, ours, where="") -> list[object]:
    found: list[object] = []
    for key in theirs.keys() & ours.keys():
        one, other = theirs[key], ours[key]
        if key == "00080005" or other["vr"] == "UN" or "InlineBinary" in one:
            continue
        if one["vr"] == "SQ":
            pairs = zip(one.get("Value", []), other.get("Value", []), strict=True)
            for number, (a, b) in enumerate(pairs):
                found += differences(a, b, f"{where}/{key}[{number}]")
        elif [same(value) for value in one.get("Value", [])] != [
            same(value) for value in other.get("Value", [])
        ]:
            found.append((where, key, one, other))
    missing = [key for key in sorted(theirs.keys() - ours.keys()) if not key.endswith("0000")]
    return found + missing


def same(value: object) -> object:
    if isinstance(value, dict):
        return {key: part.rstrip("=") for key, part in value.items() if part.rstrip("= ")} or None
    if isinstance(value, str):
        return value.strip(" \0") or None
    return float(value) if isinstance(value, int | float) else value
