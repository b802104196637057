"""Finds over a small archive, compared with a matcher that is as simple as can be."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.archive.making import SECONDARY_CAPTURE, dicom, holding, item

from hornburg.archive import find as finds
from hornburg.archive.find import count, find, find_ids
from hornburg.archive.parts import Archive
from hornburg.archive.search import Order, Search
from hornburg.archive.search_tags import UnknownTagError
from hornburg.dicom.levels import Level
from hornburg.dicom.normalize import normalize
from hornburg.errors import BadRequestError, HornburgError, ParameterOutOfRangeError
from hornburg.index.base import Reader, Resource
from hornburg.settings import StorageAccessOnFind

DEVICE = item(DeviceSerialNumber="S-77", DeviceID="D1")

ROWS: tuple[dict[str, Any], ...] = (
    {
        "PatientName": "Müller^Jürgen",
        "PatientID": "ORA1",
        "StudyDate": "20200101",
        "StudyTime": "101500",
        "StudyDescription": "Head CT",
        "Modality": "CT",
        "Rows": 512,
        "ImageComments": "it's 50% [done]",
        "InstanceNumber": "10",
        "AccessionNumber": "A-1",
    },
    {
        "PatientName": "MULLER^ANNA",
        "PatientID": "ora2",
        "StudyDate": "20200615",
        "StudyTime": "235959.5",
        "StudyDescription": "head mr",
        "Modality": "MR",
        "Rows": 256,
        "InstanceNumber": "9",
        "AccessionNumber": "",
    },
    {
        "PatientName": "山田^太郎",
        "PatientID": "P 3",
        "StudyDate": "",
        "StudyDescription": "",
        "Modality": "CT",
        "ReferencedStudySequence": [item(ReferencedSOPInstanceUID="1.9.9")],
        "SourceImageSequence": [item(ReferencedSOPInstanceUID="1.8.8"), item()],
        "InstanceNumber": "100",
    },
    {"PatientID": "", "Modality": "US", "StudyDate": "20211231", "DeviceSequence": [DEVICE]},
)


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    files = (dicom(number, **row) for number, row in enumerate(ROWS, 1))
    async with holding(tmp_path, files) as archive:
        yield archive


def uid(_reader: Reader, resource: Resource) -> str:
    found = re.search(rb'"(?:Study|Series|SOP)InstanceUID":"1\.2\.(\d)', resource.main_tags)
    assert found is not None
    return found[1].decode()


async def numbers(archive: Archive, level: Level = Level.STUDY, **tags: str) -> str:
    """The numbers of the rows that are found."""
    found = await find(archive, Search(level, tags), uid)
    assert len(await find_ids_of(archive, level, tags)) == len(found.answers)
    return "".join(sorted(found.answers))


async def find_ids_of(archive: Archive, level: Level, tags: dict[str, str]) -> list[str]:
    ids = (await find_ids(archive, Search(level, tags))).answers
    assert await count(archive, Search(level, tags)) == len(ids)
    return ids


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, "1234"),
        ({"PatientName": "muller*"}, "12"),
        ({"PatientName": "Müller^*"}, "12"),
        ({"0010,0010": "muller*"}, "12"),
        ({"PatientName": "山田*"}, "3"),
        ({"PatientID": "ora1\\ORA2"}, "12"),
        ({"PatientID": "*"}, "1234"),
        ({"StudyDate": "20200101-20200630"}, "12"),
        ({"StudyDate": "-20200101"}, "1"),
        ({"StudyDate": "20200615-"}, "24"),
        ({"StudyTime": "10-11"}, "1"),
        ({"StudyDescription": "head*", "StudyDate": "20200101"}, "1"),
        ({"StudyDescription": ""}, "1234"),
        ({"StudyDescription": "*"}, "123"),
        ({"StudyDescription": "%"}, ""),
        ({"ModalitiesInStudy": "CT"}, "13"),
        ({"ModalitiesInStudy": "m*\\US"}, "24"),
        ({"Rows": "512"}, "1"),
        ({"Rows": "512\\256"}, "12"),
        ({"Rows": "512", "PatientName": "*anna"}, ""),
        ({"SOPClassUID": SECONDARY_CAPTURE}, "1234"),
        ({"SourceImageSequence.ReferencedSOPInstanceUID": "1.8.8"}, "3"),
        ({"SourceImageSequence[1].ReferencedSOPInstanceUID": "1.8.8"}, ""),
        ({"SourceImageSequence": ""}, "1234"),
        ({"DeviceSequence.DeviceSerialNumber": "s-*"}, "4"),
        ({"NumberOfStudyRelatedInstances": "1"}, "1234"),
        ({"SOPClassesInStudy": SECONDARY_CAPTURE}, "1234"),
        ({"NumberOfStudyRelatedSeries": "2"}, ""),
    ],
)
async def test_finds(archive: Archive, level: Level, tags: dict[str, str], expected: str) -> None:
    assert await numbers(archive, level, **tags) == expected


async def test_tags_of_their_own_level(archive: Archive) -> None:
    assert await numbers(archive, Level.SERIES, Modality="ct") == "13"
    assert await numbers(archive, Level.STUDY, Modality="ct") == "13"
    assert await numbers(archive, Level.STUDY, Modality="ct", ModalitiesInStudy="c*\\mr") == "13"
    assert await numbers(archive, Level.INSTANCE, ImageComments="*50% [[]*") == ""
    assert await numbers(archive, Level.INSTANCE, ImageComments="*50% [*") == "1"
    assert await numbers(archive, Level.STUDY, ImageComments="*50% [*") == "1"
    assert len(await find_ids_of(archive, Level.PATIENT, {"PatientID": "ora?"})) == 2


async def test_case_counts_when_asked(archive: Archive) -> None:
    search = Search(Level.STUDY, {"PatientID": "ora*"}, case_sensitive=True)
    assert (await find(archive, search, uid)).answers == ["2"]
    search = Search(Level.STUDY, {"PatientName": "Müller*"}, case_sensitive=True)
    assert (await find(archive, search, uid)).answers == ["1"]


async def test_case_of_names_by_configuration(tmp_path: Path) -> None:
    files = (dicom(number, **row) for number, row in enumerate(ROWS, 1))
    async with holding(tmp_path, files, case_sensitive_pn=True) as archive:
        assert await numbers(archive, PatientName="muller*") == ""
        assert await numbers(archive, PatientID="ora1") == "1"


async def test_order_and_pages(archive: Archive) -> None:
    order = (Order("DicomTag", "InstanceNumber"),)
    search = Search(Level.INSTANCE, {"InstanceNumber": "9\\10\\100"}, order_by=order)
    # By number, not by letter: 9, 10, 100.
    assert (await find(archive, search, uid)).answers == ["2", "1", "3"]
    order = (Order("DicomTag", "PatientID", descending=True),)
    search = Search(Level.STUDY, order_by=order, since=1, limit=2)
    assert (await find(archive, search, uid)).answers == ["3", "1"]
    assert (await find_ids(archive, Search(Level.STUDY, since=99))).answers == []


async def test_pages_in_memory(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finds, "_PAGE", 2)
    monkeypatch.setattr(finds, "_BATCH", 1)
    for limit, expected in ((0, "1234"), (1, "1"), (2, "12"), (3, "123"), (4, "1234")):
        for tags in ({}, {"SOPClassUID": SECONDARY_CAPTURE}):
            found = await find(archive, Search(Level.STUDY, tags, limit=limit), uid)
            assert "".join(found.answers) == expected


@pytest.mark.parametrize("tags", [{}, {"SOPClassUID": SECONDARY_CAPTURE}])
async def test_limits_of_the_configuration(tmp_path: Path, tags: dict[str, str]) -> None:
    files = (dicom(number, **row) for number, row in enumerate(ROWS, 1))
    options = {"limit_find_results": 2, "limit_find_instances": 3}
    async with holding(tmp_path, files, **options) as archive:
        for level, most in ((Level.STUDY, 2), (Level.SERIES, 2), (Level.INSTANCE, 3)):
            for limit, truncated in ((0, True), (1, False), (most, False), (99, True)):
                search = Search(level, tags, limit=limit)
                found, ids = await find(archive, search, uid), await find_ids(archive, search)
                assert len(found.answers) == len(ids.answers) == min(limit or most, most)
                assert found.truncated is ids.truncated is truncated
            assert await count(archive, Search(level, tags)) == 4
        assert len((await find_ids(archive, Search(Level.STUDY, since=1))).answers) == 2


async def test_files_by_configuration(tmp_path: Path) -> None:
    files = [dicom(number, **row) for number, row in enumerate(ROWS, 1)]
    for access, has_rows in (
        (StorageAccessOnFind.ALWAYS, True),
        (StorageAccessOnFind.ANSWERS, True),
        (StorageAccessOnFind.NEVER, False),
    ):
        async with holding(
            tmp_path / access.value, files, storage_access_on_find=access
        ) as archive:
            search = Search(Level.STUDY, {"PatientID": "ORA1"}, requested=("Rows", "PatientID"))
            (tags,) = (await find(archive, search, lambda _r, found: found.requested_tags)).answers
            assert tags == {"PatientID": "ORA1", **({"Rows": "512"} if has_rows else {})}
            if access is StorageAccessOnFind.ALWAYS:
                continue
            with pytest.raises(BadRequestError, match="Rows is not in the index"):
                await find_ids(archive, Search(Level.STUDY, {"Rows": "512"}))


async def test_no_more_files_than_allowed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finds, "MOST_FILES", 3)
    with pytest.raises(BadRequestError, match="more than 3 files"):
        await find_ids(archive, Search(Level.STUDY, {"Rows": "512"}))
    assert await numbers(archive, Rows="512", PatientID="ORA*") == "1"


async def test_a_damaged_file_hides_no_other(archive: Archive) -> None:
    ids = (await find_ids(archive, Search(Level.INSTANCE, {"PatientID": "ORA1"}))).answers
    file = await archive.index.look(lambda reader: reader.attachment(Level.INSTANCE, ids[0], 1))
    assert file is not None
    archive.storage.remove(file.uuid)
    assert await numbers(archive, SOPClassUID=SECONDARY_CAPTURE) == "234"
    search = Search(Level.STUDY, requested=("Rows",))
    found = await find(archive, search, lambda _r, one: one.requested_tags)
    assert found.answers == [{}, {"Rows": "256"}, {}, {}]


@pytest.mark.parametrize(
    ("search", "kind", "message"),
    [
        (Search(Level.STUDY, {"NoSuchTag": ""}), UnknownTagError, "NoSuchTag"),
        (Search(Level.STUDY, {"StudyDate": "2020*"}), ParameterOutOfRangeError, "0008,0020"),
        (Search(Level.STUDY, {"Rows": "1"}, since=1), BadRequestError, "Since: .* Rows"),
        (Search(Level.STUDY, since=-1), ParameterOutOfRangeError, "Since"),
        (Search(Level.STUDY, limit=-1), ParameterOutOfRangeError, "Limit"),
        (Search(Level.STUDY, labels_constraint="x"), ParameterOutOfRangeError, "LabelsConstraint"),
        (Search(Level.STUDY, metadata={"x": ""}), ParameterOutOfRangeError, "MetadataQuery: 'x'"),
        (Search(Level.STUDY, order_by=(Order("x", "y"),)), ParameterOutOfRangeError, "OrderBy"),
        (Search(Level.STUDY, order_by=(Order("DicomTag", "Rows"),)), BadRequestError, "Rows"),
        (
            Search(Level.STUDY, order_by=(Order("Metadata", "x"),)),
            ParameterOutOfRangeError,
            "OrderBy: 'x'",
        ),
        (
            Search(Level.STUDY, ancestor=(Level.SERIES, "x")),
            ParameterOutOfRangeError,
            "ParentSeries",
        ),
        (Search(Level.STUDY, {f"0009,{n:04x}": "" for n in range(300)}), BadRequestError, "Query"),
        (
            Search(Level.STUDY, {"PatientID": "a\\" * 60_000}),
            BadRequestError,
            "Query: 60000 values",
        ),
        (Search(Level.STUDY, {"PatientName": "a*\\" * 101}), BadRequestError, "101 patterns"),
        (Search(Level.STUDY, {"ModalitiesInStudy": "a\\" * 101}), BadRequestError, "101 patterns"),
        (Search(Level.STUDY, requested=("x",)), UnknownTagError, "'x'"),
        (
            Search(Level.STUDY, requested=("DeviceSequence.DeviceID",)),
            BadRequestError,
            "RequestedTags",
        ),
    ],
)
async def test_errors_name_the_argument(
    archive: Archive, search: Search, kind: type[HornburgError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        await find(archive, search, uid)


async def test_the_most_that_is_allowed(archive: Archive) -> None:
    names = [f"Series{n}" for n in range(100)]
    search = Search(
        Level.INSTANCE,
        {
            "PatientName": "m*\\" * 100,
            "PatientID": "ora1\\" * 40_000,
            "ModalitiesInStudy": "c*\\" * 100,
            "StudyDescription": "h*\\" * 100,
            "ImageComments": "*%*\\" * 100,
            **{f"0009,{n:04x}": "" for n in range(95)},
        },
        case_sensitive=True,
        labels=tuple(names),
        labels_constraint="None",
        metadata={str(1024 + n): "*" for n in range(100)},
        order_by=(Order("DicomTag", "StudyDate"),) * 100,
    )
    assert (await find_ids(archive, search)).answers == []


# -- requested tags ---------------------------------------------------------------------------


async def requested(archive: Archive, level: Level, *names: str, form: Any = "simplify") -> Any:
    search = Search(level, {"PatientID": "ORA1"}, requested=names, form=form)
    (tags,) = (await find(archive, search, lambda _r, found: found.requested_tags)).answers
    return tags


async def test_computed_tags(archive: Archive) -> None:
    names = (
        "ModalitiesInStudy",
        "SOPClassesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfPatientRelatedStudies",
        "NumberOfPatientRelatedSeries",
        "NumberOfPatientRelatedInstances",
        "InstanceAvailability",
    )
    expected = dict.fromkeys(names, "1") | {
        "ModalitiesInStudy": "CT",
        "SOPClassesInStudy": SECONDARY_CAPTURE,
        "InstanceAvailability": "ONLINE",
    }
    for level in (Level.STUDY, Level.SERIES, Level.INSTANCE):
        assert await requested(archive, level, *names) == expected
    assert await requested(archive, Level.SERIES, "NumberOfSeriesRelatedInstances") == {
        "NumberOfSeriesRelatedInstances": "1"
    }
    # What is below the level can't be counted for it.
    assert await requested(archive, Level.PATIENT, "ModalitiesInStudy") == {}


async def test_tags_from_above_and_from_the_file(archive: Archive) -> None:
    names = ("PatientName", "StudyDate", "0028,0010", "ImageComments", "Columns")
    assert await requested(archive, Level.INSTANCE, *names) == {
        "PatientName": "Müller^Jürgen",
        "StudyDate": "20200101",
        "Rows": "512",
        "ImageComments": "it's 50% [done]",
    }
    assert await requested(archive, Level.SERIES, "StudyDate", "Rows", form="short") == {
        "0008,0020": "20200101",
        "0028,0010": "512",
    }
    assert await requested(archive, Level.SERIES, "StudyDate", "Rows", form="full") == {
        "0008,0020": {"Name": "StudyDate", "Type": "String", "Value": "20200101"},
        "0028,0010": {"Name": "Rows", "Type": "String", "Value": "512"},
    }


async def test_a_sequence_is_shown_whole(archive: Archive) -> None:
    search = Search(Level.STUDY, {"DeviceSequence.DeviceID": "D1"}, requested=("DeviceSequence",))
    (tags,) = (await find(archive, search, lambda _r, found: found.requested_tags)).answers
    assert tags == {"DeviceSequence": [{"DeviceSerialNumber": "S-77", "DeviceID": "D1"}]}


# -- any text ---------------------------------------------------------------------------------

LETTERS = st.text(st.sampled_from("aAmMuüÜlLeE12^ *?\\-%_['\"]"), max_size=8)
VALUES = st.sampled_from(
    [
        str(row[name])
        for row in ROWS
        for name in ("PatientName", "PatientID", "StudyDescription")
        if name in row
    ]
)
PATTERNS = (
    LETTERS | VALUES | st.builds(lambda value, at: f"{value[:at]}*", VALUES, st.integers(0, 9))
)


def naive(text: str, value: str | None) -> bool:
    """PS3.4 C.2.2.2 for texts, said with a regular expression."""
    text = text.strip(" \0\t\r\n")
    parts = [part for part in text.split("\\") if part]
    if not parts:
        return True
    if value is None:
        return False
    wild = "*" in text or "?" in text
    for part in parts:
        folded = normalize(part)
        expression = re.escape(folded)
        if wild:
            expression = expression.replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, normalize(value), re.DOTALL):
            return True
    return False


@given(patterns=st.lists(PATTERNS, min_size=3, max_size=3), level=st.sampled_from(list(Level)[1:]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_as_a_naive_matcher(archive: Archive, patterns: list[str], level: Level) -> None:
    names = ("PatientName", "PatientID", "StudyDescription")
    expected = [
        str(number)
        for number, row in enumerate(ROWS, 1)
        if all(naive(text, row.get(name)) for name, text in zip(names, patterns, strict=True))
    ]
    tags = dict(zip(names, patterns, strict=True))
    assert (await find(archive, Search(level, tags), uid)).answers == expected


@given(
    tags=st.dictionaries(
        st.sampled_from(
            ["PatientName", "StudyDate", "ModalitiesInStudy", "Rows", "SOPClassUID", "0009,1001"]
        )
        | st.text(max_size=6),
        st.text(max_size=12) | LETTERS,
        max_size=3,
    ),
    labels=st.lists(st.text(max_size=4), max_size=2),
    metadata=st.dictionaries(
        st.sampled_from(["LastUpdate", "1024", "x"]), st.text(max_size=5), max_size=1
    ),
    level=st.sampled_from(Level),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_answered_or_refused(
    archive: Archive,
    tags: dict[str, str],
    labels: list[str],
    metadata: dict[str, str],
    level: Level,
) -> None:
    search = Search(level, tags, labels=tuple(labels), metadata=metadata)
    try:
        found = await find_ids(archive, search)
    except BadRequestError as error:
        assert str(error)
    else:
        assert len(found.answers) <= 4
