"""Orthanc's identifiers of resources (Orthanc Book, "Orthanc identifiers")."""

from __future__ import annotations

from hashlib import sha1

__all__ = ["public_ids"]


def public_ids(
    patient_id: str, study_uid: str, series_uid: str, sop_uid: str
) -> tuple[str, str, str, str]:
    """The identifiers of patient, study, series and instance.

    Each is the SHA-1, in five groups of eight lower-case hexadecimal digits, of the DICOM
    identifiers down to its level joined by ``|``. SHA-1 is a name here, not a protection.
    """
    study = f"{patient_id}|{study_uid}"
    series = f"{study}|{series_uid}"
    return _grouped(patient_id), _grouped(study), _grouped(series), _grouped(f"{series}|{sop_uid}")


def _grouped(text: str) -> str:
    digits = sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:16]}-{digits[16:24]}-{digits[24:32]}-{digits[32:]}"
