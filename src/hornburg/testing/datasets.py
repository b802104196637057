"""Made-up DICOM instances, written fast and the same every time.

pydicom encodes one instance per kind; every further one is cut together from its bytes with
other identifiers, names, dates and positions, which takes some microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from struct import pack
from typing import Literal

from pydicom.dataset import Dataset

from hornburg.testing import people, templates

__all__ = ["DatasetFactory", "InstanceIdentity"]

_HEADERS = {"MR": templates.mr_header, "CT": templates.ct_header}
_LEAST_SIZE = 4096
_MOST_SIZE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """What names an instance, from patient to image; values as they stand in the file."""

    patient_id: str
    patient_name: str
    study_date: str
    accession_number: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class DatasetFactory:
    """Writes instances of one kind, numbered by patient, study, series and instance.

    `kind` is `MR` (a lean header, some 60 elements) or `CT` (some 120 elements with sequences
    and private blocks, as a scanner writes). `size` is the wished size of a file in bytes, from
    4 KB to 256 MB; a file comes within 128 bytes of it. Without it an MR is 8 KB long, and a CT
    holds 512 x 512 samples of 16 bits. Other `seed`s give other UIDs, names and dates.

    Raises `ValueError` when `size` is out of range.
    """

    def __init__(
        self, kind: Literal["MR", "CT"] = "MR", *, size: int | None = None, seed: str = "1"
    ) -> None:
        self.kind = kind
        self.seed = seed
        self._template = _template(kind, size)

    def identity(
        self, patient: int = 0, study: int = 0, series: int = 0, instance: int = 0
    ) -> InstanceIdentity:
        """The identifiers that `instance()` writes for the same numbers."""
        values = {
            **_series_values(self.seed, self.kind, patient, study, series),
            **_instance_values(self.seed, self.kind, patient, study, series, instance),
        }
        return InstanceIdentity(
            patient_id=values["PatientID"],
            patient_name=values["PatientName"],
            study_date=values["StudyDate"],
            accession_number=values["AccessionNumber"],
            study_instance_uid=values["StudyInstanceUID"],
            series_instance_uid=values["SeriesInstanceUID"],
            sop_instance_uid=values["SOPInstanceUID"],
        )

    def instance(
        self, patient: int = 0, study: int = 0, series: int = 0, instance: int = 0
    ) -> bytes:
        """One DICOM file; the numbers count from 0, each within the one before."""
        return self._template.fill(
            _series_values(self.seed, self.kind, patient, study, series),
            _instance_values(self.seed, self.kind, patient, study, series, instance),
        )

    def archive(
        self, *, patients: int = 1, studies: int = 1, series: int = 1, instances: int = 1
    ) -> Iterator[bytes]:
        """Every file of `patients`, each with `studies`, each with `series`, and so on."""
        for patient in range(patients):
            for study in range(studies):
                for one_series in range(series):
                    for instance in range(instances):
                        yield self.instance(patient, study, one_series, instance)


class _Template:
    """An encoded instance, cut at the values that change."""

    def __init__(self, encoded: bytes) -> None:
        self._pieces: list[bytes] = []
        self._names: list[tuple[int, str]] = []
        end = 0
        for start, stop, name in _placeholders(encoded):
            # The two bytes before a value are its length (PS3.5 7.1.2, short form).
            self._pieces.append(encoded[end : start - 2])
            self._names.append((len(self._pieces), name))
            self._pieces.append(b"")
            end = stop
        self._pieces.append(encoded[end:])

    def fill(self, *values: dict[str, str]) -> bytes:
        encoded = {name: _value(text) for group in values for name, text in group.items()}
        pieces = self._pieces.copy()
        for place, name in self._names:
            pieces[place] = encoded[name]
        return b"".join(pieces)


def _value(text: str) -> bytes:
    """Length and value, padded to an even length: UIDs here are even, so a space always fits."""
    raw = text.encode("latin-1")
    if len(raw) % 2:
        raw += b" "
    return pack("<H", len(raw)) + raw


def _placeholders(encoded: bytes) -> list[tuple[int, int, str]]:
    """Start, end and name of every value to replace, in the order of the file."""
    # The image is noise and may hold anything: the header alone is searched.
    header_end = encoded.index(b"\xe0\x7f\x10\x00")
    found = []
    for name, text in templates.PLACEHOLDERS.items():
        raw = text.encode("latin-1")
        padded = raw + b" " * (len(raw) % 2)
        pattern = pack("<H", len(padded)) + padded
        start = encoded.find(pattern, 0, header_end)
        while start >= 0:
            found.append((start + 2, start + len(pattern), name))
            start = encoded.find(pattern, start + len(pattern), header_end)
    return sorted(found)


@lru_cache(maxsize=16)
def _template(kind: str, size: int | None) -> _Template:
    header = _HEADERS[kind]()
    if kind == "CT" and size is None:
        _add_image(header, 512, 512)
        return _Template(templates.encode(header))
    size = 8192 if size is None else size
    if not _LEAST_SIZE <= size <= _MOST_SIZE:
        raise ValueError(f"size is {size} bytes, allowed is {_LEAST_SIZE} to {_MOST_SIZE}")
    return _Template(_encode_with_size(header, size))


def _encode_with_size(header: Dataset, size: int) -> bytes:
    _add_image(header, 0, 0)
    left = size - len(templates.encode(header))
    if left < 0:
        raise ValueError(f"size is {size} bytes, the header alone needs {size - left}")
    side = isqrt(left // 2)
    _add_image(header, side, min(left // (2 * max(side, 1)), side + 2))
    left = size - len(templates.encode(header))
    # A remainder too small for an element of its own (12 bytes before its value) stays away.
    if left >= 12:
        header.DataSetTrailingPadding = bytes((left - 12) // 2 * 2)
    return templates.encode(header)


def _add_image(header: Dataset, rows: int, columns: int) -> None:
    header.Rows = rows
    header.Columns = columns
    header.PixelData = templates.pixels(rows * columns)
    header["PixelData"].VR = "OW"


@lru_cache(maxsize=1024)
def _series_values(seed: str, kind: str, patient: int, study: int, series: int) -> dict[str, str]:
    who = people.patient(seed, patient)
    what = people.study(seed, who, study)
    return {
        "PatientName": who.name,
        "PatientID": who.id,
        "PatientBirthDate": who.birthday.strftime("%Y%m%d"),
        "PatientSex": who.sex,
        "PatientAge": what.age,
        "StudyInstanceUID": people.uid(seed, kind, patient, study),
        "SeriesInstanceUID": people.uid(seed, kind, patient, study, series),
        "FrameOfReferenceUID": people.uid(seed, kind, patient, study, series, "frame"),
        "StudyDate": what.day.strftime("%Y%m%d"),
        "StudyTime": what.time,
        "StudyID": what.id,
        "AccessionNumber": what.accession_number,
        "ReferringPhysicianName": what.referring_physician,
        "SeriesNumber": str(series + 1),
    }


def _instance_values(
    seed: str, kind: str, patient: int, study: int, series: int, instance: int
) -> dict[str, str]:
    position = instance * 0.7 - 350
    return {
        "SOPInstanceUID": people.uid(seed, kind, patient, study, series, instance),
        "InstanceNumber": str(instance + 1),
        "SliceLocation": f"{position:.1f}",
        "ImagePositionPatient": f"-190\\-188.5\\{position:.1f}",
    }
