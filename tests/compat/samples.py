"""The data that both servers get: pydicom's files, and a few data sets made for searching."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["NETWORK", "SAMPLES", "archive", "corpus", "file", "form", "made"]

_DATA = Path(pydicom.__file__).parent / "data"
_FOLDERS = (_DATA / "test_files", _DATA / "charset_files")

_CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def file(name: str) -> bytes:
    """One of pydicom's test files."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    raise FileNotFoundError(name)


def corpus(largest: int = 150_000) -> list[str]:
    """The names of all test files inside pydicom up to a size, those on character sets too."""
    paths = [path for folder in _FOLDERS for path in folder.glob("*.dcm")]
    return sorted(path.name for path in paths if path.stat().st_size <= largest)


def made(patient: str, name: str, study: str, series: str, number: int | str, **more: Any) -> bytes:
    """A small instance without pixels; ``study`` and ``series`` are ends of UIDs."""
    data = Dataset()
    more.setdefault("SOPInstanceUID", f"1.2.{series}.{number or 0}")
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = _CT_STORAGE
    data.PatientID = patient
    data.PatientName = name
    data.PatientSex = "O"
    data.StudyInstanceUID = f"1.2.{study}"
    data.SeriesInstanceUID = f"1.2.{series}"
    data.StudyDate = "20200101"
    data.StudyTime = "101500"
    data.Modality = "CT"
    data.InstanceNumber = number
    with warnings.catch_warnings():
        # Values that break the rules of their VR are made on purpose.
        warnings.simplefilter("ignore")
        for keyword, value in more.items():
            setattr(data, keyword, value)
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        output = io.BytesIO()
        pydicom.dcmwrite(output, data, enforce_file_format=True)
    return output.getvalue()


def archive(*members: tuple[str, bytes]) -> bytes:
    """A ZIP archive."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            zipped.writestr(zipfile.ZipInfo(name), content)
    return output.getvalue()


def form(*parts: tuple[str, bytes], boundary: str = "xyzzy") -> bytes:
    """A multipart/form-data body of files (RFC 7578)."""
    body = b""
    for name, content in parts:
        body += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/dicom\r\n\r\n"
        ).encode()
        body += content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def _search() -> dict[str, bytes]:
    jurgen = {
        "AccessionNumber": "A1",
        "StudyDescription": "Thorax nativ",
        "PatientBirthDate": "19600102",
    }
    anna = {"StudyDescription": "Abdomen*", "StudyDate": "20210505", "AccessionNumber": "A2"}
    return {
        "j1": made("CMP1", "Müller^Jürgen", "100", "100.1", 1, **jurgen),
        "j2": made("CMP1", "Müller^Jürgen", "100", "100.1", 2, **jurgen),
        "j3": made("CMP1", "Müller^Jürgen", "100", "100.2", 1, **jurgen | {"Modality": "MR"}),
        "j4": made(
            "CMP1", "Müller^Jürgen", "101", "101.1", 1, **jurgen | {"StudyDate": "20220606"}
        ),
        "anna": made("CMP2", "ANNA^TEST", "200", "200.1", 1, **anna),
        "anna2": made("cmp3", "anna^test", "300", "300.1", 1, Modality="US", StudyDate=""),
        "counted": made("CMP4", "Heart", "400", "400.1", 1, CardiacNumberOfImages=2),
        "long": made("CMP5", "Long", "500", "500.1", 1, PatientComments="x" * 300),
    }


#: What the stocked servers hold, in the order of arrival; the names are those of the tables.
SAMPLES: dict[str, bytes] = {
    "ct": file("CT_small.dcm"),
    "plan": file("rtplan.dcm"),
    "rle": file("SC_rgb_rle_2frame.dcm"),
    "structures": file("rtstruct.dcm"),
    **_search(),
}

#: What the servers of the network tables hold besides: names in other character sets. Orthanc 1.10
#: can't read that of chrH32 (ISO 2022 IR 13).
NETWORK: dict[str, bytes] = {
    name: file(f"{name}.dcm")
    for name in (
        "chrArab",
        "chrFren",
        "chrGerm",
        "chrGreek",
        "chrH31",
        "chrHbrw",
        "chrI2",
        "chrJapMulti",
        "chrRuss",
        "chrX1",
        "chrX2",
    )
}
