"""Searching: /tools/find, /tools/lookup, /tools/bulk-content."""

from __future__ import annotations

from typing import Any

from tests.compat.cases import Family, Ours, Step, each, post
from tests.compat.rules import any_order


def _find(level: str, query: dict[str, Any], ours: Ours | None = None, **more: Any) -> Step:
    return post("/tools/find", {"Level": level, "Query": query, **more}, any_order, ours=ours)


_NOT_500 = Ours("a mistake of the client's is no internal error", status=400)
_ACCENTS = Ours("ours takes no notice of accents")
_PADDING = Ours("blanks at the end of a value are padding (PS3.5 6.2)")
_BELOW = Ours("what a lower level says is looked up there: the study does hold a CT")
_EMPTY = Ours("a study without a date is not one before a date")

_STUDY: tuple[dict[str, str], ...] = (
    {},
    {"PatientID": "CMP1"},
    {"PatientID": "cmp1"},
    {"PatientID": "CMP*"},
    {"PatientID": "CMP?"},
    {"PatientID": "CMP1\\CMP2"},
    {"PatientID": "CMP1\\nothing"},
    {"PatientID": "%"},
    {"PatientID": "CMP_"},
    {"PatientID": "[C]MP1"},
    {"0010,0020": "CMP1"},
    {"0010-0020": "CMP1"},
    {"00100020": "CMP1"},
    {"PatientName": "Müller*"},
    {"PatientName": "MÜLLER^JÜRGEN"},
    {"PatientName": "anna^test"},
    {"PatientName": "*NA^TE*"},
    {"PatientName": "ANNA^T??T"},
    {"PatientName": ""},
    {"PatientName": "*"},
    {"StudyDescription": "Abdomen*"},
    {"StudyDescription": "THORAX NATIV"},
    {"StudyDescription": "*"},
    {"StudyDescription": "?"},
    {"StudyDescription": ""},
    {"StudyDate": "20200101"},
    {"StudyDate": "20200101-20211231"},
    {"StudyDate": "20210101-"},
    {"StudyDate": "-"},
    {"StudyDate": "20211231-20200101"},
    {"StudyDate": "20200101\\20210505"},
    {"StudyDate": ""},
    {"StudyDate": "2020*"},
    {"StudyDate": "*"},
    {"StudyDate": "abc"},
    {"StudyTime": "10-11"},
    {"PatientBirthDate": "19600101-19601231"},
    {"AccessionNumber": "a1"},
    {"AccessionNumber": "A*"},
    {"AccessionNumber": "A1-A2"},
    {"StudyInstanceUID": "1.2.100\\1.2.200"},
    {"StudyInstanceUID": "1.2.*"},
    {"StudyInstanceUID": "1.2.100-1.2.200"},
    {"ModalitiesInStudy": "CT"},
    {"ModalitiesInStudy": "MR\\US"},
    {"ModalitiesInStudy": "m*"},
    {"ModalitiesInStudy": ""},
    {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"},
    {"ManufacturerModelName": "Treatment*"},
    {"PatientID": "CMP1", "StudyDate": "2022*"},
    {"PatientID": "CMP1", "StudyDate": "20220101-"},
    {"InstitutionName": "*a*"},
    {"PatientAge": "03*"},
)

_BODIES: tuple[Any, ...] = (
    "",
    "[]",
    "{}",
    "nothing",
    "null",
    {"Level": "Study"},
    {"Query": {}},
    {"Level": "nothing", "Query": {}},
    {"Level": 1, "Query": {}},
    {"Level": "Study", "Query": {"PatientID": 1}},
    {"Level": "Study", "Query": {"PatientID": None}},
    {"Level": "Study", "Query": {"PatientID": ["CMP1"]}},
    {"Level": "Study", "Query": {}, "Limit": -1},
    {"Level": "Study", "Query": {}, "Limit": "2"},
    {"Level": "Study", "Query": {}, "Limit": 1.5},
    {"Level": "Study", "Query": {}, "Since": -1, "Limit": 1},
    {"Level": "Study", "Query": {}, "Since": "x"},
    {"Level": "Study", "Query": {}, "Since": 9999, "Limit": 2},
    {"Level": "Study", "Query": {}, "Full": "x"},
    {"Level": "Study", "Query": {}, "Short": 1},
    {"Level": "Study", "Query": {}, "CaseSensitive": "x"},
)

_LOOKUPS = (
    "CMP1",
    "cmp1",
    " CMP1 ",
    "CMP1\n",
    "1CT1",
    "1.2.100",
    "1.2.100.1",
    "1.2.100.1.1",
    "A1",
    "",
    "nothing",
    '"CMP1"',
    "CMP*",
)

_BULK: tuple[Any, ...] = (
    "",
    "{}",
    "[]",
    {"Resources": "x"},
    {"Resources": [1]},
    {"Resources": ["nothing"]},
    {"Resources": ["{ct.study}"]},
    {"Resources": ["{ct.study}", "{plan}"]},
    {"Resources": ["{ct}"], "Short": True},
    {"Resources": ["{ct}"], "Full": True},
    {"Resources": ["{ct}"], "Metadata": False},
    {"Resources": ["{ct}", "{ct}"]},
    {"Resources": ["{j1}"], "Level": "Patient"},
    {"Resources": ["{j1.patient}"], "Level": "Study"},
    {"Resources": ["{j1.patient}"], "Level": "Instance", "Metadata": True},
    {"Resources": ["{ct}"], "Level": "nothing"},
)

FAMILY = Family(
    "find",
    "stocked",
    each(
        *(_find("Study", query) for query in _STUDY),
        *(_find("Study", {"PatientName": name}, _ACCENTS) for name in ("muller*", "*jurgen")),
        _find("Study", {"Modality": "CT"}, _BELOW),
        _find("Patient", {"StudyDate": "20200101"}, _BELOW),
        _find("Study", {"PatientID": "CMP1 "}, _PADDING),
        _find("Study", {"StudyDate": "-20200101"}, _EMPTY),
        _find("Study", {"PatientID": "cmp1"}, CaseSensitive=True),
        _find("Study", {"PatientName": "anna^test"}, CaseSensitive=True),
        _find("Study", {"PatientName": "anna^*"}, CaseSensitive=True),
        *(
            _find(level, {"PatientID": "CMP1"}, Expand=True)
            for level in ("Patient", "Study", "Series", "Instance")
        ),
        *(_find(level, {}) for level in ("patient", "Patients", "STUDIES", "series", "Instances")),
        _find("Study", {"PatientID": "CMP1"}, Expand=True, Short=True),
        _find("Study", {"PatientID": "CMP1"}, Expand=True, Full=True),
        _find("Study", {"PatientID": "CMP1"}, Full=True),
        _find("Series", {"Modality": "CT"}),
        _find("Series", {"Modality": "ct"}),
        _find("Series", {"PatientID": "CMP1", "Modality": "MR"}),
        _find("Series", {"StudyDate": "20200101-"}),
        _find("Series", {"StudyDescription": "thorax*"}),
        _find("Instance", {"InstanceNumber": "1"}),
        _find("Instance", {"InstanceNumber": "1-2"}),
        _find("Instance", {"SOPInstanceUID": "1.2.100.1.2"}),
        _find("Instance", {"Rows": "128"}),
        _find("Instance", {"StudyInstanceUID": "1.2.100"}),
        _find("Patient", {"PatientSex": "F\\O"}),
        _find("Study", {}, Limit=0),
        _find("Study", {}, Unknown=1),
        *(post("/tools/find", body, any_order) for body in _BODIES),
        *(
            post("/tools/find", {"Level": "Study", "Query": query}, ours=_NOT_500)
            for query in ([], "a", {"nothing": "x"}, {"": "x"})
        ),
        post("/tools/find", {"Level": "Study", "Query": {}, "Expand": "x"}, ours=_NOT_500),
        *(post("/tools/lookup", body) for body in _LOOKUPS),
        *(post("/tools/bulk-content", body, any_order) for body in _BULK),
    ),
)
