"""Whole files in other transfer syntaxes, over the files that pydicom ships."""

import hashlib
import io
import json
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from tests.dicom.comparison import compare
from tests.dicom.files import (
    FILES,
    SEQUENCE_END,
    dataset,
    element,
    file,
    implicit,
    item,
    open_item,
    shipped,
)

from hornburg.dicom.codecs.codestream import jpeg_2000_head, jpeg_head
from hornburg.dicom.codecs.syntaxes import LOSSLESS, LOSSY, NATIVE
from hornburg.dicom.reader import read
from hornburg.dicom.transcode import TranscodingError, choose, plan, transcode
from hornburg.errors import HornburgError

IMPLICIT, EXPLICIT, DEFLATED, BIG = NATIVE
BASELINE = "1.2.840.10008.1.2.4.50"
LARGE = 1_500_000

# Of the pixels that Orthanc 1.10.1 answered when it was asked for explicit little endian
# (POST /instances/{id}/modify with "Transcode"): the first 16 digits of their SHA-256.
ORTHANC = json.loads((Path(__file__).parent / "orthanc_pixels.json").read_text())


def pixels(data: bytes) -> np.ndarray:
    return pydicom.dcmread(io.BytesIO(data), force=True).pixel_array


def parsed(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data), force=True)


@pytest.mark.parametrize("name", sorted(ORTHANC))
def test_pixels_are_those_of_orthanc(name: str) -> None:
    path = next(path for path in FILES if path.name == name)
    value = parsed(transcode(path.read_bytes(), EXPLICIT)).PixelData
    assert hashlib.sha256(value).hexdigest()[:16] == ORTHANC[name]


@pytest.mark.parametrize("path", [path for path in FILES if path.stat().st_size < LARGE], ids=lambda path: path.name)  # fmt: skip
def test_native_syntaxes_and_back(path: Path) -> None:
    """No value is another one afterwards, for our reader and for pydicom."""
    data = path.read_bytes()
    try:
        before = read(data)
        plain = transcode(data, EXPLICIT)
    except HornburgError:
        return
    # A data set that begins with group 3f03 looks like a little endian one of group 033f.
    targets = (IMPLICIT, DEFLATED) if path.name == "priv_SQ.dcm" else (IMPLICIT, BIG, DEFLATED)
    for target in targets:
        there = transcode(plain, target)
        after = read(there)
        assert after.transfer_syntax == target
        assert after.sop_class_uid == before.sop_class_uid
        back = {e.tag: e for e in read(transcode(there, EXPLICIT)).dataset}
        kept = [e for e in read(plain).dataset if e.tag & 0xFFFF]
        assert list(back) == [e.tag for e in kept]
        for old in kept:
            new = back[old.tag]
            if old.is_sequence:
                assert new.item_count == old.item_count
            elif not (new.is_sequence and old.vr == "UN"):  # What UN was, implicit files forget.
                assert new.raw == old.raw
    assert compare(parsed(plain), read(plain).dataset) == []


SOME = (
    "CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb.dcm", "SC_rgb_2frame.dcm", "SC_rgb_16bit.dcm",
    "SC_rgb_jpeg_gdcm.dcm", "emri_small_big_endian.dcm", "MR_small_jp2klossless.dcm", "color-pl.dcm",
    "OBXXXX1A_2frame.dcm", "gdcm-US-ALOKA-16_big.dcm", "mlut_18.dcm", "693_UNCI.dcm",
    "MR-SIEMENS-DICOM-WithOverlays.dcm", "SC_ybr_full_uncompressed.dcm", "J2K_pixelrep_mismatch.dcm",
    "JPEG-LL.dcm", "emri_small_jpeg_ls_lossless.dcm", "image_dfl.dcm", "examples_ybr_color.dcm",
)  # fmt: skip
"""8 and 16 bits, signed, RGB, YBR, palette, planes, several frames, bits above those stored."""


@pytest.mark.parametrize("target", LOSSLESS)
@pytest.mark.parametrize("name", SOME)
def test_lossless(name: str, target: str) -> None:
    data = shipped(name)
    if name == "SC_ybr_full_uncompressed.dcm" and target == "1.2.840.10008.1.2.4.90":
        with pytest.raises(TranscodingError):  # 9 pixels are too few for OpenJPEG
            transcode(data, target)
        return
    plain = transcode(data, EXPLICIT)
    there = transcode(data, target)
    old, new = parsed(plain), parsed(there)
    assert new.file_meta.TransferSyntaxUID == target
    assert new.SOPInstanceUID == old.SOPInstanceUID == new.file_meta.MediaStorageSOPInstanceUID
    assert new.get("LossyImageCompression") == old.get("LossyImageCompression")
    assert (pixels(transcode(there, EXPLICIT)) == pixels(plain)).all()
    # pydicom shows other colours, and doesn't mend signs, when there was a compression.
    if new.PhotometricInterpretation != "YBR_FULL" and name != "mlut_18.dcm":
        assert (new.pixel_array == pixels(plain)).all()  # as pydicom reads it


@pytest.mark.parametrize("target", sorted(LOSSY))
@pytest.mark.parametrize("name", ["SC_rgb_rle_2frame.dcm", "chrArab.dcm", "SC_rgb_jpeg_gdcm.dcm"])
def test_lossy(name: str, target: str) -> None:
    data = shipped(name)
    try:
        new = parsed(transcode(data, target))
    except TranscodingError:
        assert (name, target) == ("chrArab.dcm", "1.2.840.10008.1.2.4.91")
        return
    old = parsed(data)
    assert new.SOPInstanceUID != old.SOPInstanceUID
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID
    assert new.LossyImageCompression == "01"
    assert new.LossyImageCompressionMethod == LOSSY[target]
    assert float(new.LossyImageCompressionRatio) > 1
    assert new.ImageType[0] == "DERIVED"
    source = new.SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    near = pixels(transcode(transcode(data, target), EXPLICIT)).astype(int)
    plain = pixels(transcode(data, EXPLICIT)).astype(int)
    assert np.abs(near - plain).mean() < 3
    assert np.abs(near - plain).max() <= 20


def test_quality_is_heard() -> None:
    data = shipped("color-px.dcm")
    for target in LOSSY:
        low, high = (len(transcode(data, target, lossy_quality=q)) for q in (20, 95))
        assert low < high


def test_signed_samples_without_their_sign_bits() -> None:
    """mlut_18 keeps 12 bits of its negative numbers: near 0 they must stay near."""
    data = shipped("mlut_18.dcm")
    near = pixels(transcode(transcode(data, "1.2.840.10008.1.2.4.91"), EXPLICIT)).astype(int)
    assert np.abs(near - pixels(data)).max() < 100


def test_the_same_syntax_changes_nothing() -> None:
    data = shipped("MR_small_RLE.dcm")
    assert transcode(data, "1.2.840.10008.1.2.5") == data
    assert plan(data, "1.2.840.10008.1.2.5").same


def test_a_data_set_without_pixels_is_only_written_anew() -> None:
    data = shipped("rtplan.dcm")
    for target in ("1.2.840.10008.1.2.4.90", BASELINE):
        assert not plan(data, target).codecs
        new = parsed(transcode(data, target))
        assert new.file_meta.TransferSyntaxUID == target
        assert new.SOPInstanceUID == parsed(data).SOPInstanceUID


def test_what_is_odd_stays() -> None:
    """Private tags, UN, sequences of both kinds of length, byte for byte."""
    inner = element(0x00080100, "SH", b"A") + element(0x00280103, "US", b"\1\0")
    rows = (
        element(0x00080005, "CS", b"ISO_IR 100")
        + element(0x00081140, "SQ", item(inner) + item(b""))
        + struct.pack("<HH2sHI", 0x0008, 0x1199, b"SQ", 0, 0xFFFFFFFF)
        + open_item(inner)
        + SEQUENCE_END
        + element(0x00091000, "UN", b"\1\2\3\4")
        + struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF)
        + open_item(implicit(0x00080100, b"AB"))
        + SEQUENCE_END
        + b"\x09\0\x02\x10ZZ\0\0\2\0\0\0ab"
        + element(0x00100010, "PN", b"M\xfcller")
    )
    data = file(rows)
    assert transcode(transcode(data, DEFLATED), EXPLICIT).endswith(rows)
    there = transcode(data, IMPLICIT)
    assert parsed(there)[0x00091000].value == b"\1\2\3\4"
    assert parsed(there)[0x00081140].value[0].CodeValue == "A"
    # pydicom doesn't know that UN is little endian inside of a big endian file.
    big = read(transcode(data, BIG)).dataset
    assert big[0x00081140].item(0).text(0x00280103) == "1"
    assert big[0x00081199].item(0).text(0x00280103) == "1"
    assert big[0x00091001].item(0).text(0x00080100) == "AB"
    assert transcode(transcode(data, BIG), EXPLICIT).endswith(rows.replace(b"ZZ", b"UN"))


def test_a_value_too_long_for_its_vr_becomes_un() -> None:
    value = b"A" * 70000
    data = file(implicit(0x00080016, b"1.2\0") + implicit(0x00104000, value), IMPLICIT)
    new = read(transcode(data, EXPLICIT))
    assert new.dataset[0x00104000].raw == value
    assert new.dataset[0x00104000].vr == "UN"


@pytest.mark.parametrize(
    ("source", "accepted", "chosen"),
    [
        (EXPLICIT, [IMPLICIT, EXPLICIT], EXPLICIT),
        ("1.2.840.10008.1.2.5", [IMPLICIT, EXPLICIT], EXPLICIT),
        ("1.2.840.10008.1.2.5", [BIG, IMPLICIT], IMPLICIT),
        ("1.2.840.10008.1.2.5", ["1.2.840.10008.1.2.4.90"], "1.2.840.10008.1.2.4.90"),
        (EXPLICIT, [BASELINE], None),
        ("1.2.840.10008.1.2.4.100", [EXPLICIT], None),
        ("1.2.840.10008.1.2.4.100", ["1.2.840.10008.1.2.4.100"], "1.2.840.10008.1.2.4.100"),
        (EXPLICIT, [], None),
    ],
)
def test_choose(source: str, accepted: list[str], chosen: str | None) -> None:
    assert choose(source, accepted) == chosen


def image(**changes: tuple[str, bytes]) -> list[tuple[int, str, bytes]]:
    rows = {
        0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7"),
        0x00080018: ("UI", b"1.2.3"),
        0x00280002: ("US", b"\1\0"),
        0x00280004: ("CS", b"MONOCHROME2"),
        0x00280010: ("US", b"\x40\0"),
        0x00280011: ("US", b"\x40\0"),
        0x00280100: ("US", b"\x08\0"),
        0x00280101: ("US", b"\x08\0"),
        0x00280102: ("US", b"\x07\0"),
        0x00280103: ("US", b"\0\0"),
    }
    rows |= {int(tag[1:], 16): value for tag, value in changes.items()}
    return [(tag, vr, value) for tag, (vr, value) in sorted(rows.items())]


def encapsulated(syntax: str, *frames: bytes, **changes: tuple[str, bytes]) -> bytes:
    value = encapsulate(list(frames), has_bot=False)
    head = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    return file(dataset(*image(**changes)) + head + value + SEQUENCE_END, syntax)


RLE_FRAME = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x05" * 32


def test_hand_made_rle() -> None:
    data = encapsulated("1.2.840.10008.1.2.5", RLE_FRAME)
    assert parsed(transcode(data, EXPLICIT)).PixelData == b"\5" * 4096


def test_rle_that_makes_its_codec_panic() -> None:
    """Seen with pylibjpeg-rle: a run past the end of the image is a panic of Rust."""
    data = shipped("MR_small_RLE.dcm")
    pixels_there = read(data).pixel_data
    assert pixels_there is not None
    start = pixels_there.fragments()[1][0] + 64
    causes = set()
    for at in range(start, len(data) - 8, 97):
        damaged = data[:at] + b"\x81" * 4 + data[at + 4 :]
        try:
            transcode(damaged, EXPLICIT)
        except TranscodingError as error:
            causes.add(type(error.__cause__).__name__)
    assert "PanicException" in causes


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "SC_rgb_jpeg_gdcm.dcm", "JPEG-LL.dcm"])
def test_streams_that_gdcm_gives_up(name: str) -> None:
    data = bytearray(shipped(name))
    place = data.find(b"\xff\xda")  # Start of scan: no more of the head is needed to begin.
    data[place : place + 400] = bytes(400)
    with pytest.raises(TranscodingError):
        transcode(bytes(data), EXPLICIT)


@pytest.mark.parametrize(
    "changes",
    [
        {"t00280010": ("US", b"\xff\xff"), "t00280011": ("US", b"\xff\xff")},
        {"t00280010": ("UL", b"\xff\xff\xff\xff"), "t00280011": ("UL", b"\xff\xff\xff\xff")},
        {"t00280010": ("US", b"\0\0")},
        {"t00280008": ("IS", b"2000000000")},
        {"t00280008": ("IS", b"2")},
        {"t00280008": ("IS", b"-1")},
        {"t00280100": ("US", b"\x40\0")},
        {"t00280100": ("US", b"\0\0")},
        {"t00280101": ("US", b"\x10\0")},
        {"t00280002": ("US", b"\xff\xff")},
        {"t00280002": ("US", b"\3\0")},
        {"t00280004": ("CS", b"PMSCT_RLE1")},
        {"t00280004": ("CS", b"RGB")},
    ],
)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", BASELINE, "1.2.840.10008.1.2.4.90"])
def test_lies_are_refused(changes: dict[str, tuple[str, bytes]], syntax: str) -> None:
    if changes.get("t00280004", ("", b""))[1] == b"PMSCT_RLE1" and syntax.endswith(".5"):
        syntax = "1.2.840.113619.5.2"  # A private syntax; there is no decoder to attack.
    with pytest.raises(TranscodingError):
        transcode(encapsulated(syntax, RLE_FRAME, **changes), EXPLICIT)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_gdcm.dcm", "JPEG-LL.dcm", "MR_small_jp2klossless.dcm", "emri_small_jpeg_ls_lossless.dcm", "examples_ybr_color.dcm"])  # fmt: skip
def test_a_code_stream_of_another_size_is_refused(name: str) -> None:
    """Before the codec sees it: its memory would be that of the code stream."""
    ds = parsed(shipped(name))
    ds.Rows += 1
    out = io.BytesIO()
    ds.save_as(out)
    with pytest.raises(TranscodingError, match="pixels of"):
        transcode(out.getvalue(), EXPLICIT)


def test_fewer_bytes_than_announced() -> None:
    data = file(dataset(*image(), (0x7FE00010, "OB", bytes(100))))
    with pytest.raises(TranscodingError, match="4096 bytes"):
        transcode(data, "1.2.840.10008.1.2.5")


@pytest.mark.parametrize("target", ["", "foo", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.92"])
def test_unknown_targets(target: str) -> None:
    with pytest.raises(TranscodingError, match="Cannot transcode to"):
        transcode(shipped("CT_small.dcm"), target)


def test_private_syntaxes_are_not_guessed() -> None:
    """GE's is implicit little endian with big endian pixels."""
    ds = parsed(shipped("MR_small_implicit.dcm"))
    ds.file_meta.TransferSyntaxUID = "1.2.840.113619.5.2"
    out = io.BytesIO()
    ds.save_as(out, implicit_vr=True, little_endian=True, enforce_file_format=False)
    with pytest.raises(TranscodingError, match="Cannot transcode from"):
        transcode(out.getvalue(), EXPLICIT)


@pytest.mark.parametrize("head", [jpeg_head, jpeg_2000_head])
@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8" + b"\xff\xe0\0\0" * 9000,
     b"\xff\xd8\xff\xc0\0\x04\x08\0", b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x51" + b"\xff" * 60,
     b"\xff\xd8\xff\xda\0\2", b"\xff" * 5000],
)  # fmt: skip
def test_heads_of_nothing(head, data: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TranscodingError):
        head(data)


_SEEDS = [shipped(name) for name in ("CT_small.dcm", "MR_small_expb.dcm", "rtplan.dcm", "priv_SQ.dcm", "MR_small_RLE.dcm")]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    seed=st.sampled_from(_SEEDS),
    changes=st.lists(
        st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), max_size=6
    ),
    cut=st.integers(0, 4000),
    target=st.sampled_from(NATIVE),
)
def test_damage_is_told_and_bounded(
    seed: bytes, changes: list[tuple[int, bytes]], cut: int, target: str
) -> None:
    """What comes of bytes that were changed is a file that can be read, or one of our errors."""
    data = bytearray(seed)
    for place, new in changes:
        data[place : place + len(new)] = new
    data = data[: len(data) - cut] if cut % 2 else data
    try:
        before = read(bytes(data))
        if before.transfer_syntax == target or plan(bytes(data), target).codecs:
            return
        there = transcode(bytes(data), target)
    except HornburgError:
        return
    assert len(there) <= 2 * max(len(data), len(before.dataset.buffer)) + 4096
