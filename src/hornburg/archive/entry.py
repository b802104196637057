"""What the index needs to know of an instance: of its header, where it comes from, and its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from hornburg.archive.expected import expected_instances, index_in_series
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive, stamp
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.identifiers import public_ids
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile, read
from hornburg.errors import BadFileFormatError
from hornburg.index.base import Attachment, NewInstance

__all__ = ["Claim", "Header", "MediaDirectoryError", "new_instance", "read_header"]

Claim = tuple[str, str]
"""SOP class and SOP instance UID."""

_IDENTIFIERS = (
    ("StudyInstanceUID", 0x0020000D),
    ("SeriesInstanceUID", 0x0020000E),
    ("SOPInstanceUID", 0x00080018),
)
_PATIENT_ID = 0x00100020
_PIXEL_DATA = 0x7FE00010
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

#: Which main tags the index held when a resource came in (Orthanc Book, faq/main-dicom-tags).
_SIGNATURE = "MainDicomTagsSignature"


class MediaDirectoryError(BadFileFormatError):
    """A DICOMDIR (PS3.10 section 8): an index of a medium, and no instance."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the index needs of a file."""

    file: DicomFile
    public_ids: tuple[str, str, str, str]
    expected: int | None
    claim: Claim
    patient_id: str
    study_uid: str


def read_header(archive: Archive, buffer: Buffer) -> Header:
    """Read the header, once.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance.
    """
    file = read(
        buffer,
        default_charset=archive.runtime.default_encoding,
        dictionary=archive.dictionary,
    )
    if file.sop_class_uid == _MEDIA_DIRECTORY:
        raise MediaDirectoryError("A DICOMDIR is no instance, so it can't be stored")
    uids = [file.text(tag) or "" for _, tag in _IDENTIFIERS]
    for (name, _), uid in zip(_IDENTIFIERS, uids, strict=True):
        if not uid:
            raise BadFileFormatError(f"The DICOM file has no {name}, so it can't be stored")
    patient_id = file.text(_PATIENT_ID) or ""
    return Header(
        file,
        public_ids(patient_id, uids[0], uids[1], uids[2]),
        expected_instances(file),
        (file.sop_class_uid, uids[2]),
        patient_id,
        uids[0],
    )


def new_instance(
    archive: Archive, header: Header, origin: Origin, attachment: Attachment, now: float
) -> NewInstance:
    """The entry of an instance that came at ``now``, in Unix seconds."""
    date = stamp(now)
    return NewInstance(
        header.public_ids,
        _ByLevel(partial(archive.main_tags.of_level, header.file)),
        _ByLevel(partial(_metadata, archive, header, origin, date)),
        attachment,
        now,
        date,
        archive.settings.overwrite_instances.value,
        header.expected,
    )


def _metadata(
    archive: Archive, header: Header, origin: Origin, date: str, level: Level
) -> dict[str, str]:
    values = {_SIGNATURE: archive.main_tags.signature(level)}
    if level is Level.INSTANCE:
        values |= _of_file(header.file)
        values |= origin.metadata()
        values["ReceptionDate"] = date
    elif level is Level.SERIES:
        values["RemoteAET"] = origin.remote_aet
        if header.expected is not None:
            values["ExpectedNumberOfInstances"] = str(header.expected)
    return values


def _of_file(file: DicomFile) -> dict[str, str]:
    instance = {"TransferSyntax": file.transfer_syntax, "SopClassUid": file.sop_class_uid}
    pixels = file.pixel_data
    if pixels is not None:
        if pixels.tag == _PIXEL_DATA and not file.deflated:
            instance["PixelDataOffset"] = str(pixels.offset)
        instance["PixelDataVR"] = pixels.vr
    index = index_in_series(file)
    if index is not None:
        instance["IndexInSeries"] = index
    return instance


class _ByLevel(Sequence[Mapping[str, str]]):
    """One mapping a level, made when it is asked for: most instances bring no new parents."""

    def __init__(self, make: Callable[[Level], Mapping[str, str]]) -> None:
        self._make = make

    def __getitem__(self, level: int) -> Mapping[str, str]:  # type: ignore[override]
        return self._make(Level(level))

    def __len__(self) -> int:
        return len(Level)
