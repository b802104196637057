"""Room for what arrives, and who may have it made."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.archive.making import dicom, holding

from hornburg.archive.ingest import store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.dicom.levels import Level
from hornburg.errors import StorageFullError


async def _store(archive: Archive, file: bytes, origin: Origin) -> None:
    with Spool(archive.storage, 0, "test") as spool:
        spool.write(file)
        await store(archive, spool, origin)


async def _patients(archive: Archive) -> int:
    statistics = await archive.index.read(lambda reader: reader.statistics())
    return statistics.patients


async def test_strangers_displace_nobody(tmp_path: Path) -> None:
    async with holding(tmp_path, [dicom(1), dicom(2)], maximum_patient_count=2) as archive:
        before = await archive.index.read(lambda reader: reader.last_change())
        with pytest.raises(StorageFullError, match="DicomModalities"):
            await _store(archive, dicom(3), Origin("DicomProtocol", may_displace=False))
        assert await archive.index.read(lambda reader: reader.last_change()) == before
        # More of a patient who is there needs no room of others.
        more = dicom(1, SOPInstanceUID="1.2.1.1.2")
        await _store(archive, more, Origin("DicomProtocol", may_displace=False))
        assert await _patients(archive) == 2


async def test_who_is_known_recycles(tmp_path: Path) -> None:
    async with holding(tmp_path, [dicom(1), dicom(2)], maximum_patient_count=2) as archive:
        await _store(archive, dicom(3), Origin("DicomProtocol"))
        assert await _patients(archive) == 2
        names = await archive.index.read(
            lambda reader: [reader.lookup(f"P{number}") for number in (1, 2, 3)]
        )
        assert [bool(found) for found in names] == [False, True, True]
        assert names[2][0][0] is Level.PATIENT
