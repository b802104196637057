"""The frames of an image, one after the other, as its file holds them."""

from __future__ import annotations

from collections.abc import Iterator

from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.codecs.image import Image
from hornburg.dicom.pixel_data import PixelData
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.swap import swapped

__all__ = ["encoded_frames", "native_frames"]


def native_frames(file: DicomFile, pixels: PixelData, image: Image) -> Iterator[bytes]:
    """Frames without compression, in little endian.

    Raises:
        TranscodingError: there are fewer bytes than the image is made of.
    """
    size = image.frame_size
    if size * image.frames > pixels.length:
        raise TranscodingError(
            f"The image should have {size * image.frames} bytes of pixels, "
            f"there are {pixels.length}"
        )
    buffer, start = file.dataset.buffer, pixels.value_offset
    words = file.encoding.big and (pixels.vr == "OW" or image.allocated > 8)
    for frame in range(image.frames):
        place = start + frame * size
        if not words:
            yield bytes(buffer[place : place + size])
            continue
        # A frame of an odd number of bytes may begin inside of a word.
        first, last = (place - start) // 2 * 2, (place - start + size + 1) // 2 * 2
        whole = swapped(bytes(buffer[start + first : start + last]), 2)
        yield whole[place - start - first :][:size]


def encoded_frames(file: DicomFile, pixels: PixelData, image: Image) -> Iterator[bytes]:
    """The code streams of an encapsulated image (PS3.5 A.4).

    Raises:
        TranscodingError: there are fewer fragments than frames, or nothing tells which of them
            make up a frame.
    """
    buffer = file.dataset.buffer
    fragments = pixels.fragments()[1:]
    if len(fragments) < image.frames:
        raise TranscodingError(
            f"The image should have {image.frames} frames, there are {len(fragments)} fragments"
        )
    starts = set(pixels.frame_offsets()) if image.frames > 1 else {fragments[0][0] - 8}
    if len(starts) != image.frames or fragments[0][0] - 8 not in starts:
        raise TranscodingError(
            f"Nothing tells which of {len(fragments)} fragments make up each of "
            f"{image.frames} frames"
        )
    parts: list[bytes] = []
    for offset, length in fragments:
        if parts and offset - 8 in starts:
            yield b"".join(parts)
            parts = []
        parts.append(bytes(buffer[offset : offset + length]))
    yield b"".join(parts)
