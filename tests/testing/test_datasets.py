"""The made-up instances: readable for pydicom, of the wished size, the same every time."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Literal

import pydicom
import pytest

from hornburg.testing import DatasetFactory
from hornburg.testing.templates import PLACEHOLDERS

Kind = Literal["MR", "CT"]


def read(raw: bytes) -> pydicom.FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = pydicom.dcmread(BytesIO(raw))
        str(dataset)
    return dataset


@pytest.mark.parametrize("kind", ["MR", "CT"])
def test_pydicom_reads_back_the_identity(kind: Kind) -> None:
    factory = DatasetFactory(kind)
    dataset = read(factory.instance(7, 1, 2, 3))
    identity = factory.identity(7, 1, 2, 3)
    assert dataset.PatientID == identity.patient_id == "HB0000007"
    assert dataset.PatientName == identity.patient_name
    assert dataset.StudyDate == identity.study_date
    assert dataset.AccessionNumber == identity.accession_number
    assert dataset.StudyInstanceUID == identity.study_instance_uid
    assert dataset.SeriesInstanceUID == identity.series_instance_uid
    assert dataset.SOPInstanceUID == identity.sop_instance_uid
    assert dataset.file_meta.MediaStorageSOPInstanceUID == identity.sop_instance_uid
    assert (dataset.SeriesNumber, dataset.InstanceNumber) == (3, 4)
    assert len(dataset.PixelData) == 2 * dataset.Rows * dataset.Columns


@pytest.mark.parametrize("kind", ["MR", "CT"])
@pytest.mark.parametrize("patient", range(40))
def test_no_placeholder_is_left_and_all_bytes_are_read(kind: Kind, patient: int) -> None:
    raw = DatasetFactory(kind).instance(patient)
    written = BytesIO()
    read(raw).save_as(written)
    assert written.getvalue() == raw
    values = {str(element.value) for element in read(raw).iterall() if element.VR != "SQ"}
    assert values.isdisjoint(PLACEHOLDERS.values())


def test_a_ct_has_the_header_of_a_scanner() -> None:
    dataset = read(DatasetFactory("CT").instance())
    assert 110 <= len(dataset) <= 140
    assert dataset.RequestAttributesSequence[0].AccessionNumber == dataset.AccessionNumber
    assert any(element.tag.is_private for element in dataset)
    assert (dataset.Rows, dataset.Columns) == (512, 512)


@pytest.mark.parametrize("size", [4096, 8192, 10_001, 65_536])
def test_the_size_is_as_wished(size: int) -> None:
    raw = DatasetFactory("MR", size=size).instance(2)
    assert abs(len(raw) - size) <= 128


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed is 4096"):
        DatasetFactory("MR", size=100)


def test_the_same_numbers_give_the_same_bytes_and_others_do_not() -> None:
    first = list(DatasetFactory().archive(patients=2, studies=2, series=2, instances=3))
    assert first == list(DatasetFactory().archive(patients=2, studies=2, series=2, instances=3))
    assert len(set(first)) == 24
    assert set(first).isdisjoint(DatasetFactory(seed="2").archive(patients=2, studies=2))


def test_an_archive_has_the_wished_numbers_at_every_level() -> None:
    files = [read(raw) for raw in DatasetFactory().archive(patients=3, studies=2, series=2)]
    assert len({file.PatientID for file in files}) == 3
    assert len({file.StudyInstanceUID for file in files}) == 6
    assert len({file.SeriesInstanceUID for file in files}) == 12
    assert len({file.SOPInstanceUID for file in files}) == 12
