"""C-FIND: identifiers, over all levels and both roots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

__all__ = ["QUERIES", "Meant", "Query", "dataset"]


@dataclass(frozen=True)
class Meant:
    """A difference that is meant: such a row must differ.

    Args:
        because: why ours answers otherwise.
        leave: the tags that differ; the answers must be the same without them.
        count: how many answers ours gives, where the answers themselves differ.
        status: the final status that ours gives.
    """

    because: str
    leave: tuple[str, ...] = ()
    count: int = 0
    status: int = 0x0000


@dataclass(frozen=True)
class Query:
    """One identifier; ``keys`` are named by keyword, or as ``"gggg,eeee VR"``."""

    name: str
    root: str
    level: str | None
    keys: Mapping[str, Any] = field(default_factory=dict)
    charset: str = ""
    meant: Meant | None = None


def dataset(keys: Mapping[str, Any], level: str | None = None, charset: str = "") -> Dataset:
    """The data set of a table's keys."""
    made = Dataset()
    if charset:
        made.SpecificCharacterSet = charset.split("\\")
    if level is not None:
        made.QueryRetrieveLevel = level
    for key, value in keys.items():
        items = [dataset(item) for item in value] if isinstance(value, list) else value
        if " " in key:
            tag, vr = key.split()
            made.add_new(int(tag.replace(",", ""), 16), vr, items)
        else:
            assert tag_for_keyword(key) is not None, key
            setattr(made, key, items)
    return made


_PATIENT = {"PatientID": "", "PatientName": "", "PatientSex": "", "PatientBirthDate": ""}
_STUDY = {
    "PatientID": "",
    "PatientName": "",
    "StudyInstanceUID": "",
    "StudyDate": "",
    "StudyTime": "",
    "StudyDescription": "",
    "AccessionNumber": "",
    "StudyID": "",
    "ReferringPhysicianName": "",
}
_SERIES = {
    "StudyInstanceUID": "",
    "SeriesInstanceUID": "",
    "Modality": "",
    "SeriesDescription": "",
    "SeriesNumber": None,
}
_IMAGE = {
    "StudyInstanceUID": "",
    "SeriesInstanceUID": "",
    "SOPInstanceUID": "",
    "SOPClassUID": "",
    "InstanceNumber": None,
}
_CT = {
    "study": "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
    "series": "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322",
    "image": "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
}


_PATIENT_COUNTS = ("0020,1200", "0020,1202", "0020,1204")

_COUNTED_ABOVE = "the counts of the levels above are known too"
_ACCENTS = "ours takes no notice of accents in names"
_AVAILABLE = "ours says that it has it (PS3.4 C.4.1.1.3)"
_BELOW = "what a lower level says is looked up there"
_EMPTY_SEQUENCE = "a key without a value comes back empty (PS3.4 C.2.2.1.3)"
_ITEMS = "ours gives the attributes of items that were asked for (PS3.4 C.2.2.2.6)"
_ITEMS_MATCH = "Orthanc doesn't compare what is inside of sequences (PS3.4 C.2.2.2.6)"
_PRIVATE = "Orthanc knows this block without its creator, or not at all"
_NO_LEVEL = Meant("the identifier doesn't match the SOP class (PS3.4 table C.4-1)", status=0xA900)


def _study(
    name: str, meant: Meant | None = None, charset: str = "", root: str = "study", **keys: Any
) -> Query:
    return Query(name, root, "STUDY", _STUDY | keys, charset, meant)


def _counts(level: str) -> dict[str, str]:
    names = {
        "PATIENT": ("Studies", "Series", "Instances"),
        "STUDY": ("Series", "Instances"),
        "SERIES": ("Instances",),
    }
    return {f"NumberOf{level.title()}Related{what}": "" for what in names[level]}


_LEVELS = (
    Query("patients", "patient", "PATIENT", _PATIENT),
    Query("a patient by ID", "patient", "PATIENT", _PATIENT | {"PatientID": "CMP1"}),
    Query("patients, study root", "study", "PATIENT", _PATIENT),
    Query("patients counted", "patient", "PATIENT", {"PatientID": "CMP*", **_counts("PATIENT")}),
    Query(
        "patients, further tags",
        "patient",
        "PATIENT",
        _PATIENT
        | {
            "OtherPatientIDs": "",
            "PatientComments": "",
            "EthnicGroup": "",
            "IssuerOfPatientID": "",
        },
        meant=Meant("Orthanc leaves out texts of more than 256 characters", ("0010,4000",)),
    ),
    Query("patients, nothing else", "patient", "PATIENT"),
    Query(
        "patients with study tags",
        "patient",
        "PATIENT",
        _PATIENT | {"StudyDate": "", "Modality": "", "StudyInstanceUID": "", "SOPInstanceUID": ""},
    ),
    Query("studies, patient root", "patient", "STUDY", _STUDY | {"PatientID": "CMP1"}),
    Query("studies, patient root, no patient", "patient", "STUDY", _STUDY),
    Query(
        "studies counted",
        "study",
        "STUDY",
        {"StudyInstanceUID": "", "PatientID": "CMP1", **_counts("STUDY"), **_counts("PATIENT")},
        meant=Meant(_COUNTED_ABOVE, _PATIENT_COUNTS),
    ),
    Query("series", "study", "SERIES", _SERIES | {"StudyInstanceUID": "1.2.100"}),
    Query("series of all", "study", "SERIES", _SERIES),
    Query("series by patient", "study", "SERIES", _SERIES | {"PatientID": "CMP1"}),
    Query("series of a modality", "study", "SERIES", _SERIES | {"Modality": "MR"}),
    Query(
        "series counted",
        "study",
        "SERIES",
        _SERIES
        | {
            "StudyInstanceUID": "1.2.100",
            **_counts("SERIES"),
            **_counts("STUDY"),
            **_counts("PATIENT"),
        },
        meant=Meant(_COUNTED_ABOVE, (*_PATIENT_COUNTS, "0020,1206", "0020,1208")),
    ),
    Query("series with tags of above", "study", "SERIES", _SERIES | _STUDY | {"PatientID": "CMP1"}),
    Query(
        "series with tags of below",
        "study",
        "SERIES",
        _SERIES | {"StudyInstanceUID": "1.2.100", "SOPInstanceUID": "", "InstanceNumber": None},
    ),
    Query(
        "series, rare tags",
        "study",
        "SERIES",
        _SERIES
        | {
            "BodyPartExamined": "",
            "PerformedProcedureStepStartDate": "",
            "Manufacturer": "",
            "StationName": "",
            "StudyInstanceUID": _CT["study"],
        },
    ),
    Query("images", "study", "IMAGE", _IMAGE | {"SeriesInstanceUID": "1.2.100.1"}),
    Query(
        "images, patient root",
        "patient",
        "IMAGE",
        _IMAGE
        | {"PatientID": "CMP1", "SeriesInstanceUID": "1.2.100.1", "StudyInstanceUID": "1.2.100"},
    ),
    Query(
        "images by class",
        "study",
        "IMAGE",
        _IMAGE | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.5"},
    ),
    Query("images by number", "study", "IMAGE", _IMAGE | {"InstanceNumber": "2"}),
    Query("images, Orthanc's word", "study", "INSTANCE", _IMAGE | {"StudyInstanceUID": "1.2.100"}),
    Query(
        "an image's technique",
        "study",
        "IMAGE",
        {
            "SOPInstanceUID": _CT["image"],
            "Rows": None,
            "Columns": None,
            "KVP": None,
            "PixelSpacing": None,
            "ImageType": None,
            "SliceThickness": None,
            "BitsAllocated": None,
            "WindowCenter": None,
        },
    ),
)

_KEYS = (
    _study("all studies"),
    _study("studies of a patient", PatientID="CMP1"),
    _study("another case", PatientID="cmp1"),
    _study("a blank at the end", PatientID="CMP1 "),
    _study("wildcards", PatientID="CMP*"),
    _study("a star alone", PatientID="*"),
    _study("question marks", PatientID="CMP??"),
    _study("one question mark", PatientID="CMP?"),
    _study("a list of IDs", PatientID="CMP1\\CMP2"),
    _study("a list of UIDs", StudyInstanceUID="1.2.100\\1.2.200"),
    _study("a list of UIDs, one unknown", StudyInstanceUID="1.2.100\\1.2.9999"),
    _study("a UID with a wildcard", StudyInstanceUID="1.2.1*"),
    _study("a name", PatientName="anna^test"),
    _study("a name in part", PatientName="*TEST"),
    _study("a name without its end", PatientName="ANNA"),
    _study("a date", StudyDate="20200101"),
    _study("a range of dates", StudyDate="20200101-20211231"),
    _study("dates from", StudyDate="20210101-"),
    _study(
        "dates until", Meant("no date is not one before a date", count=7), StudyDate="-20210101"
    ),
    _study("a range backwards", StudyDate="20211231-20200101"),
    _study("a range of times", StudyTime="1000-1100"),
    _study("times from", StudyTime="120000-"),
    _study("birth dates", PatientBirthDate="19600101-19601231"),
    _study("an accession number", AccessionNumber="a1"),
    _study("a description", StudyDescription="THORAX*"),
    _study("a star in a value", StudyDescription="Abdomen*"),
    _study("no match", PatientID="nobody"),
    _study("modalities", ModalitiesInStudy=""),
    _study("a modality", ModalitiesInStudy="MR"),
    _study("a list of modalities", ModalitiesInStudy="MR\\US"),
    _study("a modality that nobody has", ModalitiesInStudy="XX"),
    _study("SOP classes", SOPClassesInStudy=""),
    _study("the modality of a study", Modality=""),
    _study(
        "tags of lower levels",
        PatientID="1CT1",
        Modality="",
        SeriesDescription="",
        SeriesInstanceUID="",
        SOPInstanceUID="",
        SOPClassUID="",
        InstanceNumber=None,
    ),
    _study(
        "tags of lower levels, and of a file",
        PatientID="1CT1",
        Modality="",
        PatientAge="",
        SeriesDescription="",
        SeriesInstanceUID="",
        SOPInstanceUID="",
        SOPClassUID="",
        InstanceNumber=None,
        SeriesNumber=None,
        ImageType=None,
        KVP=None,
    ),
    _study("a modality by the wrong tag", Meant(_BELOW, count=1), Modality="MR"),
    _study("availability", Meant(_AVAILABLE, ("0008,0056",)), InstanceAvailability=""),
    _study("who has it", Meant(_AVAILABLE, ("0008,0054",)), RetrieveAETitle=""),
    _study("who has it, named", Meant(_AVAILABLE, count=21), RetrieveAETitle="ARCHIVE"),
    _study("who has it, another", RetrieveAETitle="OTHER"),
    Query("group length", "study", "STUDY", _STUDY | {"0008,0000 UL": 0}),
    _study("an institution", InstitutionName=""),
    _study("an institution asked for", InstitutionName="JFK*"),
    _study("tags of a file", BodyPartExamined="", Manufacturer="", PatientAge=""),
    _study("a tag of a file asked for", Meant(_BELOW, count=1), Manufacturer="GE*"),
    _study(
        "time zone",
        Meant("it says how times are meant, and selects nothing", count=21),
        TimezoneOffsetFromUTC="+0100",
    ),
    _study("patient root", root="patient", PatientID="CMP1"),
)

_SEQUENCES = (
    _study(
        "a sequence, no item", Meant(_EMPTY_SEQUENCE, ("0008,1110",)), ReferencedStudySequence=[]
    ),
    _study(
        "a sequence, an item",
        Meant(_EMPTY_SEQUENCE, ("0008,1110",)),
        ReferencedStudySequence=[{"ReferencedSOPInstanceUID": ""}],
    ),
    Query(
        "a sequence of a file",
        "study",
        "IMAGE",
        {"SOPInstanceUID": _CT["image"], "OtherPatientIDsSequence": [{"PatientID": ""}]},
        meant=Meant(_ITEMS, ("0010,1002",)),
    ),
    Query(
        "a sequence of a file, whole",
        "study",
        "IMAGE",
        {"SOPInstanceUID": _CT["image"], "OtherPatientIDsSequence": []},
    ),
    Query(
        "a sequence asked for",
        "study",
        "IMAGE",
        _IMAGE | {"OtherPatientIDsSequence": [{"PatientID": "ABCD1234"}]},
        meant=Meant(_ITEMS_MATCH, count=1),
    ),
    Query(
        "a sequence, no match",
        "study",
        "IMAGE",
        _IMAGE | {"OtherPatientIDsSequence": [{"PatientID": "nobody"}]},
        meant=Meant(_ITEMS_MATCH),
    ),
    _study(
        "request attributes",
        Meant(_EMPTY_SEQUENCE, ("0040,0275",)),
        RequestAttributesSequence=[{"ScheduledProcedureStepID": ""}],
    ),
    Query(
        "a private tag",
        "study",
        "IMAGE",
        {"SOPInstanceUID": _CT["image"], "0009,0010 LO": "GEMS_IDEN_01", "0009,1001 LO": ""},
    ),
    Query(
        "a private tag without creator",
        "study",
        "IMAGE",
        {"SOPInstanceUID": _CT["image"], "0009,1001 LO": ""},
        meant=Meant(_PRIVATE, ("0009,1001",)),
    ),
    Query(
        "a private tag asked for",
        "study",
        "IMAGE",
        _IMAGE | {"0009,0010 LO": "GEMS_IDEN_01", "0009,1001 LO": "GE_GENESIS*"},
        meant=Meant(_PRIVATE, count=1),
    ),
)

_CHARSETS = (
    _study("Latin-1", charset="ISO_IR 100", PatientID="CMP1"),
    _study("UTF-8", charset="ISO_IR 192", PatientID="CMP1"),
    _study("ASCII", charset="ISO_IR 6", PatientID="CMP1"),
    _study("an umlaut in Latin-1", charset="ISO_IR 100", PatientName="Müller*"),
    _study("an umlaut in UTF-8", charset="ISO_IR 192", PatientName="Müller*"),
    _study("capital umlauts", charset="ISO_IR 192", PatientName="MÜLLER^JÜRGEN"),
    _study(
        "without umlauts", Meant(_ACCENTS, count=2), charset="ISO_IR 192", PatientName="Muller*"
    ),
    _study("Japanese", charset="\\ISO 2022 IR 87", PatientName="Yamada*"),
    _study("Japanese in UTF-8", charset="ISO_IR 192", PatientName="Yamada*"),
    _study("Japanese letters", charset="ISO_IR 192", PatientName="*山田*"),
    _study("Greek", charset="ISO_IR 126", PatientName="Διον*"),
    _study("Cyrillic", charset="ISO_IR 144", PatientName="Люк*"),
    _study("Arabic in UTF-8", charset="ISO_IR 192", PatientName="قباني*"),
    _study("Hebrew in UTF-8", charset="ISO_IR 192", PatientName="שרון*"),
    _study("Korean in UTF-8", charset="ISO_IR 192", PatientName="Hong*"),
    _study("Chinese GB18030", charset="GB18030", PatientName="Wang*"),
    _study("all in UTF-8", charset="ISO_IR 192"),
    _study("all in Latin-1", charset="ISO_IR 100"),
    _study("an unknown character set", charset="ISO_IR 999", PatientID="CMP1"),
)

_BAD = (
    Query("no level", "study", None, _STUDY, meant=_NO_LEVEL),
    Query("an empty level", "study", "", _STUDY, meant=_NO_LEVEL),
    Query("an unknown level", "study", "FRAME", _STUDY, meant=_NO_LEVEL),
    Query("a level in small letters", "study", "study", _STUDY | {"PatientID": "CMP1"}),
    Query("a level with a blank", "study", "STUDY ", _STUDY | {"PatientID": "CMP1"}),
    _study("a date that is none", StudyDate="abc"),
    _study("a date in the old form", StudyDate="2020.01.01"),
    _study("a date with a wildcard", StudyDate="2020*"),
    _study("an empty range", StudyDate="-"),
    Query("a number that is none", "study", "IMAGE", _IMAGE | {"0020,0013 LO": "two"}),
)

QUERIES: tuple[Query, ...] = _LEVELS + _KEYS + _SEQUENCES + _CHARSETS + _BAD
