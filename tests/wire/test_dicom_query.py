"""C-FIND of the archive and of worklists, asked by DCMTK and pynetdicom."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import generate_uid
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)
from tests.wire.dicom_files import BIG, EXPLICIT, IMPLICIT
from tests.wire.dicom_peers import associate, elements, entity, run
from tests.wire.dicom_raw import RawPeer

from hornburg.dicom.elements import Value, encode
from hornburg.dimse.commands import Command, CommandField
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
FIND = StudyRootQueryRetrieveInformationModelFind
PATIENT_FIND = PatientRootQueryRetrieveInformationModelFind
WORKLIST = ModalityWorklistInformationFind


def worklist(name: str, when: str, title: str) -> bytes:
    """A worklist file."""
    step = elements(
        Modality="CT",
        ScheduledStationAETitle=title,
        ScheduledProcedureStepStartDate=when,
        ScheduledProcedureStepStartTime="101500",
        ScheduledProcedureStepDescription="Thorax",
        ScheduledPerformingPhysicianName="",
        ScheduledProcedureStepID="SPS1",
    )
    item = elements(
        SpecificCharacterSet="ISO_IR 192",
        AccessionNumber=f"A{when}",
        PatientName=name,
        PatientID="W1",
        PatientBirthDate="19700101",
        PatientSex="F",
        StudyInstanceUID=generate_uid(),
        RequestedProcedureDescription="CT Thorax",
        RequestedProcedureID="RP1",
        ScheduledProcedureStepSequence=[step],
    )
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = EXPLICIT
    item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.31"
    item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    written = io.BytesIO()
    item.save_as(written, enforce_file_format=True)
    return written.getvalue()


@pytest.fixture(scope="module")
def running(module_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("worklists")
    (folder / "one.wl").write_bytes(worklist("Müller^Anna", "20261125", "CT1"))
    (folder / "two.wl").write_bytes(worklist("Becker^Jan", "20261126", "CT2"))
    started = module_server(
        DicomModalities={"finder": ["FINDER", "127.0.0.1", 11112]},
        Worklists={"Enable": True, "Database": str(folder)},
    )
    for content in MAKE.archive(patients=3, studies=2, series=2, instances=2):
        started.client.post("/instances", content=content).raise_for_status()
    return started


def findscu(running: Any, folder: Path, model: str, *keys: str, more: tuple[str, ...] = ()) -> Any:
    """The answers that DCMTK's findscu got."""
    given = [word for key in keys for word in ("-k", key)]
    outcome = run(
        "findscu", "-v", model, "-X", "-od", folder, "-aet", "FINDER", "-aec", "ORTHANC", *more,
        "127.0.0.1", running.dicom_port, *given,
    )  # fmt: skip
    assert outcome.status == 0, outcome
    return [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))], outcome


def test_patients(running: Any, tmp_path: Path) -> None:
    answers, _ = findscu(
        running, tmp_path, "-P", "QueryRetrieveLevel=PATIENT", "PatientID", "PatientName",
        "NumberOfPatientRelatedStudies",
    )  # fmt: skip
    expected = {MAKE.identity(number).patient_id for number in range(3)}
    assert {one.PatientID for one in answers} == expected
    assert {one.NumberOfPatientRelatedStudies for one in answers} == {2}
    assert {one.QueryRetrieveLevel for one in answers} == {"PATIENT"}
    assert {one.RetrieveAETitle for one in answers} == {"ORTHANC"}


@pytest.mark.parametrize("syntax", ["-xi", "-xe", "-xb"])
def test_studies(running: Any, tmp_path: Path, syntax: str) -> None:
    who = MAKE.identity(1)
    answers, _ = findscu(
        running, tmp_path, "-S", "QueryRetrieveLevel=STUDY", f"PatientID={who.patient_id}",
        "StudyInstanceUID", "PatientName", "ModalitiesInStudy", "NumberOfStudyRelatedInstances",
        more=(syntax,),
    )  # fmt: skip
    expected = {MAKE.identity(1, number).study_instance_uid for number in range(2)}
    assert {one.StudyInstanceUID for one in answers} == expected
    assert {str(one.PatientName) for one in answers} == {who.patient_name}
    assert {one.ModalitiesInStudy for one in answers} == {"MR"}
    assert {one.NumberOfStudyRelatedInstances for one in answers} == {4}


def test_series(running: Any, tmp_path: Path) -> None:
    who = MAKE.identity(2, 1)
    answers, _ = findscu(
        running, tmp_path, "-S", "QueryRetrieveLevel=SERIES",
        f"StudyInstanceUID={who.study_instance_uid}", "SeriesInstanceUID", "Modality",
        "NumberOfSeriesRelatedInstances",
    )  # fmt: skip
    expected = {MAKE.identity(2, 1, number).series_instance_uid for number in range(2)}
    assert {one.SeriesInstanceUID for one in answers} == expected
    assert {one.NumberOfSeriesRelatedInstances for one in answers} == {2}


def test_instances(running: Any, tmp_path: Path) -> None:
    who = MAKE.identity(2, 1, 1)
    answers, _ = findscu(
        running, tmp_path, "-P", "QueryRetrieveLevel=IMAGE", f"PatientID={who.patient_id}",
        f"StudyInstanceUID={who.study_instance_uid}",
        f"SeriesInstanceUID={who.series_instance_uid}", "SOPInstanceUID", "InstanceNumber",
    )  # fmt: skip
    expected = {MAKE.identity(2, 1, 1, number).sop_instance_uid for number in range(2)}
    assert {one.SOPInstanceUID for one in answers} == expected


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("PatientName=*", 6),
        ("PatientID=nobody", 0),
        ("StudyDate=19000101-20991231", 6),
        ("StudyDate=-19000101", 0),
    ],
)
def test_wildcards_and_ranges(running: Any, tmp_path: Path, key: str, number: int) -> None:
    answers, _ = findscu(running, tmp_path, "-S", "QueryRetrieveLevel=STUDY", key)
    assert len(answers) == number


@pytest.mark.parametrize("wrong", ["QueryRetrieveLevel=NOWHERE", "PatientID=1"])
def test_a_query_without_a_level(running: Any, tmp_path: Path, wrong: str) -> None:
    answers, outcome = findscu(running, tmp_path, "-S", wrong)
    assert not answers
    assert "Failed" in outcome.said or "Error" in outcome.said


def test_worklists(running: Any, tmp_path: Path) -> None:
    answers, _ = findscu(
        running, tmp_path, "-W", "PatientName", "PatientID", "AccessionNumber",
        "(0040,0100)[0].Modality=CT", "(0040,0100)[0].ScheduledProcedureStepStartDate=20261125",
        "(0040,0100)[0].ScheduledStationAETitle",
    )  # fmt: skip
    (answer,) = answers
    assert str(answer.PatientName) == "Müller^Anna"
    assert answer.AccessionNumber == "A20261125"
    (step,) = answer.ScheduledProcedureStepSequence
    assert step.ScheduledStationAETitle == "CT1"


def test_all_worklists(running: Any, tmp_path: Path) -> None:
    answers, _ = findscu(running, tmp_path, "-W", "PatientName", "(0040,0100)[0].Modality")
    assert {str(one.PatientName) for one in answers} == {"Müller^Anna", "Becker^Jan"}


def test_pynetdicom(running: Any) -> None:
    finder = entity("FINDER")
    for uid in (FIND, PATIENT_FIND, WORKLIST):
        finder.add_requested_context(uid)
    association = associate(finder, running.dicom_port)
    query = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientName="")
    for uid, number in ((FIND, 6), (PATIENT_FIND, 6)):
        answers = list(association.send_c_find(query, uid))
        assert [status.Status for status, _ in answers] == [0xFF00] * number + [0x0000]
        assert answers[-1][1] is None
    found = list(association.send_c_find(elements(PatientID="W1", PatientName=""), WORKLIST))
    assert len(found) == 3
    association.release()


def query(syntax: str, level: str = "IMAGE") -> bytes:
    return encode(
        {
            0x00080018: Value("UI", ""),
            0x00080052: Value("CS", level),
            0x0020000D: Value("UI", ""),
        },
        transfer_syntax=syntax,
    )


def find_command(message_id: int) -> Command:
    return Command(
        field=CommandField.C_FIND_RQ,
        message_id=message_id,
        sop_class_uid=FIND,
        has_dataset=True,
    )


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_a_find_is_cancelled(running: Any, syntax: str) -> None:
    """The cancel is there before the first answer is."""
    with RawPeer(running.dicom_port) as peer:
        peer.associate((FIND, (syntax,)), calling="FINDER")
        sent: list[bytes] = []
        peer.send = sent.append  # type: ignore[method-assign]
        peer.message(1, find_command(9), query(syntax))
        peer.command(1, Command(field=CommandField.C_CANCEL_RQ, message_id=0, responded_to=9))
        peer.socket.sendall(b"".join(sent))
        del peer.send
        answer = peer.answer()
        assert (answer.status, answer.responded_to) == (0xFE00, 9)
        # A cancel counts for its own request alone, and the next one is served.
        peer.message(1, find_command(10), query(syntax, "STUDY"))
        answers = [peer.answer().status for _ in range(7)]
        assert answers == [0xFF00] * 6 + [0x0000]
        peer.release()


def test_a_cancel_that_comes_too_late(running: Any) -> None:
    with RawPeer(running.dicom_port) as peer:
        peer.associate((FIND, (EXPLICIT,)), calling="FINDER")
        peer.message(1, find_command(3), query(EXPLICIT, "STUDY"))
        assert [peer.answer().status for _ in range(7)][-1] == 0x0000
        peer.command(1, Command(field=CommandField.C_CANCEL_RQ, message_id=0, responded_to=3))
        # The same number may be used again (PS3.7 9.1.2.1): the old cancel is not for it.
        peer.message(1, find_command(3), query(EXPLICIT, "STUDY"))
        assert [peer.answer().status for _ in range(7)][-1] == 0x0000
        peer.release()


def test_findscu_cancels(running: Any, tmp_path: Path) -> None:
    """DCMTK asks to stop after one answer, and both sides end in good order."""
    _, outcome = findscu(
        running, tmp_path, "-S", "QueryRetrieveLevel=IMAGE", "SOPInstanceUID",
        more=("--cancel", "1"),
    )  # fmt: skip
    assert "Releasing Association" in outcome.said


def test_the_limit_of_answers(server: Any, tmp_path: Path) -> None:
    running = server(LimitFindResults=3, DicomModalities={"finder": ["FINDER", "127.0.0.1", 11112]})
    for content in MAKE.archive(patients=3, studies=2):
        running.client.post("/instances", content=content).raise_for_status()
    finder = entity("FINDER")
    finder.add_requested_context(FIND)
    association = associate(finder, running.dicom_port)
    answers = list(
        association.send_c_find(elements(QueryRetrieveLevel="STUDY", StudyInstanceUID=""), FIND)
    )
    association.release()
    assert [status.Status for status, _ in answers] == [0xFF00] * 3 + [0xFE00]


def test_an_identifier_without_end(running: Any) -> None:
    """It is read to its end, kept only up to the limit, and refused."""
    with RawPeer(running.dicom_port) as peer:
        peer.associate((FIND, (EXPLICIT,)), calling="FINDER")
        peer.message(1, find_command(1), query(EXPLICIT) + bytes(3 << 20))
        status = peer.answer().status
        assert status is not None and status >= 0xA000
        peer.message(1, find_command(2), query(EXPLICIT, "STUDY"))
        assert [peer.answer().status for _ in range(7)][-1] == 0x0000
        peer.release()


def test_names_stay_out_of_the_log(running: Any, tmp_path: Path) -> None:
    findscu(running, tmp_path, "-S", "QueryRetrieveLevel=STUDY", "PatientName=Secret^Name")
    findscu(running, tmp_path, "-S", "QueryRetrieveLevel=NO", "PatientName=Secret^Name")
    assert not [line for line in running.lines if "Secret" in line]
