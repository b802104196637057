"""The names and numbers of metadata and attachments, the core ones and those of the configuration.

Source: Orthanc Book, "Metadata" and "Attachments" under ``users/rest``. Numbers from 1024 to
65535 belong to the user.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DICOM", "DICOM_UNTIL_PIXEL_DATA", "FIRST_USER", "Names"]

FIRST_USER = 1024
LAST_USER = 65535

#: Number of the attachment that holds the DICOM file itself.
DICOM = 1
#: Number of Orthanc's attachment with the header alone (we read it from the file and never write it).
DICOM_UNTIL_PIXEL_DATA = 3

_CORE_METADATA = {
    "IndexInSeries": 1,
    "ReceptionDate": 2,
    "RemoteAET": 3,
    "ExpectedNumberOfInstances": 4,
    "ModifiedFrom": 5,
    "AnonymizedFrom": 6,
    "LastUpdate": 7,
    "Origin": 8,
    "TransferSyntax": 9,
    "SopClassUid": 10,
    "RemoteIP": 11,
    "CalledAET": 12,
    "HttpUsername": 13,
    "PixelDataOffset": 14,
    "MainDicomTagsSignature": 15,
    "MainDicomSequences": 16,
    "PixelDataVR": 17,
}
_CORE_ATTACHMENTS = {"dicom": DICOM, "dicom-as-json": 2, "dicom-until-pixel-data": 3}


class Names:
    """Both directions between name and number.

    Args:
        user_metadata: ``UserMetadata`` of the configuration, name -> number.
        user_attachments: ``UserContentType`` of the configuration, name -> number.
    """

    def __init__(
        self,
        user_metadata: Mapping[str, int] | None = None,
        user_attachments: Mapping[str, int] | None = None,
    ) -> None:
        self._metadata = {**_CORE_METADATA, **(user_metadata or {})}
        self._attachments = {**_CORE_ATTACHMENTS, **(user_attachments or {})}
        self._metadata_names = {number: name for name, number in self._metadata.items()}
        self._attachment_names = {number: name for name, number in self._attachments.items()}

    def metadata_number(self, name: str) -> int | None:
        """The number of a metadata, given its name or its number as text."""
        return _number(self._metadata, name)

    def metadata_name(self, number: int) -> str:
        """The name of a metadata, or its number as text when it has none."""
        return self._metadata_names.get(number) or str(number)

    def attachment_number(self, name: str) -> int | None:
        """The number of an attachment, given its name or its number as text."""
        return _number(self._attachments, name)

    def attachment_name(self, number: int) -> str:
        """The name of an attachment, or its number as text when it has none."""
        return self._attachment_names.get(number) or str(number)


def _number(known: Mapping[str, int], name: str) -> int | None:
    number = known.get(name)
    if number is None and name.isascii() and name.isdigit() and len(name) <= 5:
        number = int(name)
        if number not in known.values() and not FIRST_USER <= number <= LAST_USER:
            return None
    return number
