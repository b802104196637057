"""Tags of instances and what is shared or told apart above them."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, each, get
from tests.compat.rules import names

_ABOVE = ("/patients/{j1.patient}", "/studies/{j1.study}", "/series/{j1.series}")

FAMILY = Family(
    "tags",
    "stocked",
    each(
        *(
            get(f"/instances/{{{name}}}/tags{form}", names)
            for name in ("ct", "plan", "rle", "structures", "long")
            for form in ("", "?short", "?simplify")
        ),
        get("/instances/{ct}/tags?simplify&short", names),
        get("/instances/{long}/tags?ignore-length=PatientComments", names),
        get("/instances/{long}/tags?ignore-length=0010-4000", names),
        get("/instances/{long}/tags?ignore-length=StudyDate,PatientComments", names),
        get("/instances/{ct}/simplified-tags", names),
        get("/instances/nothing/tags", names),
        *(get(f"/instances/{{ct}}/header{form}", names) for form in ("", "?short", "?simplify")),
        get("/instances/{ct}/module", names),
        get("/instances/{ct}/module?simplify", names),
        get("/instances/{ct}/shared-tags", names),
        *(
            get(f"{path}/{route}{form}", names)
            for path in _ABOVE
            for route in ("shared-tags", "instances-tags", "module")
            for form in ("", "?short", "?simplify")
        ),
        *(
            get(f"/{level}/{{ct.{part}}}/module", names)
            for level, part in (("patients", "patient"), ("studies", "study"), ("series", "series"))
        ),
        get("/studies/{ct.study}/module-patient", names),
        get("/patients/{ct.patient}/module-patient", names),
        get("/patients/nothing/shared-tags", names),
        get("/patients/nothing/module", names),
        get("/instances/{ct}/file"),
        get("/instances/nothing/file"),
        get("/instances/{ct}/file", headers={"Accept": "text/html"}),
        *(
            get(f"/instances/{{{name}}}/file", headers={"Accept": "application/dicom+json"})
            for name in ("plan", "j1")
        ),
        get(
            "/instances/{structures}/file",
            headers={"Accept": "application/dicom+json"},
            ours=Ours("the JSON is in UTF-8, and its Specific Character Set says so"),
        ),
    ),
)
