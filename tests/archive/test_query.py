"""C-FIND identifiers and their answers; what is expected was seen of Orthanc 1.10.1 with findscu,
but where the standard's answer is richer (the comments say so)."""

import asyncio
import io
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.making import dicom, holding, item

from hornburg.archive.parts import Archive
from hornburg.archive.query import IdentifierError, query_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value, decode, encode
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError, HornburgError
from hornburg.settings import StorageAccessOnFind

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
CHARSET, LEVEL, NAME = 0x00080005, 0x00080052, 0x00100010
STUDY_UID, SERIES_UID, SOP_UID = 0x0020000D, 0x0020000E, 0x00080018


def private(number: int, **tags: Any) -> bytes:
    """A file with private elements, whose block differs from file to file."""
    dataset = pydicom.dcmread(io.BytesIO(dicom(number, **tags)))
    for filler in range(number):
        dataset.private_block(0x0029, f"FILLER {filler}", create=True)
    block = dataset.private_block(0x0029, "MYCREATOR", create=True)
    block.add_new(0x01, "LO", f"secret{number}")
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


FILES = (
    private(
        1,
        PatientName="Jérôme^Doe",
        StudyDate="20200115",
        StudyTime="101010",
        Modality="CT",
        AccessionNumber="A1",
        SeriesNumber="3",
        BitsAllocated=16,
        PatientAge="050Y",
        TimezoneOffsetFromUTC="+0100",
    ),
    dicom(
        1,
        PatientName="Jérôme^Doe",
        StudyDate="20200115",
        Modality="MR",
        SeriesInstanceUID="1.2.1.2",
        SOPInstanceUID="1.2.1.2.1",
        Rows=10,
    ),
    dicom(2, PatientName="Wang^XiaoDong=王^小東", StudyDate="20210115", Modality="US"),
    private(
        3,
        PatientName="DOE^JANE",
        StudyDate="20220115",
        Modality="MR",
        AccessionNumber="A3",
        ReferencedStudySequence=[
            item(ReferencedSOPInstanceUID="9.9", ReferencedSOPClassUID="1.2"),
            item(ReferencedSOPInstanceUID="9.8", ReferencedSOPClassUID="1.3"),
        ],
    ),
)


async def ask(archive: Archive, level: str = "STUDY", **keys: Any) -> list[DataSet]:
    """The answers to keys given by keyword, in the order of studies."""
    return await answers(archive, {LEVEL: Value("CS", level), **elements_of_json(keys)})


async def answers(
    archive: Archive, identifier: Elements, syntax: str = EXPLICIT, supported: bool = True
) -> list[DataSet]:
    query = query_of(archive, decode(encode(identifier, transfer_syntax=syntax), syntax))
    assert query.supported is supported
    found = [raw async for batch in query.answers(syntax) for raw in batch.datasets]
    return [decode(raw, syntax) for raw in found]


def texts(found: list[DataSet], tag: int) -> list[str]:
    return sorted(one.text(tag) or "" for one in found)


def shown(dataset: DataSet) -> dict[int, str | None]:
    return {element.tag: element.text for element in dataset}


async def test_an_answer_has_the_keys_the_level_the_title_and_the_character_set(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, FILES) as archive:
        (found,) = await ask(
            archive,
            StudyInstanceUID="1.2.3",
            PatientName="",
            AccessionNumber="",
            StudyID="",
            PatientComments="",
        )
    assert shown(found) == {
        CHARSET: "ISO_IR 100",
        0x00080050: "A3",
        LEVEL: "STUDY",
        0x00080054: "ORTHANC",
        NAME: "DOE^JANE",
        0x00104000: "",
        STUDY_UID: "1.2.3",
        0x00200010: "",
    }


@pytest.mark.parametrize(
    ("keys", "studies"),
    [
        ({}, ["1.2.1", "1.2.2", "1.2.3"]),
        ({"PatientName": "doe*"}, ["1.2.3"]),
        ({"PatientName": "*"}, ["1.2.1", "1.2.2", "1.2.3"]),
        ({"StudyDate": "*"}, ["1.2.1", "1.2.2", "1.2.3"]),  # Orthanc refuses this one.
        ({"PatientName": "jérôme^d?e"}, ["1.2.1"]),
        # PS3.4 C.2.2.2.1: only names may be compared without regard to case.
        ({"AccessionNumber": "A3"}, ["1.2.3"]),
        ({"AccessionNumber": "a3"}, []),
        ({"AccessionNumber": "a*"}, []),
        ({"StudyDate": "2021-"}, ["1.2.2", "1.2.3"]),
        ({"StudyDate": "20200101-20211231"}, ["1.2.1", "1.2.2"]),
        ({"StudyDate": "-20201231", "StudyTime": "-"}, ["1.2.1"]),
        ({"StudyInstanceUID": "1.2.1\\1.2.3\\9"}, ["1.2.1", "1.2.3"]),
        ({"ModalitiesInStudy": "CT"}, ["1.2.1"]),
        ({"ModalitiesInStudy": "CT\\US"}, ["1.2.1", "1.2.2"]),
        ({"Modality": "US"}, ["1.2.2"]),
        ({"NumberOfStudyRelatedInstances": "2"}, ["1.2.1"]),  # Orthanc answers nothing.
        ({"PatientAge": "050Y"}, ["1.2.1"]),
        ({"PatientAge": "999Y"}, []),
        ({"BitsAllocated": "16"}, ["1.2.1"]),
        ({"SeriesDescription": "nothing"}, []),
        ({"InstanceAvailability": "ONLINE"}, ["1.2.1", "1.2.2", "1.2.3"]),
        ({"InstanceAvailability": "OFFLINE"}, []),
        ({"RetrieveAETitle": "ORTHANC"}, ["1.2.1", "1.2.2", "1.2.3"]),
        ({"RetrieveAETitle": "OTHER"}, []),
        ({"TimezoneOffsetFromUTC": "+0900"}, ["1.2.1", "1.2.2", "1.2.3"]),
        ({"ReferencedStudySequence": [{"ReferencedSOPInstanceUID": "9.8"}]}, ["1.2.3"]),
        ({"ReferencedStudySequence": [{}]}, ["1.2.1", "1.2.2", "1.2.3"]),
        # Both in one item (PS3.4 C.2.2.2.6); Orthanc doesn't look into items at all.
        (
            {
                "ReferencedStudySequence": [
                    {"ReferencedSOPInstanceUID": "9.8", "ReferencedSOPClassUID": "1.2"}
                ]
            },
            [],
        ),
    ],
)
async def test_matching(tmp_path: Path, keys: dict[str, Any], studies: list[str]) -> None:
    async with holding(tmp_path, FILES) as archive:
        found = await ask(archive, **{"StudyInstanceUID": "", **keys})
    assert texts(found, STUDY_UID) == studies


async def test_names_may_be_compared_with_case(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES, case_sensitive_pn=True) as archive:
        assert await ask(archive, PatientName="doe*") == []
        assert len(await ask(archive, PatientName="DOE*")) == 1


async def test_computed_tags(tmp_path: Path) -> None:
    tags = {
        "ModalitiesInStudy": "CT\\MR",
        "SOPClassesInStudy": "1.2.840.10008.5.1.4.1.1.7",
        "NumberOfPatientRelatedStudies": "1",
        "NumberOfPatientRelatedSeries": "2",
        "NumberOfPatientRelatedInstances": "2",
        "NumberOfStudyRelatedSeries": "2",
        "NumberOfStudyRelatedInstances": "2",
        "InstanceAvailability": "ONLINE",
    }
    async with holding(tmp_path, FILES) as archive:
        (found,) = await ask(archive, StudyInstanceUID="1.2.1", **dict.fromkeys(tags, ""))
        assert {name: found.text(archive.dictionary.tag(name) or 0) for name in tags} == tags
        series = await ask(
            archive, "SERIES", StudyInstanceUID="1.2.1", NumberOfSeriesRelatedInstances=""
        )
        assert texts(series, 0x00201209) == ["1", "1"]


async def test_the_four_levels_and_orthancs_word(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        patients = await ask(archive, "PATIENT", PatientID="")
        assert texts(patients, 0x00100020) == ["P1", "P2", "P3"]
        series = await ask(archive, "SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="",
                           PatientName="", StudyDate="", SOPInstanceUID="")  # fmt: skip
        assert texts(series, SERIES_UID) == ["1.2.1.1", "1.2.1.2"]
        assert texts(series, 0x00080020) == ["20200115"] * 2
        assert texts(series, SOP_UID) == ["", ""]
        images = await ask(archive, "IMAGE", StudyInstanceUID="1.2.1", SOPInstanceUID="",
                           SOPClassUID="", Rows="")  # fmt: skip
        assert texts(images, SOP_UID) == ["1.2.1.1.1", "1.2.1.2.1"]
        assert texts(images, 0x00280010) == ["", "10"]
        assert set(texts(images, 0x00080016)) == {"1.2.840.10008.5.1.4.1.1.7"}
        (image,) = await ask(archive, "instance", SOPInstanceUID="1.2.2.1.1")
        assert image.text(LEVEL) == "instance"
        none = await ask(archive, "IMAGE", SOPClassUID="1.2", SOPInstanceUID="")
        assert none == []


@pytest.mark.parametrize("level", ["", "WRONG", "STUDIES"])
async def test_no_level_or_none_of_the_model(tmp_path: Path, level: str) -> None:
    async with holding(tmp_path, ()) as archive:
        with pytest.raises(IdentifierError) as refused:
            await ask(archive, level)
        assert refused.value.outside.dimse == 0xA900
        identifier = decode(encode({LEVEL: Value("CS", "SERIES")}))
        with pytest.raises(IdentifierError):
            query_of(archive, identifier, Level.STUDY)


@pytest.mark.parametrize(
    "keys", [{"StudyDate": "20xx*"}, {"StudyInstanceUID": "1.*"}, {"StudyDate": "1-2-3"}]
)
async def test_keys_that_make_no_sense_are_refused(tmp_path: Path, keys: dict[str, Any]) -> None:
    async with holding(tmp_path, ()) as archive:
        with pytest.raises(BadRequestError) as refused:
            await ask(archive, **keys)
        assert refused.value.outside.dimse == 0xC000


async def test_keys_of_lower_levels_are_empty_unless_a_file_is_read_anyway(tmp_path: Path) -> None:
    keys = {
        "StudyInstanceUID": "1.2.1",
        "Modality": "",
        "SeriesInstanceUID": "",
        "SOPInstanceUID": "",
    }
    tags = (0x00080060, SERIES_UID, SOP_UID)
    async with holding(tmp_path, FILES) as archive:
        (found,) = await ask(archive, **keys)
        assert [found.text(tag) for tag in tags] == ["", "", ""]
        (found,) = await ask(archive, PatientAge="", **keys)
        assert [found.text(tag) for tag in tags] in (
            ["CT", "1.2.1.1", "1.2.1.1.1"],
            ["MR", "1.2.1.2", "1.2.1.2.1"],
        )
        (found,) = await ask(archive, StudyInstanceUID="1.2.1", Modality="M*")
        assert found.text(0x00080060) == "MR"


async def test_tags_that_only_files_have(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        (found,) = await ask(
            archive, StudyInstanceUID="1.2.1", PatientAge="", BitsAllocated="",
            TimezoneOffsetFromUTC="", PixelData="",
        )  # fmt: skip
        assert found.text(0x00101010) == "050Y"
        assert found.text(0x00280100) == "16"
        assert found.text(0x00080201) == "+0100"
        assert found[0x7FE00010].length == 0


async def test_sequences_whole_or_in_the_shape_of_the_query(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        (whole,) = await ask(archive, StudyInstanceUID="1.2.3", ReferencedStudySequence="")
        assert [len(one) for one in whole[0x00081110].items] == [2, 2]
        (part,) = await ask(
            archive, StudyInstanceUID="1.2.3",
            ReferencedStudySequence=[{"ReferencedSOPInstanceUID": ""}],
        )  # fmt: skip
        items = part[0x00081110].items
        assert [shown(one) for one in items] == [{0x00081155: "9.9"}, {0x00081155: "9.8"}]
        (none,) = await ask(archive, StudyInstanceUID="1.2.2", ReferencedStudySequence="")
        assert none[0x00081110].item_count == 0


async def test_private_tags_are_found_by_their_creator_in_any_block(tmp_path: Path) -> None:
    creator, tag = 0x00290020, 0x00292001
    keys = {
        LEVEL: Value("CS", "STUDY"),
        STUDY_UID: Value("UI"),
        creator: Value("LO", "MYCREATOR"),
        tag: Value("UN"),
    }
    async with holding(tmp_path, FILES) as archive:
        found = await answers(archive, keys, IMPLICIT)
        assert texts(found, creator) == ["MYCREATOR"] * 3
        values = sorted(one[tag].raw.strip() for one in found)
        assert values == [b"", b"secret1", b"secret3"]
        found = await answers(archive, {**keys, tag: Value("UN", "secret3")}, IMPLICIT)
        assert texts(found, STUDY_UID) == ["1.2.3"]


@pytest.mark.parametrize(
    ("asked", "study", "charset", "name"),
    [
        ("", "1.2.1", "ISO_IR 100", "Jérôme^Doe"),
        ("ISO_IR 192", "1.2.1", "ISO_IR 192", "Jérôme^Doe"),
        ("ISO_IR 101", "1.2.3", "ISO_IR 101", "DOE^JANE"),
        ("nonsense", "1.2.1", "ISO_IR 100", "Jérôme^Doe"),
        # Orthanc drops the characters that its DefaultEncoding lacks.
        ("", "1.2.2", "ISO_IR 192", "Wang^XiaoDong=王^小東"),
        ("ISO_IR 100", "1.2.2", "ISO_IR 192", "Wang^XiaoDong=王^小東"),
        ("GB18030", "1.2.2", "GB18030", "Wang^XiaoDong=王^小東"),
        ("\\ISO 2022 IR 87", "1.2.2", "\\ISO 2022 IR 87", "Wang^XiaoDong=王^小東"),
    ],
)
async def test_character_sets(
    tmp_path: Path, asked: str, study: str, charset: str, name: str
) -> None:
    keys = {LEVEL: Value("CS", "STUDY"), STUDY_UID: Value("UI", study), NAME: Value("PN")}
    if asked:
        keys[CHARSET] = Value("CS", asked)
    async with holding(tmp_path, FILES) as archive:
        (found,) = await answers(archive, keys)
    assert found.text(CHARSET) == charset
    assert found.text(NAME) == name


async def test_the_query_is_read_in_its_character_set(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        for charset in ("ISO_IR 192", "GB18030"):
            keys = {LEVEL: Value("CS", "STUDY"), NAME: Value("PN", "*小東")}
            assert len(await answers(archive, {**keys, CHARSET: Value("CS", charset)})) == 1


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.2"])
async def test_transfer_syntaxes(tmp_path: Path, syntax: str) -> None:
    keys = {LEVEL: Value("CS", "STUDY"), 0x00280100: Value("US", "16"), STUDY_UID: Value("UI")}
    async with holding(tmp_path, FILES) as archive:
        (found,) = await answers(archive, keys, syntax)
    assert (found.text(0x00280100), found.text(STUDY_UID)) == ("16", "1.2.1")


async def test_group_lengths_are_no_keys(tmp_path: Path) -> None:
    raw = b"\x08\0\0\0\x04\0\0\0\x0e\0\0\0" + encode({LEVEL: Value("CS", "STUDY")})
    async with holding(tmp_path, FILES) as archive:
        query = query_of(archive, decode(raw))
        (batch,) = [batch async for batch in query.answers(IMPLICIT)]
    assert [0x00080000 in decode(one) for one in batch.datasets] == [False] * 3


async def test_limits_cut_the_answers_and_say_so(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES, limit_find_results=2, limit_find_instances=3) as archive:
        for level, keys, count, cut in (
            ("STUDY", {}, 2, True),
            ("STUDY", {"PatientAge": ""}, 2, True),
            ("STUDY", {"PatientName": "*doe*"}, 2, False),
            ("IMAGE", {}, 3, True),
            ("IMAGE", {"StudyInstanceUID": "1.2.1"}, 2, False),
        ):
            identifier = {LEVEL: Value("CS", level), **elements_of_json(keys)}
            query = query_of(archive, decode(encode(identifier)))
            batches = [batch async for batch in query.answers(IMPLICIT)]
            assert sum(len(batch.datasets) for batch in batches) == count
            assert batches[-1].truncated is cut


async def test_more_than_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hornburg.archive.find._LINES", 2)
    monkeypatch.setattr("hornburg.archive.find._BATCH", 2)
    files = [dicom(number) for number in range(1, 8)]
    async with holding(tmp_path, files) as archive:
        expected = [f"1.2.{number}" for number in range(1, 8)]
        for keys in ({}, {"PatientAge": ""}):
            assert texts(await ask(archive, StudyInstanceUID="", **keys), STUDY_UID) == expected


@pytest.mark.parametrize("charset", ["", "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 87"])
@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("PATIENT", {"PatientID": "", "PatientName": "", "NumberOfPatientRelatedSeries": ""}),
        ("PATIENT", {"NumberOfPatientRelatedStudies": "", "NumberOfPatientRelatedInstances": ""}),
        ("STUDY", {"PatientName": "*", "StudyDate": "20200101-20211231", "AccessionNumber": ""}),
        ("STUDY", {"Modality": "M*\\CT", "StudyInstanceUID": "", "PatientID": ""}),
        ("STUDY", {"Modality": "M*", "ModalitiesInStudy": "", "SOPClassesInStudy": ""}),
        ("STUDY", {"NumberOfStudyRelatedInstances": "", "InstanceAvailability": ""}),
        ("SERIES", {"Modality": "", "SeriesInstanceUID": "", "NumberOfStudyRelatedSeries": ""}),
        ("SERIES", {"PatientName": "", "ModalitiesInStudy": "", "StudyDate": ""}),
        ("SERIES", {"NumberOfSeriesRelatedInstances": "", "NumberOfPatientRelatedStudies": ""}),
        ("IMAGE", {"SOPClassUID": "", "SOPInstanceUID": "", "PatientName": "", "StudyDate": ""}),
        ("IMAGE", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "SOPClassesInStudy": ""}),
        ("IMAGE", {}),
    ],
)
async def test_answers_of_the_index_alone_are_those_that_files_are_read_for(
    tmp_path: Path, level: str, keys: dict[str, str], charset: str
) -> None:
    age = 0x00101010
    identifier = {LEVEL: Value("CS", level), **elements_of_json(keys)}
    if charset:
        identifier[CHARSET] = Value("CS", charset)
    async with holding(tmp_path, FILES) as archive:
        quick = await answers(archive, identifier)
        slow = await answers(archive, {**identifier, age: Value("AS")})
    assert quick

    def raw(found: list[DataSet]) -> list[list[tuple[int, str, bytes]]]:
        return [
            [(one.tag, one.vr, bytes(one.raw)) for one in each if one.tag != age] for each in found
        ]

    assert raw(quick) == raw(slow)


@pytest.mark.parametrize("access", [StorageAccessOnFind.ANSWERS, StorageAccessOnFind.NEVER])
async def test_what_files_may_not_tell_is_not_supported(
    tmp_path: Path, access: StorageAccessOnFind
) -> None:
    async with holding(tmp_path, FILES, storage_access_on_find=access) as archive:
        keys = {LEVEL: Value("CS", "STUDY"), 0x00101010: Value("AS", "050Y")}
        assert len(await answers(archive, keys, supported=False)) == 3
        keys[0x00101010] = Value("AS")
        found = await answers(archive, keys, supported=access is StorageAccessOnFind.ANSWERS)
        shown = "050Y" if access is StorageAccessOnFind.ANSWERS else ""
        assert shown in texts(found, 0x00101010)


async def test_bytes_that_cant_be_compared_are_not_supported(tmp_path: Path) -> None:
    keys = {LEVEL: Value("CS", "STUDY"), 0x00282000: Value("OB", b"\1\2")}
    async with holding(tmp_path, FILES) as archive:
        assert len(await answers(archive, keys, supported=False)) == 3


async def test_a_damaged_value_does_not_hide_the_answer(tmp_path: Path) -> None:
    async with holding(tmp_path, [dicom(1, NumberOfTimeSlices=3)]) as archive:
        query = query_of(archive, decode(encode({LEVEL: Value("CS", "STUDY")})))
        bad = {STUDY_UID: Value("UI", "1.2.1"), 0x00540101: Value("US", "no number")}
        found = decode(query._written.encoded(bad, IMPLICIT, {}))
    assert found.text(STUDY_UID) == "1.2.1"


async def test_identifiers_are_bounded(tmp_path: Path) -> None:
    deep: Elements = {}
    for _ in range(12):
        deep = {0x00081110: Value("SQ", (deep,))}
    wide = {0x00100010 + number: Value("LO") for number in range(600)}
    async with holding(tmp_path, ()) as archive:
        for keys in (deep, wide):
            with pytest.raises(BadRequestError):
                await answers(archive, {LEVEL: Value("CS", "STUDY"), **keys})


_VALUES = st.text(st.sampled_from("AZ019*?\\-.^= é王\0\r"), max_size=12)
_KEYS = st.dictionaries(
    st.sampled_from((0x00080020, 0x00080030, NAME, STUDY_UID, 0x00101010, 0x00280100, 0x00080061,
                     0x00201208, 0x00291001, 0x00290010, 0x00080056, 0x00080054, 0x00082111)),
    st.tuples(st.sampled_from(("DA", "TM", "PN", "UI", "CS", "LO", "UN", "LT", "IS")), _VALUES),
    max_size=6,
)  # fmt: skip


async def _answered_or_refused(archive: Archive, raw: bytes) -> None:
    try:
        query = query_of(archive, decode(raw, EXPLICIT))
        async for batch in query.answers(EXPLICIT):
            for answer in batch.datasets:
                decode(answer, EXPLICIT)
    except HornburgError as error:
        dimse = error.outside.dimse
    else:
        return
    assert dimse in (0xA900, 0xC000)


def test_hostile_identifiers_are_answered_or_refused(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        archive = runner.run(stack.enter_async_context(holding(tmp_path, FILES)))

        @settings(max_examples=150, deadline=None)
        @given(
            keys=_KEYS,
            level=st.sampled_from(("PATIENT", "STUDY", "SERIES", "IMAGE")),
            noise=st.binary(max_size=60),
        )
        def check(keys: dict[int, tuple[str, str]], level: str, noise: bytes) -> None:
            identifier = {tag: Value(*value) for tag, value in keys.items()}
            identifier[LEVEL] = Value("CS", level)
            raw = encode(identifier, transfer_syntax=EXPLICIT)
            for sent in (raw, raw + noise, noise + raw):
                runner.run(_answered_or_refused(archive, sent))

        try:
            check()
        finally:
            runner.run(stack.aclose())
