"""Tags, keywords and VRs."""

import subprocess
import sys
from dataclasses import dataclass

import pytest
from pydicom.datadict import DicomDictionary

from hornburg.dicom.dictionary import DEFAULT, UNKNOWN, Dictionary


@dataclass
class Entry:
    vr: str
    name: str
    private_creator: str = ""


@pytest.mark.parametrize("name", ["PatientID", "0010,0020", "00100020", "0010-0020", " 0010,0020 "])
def test_ways_to_name_a_tag(name: str) -> None:
    assert DEFAULT.tag(name) == 0x00100020


def test_hexadecimal_digits_in_any_case() -> None:
    assert DEFAULT.tag("7FE0,0010") == DEFAULT.tag("7fe00010") == 0x7FE00010


@pytest.mark.parametrize("name", ["Nonsense", "", "0010,002", "patientid", UNKNOWN])
def test_what_is_no_tag(name: str) -> None:
    assert DEFAULT.tag(name) is None


def test_every_public_tag_has_its_name() -> None:
    for tag, row in DicomDictionary.items():
        if row[4]:
            assert DEFAULT.keyword(tag).removeprefix("RETIRED_") == row[4]
            assert DEFAULT.tag(row[4]) is not None


@pytest.mark.parametrize(
    ("tag", "creator", "name"),
    [
        (0x00324000, "", "RETIRED_StudyComments"),
        (0x00101000, "", "OtherPatientIDs"),
        (0x00080000, "", "GenericGroupLength"),
        (0x00190000, "", "PrivateGroupLength"),
        (0x00190010, "", "PrivateCreator"),
        (0x00191001, "", UNKNOWN),
        (0x00191002, "NOBODY", UNKNOWN),
        (0x00091001, "GEMS_IDEN_01", "FullFidelity"),
        (0x000911E7, "GEMS_IDEN_01", "ExamRecordChecksum"),
        (0x60020010, "", "OverlayRows"),
        (0x50000005, "", "RETIRED_CurveDimensions"),
        (0x00189459, "", UNKNOWN),
    ],
)
def test_names_as_orthanc_prints_them(tag: int, creator: str, name: str) -> None:
    assert DEFAULT.keyword(tag, creator) == name


def test_names_of_retired_tags_with_and_without_the_prefix() -> None:
    assert DEFAULT.tag("StudyComments") == DEFAULT.tag("RETIRED_StudyComments") == 0x00324000


def test_vrs() -> None:
    assert DEFAULT.vr(0x00100010) == "PN"
    assert DEFAULT.vr(0x00090010) == "LO"
    assert DEFAULT.vr(0x00091027, "GEMS_IDEN_01") == "SL"
    assert DEFAULT.vr(0x00091027) == "UN"
    assert DEFAULT.vr(0x00080000) == "UL"
    assert DEFAULT.vr(0x60003000) == "ox"


def test_entries_of_the_user() -> None:
    own = Dictionary(
        {
            "0014,10F0": Entry("DA", "ValidationOfSomething"),
            "7053,1003": Entry("ST", "OriginalImageFilename", "Philips PET Private Group"),
        }
    )
    assert own.tag("ValidationOfSomething") == 0x001410F0
    assert own.vr(0x001410F0) == "DA"
    assert own.public_vrs[0x001410F0] == "DA"
    assert own.keyword(0x70531103, "Philips PET Private Group") == "OriginalImageFilename"
    assert own.vr(0x70531203, "Philips PET Private Group") == "ST"
    assert own.keyword(0x70531003) == UNKNOWN
    assert DEFAULT.keyword(0x001410F0) == UNKNOWN
    with pytest.raises(ValueError, match="is no tag"):
        Dictionary({"nonsense": Entry("DA", "X")})


def test_paths() -> None:
    path = DEFAULT.path("ReferencedSeriesSequence[0].SeriesInstanceUID")
    assert path == ((0x00081115, 0), (0x0020000E, None))
    assert DEFAULT.path("0008,1115[*].0020-000E") == ((0x00081115, None), (0x0020000E, None))
    assert DEFAULT.path("PatientID") == ((0x00100020, None),)
    for wrong in ("", "Nope.PatientID", "PatientID[", "PatientID[-1]", "PatientID..StudyID"):
        assert DEFAULT.path(wrong) is None


def test_the_tables_are_read_without_the_rest_of_pydicom() -> None:
    """It would cost 20 MB and 150 ms at start-up, and NumPy where that is installed."""
    program = (
        "import sys\n"
        "from hornburg.dicom import content, dicom_json, main_tags, orthanc_json\n"
        "from hornburg.dicom.dictionary import DEFAULT\n"
        "assert DEFAULT.keyword(0x00091001, 'GEMS_IDEN_01') == 'FullFidelity'\n"
        "print(sorted({'numpy', 'pydicom', 'asyncio'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
