"""The plain and the odd ways in which files are written."""

import struct
import zlib

import pytest
from tests.dicom.files import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    SEQUENCE_END,
    dataset,
    element,
    file,
    implicit,
    item,
    open_item,
    shipped,
)

from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.reader import read
from hornburg.dicom.uids import generate_uid
from hornburg.errors import BadFileFormatError

PATIENT_ID, SERIES_SEQUENCE, REFERENCED = 0x00100020, 0x00081115, 0x00081140


def test_what_a_file_says() -> None:
    found = read(shipped("CT_small.dcm"))
    assert found.transfer_syntax == EXPLICIT
    assert found.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert found.text(PATIENT_ID) == "1CT1"
    assert found.text(0x00020010) == EXPLICIT
    assert found.text(0x00100021) is None
    assert found.size == 39206
    assert PATIENT_ID in found.dataset
    assert found.dataset.get(0x00100021) is None
    found_id = found.dataset[PATIENT_ID]
    assert (found_id.vr, found_id.length, found_id.raw) == ("LO", 4, b"1CT1")
    assert not found_id.is_sequence
    assert found_id.items == ()
    assert found.dataset[0x00091001].creator == "GEMS_IDEN_01"
    assert found.dataset.creator(0x00091101) == ""


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_buffers(kind) -> None:
    whole = shipped("CT_small.dcm")
    assert read(kind(whole)).text(PATIENT_ID) == "1CT1"
    assert read(kind(shipped("image_dfl.dcm"))).text(0x00080060) == "OT"


def test_sop_class_from_the_meta_header() -> None:
    found = read(file(element(PATIENT_ID, "LO", b"id")))
    assert found.sop_class_uid == "1.2.840.10008.5.1.4.1.1.7"
    assert read(element(PATIENT_ID, "LO", b"id")).sop_class_uid == ""


def as_implicit(*rows: tuple[int, bytes]) -> bytes:
    return b"".join(implicit(*row) for row in rows)


PLAIN_IMPLICIT = as_implicit((0x00080060, b"CT"), (PATIENT_ID, b"id"), (0x00280010, b"\2\0"))


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (dataset(), EXPLICIT),
        (PLAIN_IMPLICIT, IMPLICIT),
        (file(dataset())[128:], EXPLICIT),
        (file(dataset())[132:], EXPLICIT),
        (file(PLAIN_IMPLICIT, IMPLICIT)[132:], IMPLICIT),
        (element(0x00080060, "CS", b"CT", ">") + element(PATIENT_ID, "LO", b"id", ">"), BIG),
    ],
    ids=["explicit", "implicit", "no preamble", "no prefix", "no prefix implicit", "big endian"],
)
def test_without_preamble_or_meta_header(data: bytes, syntax: str) -> None:
    found = read(data)
    assert found.transfer_syntax == syntax
    assert found.text(PATIENT_ID) == "id"


def test_the_first_element_overrules_the_transfer_syntax() -> None:
    found = read(file(PLAIN_IMPLICIT, EXPLICIT))
    assert (found.text(PATIENT_ID), found.transfer_syntax) == ("id", EXPLICIT)
    found = read(file(dataset(), IMPLICIT))
    assert (found.text(PATIENT_ID), found.transfer_syntax) == ("id", IMPLICIT)


def test_meta_header_without_a_transfer_syntax() -> None:
    meta = element(0x00020002, "UI", b"1.2.3")
    head = bytes(128) + b"DICM" + meta
    assert read(head + dataset()).transfer_syntax == EXPLICIT
    assert read(head + PLAIN_IMPLICIT).transfer_syntax == IMPLICIT


def test_meta_header_without_vrs() -> None:
    meta = implicit(0x00020010, b"1.2.840.10008.1.2\0")
    found = read(bytes(128) + b"DICM" + meta + PLAIN_IMPLICIT)
    assert (found.transfer_syntax, found.text(PATIENT_ID)) == (IMPLICIT, "id")


def test_meta_header_with_a_wrong_group_length() -> None:
    data = bytearray(file(dataset()))
    data[140:144] = b"\xff\0\0\0"
    assert read(bytes(data)).text(PATIENT_ID) == "id"


def test_empty_data_set() -> None:
    assert len(read(file(b"")).dataset) == 0


def test_an_unknown_transfer_syntax_is_little_endian() -> None:
    assert read(file(dataset(), "1.2.3.4.5")).text(PATIENT_ID) == "id"


def test_deflated() -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(dataset()) + packer.flush()
    found = read(file(packed, "1.2.840.10008.1.2.1.99"))
    assert found.deflated
    assert found.transfer_syntax == "1.2.840.10008.1.2.1.99"
    assert found.text(PATIENT_ID) == "id"
    assert found.header_end == found.size
    with pytest.raises(DicomFormatError, match="can't be inflated"):
        read(file(b"\xff" * 40, "1.2.840.10008.1.2.1.99"))


INNER = element(0x0020000E, "UI", b"1.2.3.5")


@pytest.mark.parametrize(
    "value",
    [
        item(INNER),
        open_item(INNER),
        item(INNER) + SEQUENCE_END,
        item(INNER + b"\xfe\xff\x0d\xe0\0\0\0\0"),
    ],
    ids=["item", "open item", "superfluous end", "superfluous item end"],
)
@pytest.mark.parametrize("defined", [True, False])
def test_sequences(value: bytes, defined: bool) -> None:
    if defined:
        sequence = element(SERIES_SEQUENCE, "SQ", value)
    else:
        head = element(SERIES_SEQUENCE, "SQ", b"")[:-4] + b"\xff\xff\xff\xff"
        sequence = head + value.removesuffix(SEQUENCE_END) + SEQUENCE_END
    found = read(file(sequence + element(PATIENT_ID, "LO", b"id")))
    (first,) = found.dataset[SERIES_SEQUENCE].items
    assert first.text(0x0020000E) == "1.2.3.5"
    assert found.text(PATIENT_ID) == "id"
    assert found.text(SERIES_SEQUENCE) is None


def test_sequences_one_in_another() -> None:
    inner = element(REFERENCED, "SQ", open_item(element(0x00081155, "UI", b"1")) * 2)
    outer = element(SERIES_SEQUENCE, "SQ", item(inner + INNER) + item(b"") + item(INNER))
    found = read(file(outer + element(PATIENT_ID, "LO", b"id")))
    one, two, three = found.dataset[SERIES_SEQUENCE].items
    assert [deep.text(0x00081155) for deep in one[REFERENCED].items] == ["1", "1"]
    assert one.text(0x0020000E) == three.text(0x0020000E) == "1.2.3.5"
    assert len(two) == 0
    assert found.text(PATIENT_ID) == "id"


@pytest.mark.parametrize("order", ["<", ">"])
def test_unknown_with_undefined_length_is_implicit_little_endian(order: str) -> None:
    """PS3.5 6.2.2 note 2, in a file of either byte order."""
    head = element(0x00091001, "UN", b"", order)[:-4] + b"\xff\xff\xff\xff"
    content = as_implicit((0x00080060, b"CT"), (0x00280010, b"\2\1"))
    deeper = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + item(content) + SEQUENCE_END
    data = head + open_item(content + deeper) + SEQUENCE_END
    data += element(0x00280010, "US", b"\2\1", order)
    found = read(file(data, BIG if order == ">" else EXPLICIT))
    (one,) = found.dataset[0x00091001].items
    assert (one.text(0x00080060), one.text(0x00280010)) == ("CT", "258")
    assert one[REFERENCED].items[0].text(0x00280010) == "258"
    assert found.text(0x00280010) == ("513" if order == ">" else "258")


def test_unknown_with_a_length_stays_bytes() -> None:
    data = element(0x00081140, "UN", item(as_implicit((0x00080060, b"CT"))))
    found = read(file(data)).dataset[0x00081140]
    assert (found.vr, found.is_sequence, found.text) == ("UN", False, None)


def test_private_tags_of_implicit_files() -> None:
    rows = [(0x00090010, b"GEMS_IDEN_01"), (0x00090011, b"NOBODY"), (0x00091027, b"\1\0\0\0")]
    found = read(file(as_implicit(*rows, (0x00091127, b"\1\0\0\0")), IMPLICIT))
    assert found.dataset[0x00091027].vr == "SL"
    assert found.text(0x00091027) == "1"
    assert found.dataset[0x00091127].vr == "UN"


def test_the_users_own_dictionary() -> None:
    class Own:
        vr, name, private_creator = "US", "Mine", "NOBODY"

    rows = [(0x00090010, b"NOBODY"), (0x00091027, b"\1\0")]
    found = read(file(as_implicit(*rows), IMPLICIT), dictionary=Dictionary({"0009,1027": Own()}))
    assert found.text(0x00091027) == "1"


@pytest.mark.parametrize(("representation", "text"), [(b"\0\0", "65535"), (b"\1\0", "-1")])
def test_vrs_that_depend_on_the_pixel_representation(representation: bytes, text: str) -> None:
    """PS3.5 annex A.1, also in the items of a sequence."""
    nested = item(as_implicit((0x00280106, b"\xff\xff")))
    rows = [(REFERENCED, nested), (0x00280103, representation), (0x00280106, b"\xff\xff")]
    found = read(file(as_implicit(*rows), IMPLICIT))
    assert found.text(0x00280106) == text
    assert found.dataset[REFERENCED].items[0].text(0x00280106) == text


def test_vrs_that_are_in_no_table() -> None:
    long = b"\x09\0\x01\x10ZZ\0\0\4\0\0\0abcd"
    short = b"\x09\0\x02\x10ZZ\2\0ab"
    none = implicit(PATIENT_ID, b"id")
    found = read(file(long + short + none + element(0x0020000D, "UI", b"1.2")))
    assert found.dataset[0x00091001].raw == b"abcd"
    assert found.dataset[0x00091002].raw == b"ab"
    assert (found.dataset[0x00091001].vr, found.dataset[PATIENT_ID].vr) == ("UN", "LO")
    assert (found.text(PATIENT_ID), found.text(0x0020000D)) == ("id", "1.2")


def test_order_and_doubles() -> None:
    """Elements are in the order of tags whatever the file has; of two equal ones the first counts."""
    rows = [(PATIENT_ID, b"first"), (0x00080060, b"CT"), (PATIENT_ID, b"second")]
    found = read(
        file(element(0x00080005, "CS", b"") + b"".join(element(t, "LO", v) for t, v in rows))
    )
    assert list(found.dataset.entries) == [0x00080005, 0x00080060, PATIENT_ID]
    assert found.text(PATIENT_ID) == "first"


def test_odd_and_missing_values() -> None:
    odd = struct.pack("<HH2sH", 0x0008, 0x0060, b"CS", 3) + b"ABC"
    found = read(file(odd + element(PATIENT_ID, "LO", b"")))
    assert found.text(0x00080060) == "ABC"
    assert found.text(PATIENT_ID) == ""
    assert read(file(element(0x00280010, "US", b""))).text(0x00280010) is None
    assert (
        read(file(struct.pack("<HH2sH", 0x28, 0x10, b"US", 3) + b"\1\0\2")).text(0x00280010) == "1"
    )


def test_group_lengths_are_kept_and_not_believed() -> None:
    found = read(
        file(element(0x00080000, "UL", b"\xff\xff\0\0") + element(PATIENT_ID, "LO", b"id"))
    )
    assert found.text(0x00080000) == "65535"
    assert found.text(PATIENT_ID) == "id"


def test_the_error_is_one_of_the_table() -> None:
    with pytest.raises(BadFileFormatError) as caught:
        read(b"x")
    assert caught.value.outside.http == 400


def test_new_identifiers() -> None:
    made = {generate_uid() for _ in range(100)}
    assert len(made) == 100
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in made)
