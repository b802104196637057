"""Main DICOM tags, identifiers, and the tags of modules."""

import msgspec
import pytest
from tests.dicom.files import dataset, element, file, item, shipped

from hornburg.dicom.identifiers import public_ids
from hornburg.dicom.levels import Level
from hornburg.dicom.main_tags import MainTags
from hornburg.dicom.modules import MODULE_TAGS
from hornburg.dicom.reader import read


def test_ct_small() -> None:
    patient, study, series, instance = MainTags().of(read(shipped("CT_small.dcm")))
    assert patient == {
        "PatientBirthDate": "",
        "PatientID": "1CT1",
        "PatientName": "CompressedSamples^CT1",
        "PatientSex": "O",
    }
    assert study == {
        "AccessionNumber": "",
        "InstitutionName": "JFK IMAGING CENTER",
        "ReferringPhysicianName": "",
        "StudyDate": "20040119",
        "StudyDescription": "e+1",
        "StudyID": "1CT1",
        "StudyInstanceUID": "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
        "StudyTime": "072730",
    }
    assert series["ContrastBolusAgent"] == "ISOVUE300/100"
    assert list(series) == sorted(series)
    assert instance["ImagePositionPatient"] == "-158.135803\\-179.035797\\-75.699997"
    # What Orthanc answered to the upload of this file.
    assert public_ids(
        patient["PatientID"],
        study["StudyInstanceUID"],
        series["SeriesInstanceUID"],
        instance["SOPInstanceUID"],
    ) == (
        "fa558bce-587a86d3-ad0da9b3-9d043d9d-4f5c5718",
        "8a8cf898-ca27c490-d0c7058c-929d0581-2bbf104d",
        "93034833-163e42c3-bc9a428b-194620cf-2c5799e5",
        "f689ddd2-662f8fe1-8b18180d-ec2a2cee-937917af",
    )


def test_what_is_kept() -> None:
    found = read(
        file(
            dataset(
                (0x00100010, "PN", b" A^B   "),
                (0x00080050, "SH", b"\0"),
                (0x00200010, "SH", b""),
                (0x00541330, "US", b""),
                (0x00540081, "US", b"\7\0"),
                (0x00204000, "LT", b"x" * 257),
                (0x00080080, "OB", b"xx"),
            )
        )
    )
    patient, study, series, instance = MainTags().of(found)
    assert patient == {"PatientID": "id", "PatientName": " A^B"}
    assert study == {"AccessionNumber": "", "StudyID": "", "StudyInstanceUID": "1.2.3"}
    assert series == {"NumberOfSlices": "7", "SeriesInstanceUID": "1.2.3.5"}
    assert instance == {"SOPInstanceUID": "1.2.3.4"}


def test_padding_of_an_unknown_vr_stays_as_it_does_in_orthanc() -> None:
    patient = MainTags().of(read(file(dataset((0x00100020, "UN", b"id11111 ")))))[0]
    assert patient["PatientID"] == "id11111 "


def test_extra_tags() -> None:
    tags = MainTags({"Study": ("0010,1010", "RETIRED_StudyComments"), "Series": ("Rows", "Rows")})
    found = read(
        file(
            dataset(
                (0x00101010, "AS", b"042Y"), (0x00324000, "LT", b"c"), (0x00280010, "US", b"\1\0")
            )
        )
    )
    _patient, study, series, _instance = tags.of(found)
    assert study["PatientAge"] == "042Y"
    assert study["RETIRED_StudyComments"] == "c"
    assert series["Rows"] == "1"
    assert tags.level_of(0x00280010) is Level.SERIES
    assert tags.level_of(0x00280011) is None
    assert tags.level_of(0x00100020) is Level.PATIENT
    assert len(tags.tags(Level.SERIES)) == 23
    for wrong in ({"Study": ("Nonsense",)}, {"Image": ("Rows",)}):
        with pytest.raises(ValueError, match=r"Nonsense|is no level"):
            MainTags(wrong)


def test_sequences_are_json() -> None:
    tags = MainTags({"Series": ("RequestAttributesSequence",)})
    sequence = item(element(0x00400009, "SH", b"step"))
    series = tags.of(read(file(dataset((0x00400275, "SQ", sequence)))))[2]
    assert tags.sequences == {"RequestAttributesSequence"}
    assert msgspec.json.decode(series["RequestAttributesSequence"]) == [
        {"ScheduledProcedureStepID": "step"}
    ]
    assert MainTags().sequences == frozenset()


def test_signature() -> None:
    assert (
        MainTags().signature(Level.PATIENT) == "0010,0010;0010,0020;0010,0030;0010,0040;0010,1000"
    )
    more = MainTags({"Patient": ("PatientAge",)})
    assert more.signature(Level.PATIENT).endswith(";0010,1010")


def test_modules() -> None:
    assert [len(MODULE_TAGS[level]) for level in Level] == [24, 17, 26, 21]
    assert 0x00100010 in MODULE_TAGS[Level.PATIENT]
    assert 0x00080060 in MODULE_TAGS[Level.SERIES]
