"""Worklists: the folder, the answers to queries, and what goes when it is done.

The answers were compared with those of Orthanc 1.10.1's plug-in over findscu -W.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.making import dicom, holding

from hornburg.archive.worklist_care import tidy
from hornburg.archive.worklist_match import worklist_query
from hornburg.archive.worklists import LARGEST, Worklists
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Value, decode, encode
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.head import file_head
from hornburg.errors import BadRequestError, StorageFullError, TooLargeError, UnknownResourceError
from hornburg.settings import WorklistSettings

EXPLICIT = "1.2.840.10008.1.2.1"
NAME, ID, STUDY_UID, STEPS = 0x00100010, 0x00100020, 0x0020000D, 0x00400100
MODALITY, STATION, START = 0x00080060, 0x00400001, 0x00400002


def step(station: str, modality: str, start: str) -> dict[str, str]:
    return {
        "ScheduledStationAETitle": station,
        "Modality": modality,
        "ScheduledProcedureStepStartDate": start,
    }


def worklists(folder: Path, **options: Any) -> Worklists:
    made = Worklists(WorklistSettings(True, folder / "wl", **options), folder / "own")
    made.open()
    return made


def foreign(folder: Path, name: str, **tags: Any) -> Path:
    """A file that another program wrote."""
    head = file_head("1.2.276.0.7230010.3.1.0.1", "1.2.3", EXPLICIT)
    elements = elements_of_json(tags)
    path = folder / "wl" / name
    path.write_bytes(head + encode(elements, transfer_syntax=EXPLICIT, charset="Utf8"))
    return path


@pytest.fixture
def three(tmp_path: Path) -> Worklists:
    made = worklists(tmp_path)
    foreign(
        tmp_path,
        "1.wl",
        PatientName="Jérôme^A",
        PatientID="W1",
        AccessionNumber="ACC1",
        StudyInstanceUID="1.5.1",
        ScheduledProcedureStepSequence=[step("CT1", "CT", "20250110")],
    )
    foreign(
        tmp_path,
        "2.wl",
        PatientName="Wang^X=王",
        PatientID="W2",
        ScheduledProcedureStepSequence=[
            step("MR1", "MR", "20250111"),
            step("FINDSCU", "CT", "20250112"),
        ],
    )
    foreign(
        tmp_path,
        "3.WL",
        PatientName="ASCII",
        PatientID="W3",
        ScheduledProcedureStepSequence=[step("FINDSCU", "US", "20250113")],
    )
    return made


def ask(
    source: Worklists, *, aet: str = "FINDSCU", filter_issuer: bool = False, **keys: Any
) -> list[DataSet]:
    identifier = decode(encode(elements_of_json({"PatientID": "", **keys}), charset="Utf8"))
    query = worklist_query(
        identifier, calling_aet=aet, filter_issuer=filter_issuer, default_encoding="Latin1"
    )
    return [decode(raw, EXPLICIT) for raw in query.answers(source, EXPLICIT)]


def ids(found: list[DataSet]) -> list[str]:
    return sorted(one.text(ID) or "" for one in found)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, ["W1", "W2", "W3"]),
        ({"PatientName": "*"}, ["W1", "W2", "W3"]),
        ({"PatientID": "W?"}, ["W1", "W2", "W3"]),
        ({"PatientName": "ascii"}, ["W3"]),
        ({"PatientName": "*王"}, ["W2"]),
        ({"AccessionNumber": "ACC1"}, ["W1"]),
        ({"AccessionNumber": "NONE"}, []),
        ({"StudyInstanceUID": "1.5.1\\1.5.2"}, ["W1"]),
        ({"ScheduledProcedureStepSequence": [{"Modality": "CT"}]}, ["W1", "W2"]),
        ({"ScheduledProcedureStepSequence": [{}]}, ["W1", "W2", "W3"]),
        (
            {"ScheduledProcedureStepSequence": [{"ScheduledProcedureStepStartDate": "20250112-"}]},
            ["W2", "W3"],
        ),
        (
            {
                "ScheduledProcedureStepSequence": [
                    {"ScheduledProcedureStepStartDate": "20250109-20250110"}
                ]
            },
            ["W1"],
        ),
        # Modality and date of two different steps: no step is both.
        (
            {
                "ScheduledProcedureStepSequence": [
                    {"Modality": "CT", "ScheduledProcedureStepStartDate": "20250111"}
                ]
            },
            [],
        ),
    ],
)
def test_matching(three: Worklists, keys: dict[str, Any], found: list[str]) -> None:
    assert ids(ask(three, **keys)) == found


def test_answers_have_the_keys_and_only_the_steps_that_match(three: Worklists) -> None:
    keys: dict[str, Any] = {"PatientName": "", "PatientComments": "", "PatientID": "W2"}
    steps = [{"Modality": "CT", "ScheduledStationAETitle": ""}]
    (found,) = ask(three, **keys, ScheduledProcedureStepSequence=steps)
    assert [element.tag for element in found] == [0x00080005, NAME, ID, 0x00104000, STEPS]
    assert found.text(NAME) == "Wang^X=王"
    assert found[0x00104000].length == 0
    (only,) = found[STEPS].items
    assert {element.tag: element.text for element in only} == {MODALITY: "CT", STATION: "FINDSCU"}


def test_a_sequence_without_keys_comes_whole(three: Worklists) -> None:
    (found,) = ask(three, PatientID="W2", ScheduledProcedureStepSequence="")
    assert [len(one) for one in found[STEPS].items] == [3, 3]


def test_answers_in_the_default_encoding_or_that_of_the_query(three: Worklists) -> None:
    (found,) = ask(three, PatientID="W1", PatientName="")
    assert (found.text(0x00080005), found.text(NAME)) == ("ISO_IR 100", "Jérôme^A")
    (found,) = ask(three, PatientID="W1", PatientName="", SpecificCharacterSet="ISO_IR 192")
    assert (found.text(0x00080005), found.text(NAME)) == ("ISO_IR 192", "Jérôme^A")


def test_the_issuer_may_be_a_filter(three: Worklists) -> None:
    assert ids(ask(three, filter_issuer=True)) == ["W2", "W3"]
    assert ids(ask(three, filter_issuer=True, aet="OTHER")) == []
    (found,) = ask(
        three, filter_issuer=True, PatientID="W2", ScheduledProcedureStepSequence=[{"Modality": ""}]
    )
    (only,) = found[STEPS].items
    assert {element.tag: element.text for element in only} == {MODALITY: "CT"}
    (found,) = ask(three, filter_issuer=True, PatientID="W2", ScheduledProcedureStepSequence="")
    assert [one.text(STATION) for one in found[STEPS].items] == ["FINDSCU"]
    # A modality can't widen its own view.
    steps = [{"ScheduledStationAETitle": "CT1"}]
    assert ask(three, filter_issuer=True, ScheduledProcedureStepSequence=steps) == []


@pytest.mark.parametrize("aet", ["../other", "/etc/passwd", "a\\b", "", "*", "x" * 500])
def test_a_title_is_never_a_path_or_a_pattern(three: Worklists, aet: str) -> None:
    assert ask(three, filter_issuer=True, aet=aet) == []


def test_what_is_no_worklist_is_passed_over(
    three: Worklists, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "wl"
    (folder / "damaged.wl").write_bytes(b"x" * 300)
    (folder / "empty.wl").write_bytes(b"")
    (folder / "large.wl").write_bytes(bytes(LARGEST + 1))
    (folder / "note.txt").write_bytes(b"x")
    (folder / "folder.wl").mkdir()
    (folder / "folder.wl" / "9.wl").write_bytes((folder / "1.wl").read_bytes())
    (folder / "gone.wl").symlink_to(folder / "nothing")
    (folder / "device.wl").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.wl")
    (folder / "new\nline.wl").write_bytes(b"x")
    assert ids(ask(three)) == ["W1", "W2", "W3"]
    logged = [record.getMessage() for record in caplog.records]
    assert any("worklist damaged.wl" in line for line in logged)
    assert not any("\n" in line for line in logged)


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=400))
def test_hostile_content_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    made = worklists(folder)
    (folder / "wl" / "a.wl").write_bytes(content)
    ask(made, PatientName="x", ScheduledProcedureStepSequence=[{"Modality": "CT"}])


def test_changes_of_other_programs_are_seen(three: Worklists, tmp_path: Path) -> None:
    assert ids(ask(three)) == ["W1", "W2", "W3"]
    (tmp_path / "wl" / "1.wl").unlink()
    foreign(tmp_path, "3.WL", PatientID="W33")
    foreign(tmp_path, "4.wl", PatientID="W4")
    assert ids(ask(three)) == ["W2", "W33", "W4"]


def test_a_file_is_read_once(three: Worklists, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(three.all())
    monkeypatch.setattr("hornburg.archive.worklists.read", None)
    assert [one.file for one in three.all()] == [one.file for one in before]


def test_without_the_folder_there_is_no_worklist(tmp_path: Path) -> None:
    made = worklists(tmp_path)
    (tmp_path / "wl").rmdir()
    assert ask(made) == []


def test_the_life_of_a_worklist(tmp_path: Path) -> None:
    made = worklists(tmp_path)
    tags = {"PatientID": "W9", "PatientName": "Jérôme", "SpecificCharacterSet": "ISO_IR 6"}
    public_id = made.create(elements_of_json(tags))
    (one,) = made.all()
    assert (one.id, one.ours) == (public_id, True)
    assert one.file.dataset.text(NAME) == "Jérôme"
    assert one.study_uid.startswith("2.25.")
    path = tmp_path / "wl" / f"{public_id}.wl"
    assert path.stat().st_mode & 0o777 == 0o600
    os.utime(path, (1000, 1000))
    made.replace(public_id, elements_of_json({"PatientID": "W10"}))
    changed = made.get(public_id)
    assert changed.file.dataset.text(ID) == "W10"
    assert changed.file.dataset.text(NAME) is None
    assert (changed.study_uid, changed.created) == (one.study_uid, 1000)
    made.delete(public_id)
    assert list(made.all()) == []
    for gone in (made.get, made.delete):
        with pytest.raises(UnknownResourceError):
            gone(public_id)
    assert os.listdir(tmp_path / "wl") == []


def test_a_study_uid_is_added_only_when_it_should_be(tmp_path: Path) -> None:
    made = worklists(tmp_path, set_study_uid=False)
    assert made.get(made.create(elements_of_json({"PatientID": "x"}))).study_uid == ""
    given = elements_of_json({"StudyInstanceUID": "1.2"})
    assert made.get(made.create(given)).study_uid == "1.2"


@pytest.mark.parametrize(
    "public_id", ["", ".", "..", "../wl/1", "/etc/passwd", "a/b", "a\0b", "a\n", "x" * 5000, ".1"]
)
def test_identifiers_that_are_none(three: Worklists, public_id: str) -> None:
    for refused in (three.get, three.delete, lambda one: three.replace(one, {})):
        with pytest.raises(UnknownResourceError):
            refused(public_id)


def test_what_cant_be_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = worklists(tmp_path)
    with pytest.raises(BadRequestError):
        made.create({0x00020010: Value("UI", "1.2")})
    with pytest.raises(BadRequestError):
        made.create({0x00280010: Value("US", "x")})
    with pytest.raises(TooLargeError):
        made.create({0x00104000: Value("LT", "x" * LARGEST)})
    assert list(made.all()) == []
    monkeypatch.setattr("hornburg.archive.worklists.MOST_WORKLISTS", 1)
    made.create({})
    with pytest.raises(StorageFullError):
        made.create({})


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = worklists(tmp_path)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hornburg.archive.worklists.os.fsync", full)
    with pytest.raises(StorageFullError):
        made.create({})
    assert list((tmp_path / "wl").iterdir()) == []


def test_what_a_crash_left_is_removed_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "wl"
    worklists(tmp_path)
    (folder / ".01234567-0123-0123-0123-0123456789ab.tmp").write_bytes(b"x")
    (folder / ".other.tmp").write_bytes(b"x")
    worklists(tmp_path)
    assert [path.name for path in folder.iterdir()] == [".other.tmp"]


async def test_a_worklist_goes_when_its_study_is_stable(tmp_path: Path) -> None:
    made = worklists(tmp_path)
    done = made.create(elements_of_json({"StudyInstanceUID": "1.2.1"}))
    waits = made.create(elements_of_json({"StudyInstanceUID": "1.2.2"}))
    foreign(tmp_path, "theirs.wl", StudyInstanceUID="1.2.1")
    async with holding(tmp_path / "archive", [dicom(1)]) as archive:
        assert await tidy(archive, made) == 0
        later = archive.clock() + 60
        await archive.index.write(lambda writer: writer.settle(later, "20250101T000000", 9))
        assert await tidy(archive, worklists(tmp_path, delete_on_stable_study=False)) == 0
        assert await tidy(archive, made) == 1
    assert done != waits
    assert {one.id for one in made.all()} == {"theirs", waits}


async def test_a_worklist_of_the_own_folder_goes_when_it_is_old(tmp_path: Path) -> None:
    made = worklists(tmp_path, own_folder=True, delay=2)
    assert made.folder == tmp_path / "own"
    old, young = made.create({}), made.create({})
    async with holding(tmp_path / "archive", ()) as archive:
        for public_id, hours in ((old, 3), (young, 1)):
            then = archive.clock() - hours * 3600
            os.utime(made.folder / f"{public_id}.wl", (then, then))
        never = worklists(tmp_path, own_folder=True, delay=0)
        assert await tidy(archive, never) == 0
        assert await tidy(archive, made) == 1
    assert [one.id for one in made.all()] == [young]
