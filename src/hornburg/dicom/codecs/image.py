"""What a data set says of its pixels (PS3.3 C.7.6.3), checked before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.dataset import DataSet

__all__ = ["FRAME_LIMIT", "TOTAL_LIMIT", "Image", "image_of"]

FRAME_LIMIT = 1 << 30
"""Bytes of one decoded frame: the largest detectors and scanned slides stay below 300 MB."""

TOTAL_LIMIT = 2 << 30
"""Bytes of all decoded frames; tomosynthesis of the breast and large CT volumes stay below."""

_ONE_SAMPLE = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
_MOST_FRAMES = 1 << 24


@dataclass(frozen=True, slots=True)
class Image:
    """How pixels are laid out. All frames of an image are alike.

    ``allocated`` and ``stored`` are bits; ``planar`` tells that the samples of a native frame
    come plane by plane.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool
    frames: int

    @property
    def frame_size(self) -> int:
        """Bytes of a decoded frame, without padding."""
        return self.rows * self.columns * self.samples * self.allocated // 8


def _number(dataset: DataSet, tag: int, usual: int | None = None) -> int:
    text = (dataset.text(tag) or "").partition("\\")[0].strip()
    if text == "" and usual is not None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise TranscodingError(
            f"({tag >> 16:04x},{tag & 0xFFFF:04x}) of the image is {text[:16]!r}, "
            "which is no number of use"
        )
    return int(text)


def image_of(dataset: DataSet) -> Image:
    """The layout of the pixels of a data set.

    Raises:
        TranscodingError: it makes no sense, is of a kind that no codec takes, or asks for more
            memory than is allowed.
    """
    allocated = _number(dataset, 0x00280100)
    stored = _number(dataset, 0x00280101, allocated)
    samples = _number(dataset, 0x00280002, 1)
    image = Image(
        rows=_number(dataset, 0x00280010),
        columns=_number(dataset, 0x00280011),
        samples=samples,
        allocated=allocated,
        stored=stored,
        high_bit=_number(dataset, 0x00280102, stored - 1 if stored else 0),
        signed=_number(dataset, 0x00280103, 0) == 1,
        photometric=(dataset.text(0x00280004) or "").strip(),
        planar=samples > 1 and _number(dataset, 0x00280006, 0) == 1,
        frames=_number(dataset, 0x00280008, 1) or 1,
    )
    _check(image)
    return image


def _check(image: Image) -> None:
    if not (0 < image.rows <= 0xFFFF and 0 < image.columns <= 0xFFFF):
        raise TranscodingError(
            f"The image has {image.columns}x{image.rows} pixels; 1 to 65535 each way are possible"
        )
    if image.allocated not in (8, 16, 32):
        raise TranscodingError(
            f"The image has {image.allocated} bits allocated; the codecs take 8, 16 and 32"
        )
    if not 0 < image.stored <= image.allocated or image.high_bit >= image.allocated:
        raise TranscodingError(
            f"The image has {image.stored} bits stored up to bit {image.high_bit} "
            f"in {image.allocated} allocated"
        )
    if image.samples not in (1, 3) or (image.samples == 3) is (image.photometric in _ONE_SAMPLE):
        raise TranscodingError(
            f"The image has {image.samples} samples of {image.photometric[:16]!r} in each pixel"
        )
    if image.frames > _MOST_FRAMES or image.frame_size > FRAME_LIMIT:
        raise TranscodingError(
            f"A frame of the image takes {image.frame_size >> 20} MB; {FRAME_LIMIT >> 20} MB are "
            "allowed"
        )
    if image.frame_size * image.frames > TOTAL_LIMIT:
        raise TranscodingError(
            f"The image takes {image.frame_size * image.frames >> 20} MB; {TOTAL_LIMIT >> 20} MB "
            "are allowed"
        )
