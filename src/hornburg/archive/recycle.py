"""Room for what arrives: ``MaximumStorageSize``, ``MaximumPatientCount``, ``MaximumStorageMode``."""

from __future__ import annotations

from hornburg.dicom.levels import Level
from hornburg.errors import StorageFullError
from hornburg.index.base import Writer
from hornburg.settings import Settings, StorageMode

__all__ = ["has_limits", "make_room"]


def has_limits(settings: Settings) -> bool:
    """Whether there is a limit at all."""
    return bool(settings.maximum_storage_size or settings.maximum_patient_count)


def make_room(
    writer: Writer, settings: Settings, arriving: str, *, may_displace: bool = True
) -> list[str]:
    """Remove the oldest unprotected patients until the limits hold again.

    Runs in the transaction that has stored something for the patient ``arriving``, so that all
    of it is undone when there is no way to make room. With ``may_displace`` false nothing is
    removed: whoever can store without being known could empty the archive by filling it. Source: Orthanc Book, faq/features,
    "Recycling/Protection".

    Returns:
        The identifiers of the files that nobody needs any more.

    Raises:
        StorageFullError: over a limit, and nothing may be removed.
    """
    most_bytes = settings.maximum_storage_size << 20
    most_patients = settings.maximum_patient_count
    freed: list[str] = []
    if not has_limits(settings):
        return freed
    # Limits are about the whole archive, whatever its sender may see of it.
    writer = writer.whole
    while True:
        totals = writer.statistics()
        over = []
        if most_bytes and totals.disk_size > most_bytes:
            over.append(f"MaximumStorageSize is {settings.maximum_storage_size} MB")
        if most_patients and totals.patients > most_patients:
            over.append(f"MaximumPatientCount is {most_patients}")
        if not over:
            return freed
        victim = None
        recycles = settings.maximum_storage_mode is StorageMode.RECYCLE
        if recycles and not may_displace:
            raise StorageFullError(
                f"The archive is full ({' and '.join(over)}), and only a modality of "
                "DicomModalities may have older patients recycled"
            )
        if recycles:
            victim = writer.oldest_unprotected_patient(arriving)
        if victim is None:
            raise StorageFullError(f"The archive is full: {' and '.join(over)}")
        deletion = writer.delete(Level.PATIENT, victim)
        freed += deletion.uuids if deletion else ()
