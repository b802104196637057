"""What a header says about its series: how many instances it will have, and which one this is."""

from __future__ import annotations

from hornburg.dicom.reader import DicomFile

__all__ = ["expected_instances", "index_in_series"]

_IMAGES_IN_ACQUISITION = 0x00201002
_NUMBER_OF_TEMPORAL_POSITIONS = 0x00200105
_NUMBER_OF_SLICES = 0x00540081
_NUMBER_OF_TIME_SLICES = 0x00540101
_CARDIAC_NUMBER_OF_IMAGES = 0x00181090
_INSTANCE_NUMBER = 0x00200013
_IMAGE_INDEX = 0x00541330

#: Pairs whose product is the number of instances (PS3.3 C.8.9.1, C.7.6.5), then the lone one.
_PRODUCTS = (
    (_IMAGES_IN_ACQUISITION, _NUMBER_OF_TEMPORAL_POSITIONS),
    (_NUMBER_OF_SLICES, _NUMBER_OF_TIME_SLICES),
    (_CARDIAC_NUMBER_OF_IMAGES,),
)

#: Larger numbers are no count of instances but damage.
_MOST = 1 << 31


def expected_instances(file: DicomFile) -> int | None:
    """How many instances the series will have, when the modality tells."""
    for product in _PRODUCTS:
        total = 1
        for tag in product:
            total *= _whole(file, tag) or 0
        if 0 < total < _MOST:
            return total
    return None


def index_in_series(file: DicomFile) -> str | None:
    """InstanceNumber, else ImageIndex, as it stands in the file."""
    for tag in (_INSTANCE_NUMBER, _IMAGE_INDEX):
        text = file.text(tag)
        if text is not None:
            return text
    return None


def _whole(file: DicomFile, tag: int) -> int | None:
    text = file.text(tag)
    if not text or len(text) > 12:
        return None
    text = text.strip()
    # PS3.5 table 6.2-1, IS: digits with an optional sign; a count below zero means nothing.
    return int(text) if text.isascii() and text.removeprefix("+").isdigit() else None
