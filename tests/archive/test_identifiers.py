from __future__ import annotations

import pytest

from hornburg.archive.identifiers import (
    json_of_elements,
    query_identifier,
    retrieve_identifier,
    with_charset,
)
from hornburg.dicom.dictionary import DEFAULT
from hornburg.dicom.elements import Elements, Value, encode
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError
from hornburg.settings.values import Manufacturer

# What Orthanc 1.10 sent for these queries was watched at the other side.
QUERY = {
    "PatientID": "*",
    "PatientName": "*A*",
    "StudyDate": "*",
    "StudyTime": "*",
    "StudyDescription": "*",
    "PatientBirthDate": "20*",
    "ModalitiesInStudy": "",
    "SeriesDescription": "x",
    "AccessionNumber": "",
}


def asked(
    level: Level,
    query: dict[str, object] | None = None,
    manufacturer: Manufacturer = Manufacturer.GENERIC,
    normalize: bool = True,
) -> dict[str, str]:
    elements = elements_of_json(QUERY if query is None else query)
    identifier = query_identifier(
        level, elements, manufacturer, encoding="Latin1", normalize=normalize
    )
    encode(identifier)
    return json_of_elements(identifier, DEFAULT, "simplify")


def test_a_query_for_patients_keeps_the_tags_of_patients() -> None:
    assert asked(Level.PATIENT) == {
        "SpecificCharacterSet": "ISO_IR 100",
        "QueryRetrieveLevel": "PATIENT",
        "PatientName": "*A*",
        "PatientID": "*",
        "PatientBirthDate": "20*",
    }


def test_a_query_for_studies_leaves_out_series() -> None:
    assert asked(Level.STUDY) == {
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyDate": "*",
        "StudyTime": "*",
        "AccessionNumber": "",
        "QueryRetrieveLevel": "STUDY",
        "ModalitiesInStudy": "",
        "StudyDescription": "*",
        "PatientName": "*A*",
        "PatientID": "*",
        "PatientBirthDate": "20*",
        "StudyInstanceUID": "",
    }


def test_what_only_studies_have_is_not_asked_of_series() -> None:
    found = asked(Level.SERIES)
    assert "ModalitiesInStudy" not in found
    assert found["SeriesDescription"] == "x"
    assert found["SeriesInstanceUID"] == found["StudyInstanceUID"] == ""


def test_instances_are_images_on_the_line() -> None:
    assert asked(Level.INSTANCE, {}) == {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPInstanceUID": "",
        "AccessionNumber": "",
        "QueryRetrieveLevel": "IMAGE",
        "PatientID": "",
        "StudyInstanceUID": "",
        "SeriesInstanceUID": "",
    }


def test_a_query_that_is_not_normalised_keeps_everything_but_the_file_header() -> None:
    found = asked(Level.STUDY, {"SeriesDescription": "x", "0002,0003": "1"}, normalize=False)
    assert found["SeriesDescription"] == "x"
    assert "MediaStorageSOPInstanceUID" not in found


@pytest.mark.parametrize(
    ("manufacturer", "date", "time", "birth"),
    [
        (Manufacturer.GENERIC, "*", "*", "20*"),
        (Manufacturer.VITREA, "*", "*", "20*"),
        (Manufacturer.GE, "*", "*", "20*"),
        (Manufacturer.GENERIC_NO_WILDCARD_IN_DATES, "", "*", "20*"),
        (Manufacturer.GENERIC_NO_UNIVERSAL_WILDCARD, "", "", "20*"),
    ],
)
def test_stars_that_a_manufacturer_stumbles_over(
    manufacturer: Manufacturer, date: str, time: str, birth: str
) -> None:
    found = asked(Level.STUDY, manufacturer=manufacturer)
    assert (found["StudyDate"], found["StudyTime"], found["PatientBirthDate"]) == (
        date,
        time,
        birth,
    )


def test_ge_is_asked_with_stars_for_what_the_user_did_not_name() -> None:
    found = asked(Level.SERIES, {"PatientName": "Z", "PatientID": ""}, Manufacturer.GE)
    assert found["PatientID"] == ""
    assert found["AccessionNumber"] == found["StudyInstanceUID"] == "*"
    assert found["SeriesInstanceUID"] == "*"


def test_stars_in_sequences_go_too() -> None:
    query = {"RequestAttributesSequence": [{"ScheduledProcedureStepStartDate": "*"}]}
    found = query_identifier(
        Level.SERIES,
        elements_of_json(query),
        Manufacturer.GENERIC_NO_WILDCARD_IN_DATES,
        encoding="Latin1",
        normalize=False,
    )
    items = found[0x00400275].content
    assert isinstance(items, tuple)
    assert items[0][0x00400002].content == ""


@pytest.mark.parametrize(
    ("name", "charset", "term"),
    [
        ("Bjørn", "", "ISO_IR 100"),
        ("Иванов", "", "ISO_IR 192"),
        ("Иванов", "ISO_IR 144", "ISO_IR 144"),
        ("山田", "ISO_IR 144", "ISO_IR 192"),
    ],
)
def test_no_letter_becomes_a_wildcard(name: str, charset: str, term: str) -> None:
    query: Elements = {0x00100010: Value("PN", name)}
    if charset:
        query[0x00080005] = Value("CS", charset)
    found = with_charset(query, "Latin1")
    assert found[0x00080005].content == term
    assert b"?" not in encode(found)


def test_a_retrieval_of_an_instance_needs_all_its_uids() -> None:
    keys = {0x0020000D: "1", 0x0020000E: "2", 0x00080018: "3", 0x00100020: "P"}
    assert {
        tag: value.content for tag, value in retrieve_identifier(Level.INSTANCE, keys).items()
    } == {
        0x00080052: "IMAGE",
        0x0020000D: "1",
        0x0020000E: "2",
        0x00080018: "3",
    }
    with pytest.raises(BadRequestError, match="0020,000e"):
        retrieve_identifier(Level.INSTANCE, {**keys, 0x0020000E: ""})


def test_forms_of_json() -> None:
    elements = elements_of_json({"PatientID": "P", "ProcedureCodeSequence": [{"CodeValue": "1"}]})
    assert json_of_elements(elements, DEFAULT, "full") == {
        "0008,1032": {
            "Name": "ProcedureCodeSequence",
            "Type": "Sequence",
            "Value": [
                {"0008,0100": {"Name": "CodeValue", "Type": "String", "Value": "1"}},
            ],
        },
        "0010,0020": {"Name": "PatientID", "Type": "String", "Value": "P"},
    }
    assert json_of_elements(elements, DEFAULT, "short")["0010,0020"] == "P"
