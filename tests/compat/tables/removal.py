"""Deleting; what remains above."""

from __future__ import annotations

from tests.compat.cases import Family, case, delete, get, post
from tests.compat.samples import made


def _fill(patient: str, root: str) -> list[bytes]:
    return [
        made(patient, "Gone", f"{root}.1", f"{root}.1.1", 1),
        made(patient, "Gone", f"{root}.1", f"{root}.1.1", 2),
        made(patient, "Gone", f"{root}.1", f"{root}.1.2", 1),
        made(patient, "Gone", f"{root}.2", f"{root}.2.1", 1),
    ]


FAMILY = Family(
    "removal",
    "scratch",
    (
        case(
            "instance by instance",
            *(
                step
                for content in _fill("DEL1", "7100")
                for step in (post("/instances", content), delete("{stored.Path}"))
            ),
            delete("/instances/nothing"),
            delete("/patients/nothing"),
        ),
        case(
            "an instance among others",
            *(post("/instances", content) for content in _fill("DEL2", "7200")[:2]),
            delete("/instances/{stored.ID}"),
        ),
        case(
            "a series among others",
            *(post("/instances", content) for content in _fill("DEL3", "7300")[:3]),
            delete("/series/{stored.ParentSeries}"),
        ),
        case(
            "a study among others",
            *(post("/instances", content) for content in _fill("DEL4", "7400")),
            delete("/studies/{stored.ParentStudy}"),
        ),
        case(
            "a patient",
            *(post("/instances", content) for content in _fill("DEL5", "7500")),
            get("/patients/{stored.ParentPatient}/statistics"),
            delete("/patients/{stored.ParentPatient}"),
        ),
        case(
            "many at once",
            post("/instances", _fill("DEL6", "7600")[0]),
            post("/instances", _fill("DEL6", "7600")[3]),
            post(
                "/tools/bulk-delete", {"Resources": ["{stored.ID}", "{stored.ParentSeries}", "x"]}
            ),
            get("/patients/{stored.ParentPatient}"),
            post("/tools/bulk-delete", {"Resources": ["{stored.ParentPatient}"]}),
            get("/patients/{stored.ParentPatient}"),
        ),
        case(
            "gone and back",
            post("/instances", _fill("DEL7", "7700")[0]),
            delete("/instances/{stored.ID}"),
            get("/instances/{stored.ID}"),
            post("/instances", _fill("DEL7", "7700")[0]),
            get("/instances/{stored.ID}"),
            get("/instances/{stored.ID}/metadata"),
        ),
        case("totals", get("/statistics")),
    ),
)
