"""Where the pixel data is."""

import struct

import pydicom
import pytest
from pydicom.encaps import generate_frames
from tests.dicom.files import FILES, SEQUENCE_END, dataset, element, file, item, shipped

from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.pixel_data import PixelData
from hornburg.dicom.reader import read


def pixels(data: bytes) -> PixelData:
    found = read(data).pixel_data
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "offset"),
    # Metadata PixelDataOffset of Orthanc.
    [("CT_small.dcm", 6288), ("MR_small_implicit.dcm", 1502), ("JPEG2000.dcm", 3022)],
)
def test_offset(name: str, offset: int) -> None:
    found = pixels(shipped(name))
    assert found.offset == offset
    assert shipped(name)[offset : offset + 4] == b"\xe0\x7f\x10\0"


def test_offset_in_big_endian() -> None:
    data = shipped("MR_small_bigendian.dcm")
    found = pixels(data)
    assert data[found.offset : found.offset + 6] == b"\x7f\xe0\0\x10OW"
    assert read(data).header_end == found.value_offset == found.offset + 12


ENCAPSULATED = [path for path in FILES if path.suffix == ".dcm" and path.stat().st_size < 400_000]


@pytest.mark.filterwarnings("ignore")
def test_frames_equal_pydicom() -> None:
    """Each frame begins where pydicom's does, for every shipped file with fragments."""
    seen = 0
    for path in ENCAPSULATED:
        try:
            found = read(path.read_bytes())
        except DicomFormatError:
            continue
        place = found.pixel_data
        if place is None or not place.encapsulated:
            continue
        data = path.read_bytes()
        frames = generate_frames(
            pydicom.dcmread(path, force=True).PixelData, number_of_frames=place.number_of_frames
        )
        offsets = place.frame_offsets()
        assert len(offsets) == place.number_of_frames
        for offset, frame in zip(offsets, frames, strict=True):
            (length,) = struct.unpack_from("<I", data, offset + 4)
            assert frame[:length] == data[offset + 8 : offset + 8 + length]
        seen += 1
    assert seen > 30


def test_native_frames() -> None:
    found = pixels(shipped("emri_small.dcm"))
    offsets = found.frame_offsets()
    assert len(offsets) == found.number_of_frames == 10
    assert offsets[1] - offsets[0] == 64 * 64 * 2
    assert offsets[0] == found.value_offset


def native(frames: bytes, bits: int, value: bytes) -> PixelData:
    return pixels(
        file(
            dataset(
                (0x00280008, "IS", frames),
                (0x00280010, "US", b"\3\0"),
                (0x00280011, "US", b"\3\0"),
                (0x00280100, "US", struct.pack("<H", bits)),
                (0x7FE00010, "OB", value),
            )
        )
    )


def test_frames_of_single_bits() -> None:
    found = native(b"3", 1, bytes(4))
    assert [offset - found.value_offset for offset in found.frame_offsets()] == [0, 1, 2]
    assert native(b"4", 1, bytes(4)).frame_offsets() == []


@pytest.mark.parametrize(
    ("count", "frames"), [(b"", 1), (b"0", 1), (b"x", 1), (b"-3", 1), (b"2\\9", 2), (b"9" * 12, 1)]
)
def test_number_of_frames(count: bytes, frames: int) -> None:
    found = native(count, 8, bytes(18))
    assert found.number_of_frames == frames
    assert len(found.frame_offsets()) == frames


def test_more_frames_than_bytes() -> None:
    assert len(native(b"1000000000", 8, bytes(18)).frame_offsets()) == 0


def encapsulated(frames: bytes, *fragments: bytes, extended: bytes = b"") -> PixelData:
    head = element(0x7FE00010, "OB", b"")[:-4] + b"\xff\xff\xff\xff"
    rows = [(0x00280008, "IS", frames)]
    if extended:
        rows.append((0x7FE00001, "OV", extended))
    return pixels(file(dataset(*rows) + head + b"".join(map(item, fragments)) + SEQUENCE_END))


def starts(found: PixelData) -> list[int]:
    return [offset - found.value_offset for offset in found.frame_offsets()]


def test_offset_tables() -> None:
    basic = struct.pack("<II", 0, 20)
    # Frame 1 has two fragments of 10 bytes with their heads, frame 2 has one.
    assert starts(encapsulated(b"2", basic, b"ab", b"cd", b"ef")) == [16, 36]
    extended = struct.pack("<QQ", 0, 10)
    assert starts(encapsulated(b"2", b"", b"ab", b"cd", b"ef", extended=extended)) == [8, 18]
    # Without a table, one fragment a frame; or only the first is known.
    assert starts(encapsulated(b"2", b"", b"ab", b"cd")) == [8, 18]
    assert starts(encapsulated(b"2", b"", b"ab", b"cd", b"ef")) == [8]
    # Tables that point between fragments, backwards, or hold too much are not believed.
    for lie in (struct.pack("<II", 0, 7), struct.pack("<II", 10, 0), struct.pack("<5I", *range(5))):
        assert starts(encapsulated(b"2", lie, b"ab", b"cd")) == [8 + len(lie), 18 + len(lie)]
    assert starts(encapsulated(b"1", b"")) == []


def test_float_pixel_data() -> None:
    found = pixels(file(dataset((0x7FE00008, "OF", bytes(4)))))
    assert (found.tag, found.vr, found.length) == (0x7FE00008, "OF", 4)


def test_none() -> None:
    found = read(file(dataset()))
    assert found.pixel_data is None
    assert found.header_end == found.size
