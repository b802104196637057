"""Bytes that were damaged, cut, or made to hurt: the reader's own error, and nothing else."""

import random
import struct
import tracemalloc
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dicom.files import (
    BIG,
    EXPLICIT,
    FILES,
    IMPLICIT,
    SEQUENCE_END,
    dataset,
    element,
    file,
    implicit,
    item,
    open_item,
)

from hornburg.dicom import content, dicom_json, orthanc_json
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.limits import Limits
from hornburg.dicom.main_tags import MainTags
from hornburg.dicom.reader import DicomFile, read

SMALL = [data for path in FILES if len(data := path.read_bytes()) < 8_000]
SYNTAXES = (EXPLICIT, IMPLICIT, BIG, "1.2.840.10008.1.2.1.99", "1.2.3")
MAIN_TAGS = MainTags()
SPLICES = [
    b"\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0",
    b"\xfe\xff\xdd\xe0",
    b"SQ\0\0",
    b"UN\0\0",
    b"OB\0\0",
    b"\x1b$B",
    b"\0\0\0\0",
]


def use(data: bytes) -> DicomFile | None:
    """Read, and ask for everything that can be asked."""
    try:
        found = read(data, limits=Limits(inflated=1 << 20))
    except DicomFormatError as error:
        assert error.offset is None or 0 <= error.offset <= max(len(data), 1 << 20)
        assert "\n" not in str(error)
        return None
    for form in ("full", "short", "simplify"):
        assert isinstance(msgspec.json.decode(orthanc_json.encode(found, form)), dict)
    msgspec.json.decode(orthanc_json.encode_header(found))
    msgspec.json.decode(dicom_json.encode(found))
    assert len(MAIN_TAGS.of(found)) == 4
    assert 0 <= found.header_end <= len(data)
    if found.pixel_data is not None:
        assert all(
            offset <= len(found.dataset.buffer) for offset in found.pixel_data.frame_offsets()
        )
    listing = content.content(found, "")
    assert isinstance(listing, content.Listing)
    for name in listing.names[:50]:
        below = content.content(found, name)
        assert isinstance(below, content.Listing) or len(below.view()) == below.length
    return found


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SMALL),
    st.lists(
        st.tuples(
            st.integers(0, 7_999), st.one_of(st.binary(max_size=4), st.sampled_from(SPLICES))
        ),
        max_size=8,
    ),
    st.integers(0, 8_000),
)
def test_mutated_files(data: bytes, changes: list[tuple[int, bytes]], cut: int) -> None:
    changed = bytearray(data)
    for place, piece in changes:
        place %= max(len(changed), 1)
        changed[place : place + len(piece)] = piece
    use(bytes(changed))
    use(bytes(changed[:cut]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(SYNTAXES))
def test_random_bytes(data: bytes, syntax: str) -> None:
    use(data)
    use(bytes(128) + b"DICM" + data)
    use(file(data, syntax))


@pytest.mark.parametrize("data", SMALL[:12], ids=range(12))
def test_every_place_of_a_cut(data: bytes) -> None:
    """A file that is cut never looks like a whole one, unless the cut is between elements."""
    whole = read(data)
    ends = {0, len(data)}
    for tag, (_vr, offset, length, _items) in whole.dataset.entries.items():
        assert tag
        ends.add(offset + (length if length >= 0 else 7 - length))
    for size in range(0, len(data), 3):
        try:
            cut = read(data[:size])
        except DicomFormatError:
            continue
        assert len(cut.dataset) < len(whole.dataset) or cut.deflated or size + 8 > max(ends)


def nested(depth: int, defined: bool, explicit: bool) -> bytes:
    head = struct.pack("<HH", 0x0008, 0x1140) + (b"SQ\0\0" if explicit else b"")
    if not defined:
        start = head + b"\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        return start * depth + (b"\xfe\xff\x0d\xe0\0\0\0\0" + SEQUENCE_END) * depth
    level = len(head) + 12
    lengths = [(depth - number) * level - level for number in range(depth)]
    return b"".join(
        head + struct.pack("<I", rest + 8) + b"\xfe\xff\x00\xe0" + struct.pack("<I", rest)
        for rest in lengths
    )


@pytest.mark.parametrize("depth", [3_000, 10_000])
@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_deep_nesting(depth: int, defined: bool, syntax: str) -> None:
    data = file(nested(depth, defined, syntax == EXPLICIT), syntax)
    with pytest.raises(DicomFormatError, match="nested deeper than 256"):
        read(data)
    found = read(data, limits=Limits(depth=depth))
    text = orthanc_json.encode(found, "short")
    assert text.count(b'"0008,1140":[{') == depth
    assert text.count(b"}]") == depth
    assert dicom_json.encode(found).count(b'"Value":[{') == depth
    assert orthanc_json.encode(found, "simplify").count(b"ReferencedImageSequence") == depth


def test_nesting_within_the_limit() -> None:
    assert use(file(nested(256, False, True))) is not None


def test_number_of_elements() -> None:
    data = file(element(0x00080018, "UI", b"1.2") + element(0x00081140, "SQ", item(b"") * 100))
    read(data, limits=Limits(elements=102))
    with pytest.raises(DicomFormatError, match="More than 101 elements"):
        read(data, limits=Limits(elements=101))


def test_number_of_fragments() -> None:
    head = element(0x7FE00010, "OB", b"")[:-4] + b"\xff\xff\xff\xff"
    data = file(dataset() + head + item(b"") * 20 + SEQUENCE_END)
    found = read(data, limits=Limits(fragments=20))
    assert found.pixel_data is not None
    assert len(found.pixel_data.fragments()) == 20
    with pytest.raises(DicomFormatError, match="More than 19 fragments"):
        read(data, limits=Limits(fragments=19))


def test_forged_lengths_take_no_memory() -> None:
    head = element(0x7FE00010, "OW", b"")[:-4] + b"\xfe\xff\xff\xff"
    data = file(dataset() + head + b"ab")
    read(file(dataset()))
    tracemalloc.start()
    with pytest.raises(DicomFormatError, match="has 4294967294 bytes, 2 are left at byte"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_pixel_data_is_not_copied() -> None:
    data = file(dataset((0x7FE00010, "OW", bytes(20 << 20))))
    read(data)
    tracemalloc.start()
    found = read(data)
    MAIN_TAGS.of(found)
    orthanc_json.encode(found)
    value = content.content(found, "PixelData/0")
    assert isinstance(value, content.Bytes)
    assert len(value.view()) == 20 << 20
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return file(packer.compress(data) + packer.flush(), "1.2.840.10008.1.2.1.99")


def test_deflated_bomb() -> None:
    bomb = deflated(dataset((0x7FE00010, "OW", bytes(4 << 20))))
    with pytest.raises(DicomFormatError, match="inflates to more than 1048576 bytes"):
        read(bomb, limits=Limits(inflated=1 << 20))
    with pytest.raises(DicomFormatError, match="times its size"):
        read(bomb, limits=Limits(inflation=100, always_inflated=1 << 20))
    found = read(bomb)
    assert found.deflated
    with pytest.raises(DicomFormatError, match="cut short"):
        read(bomb[:-3])


def test_zeros_at_the_end() -> None:
    whole = file(dataset())
    for count in (1, 2, 7, 8, 9, 512, 70_000):
        assert list(read(whole + bytes(count)).dataset.entries) == list(read(whole).dataset.entries)
    with pytest.raises(DicomFormatError, match=r"\(0000,0000\) where an element should be"):
        read(whole + bytes(100_000) + b"x" * 8)


def test_zeros_with_something_behind_them_are_looked_at_once() -> None:
    """A walk that looked ahead again at each zero would take hours."""
    with pytest.raises(DicomFormatError):
        read(file(dataset() + bytes(8 << 20) + b"x" * 8))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Not a DICOM file"),
        (b"hello, world, this is text", "Not a DICOM file"),
        (b"PK\3\4" + bytes(200), "Not a DICOM file"),
        (bytes(400), "Not a DICOM file"),
        (file(element(0x00080005, "LT", b"x" * 20)[:-4]), r"has 20 bytes, 16 are left at byte \d+"),
        (file(dataset() + b"\x20\x00"), "2 bytes at the end of the file are no element"),
        (file(element(0x00081140, "SQ", b"abcdefgh")), "where an item of a sequence should be"),
        (file(element(0x00081140, "SQ", item(b"abc")[:-1])), r"An item has 3 bytes, 2 are left"),
        (
            file(element(0x00081140, "SQ", b"")[:-4] + b"\xff\xff\xff\xff" + item(b"")),
            "A sequence has no end",
        ),
        (
            file(element(0x00081140, "SQ", open_item(b"")[:-8])),
            "An item has no end",
        ),
        (
            file(element(0x00081030, "UT", b"")[:-4] + b"\xff\xff\xff\xff"),
            "can't have an undefined length",
        ),
        (
            file(element(0x7FE00010, "OB", b"")[:-4] + b"\xff\xff\xff\xff" + item(b"abcd")),
            "ends inside encapsulated pixel data",
        ),
        (
            file(element(0x7FE00010, "OB", b"")[:-4] + b"\xff\xff\xff\xff" + item(b"abcd")[:-1]),
            "A fragment of 4 bytes runs past the end",
        ),
        (file(implicit(0x00081140, b"abcd"), IMPLICIT), "4 bytes at the end of a sequence|no end"),
    ],
)
def test_messages(data: bytes, message: str) -> None:
    with pytest.raises(DicomFormatError, match=message):
        read(data)


def test_offset_is_where_it_stopped() -> None:
    data = file(dataset() + b"\x20\x00")
    with pytest.raises(DicomFormatError) as caught:
        read(data)
    assert caught.value.offset == len(data) - 2


def test_many_private_names_stay_bounded() -> None:
    generator = random.Random(1)
    for _ in range(50):
        creator = bytes(generator.choices(b"ABCDEFGH", k=16))
        rows = [(0x00090010, "LO", creator)] + [
            (0x00091000 + number, "LO", b"x") for number in range(0, 256, 8)
        ]
        use(file(dataset(*rows)))
    assert orthanc_json.cache_size() <= 16384
