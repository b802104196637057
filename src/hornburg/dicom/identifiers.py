"""Orthanc's identifiers of resources (Orthanc Book, "Orthanc identifiers")."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1

__all__ = ["public_ids"]

#: Longer identifiers than any that keep to PS3.5 (64 characters each) are not remembered.
_REMEMBERED = 256


def public_ids(
    patient_id: str, study_uid: str, series_uid: str, sop_uid: str
) -> tuple[str, str, str, str]:
    """The identifiers of patient, study, series and instance.

    Each is the SHA-1, in five groups of eight lower-case hexadecimal digits, of the DICOM
    identifiers down to its level joined by ``|``. SHA-1 is a name here, not a protection.
    """
    is_short = len(patient_id) + len(study_uid) + len(series_uid) <= _REMEMBERED
    parents = (_remembered if is_short else _parents)(patient_id, study_uid, series_uid)
    return *parents, _grouped(f"{patient_id}|{study_uid}|{series_uid}|{sop_uid}")


def _parents(patient_id: str, study_uid: str, series_uid: str) -> tuple[str, str, str]:
    """Of patient, study and series."""
    study = f"{patient_id}|{study_uid}"
    return _grouped(patient_id), _grouped(study), _grouped(f"{study}|{series_uid}")


#: Instances come one series after the other.
_remembered = lru_cache(maxsize=256)(_parents)


def _grouped(text: str) -> str:
    digits = sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:16]}-{digits[16:24]}-{digits[24:32]}-{digits[32:]}"
