"""Decoding one frame to samples in little endian, colour by pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import jpeg_ls  # type: ignore[import-untyped]
import numpy as np
from openjpeg.utils import decode_pixel_data
from PIL import Image as Pillow
from rle.utils import decode_pixel_data as rle_decode

from hornburg.dicom.codecs.codestream import CodeStream, jpeg_2000_head, jpeg_head
from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.codecs.gdcm_frames import gdcm_decode
from hornburg.dicom.codecs.image import Image
from hornburg.dicom.codecs.syntaxes import BASELINE, EXTENDED, JPEG, JPEG_2000, JPEG_LS, RLE
from hornburg.errors import HornburgError

__all__ = ["decode", "decoded_image", "interleaved"]

# Pillow's own bound on pixels is not needed: the size was checked before.
Pillow.MAX_IMAGE_PIXELS = None


def decoded_image(image: Image, syntax: str) -> Image:
    """How the frames of an image are laid out once they are decoded.

    The colours of JPEG with loss become RGB, and those of JPEG 2000 are RGB after decoding
    (PS3.5 8.2.1, 8.2.4); others stay what they are.
    """
    photometric = image.photometric
    if syntax in (BASELINE, EXTENDED) and photometric.startswith("YBR_FULL"):
        photometric = "RGB"
    if syntax in JPEG_2000 and photometric in ("YBR_RCT", "YBR_ICT"):
        photometric = "RGB"
    if photometric == "YBR_FULL_422":
        photometric = "YBR_FULL"  # Decoders give every sample.
    return replace(image, photometric=photometric, planar=False)


def decode(data: bytes, syntax: str, image: Image) -> bytes:
    """The samples of a frame: ``image.frame_size`` bytes.

    Raises:
        TranscodingError: the code stream is damaged or not that of this image.
    """
    try:
        samples = _decoder(syntax)(data, syntax, image)
    except (HornburgError, MemoryError):
        raise
    except BaseException as error:
        # What codecs raise of damaged streams is not told by their documentation; a panic of
        # Rust isn't even an Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise TranscodingError(f"A frame can't be decoded as {syntax}") from error
        raise
    if len(samples) != image.frame_size:
        raise TranscodingError(
            f"A frame decodes to {len(samples)} bytes instead of {image.frame_size}"
        )
    return samples


def _decoder(syntax: str) -> Callable[[bytes, str, Image], bytes]:
    if syntax == RLE:
        return _rle
    if syntax in JPEG_2000:
        return _jpeg_2000
    return _jpeg_ls if syntax in JPEG_LS else _jpeg


def interleaved(samples: bytes, image: Image) -> bytes:
    """Colour by pixel from colour by plane."""
    planes: Any = np.frombuffer(samples, f"u{image.allocated // 8}")
    return bytes(planes.reshape(image.samples, -1).T.tobytes())


def _check(head: CodeStream, image: Image) -> None:
    """The code stream is that of this image, so that its size has been checked."""
    there = (head.columns, head.rows, head.samples)
    if there != (image.columns, image.rows, image.samples):
        raise TranscodingError(
            f"A frame is {head.columns}x{head.rows} pixels of {head.samples} samples; the image "
            f"should have {image.columns}x{image.rows} of {image.samples}"
        )
    if head.precision > image.allocated:
        raise TranscodingError(
            f"A frame has samples of {head.precision} bits, more than {image.allocated} allocated"
        )


def _fitted(samples: bytes, precision: int, image: Image, signed: bool) -> bytes:
    """Samples of as many bytes as are allocated, with the sign that the image says.

    A signed image keeps the sign in the highest bit of its samples (PS3.5 8.1.1); codecs that
    know no sign give it back without the bits above.
    """
    size = 1 if precision <= 8 else 2 if precision <= 16 else 4
    bits = image.allocated
    if size * 8 == bits and (precision == bits or signed == image.signed):
        # JPEG and JPEG-LS have no sign: their answer is unsigned.
        return samples
    values: Any = np.frombuffer(samples, f"<{'i' if signed else 'u'}{size}")
    values = values.astype(f"<{'i' if image.signed else 'u'}{bits // 8}")
    if signed != image.signed and precision < bits:
        values = (values << (bits - precision)) >> (bits - precision)
    return bytes(values.tobytes())


def _rle(data: bytes, _syntax: str, image: Image) -> bytes:
    """PS3.5 annex G. The segments, one for each byte of a pixel, are colour by plane."""
    if len(data) < 64 or int.from_bytes(data[:4], "little") != (
        image.samples * image.allocated // 8
    ):
        raise TranscodingError("A frame has another number of RLE segments than its pixels bytes")
    samples = bytes(
        rle_decode(
            data,
            version=2,
            rows=image.rows,
            columns=image.columns,
            bits_allocated=image.allocated,
        )
    )
    if image.samples > 1 and len(samples) == image.frame_size:
        samples = interleaved(samples, image)
    return samples


def _jpeg(data: bytes, syntax: str, image: Image) -> bytes:
    head = jpeg_head(data)
    _check(head, image)
    lossy = head.marker in (0xC0, 0xC1, 0xC2)
    if syntax not in JPEG or not (lossy or head.marker == 0xC3):
        raise TranscodingError("A frame is of a process of JPEG that isn't taken")
    if head.precision == 8 and lossy:
        samples = _jpeg_8_bit(data, head, image)
    else:
        samples = gdcm_decode(data, syntax, replace(image, signed=False), head.precision)
    return _fitted(samples, head.precision, image, signed=False)


def _jpeg_8_bit(data: bytes, head: CodeStream, image: Image) -> bytes:
    picture = Pillow.open(BytesIO(data), formats=("JPEG",))
    if image.samples == 1:
        return picture.tobytes() if picture.mode == "L" else b""
    # What the data set calls RGB is not YBR, whatever the library takes for granted, unless the
    # stream itself says so.
    is_rgb = image.photometric == "RGB" and not head.jfif and head.adobe is None
    if is_rgb and head.names not in (b"RGB", b"rgb"):
        picture.draft("YCbCr", picture.size)
        return picture.tobytes()
    return picture.tobytes() if picture.mode == "RGB" else b""


def _jpeg_ls(data: bytes, _syntax: str, image: Image) -> bytes:
    head = jpeg_head(data)
    _check(head, image)
    raw, info = jpeg_ls.decode_pixel_data(data)
    samples = bytes(raw)
    if image.samples > 1 and info["interleave_mode"] == 0:
        samples = interleaved(samples, replace(image, allocated=8 if head.precision <= 8 else 16))
    return _fitted(samples, head.precision, image, signed=False)


def _jpeg_2000(data: bytes, _syntax: str, image: Image) -> bytes:
    head = jpeg_2000_head(data)
    _check(head, image)
    samples = bytes(decode_pixel_data(data, version=2))
    return _fitted(samples, head.precision, image, head.signed)
