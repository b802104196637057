"""Instances for the tests of the index."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from hornburg.dicom.levels import Level
from hornburg.index.base import Attachment, Compression, NewInstance

__all__ = ["attachment", "instance", "public_ids", "sha"]


def sha(text: str) -> str:
    digest = hashlib.sha1(text.encode("utf-8", "replace")).hexdigest()
    return "-".join(digest[at : at + 8] for at in range(0, 40, 8))


def public_ids(*parts: str) -> tuple[str, str, str, str]:
    names = ["|".join(parts[: at + 1]) for at in range(4)]
    return (sha(names[0]), sha(names[1]), sha(names[2]), sha(names[3]))


def attachment(number: int = 1, size: int = 100, md5: str = "m") -> Attachment:
    return Attachment("", number, str(uuid.uuid4()), size, md5, Compression.NONE, size, md5)


def instance(
    patient: str = "P1",
    study: str = "1",
    series: str = "1",
    sop: str = "1",
    *,
    tags: dict[Level, dict[str, str]] | None = None,
    **more: Any,
) -> NewInstance:
    """An instance below the given parents; ``tags`` are added to the main tags of its levels."""
    set_up: dict[str, Any] = {
        "name": f"Müller^{patient}",
        "date": "20200101",
        "modality": "CT",
        "md5": "m",
        "overwrite": "Never",
        "now": 100.0,
        "expected": None,
        **more,
    }
    main: tuple[dict[str, str], ...] = (
        {"PatientID": patient, "PatientName": set_up["name"]},
        {
            "StudyInstanceUID": f"1.{study}",
            "StudyDate": set_up["date"],
            "RequestingPhysician": f"Dr {study}",
        },
        {"SeriesInstanceUID": f"1.{study}.{series}", "Modality": set_up["modality"]},
        {"SOPInstanceUID": f"1.{study}.{series}.{sop}", "InstanceNumber": sop},
    )
    return NewInstance(
        public_ids(patient, study, series, sop),
        tuple({**main[level], **(tags or {}).get(level, {})} for level in Level),
        ({}, {}, {}, {"ReceptionDate": "20200101T000000", "Origin": "RestApi"}),
        attachment(md5=set_up["md5"]),
        set_up["now"],
        "20200101T000000",
        set_up["overwrite"],
        set_up["expected"],
    )
