"""The main DICOM tags of each level (Orthanc Book, "Main DICOM Tags in DB")."""

from __future__ import annotations

from collections.abc import Mapping

from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import encode_items
from hornburg.dicom.reader import DicomFile
from hornburg.dicom.values import plain_text
from hornburg.dicom.vrs import TEXT

__all__ = ["DEFAULT_MAIN_TAGS", "MAXIMUM_LENGTH", "MAXIMUM_SEQUENCE", "MainTags"]

MAXIMUM_LENGTH = 256
"""The longest main tag, in bytes of UTF-8; Orthanc keeps no longer one."""

MAXIMUM_SEQUENCE = 65536
"""The longest sequence that is kept, in bytes of JSON; the Book advises against longer ones."""

DEFAULT_MAIN_TAGS: Mapping[Level, tuple[str, ...]] = {
    Level.PATIENT: (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "OtherPatientIDs",
    ),
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "StudyInstanceUID",
        "RequestedProcedureDescription",
        "InstitutionName",
        "RequestingPhysician",
        "ReferringPhysicianName",
    ),
    Level.SERIES: (
        "SeriesDate",
        "SeriesTime",
        "Modality",
        "Manufacturer",
        "StationName",
        "SeriesDescription",
        "BodyPartExamined",
        "SequenceName",
        "ProtocolName",
        "SeriesNumber",
        "CardiacNumberOfImages",
        "ImagesInAcquisition",
        "NumberOfTemporalPositions",
        "NumberOfSlices",
        "NumberOfTimeSlices",
        "SeriesInstanceUID",
        "ImageOrientationPatient",
        "SeriesType",
        "OperatorsName",
        "PerformedProcedureStepDescription",
        "AcquisitionDeviceProcessingDescription",
        "ContrastBolusAgent",
    ),
    Level.INSTANCE: (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "AcquisitionNumber",
        "ImageIndex",
        "InstanceNumber",
        "NumberOfFrames",
        "TemporalPositionIdentifier",
        "SOPInstanceUID",
        "ImagePositionPatient",
        "ImageComments",
        "ImageOrientationPatient",
    ),
}
"""What every archive keeps, by keyword."""


class MainTags:
    """Which tags the index keeps of each level, and how they are taken from a file.

    Args:
        extra: option ``ExtraMainDicomTags``: keywords or tags by the word of the level.
        dictionary: what the keywords mean.

    Raises:
        ValueError: an extra tag is in no dictionary, or a level is none.
    """

    def __init__(
        self,
        extra: Mapping[str, tuple[str, ...]] | None = None,
        dictionary: Dictionary = DEFAULT,
    ) -> None:
        names: dict[Level, list[str]] = {level: list(DEFAULT_MAIN_TAGS[level]) for level in Level}
        for word, more in (extra or {}).items():
            names[Level.from_word(word)].extend(more)
        self._dictionary = dictionary
        self._tags: dict[Level, tuple[int, ...]] = {}
        self._levels: dict[int, Level] = {}
        rows = []
        for level in Level:
            tags = dict.fromkeys(self._tag(name) for name in names[level])
            self._tags[level] = tuple(tags)
            for tag in tags:
                self._levels.setdefault(tag, level)
            # In the order of names, which is that of Orthanc's answers.
            rows.append(tuple(sorted((dictionary.keyword(tag), tag) for tag in tags)))
        self._rows = tuple(rows)
        self._signatures = {
            level: ";".join(f"{tag >> 16:04x},{tag & 0xFFFF:04x}" for tag in sorted(tags))
            for level, tags in self._tags.items()
        }

    def _tag(self, name: str) -> int:
        tag = self._dictionary.tag(name)
        if tag is None:
            raise ValueError(f"{name!r} is in no DICOM dictionary")
        return tag

    def tags(self, level: Level) -> tuple[int, ...]:
        """The tags that are kept of a level."""
        return self._tags[level]

    def level_of(self, tag: int) -> Level | None:
        """The widest level that keeps a tag, none when no one does."""
        return self._levels.get(tag)

    def signature(self, level: Level) -> str:
        """What Orthanc keeps as metadata ``MainDicomTagsSignature``."""
        return self._signatures[level]

    @property
    def sequences(self) -> frozenset[str]:
        """Names of kept tags that are sequences: their text is JSON, in the form ``simplify``."""
        vr = self._dictionary.vr
        return frozenset(name for row in self._rows for name, tag in row if vr(tag) == "SQ")

    def of(self, file: DicomFile) -> tuple[dict[str, str], ...]:
        """The main tags of patient, study, series and instance, by name in the order of names.

        An element that is absent, has no text or is longer than :data:`MAXIMUM_LENGTH` is left
        out; one that is empty is kept.
        """
        return tuple([self.of_level(file, level) for level in Level])

    def of_level(self, file: DicomFile, level: Level) -> dict[str, str]:
        """The same of one level."""
        dataset = file.dataset
        entries, buffer, charset = dataset.entries, dataset.buffer, dataset.charset
        found: dict[str, str] = {}
        for name, tag in self._rows[level]:
            entry = entries.get(tag)
            if entry is None:
                continue
            vr, offset, length, items = entry
            if items is not None:
                value = encode_items(dataset, tag)
                if len(value) <= MAXIMUM_SEQUENCE:
                    found[name] = value.decode()
                continue
            if not 0 <= length <= 4096:
                continue
            if vr in TEXT:
                raw = bytes(buffer[offset : offset + length])
                shown: str | None = plain_text(raw, vr, charset)
            else:
                shown = dataset.show(tag, entry)
            if shown is not None and (len(shown) <= 64 or len(shown.encode()) <= MAXIMUM_LENGTH):
                found[name] = shown
        return found
