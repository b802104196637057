"""The archive to find and get from holds what the benchmark says that it asks for."""

from __future__ import annotations

import pytest
from benchmarks.dicom_operations import DICOM_READS, STORES, DicomArchive

from hornburg.testing import DatasetFactory


@pytest.fixture(scope="module", params=[False, True], ids=["full", "quick"])
def archive(request: pytest.FixtureRequest) -> DicomArchive:
    return DicomArchive(quick=request.param)


def test_every_range_of_dates_finds_the_same_number_of_studies(archive: DicomArchive) -> None:
    ranges = archive.date_ranges()
    assert len(set(ranges)) == 20
    assert {len(archive.studies_of(dates)) for dates in ranges} == {archive.found}


def test_no_range_of_dates_finds_a_long_series(archive: DicomArchive) -> None:
    long = [
        DatasetFactory(what.kind, seed=what.seed).identity(patient).study_date
        for what in (archive.small, archive.large)
        for patient in range(what.patients)
    ]
    for dates in archive.date_ranges():
        first, last = dates.split("-")
        assert not any(first <= day <= last for day in long)


def test_the_full_archive_is_as_large_as_the_names_say() -> None:
    archive = DicomArchive(quick=False)
    assert (archive.found, archive.studies) == (100, 2500)
    assert {archive.small.instances, archive.large.instances} == {200}


def test_each_read_asks_for_what_it_expects() -> None:
    archive = DicomArchive(quick=True)
    for read in DICOM_READS:
        query = read.queries(archive)[-1]
        expected = read.expected(archive, query)
        assert len(expected) == (archive.found if read.kind == "find" else archive.small.instances)


def test_one_server_takes_the_files_of_all_stores() -> None:
    seeds = [(one.what.kind, one.what.seed) for one in STORES]
    assert len(set(seeds)) == len(seeds)
    assert [one.what.count for one in STORES] == [2000, 2000, 800, 800]
