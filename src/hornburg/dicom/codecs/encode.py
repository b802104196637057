"""Encoding one frame, given as samples in little endian, colour by pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import jpeg_ls  # type: ignore[import-untyped]
import numpy as np
from openjpeg.utils import encode_buffer
from PIL import Image as Pillow
from rle.utils import encode_pixel_data as rle_encode

from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.codecs.gdcm_frames import gdcm_encode
from hornburg.dicom.codecs.image import Image
from hornburg.dicom.codecs.syntaxes import (
    BASELINE,
    EXTENDED,
    JPEG_2000_LOSSLESS,
    JPEG_2000_LOSSY,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR,
    LOSSY,
    RLE,
)

__all__ = ["encode", "encoded_image"]

_ERRORS = (ValueError, RuntimeError, TypeError, OverflowError, OSError)
# Extended JPEG may have 12 bits, but no codec here writes them so that others can read them.
_MOST_BITS = {
    RLE: 32,
    BASELINE: 8,
    EXTENDED: 8,
    JPEG_LS_LOSSLESS: 16,
    JPEG_LS_NEAR: 16,
    JPEG_2000_LOSSLESS: 24,
    JPEG_2000_LOSSY: 24,
    **dict.fromkeys(JPEG_LOSSLESS, 16),
}
_HALF_COLOUR = 1  # Pillow's number of 4:2:2, what DCMTK writes as well.


def encoded_image(image: Image, syntax: str) -> Image:
    """How the data set describes the image once its frames are encoded (PS3.5 8.2).

    Raises:
        TranscodingError: no frame of this kind can be encoded so.
    """
    most = _MOST_BITS[syntax]
    if image.stored > most:
        raise TranscodingError(
            f"The image has {image.stored} bits stored; {syntax} takes {most} at most"
        )
    if syntax in LOSSY:
        _refuse_what_loss_spoils(image, syntax)
    photometric = image.photometric
    if photometric == "RGB":
        if syntax in (BASELINE, EXTENDED):
            photometric = "YBR_FULL_422"
        photometric = {JPEG_2000_LOSSLESS: "YBR_RCT", JPEG_2000_LOSSY: "YBR_ICT"}.get(
            syntax, photometric
        )
    elif photometric == "YBR_FULL" and syntax in (BASELINE, EXTENDED):
        photometric = "YBR_FULL_422"
    return replace(image, photometric=photometric, planar=False)


def _refuse_what_loss_spoils(image: Image, syntax: str) -> None:
    if image.photometric == "PALETTE COLOR":
        raise TranscodingError("The colours of a palette are numbers that must not change")
    if image.high_bit != image.stored - 1:
        raise TranscodingError("Samples that don't begin at the lowest bit can't lose any")
    if image.signed and syntax != JPEG_2000_LOSSY:
        raise TranscodingError(f"{syntax} has no sign, and the image has signed samples")


@dataclass(frozen=True, slots=True)
class _Frame:
    """``values`` is an array of the samples, ``precision`` the bits that each of them needs."""

    values: Any
    precision: int
    image: Image
    syntax: str
    quality: int

    @property
    def packed(self) -> bytes:
        """Unsigned samples of one or two bytes, in as many bits as the precision says."""
        unsigned = self.values.view(f"<u{self.image.allocated // 8}")
        values = unsigned & ((1 << self.precision) - 1)
        return bytes(values.astype("<u1" if self.precision <= 8 else "<u2").tobytes())


def encode(samples: bytes, syntax: str, image: Image, quality: int) -> bytes:
    """The code stream of a frame.

    Args:
        image: how the samples are laid out.
        quality: from 1 to 100, for syntaxes with loss.

    Raises:
        TranscodingError: the codec doesn't take it.
    """
    if syntax == RLE:
        try:
            return rle_encode(
                samples,
                byteorder="<",
                rows=image.rows,
                columns=image.columns,
                samples_per_pixel=image.samples,
                bits_allocated=image.allocated,
            )
        except _ERRORS as error:
            raise TranscodingError("A frame can't be encoded as RLE") from error
    values: Any = np.frombuffer(samples, f"<{'i' if image.signed else 'u'}{image.allocated // 8}")
    if syntax in LOSSY:
        # PS3.5 8.1.1: what lies above the stored bits is no part of a sample, nor its sign.
        above = image.allocated - image.stored
        values = (values << above) >> above
    frame = _Frame(values, _precision(values, image, syntax), image, syntax, quality)
    try:
        if syntax in (JPEG_2000_LOSSLESS, JPEG_2000_LOSSY):
            return _jpeg_2000(frame)
        if syntax in (JPEG_LS_LOSSLESS, JPEG_LS_NEAR):
            return _jpeg_ls(frame)
        if syntax in JPEG_LOSSLESS:
            unsigned = replace(image, signed=False)
            return gdcm_encode(frame.packed, syntax, unsigned, frame.precision)
        return _jpeg(frame)
    except _ERRORS as error:
        raise TranscodingError(f"A frame can't be encoded as {syntax}") from error


def _precision(values: Any, image: Image, syntax: str) -> int:
    """The bits stored when all samples fit, else all that are allocated: overlays and garbage
    above the samples must come back as well.

    Raises:
        TranscodingError: those are too many.
    """
    bits = image.stored
    low, high = (
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if image.signed else (0, (1 << bits) - 1)
    )
    if image.high_bit == bits - 1 and low <= int(values.min()) and int(values.max()) <= high:
        return max(bits, 2)
    if image.allocated > _MOST_BITS[syntax]:
        raise TranscodingError(
            f"The image has samples of more bits than the {bits} that it calls stored, and "
            f"{syntax} takes {_MOST_BITS[syntax]} at most"
        )
    return image.allocated


def _jpeg(frame: _Frame) -> bytes:
    image = frame.image
    mode = "L" if image.samples == 1 else "YCbCr" if image.photometric == "YBR_FULL" else "RGB"
    picture = Pillow.frombytes(mode, (image.columns, image.rows), frame.packed)
    out = BytesIO()
    picture.save(out, "JPEG", quality=frame.quality, subsampling=_HALF_COLOUR)
    return out.getvalue()


def _jpeg_ls(frame: _Frame) -> bytes:
    image = frame.image
    error = 0
    if frame.syntax == JPEG_LS_NEAR:
        # 2 at quality 90, which is DCMTK's, whatever the number of bits.
        error = min(max(1, (100 - frame.quality) // 5), ((1 << frame.precision) - 1) // 2)
    return bytes(
        jpeg_ls.encode_buffer(
            frame.packed,
            image.rows,
            image.columns,
            image.samples,
            frame.precision,
            lossy_error=error,
            interleave_mode=2 if image.samples > 1 else 0,
        )
    )


def _jpeg_2000(frame: _Frame) -> bytes:
    image, precision = frame.image, frame.precision
    size = 1 if precision <= 8 else 2 if precision <= 16 else 4
    samples = frame.values.astype(f"<{'i' if image.signed else 'u'}{size}").tobytes()
    options: dict[str, Any] = {}
    if frame.syntax == JPEG_2000_LOSSY:
        options["signal_noise_ratios"] = [_signal_to_noise(frame)]
    return bytes(
        encode_buffer(
            samples,
            image.columns,
            image.rows,
            image.samples,
            precision,
            image.signed,
            photometric_interpretation=1 if image.photometric == "RGB" else 2,
            use_mct=image.photometric == "RGB",
            **options,
        )
    )


def _signal_to_noise(frame: _Frame) -> float:
    """Decibels for a quality: 52 at 90, 40 at 50, of the range that the samples really have.

    The library takes the range of all numbers of this precision for the signal; images of 16
    bits often use a small part of it.
    """
    used = max(1, int(frame.values.max()) - int(frame.values.min()))
    return 25 + 0.3 * frame.quality + 20 * math.log10(((1 << frame.precision) - 1) / used)
