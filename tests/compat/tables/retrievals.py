"""C-MOVE and C-GET: identifiers, good and bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RETRIEVALS", "Retrieval"]


@dataclass(frozen=True)
class Retrieval:
    """One identifier.

    ``meant`` says why ours differs, ``status`` is then the final one that ours gives; nothing
    comes. ``get_fails`` tells that Orthanc understands the identifier in a C-MOVE alone, ours in
    both.
    """

    name: str
    root: str
    level: str | None
    keys: Mapping[str, Any] = field(default_factory=dict)
    meant: str = ""
    status: int = 0x0000
    get_fails: bool = False


_NOTHING = "nothing to do is done (PS3.4 table C.4-2); Orthanc says 0xC000"
_NOT_UNDERSTOOD = "the identifier does not match the SOP class (PS3.4 table C.4-2)"
_ALL_KEYS = "every key that is named has to match, with case (PS3.4 C.4.2.1.4)"

_STUDY = "1.2.100"
_SERIES = "1.2.100.1"

RETRIEVALS: tuple[Retrieval, ...] = (
    Retrieval("a patient", "patient", "PATIENT", {"PatientID": "CMP1"}),
    Retrieval("a patient, study root", "study", "PATIENT", {"PatientID": "CMP1"}),
    Retrieval("a study", "study", "STUDY", {"StudyInstanceUID": _STUDY}),
    Retrieval(
        "a study, patient root",
        "patient",
        "STUDY",
        {"PatientID": "CMP1", "StudyInstanceUID": _STUDY},
    ),
    Retrieval("a study without patient", "patient", "STUDY", {"StudyInstanceUID": _STUDY}),
    Retrieval(
        "a study of another patient",
        "patient",
        "STUDY",
        {"PatientID": "CMP2", "StudyInstanceUID": _STUDY},
        meant=_ALL_KEYS,
    ),
    Retrieval(
        "a series", "study", "SERIES", {"StudyInstanceUID": _STUDY, "SeriesInstanceUID": _SERIES}
    ),
    Retrieval("a series alone", "study", "SERIES", {"SeriesInstanceUID": _SERIES}),
    Retrieval(
        "an image",
        "study",
        "IMAGE",
        {
            "StudyInstanceUID": _STUDY,
            "SeriesInstanceUID": _SERIES,
            "SOPInstanceUID": "1.2.100.1.1",
        },
    ),
    Retrieval("an image alone", "study", "IMAGE", {"SOPInstanceUID": "1.2.100.1.2"}),
    Retrieval("Orthanc's word", "study", "INSTANCE", {"SOPInstanceUID": "1.2.100.1.2"}),
    Retrieval("two images", "study", "IMAGE", {"SOPInstanceUID": "1.2.100.1.1\\1.2.100.1.2"}),
    Retrieval("two studies", "study", "STUDY", {"StudyInstanceUID": "1.2.100\\1.2.101"}),
    Retrieval("two series", "study", "SERIES", {"SeriesInstanceUID": "1.2.100.1\\1.2.100.2"}),
    Retrieval("two patients", "patient", "PATIENT", {"PatientID": "CMP2\\cmp3"}),
    Retrieval(
        "one study and an unknown one",
        "study",
        "STUDY",
        {"StudyInstanceUID": "1.2.100\\1"},
        get_fails=True,
    ),
    Retrieval("by accession number", "study", "STUDY", {"AccessionNumber": "A2"}),
    Retrieval("another case", "patient", "PATIENT", {"PatientID": "cmp1"}, meant=_ALL_KEYS),
    Retrieval(
        "an unknown study", "study", "STUDY", {"StudyInstanceUID": "1.2.9999"}, meant=_NOTHING
    ),
    Retrieval("an unknown patient", "patient", "PATIENT", {"PatientID": "nobody"}, meant=_NOTHING),
    Retrieval("no key", "study", "STUDY", {}, meant=_NOT_UNDERSTOOD, status=0xA900),
    Retrieval(
        "an empty key",
        "study",
        "STUDY",
        {"StudyInstanceUID": ""},
        meant=_NOT_UNDERSTOOD,
        status=0xA900,
    ),
    Retrieval(
        "the key of another level",
        "study",
        "SERIES",
        {"StudyInstanceUID": _STUDY},
        meant=_NOT_UNDERSTOOD,
        status=0xA900,
    ),
    Retrieval(
        "a wildcard",
        "study",
        "STUDY",
        {"StudyInstanceUID": "1.2.10*"},
        meant=_NOT_UNDERSTOOD,
        status=0xA900,
    ),
    Retrieval(
        "all patients",
        "patient",
        "PATIENT",
        {"PatientID": "*"},
        meant=_NOT_UNDERSTOOD,
        status=0xA900,
    ),
    Retrieval("no level, a study", "study", None, {"StudyInstanceUID": _STUDY}, get_fails=True),
    Retrieval("no level, a patient", "patient", None, {"PatientID": "CMP1"}, get_fails=True),
    Retrieval(
        "an unknown level",
        "study",
        "FRAME",
        {"StudyInstanceUID": _STUDY},
        meant=_NOT_UNDERSTOOD,
        status=0xA900,
    ),
    Retrieval("small letters", "study", "study", {"StudyInstanceUID": _STUDY}),
    Retrieval("several classes", "patient", "PATIENT", {"PatientID": "id00001"}),
    Retrieval("a compressed image", "patient", "PATIENT", {"PatientID": "ID1"}),
)
