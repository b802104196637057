"""A server with little room: which patients go, and attachments without an MD5."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, Step, case, get, post, put
from tests.compat.samples import made


def _patient(name: str, number: int = 1) -> Step:
    root = f"66{ord(name[-1])}"
    return post("/instances", made(name, "Room", root, f"{root}.1", number))


_FULL = Ours("507 since Orthanc 1.11.3", status=507)

FAMILY = Family(
    "room",
    "sparse",
    (
        case(
            "the oldest patient goes",
            _patient("RM1"),
            _patient("RM2"),
            _patient("RM3"),
            get("/patients?expand"),
            get("/statistics"),
        ),
        case(
            "a patient who gets more is the newest",
            _patient("RM2", 2),
            _patient("RM4"),
            get("/patients?expand"),
        ),
        case(
            "protected patients stay",
            _patient("RM2", 3),
            put("/patients/{stored.ParentPatient}/protected", "1"),
            _patient("RM5"),
            _patient("RM6"),
            get("/patients?expand"),
            put("/patients/{stored.ParentPatient}/protected", "1"),
            Step("POST", "/instances", made("RM7", "Room", "6607", "6607.1", 1), ours=_FULL),
            get("/patients"),
            get("/statistics"),
        ),
        case(
            "no MD5",
            _patient("RM2", 4),
            get("/instances/{stored.ID}/attachments/dicom/md5"),
            get("/instances/{stored.ID}/attachments/dicom/compressed-md5"),
            get("/instances/{stored.ID}/attachments/dicom/info"),
            get("/instances/{stored.ID}/attachments/dicom/size"),
            post("/instances/{stored.ID}/attachments/dicom/verify-md5"),
            get("/instances/{stored.ID}/metadata/Origin"),
        ),
    ),
)
