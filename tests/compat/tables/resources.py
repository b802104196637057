"""Patients, studies, series, instances: lists, single ones, relations, statistics."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, each, get
from tests.compat.rules import any_order

_ONE = {
    "patients": "{ct.patient}",
    "studies": "{ct.study}",
    "series": "{ct.series}",
    "instances": "{ct}",
}

_HERE = [f"/{level}/{one}" for level, one in _ONE.items()]

_FORMS = ("", "?full", "?short", "?full&short", "?simplify")

_BAD = Ours("1.10 takes a negative number for another one; ours refuses it", status=400)

FAMILY = Family(
    "resources",
    "stocked",
    each(
        *(get(path + form) for path in _HERE for form in _FORMS),
        *(get(f"/{level}/{{counted.{part}}}") for level, part in (("series", "series"),)),
        *(get(f"/{level}") for level in _ONE),
        *(get(f"/{level}?expand") for level in _ONE),
        *(get(f"/{level}?expand&since=0&limit=2") for level in _ONE),
        get("/studies?expand&full"),
        get("/studies?expand&short"),
        get("/instances?since=1&limit=3"),
        get("/instances?since=9999&limit=3"),
        get("/instances?since=a&limit=2"),
        get("/instances?since=0&limit=a"),
        get("/instances?since=&limit="),
        get("/instances?since=1.5&limit=2"),
        get("/instances?since=-1&limit=2", ours=_BAD),
        get("/instances?since=0&limit=-2", ours=_BAD),
        *(get(f"/{level}/nothing") for level in _ONE),
        get("/studies/{ct}"),
        get("/instances/{ct.study}"),
        *(get(f"/patients/{{j1.patient}}/{part}", any_order) for part in ("studies", "series")),
        get("/patients/{j1.patient}/instances", any_order),
        get("/studies/{j1.study}/series", any_order),
        get("/studies/{j1.study}/instances", any_order),
        get("/series/{j1.series}/instances", any_order),
        get("/series/{j1.series}/instances?short", any_order),
        get("/instances/{ct}/patient"),
        get("/instances/{ct}/study"),
        get("/instances/{ct}/series"),
        get("/instances/{ct}/study?short"),
        get("/series/{ct.series}/patient"),
        get("/series/{ct.series}/study"),
        get("/studies/{ct.study}/patient"),
        get("/patients/{ct.patient}/patient"),
        get("/studies/{ct.study}/study"),
        get("/instances/{ct}/instances"),
        get("/patients/nothing/studies"),
        get("/instances/nothing/patient"),
        get("/patients/{ct.patient}/nothing"),
        *(get(f"{path}/statistics") for path in _HERE),
        get("/patients/{j1.patient}/statistics"),
        get("/patients/nothing/statistics"),
        get("/statistics"),
        get("/patients/{ct.patient}/protected"),
        get("/studies/{ct.study}/protected"),
    ),
)
