"""What is measured over the DICOM network, on which data, and the goals against Orthanc."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from pydicom import Dataset, dcmread

from benchmarks.load import Upload
from hornburg.testing import DatasetFactory

__all__ = ["DICOM_READS", "STORES", "DicomArchive", "DicomRead", "StoreOperation"]

_QUERIES = 20
_SERIES = 4


@dataclass(frozen=True, slots=True)
class StoreOperation:
    """C-STORE of made-up instances to an empty server; `quick` is the smaller set."""

    name: str
    what: Upload
    quick: Upload
    associations: int
    goal: float


def _small(seed: str) -> tuple[Upload, Upload]:
    return Upload("MR", 50, 1, 2, 20, seed), Upload("MR", 5, 1, 2, 20, seed)


def _large(seed: str) -> tuple[Upload, Upload]:
    return Upload("CT", 8, 1, 1, 100, seed), Upload("CT", 4, 1, 1, 20, seed)


# Other seeds give other instances: one server takes all of them.
STORES = [
    StoreOperation("C-STORE, 8 KB", *_small("one"), 1, 2.0),
    StoreOperation("C-STORE, 8 KB, 4 associations", *_small("four"), 4, 2.5),
    StoreOperation("C-STORE, 512 KB", *_large("one"), 1, 2.0),
    StoreOperation("C-STORE, 512 KB, 4 associations", *_large("four"), 4, 2.0),
]


class DicomArchive:
    """2,500 studies to find, of which eight have one long series to get; `quick`: a tenth.

    A study to find has two series of one instance each. Of the long series, four are MR of 8 KB,
    and four CT of 512 KB, 200 instances each.
    """

    def __init__(self, *, quick: bool) -> None:
        patients, instances = (121, 20) if quick else (1246, 200)
        self.what = Upload("MR", patients, studies=2, series=2, instances=1)
        self.small = Upload("MR", _SERIES, 1, 1, instances, seed="series")
        self.large = Upload("CT", _SERIES, 1, 1, instances, seed="series")
        self.contents = [self.what, self.small, self.large]
        self.studies = patients * 2 + _SERIES * 2
        self.found = self.studies // 25

    def date_ranges(self) -> list[str]:
        """Ranges of StudyDate that `found` studies fall into, none of them with a long series."""
        factory = DatasetFactory("MR", seed=self.what.seed)
        days = sorted(factory.identity(*pair).study_date for pair in self._pairs())
        series = DatasetFactory("MR", seed=self.small.seed)
        others = [series.identity(patient).study_date for patient in range(_SERIES)]
        ranges = []
        for first, last in zip(days, days[self.found - 1 :], strict=False):
            within = sum(first <= day <= last for day in days)
            if within == self.found and not any(first <= day <= last for day in others):
                ranges.append(f"{first}-{last}")
        return ranges[:: len(ranges) // _QUERIES][:_QUERIES]

    def studies_of(self, dates: str) -> dict[str, tuple[str, ...]]:
        """What must be found: accession number, patient, name and date by study."""
        first, last = dates.split("-")
        factory = DatasetFactory("MR", seed=self.what.seed)
        identities = (factory.identity(*pair) for pair in self._pairs())
        return {
            one.study_instance_uid: (
                one.accession_number,
                one.patient_id,
                one.patient_name,
                one.study_date,
            )
            for one in identities
            if first <= one.study_date <= last
        }

    def _pairs(self) -> Iterator[tuple[int, int]]:
        return ((patient, study) for patient in range(self.what.patients) for study in range(2))


@dataclass(frozen=True, slots=True)
class DicomRead:
    """Queries that are sent in turn, by findscu or getscu.

    `queries` makes the identifiers, `expected` says what must come for one, as `seen` puts a file
    with an answer: a key and what belongs to it. C-FIND is counted in queries, C-GET in instances;
    `times` is how often one association gets the same series.
    """

    name: str
    goal: float
    kind: Literal["find", "get"]
    queries: Callable[[DicomArchive], list[Dataset]]
    expected: Callable[[DicomArchive, Dataset], dict[str, Any]]
    seen: Callable[[Path], tuple[str, Any]]
    times: int = 1


# What a workstation's list of studies shows; the last are counted over series and instances.
_LISTED = (
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
)
_COUNTED = (
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)


def _finds(names: tuple[str, ...]) -> Callable[[DicomArchive], list[Dataset]]:
    def queries(archive: DicomArchive) -> list[Dataset]:
        found = []
        for dates in archive.date_ranges():
            query = Dataset()
            query.QueryRetrieveLevel = "STUDY"
            query.StudyDate = dates
            for name in names:
                setattr(query, name, "")
            found.append(query)
        return found

    return queries


def _study(path: Path) -> tuple[str, Any]:
    answer = dcmread(path, force=True)
    names = ("AccessionNumber", "PatientID", "PatientName", "StudyDate")
    return str(answer.StudyInstanceUID), tuple(str(answer[name].value) for name in names)


def _counted_study(path: Path) -> tuple[str, Any]:
    uid, listed = _study(path)
    answer = dcmread(path, force=True)
    return uid, (*listed, *(str(answer[name].value) for name in _COUNTED))


def _studies(archive: DicomArchive, query: Dataset) -> dict[str, Any]:
    return archive.studies_of(str(query.StudyDate))


def _counted_studies(archive: DicomArchive, query: Dataset) -> dict[str, Any]:
    counted = ("MR", str(archive.what.series), str(archive.what.series * archive.what.instances))
    return {uid: (*listed, *counted) for uid, listed in _studies(archive, query).items()}


def _gets(which: Callable[[DicomArchive], Upload]) -> Callable[[DicomArchive], list[Dataset]]:
    def queries(archive: DicomArchive) -> list[Dataset]:
        factory = _factory(which(archive))
        found = []
        for patient in range(which(archive).patients):
            identity = factory.identity(patient)
            query = Dataset()
            query.QueryRetrieveLevel = "SERIES"
            query.StudyInstanceUID = identity.study_instance_uid
            query.SeriesInstanceUID = identity.series_instance_uid
            found.append(query)
        return found

    return queries


def _factory(what: Upload) -> DatasetFactory:
    return DatasetFactory(what.kind, seed=what.seed)


def _instances(
    which: Callable[[DicomArchive], Upload],
) -> Callable[[DicomArchive, Dataset], dict[str, Any]]:
    def expected(archive: DicomArchive, query: Dataset) -> dict[str, Any]:
        what, factory = which(archive), _factory(which(archive))
        patient = next(
            number
            for number in range(what.patients)
            if factory.identity(number).series_instance_uid == query.SeriesInstanceUID
        )
        files = (factory.instance(patient, instance=number) for number in range(what.instances))
        return dict(_pixels_of(dcmread(BytesIO(file))) for file in files)

    return expected


def _pixels(path: Path) -> tuple[str, Any]:
    return _pixels_of(dcmread(path))


def _pixels_of(instance: Dataset) -> tuple[str, Any]:
    return str(instance.SOPInstanceUID), hashlib.sha256(instance.PixelData).hexdigest()


def _small_series(archive: DicomArchive) -> Upload:
    return archive.small


def _large_series(archive: DicomArchive) -> Upload:
    return archive.large


DICOM_READS = [
    DicomRead("C-FIND, 100 of 2,500 studies", 3.0, "find", _finds(_LISTED), _studies, _study),
    DicomRead(
        "C-FIND, the same with counts",
        3.0,
        "find",
        _finds(_LISTED + _COUNTED),
        _counted_studies,
        _counted_study,
    ),
    DicomRead(
        "C-GET, series of 200, 8 KB",
        1.5,
        "get",
        _gets(_small_series),
        _instances(_small_series),
        _pixels,
        # Else it is mostly the start of getscu that is measured.
        times=10,
    ),
    DicomRead(
        "C-GET, series of 200, 512 KB",
        1.5,
        "get",
        _gets(_large_series),
        _instances(_large_series),
        _pixels,
    ),
]
