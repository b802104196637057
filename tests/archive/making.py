"""Small DICOM files with the tags that a test names, and an archive that holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from hornburg.archive.ingest import store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.server import open_archive
from hornburg.settings import Settings

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def dicom(number: int = 1, **tags: Any) -> bytes:
    """A file of study, series and instance ``number``, unless the tags say otherwise."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = SECONDARY_CAPTURE
    dataset.PatientID = f"P{number}"
    dataset.StudyInstanceUID = f"1.2.{number}"
    dataset.SeriesInstanceUID = f"1.2.{number}.1"
    dataset.SOPInstanceUID = f"1.2.{number}.1.1"
    for name, value in tags.items():
        setattr(dataset, name, Sequence(value) if isinstance(value, list) else value)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def item(**tags: Any) -> Dataset:
    """An item of a sequence."""
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


@asynccontextmanager
async def holding(folder: Path, files: Iterable[bytes], **options: Any) -> AsyncIterator[Archive]:
    """An archive in a folder that holds the files; ``options`` are attributes of the settings."""
    async with open_archive(Settings(storage_directory=folder, **options)) as archive:
        for file in files:
            with Spool(archive.storage, 0, "test") as spool:
                spool.write(file)
                await store(archive, spool, Origin("RestApi"))
        yield archive
