"""What is wrong with bytes that claim to be DICOM."""

from __future__ import annotations

from hornburg.errors import BadFileFormatError

__all__ = ["DicomFormatError"]


class DicomFormatError(BadFileFormatError):
    """The bytes are not a DICOM file that can be read in full.

    ``offset`` is the position in the file of the byte where reading stopped (in the inflated
    data set for the deflated transfer syntax), none when there is no such place.
    """

    def __init__(self, what: str, offset: int | None = None) -> None:
        self.offset = offset
        super().__init__(what if offset is None else f"{what} at byte {offset}")
