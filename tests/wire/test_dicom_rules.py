"""Access rules over the DICOM network: modalities that a rule names, asked by pynetdicom."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import MRImageStorage, generate_uid
from pynetdicom import build_context, build_role, evt
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
from tests.wire.dicom_peers import Peers, associate, elements, entity
from tests.wire.test_dicom_commitment import Scanner, request

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
FIND = StudyRootQueryRetrieveInformationModelFind
MOVE = StudyRootQueryRetrieveInformationModelMove
GET = StudyRootQueryRetrieveInformationModelGet
WORKLIST = ModalityWorklistInformationFind
NOT_AUTHORIZED = 0x0124

SEEN, HIDDEN = MAKE.identity(0, 0), MAKE.identity(1, 0)


@pytest.fixture(scope="module")
def scanner(module_peers: Peers) -> Scanner:
    return Scanner(module_peers)


@pytest.fixture(scope="module")
def destination(module_peers: Peers) -> Any:
    return module_peers.store_scp("+xa")


@pytest.fixture(scope="module")
def running(module_server: Any, scanner: Scanner, destination: Any) -> Any:
    modality = ["127.0.0.1", 11112]
    started = module_server(
        DicomModalities={
            "narrow": ["NARROW", *modality],
            "labelled": ["LABELLED", *modality],
            "camera": ["CAMERA", *modality],
            "free": ["FREE", *modality],
            "scanner": ["SCANNER", "127.0.0.1", scanner.entity.port],
            "destination": [destination.aet, "127.0.0.1", destination.port],
        },
        DicomAlwaysAllowFindWorklist=True,
        AccessRules=[
            {"Users": ["nobody"], "Role": "admin"},
            {
                "Modalities": ["narrow", "scanner"],
                "Permissions": ["view", "download", "upload"],
                "Patients": [SEEN.patient_id],
            },
            {
                "Modalities": ["labelled"],
                "Permissions": ["view", "download", "upload"],
                "Labels": ["teaching"],
            },
            {"Modalities": ["camera"], "Role": "uploader"},
        ],
    )
    for patient in (0, 1):
        for number in (0, 1):
            content = MAKE.instance(patient, 0, 0, number)
            stored = started.client.post("/instances", content=content).raise_for_status()
            if patient == 0:
                label = f"/studies/{stored.json()['ParentStudy']}/labels/teaching"
                started.client.put(label).raise_for_status()
    return started


#: Callers that rules narrow to the same study, by its patient and by its label.
narrowed = pytest.mark.parametrize("aet", ["NARROW", "LABELLED"])


def asked(running: Any, aet: str, model: str, **keys: str) -> list[tuple[Any, Any]]:
    """The answers of a C-FIND: their status, and what they hold."""
    asking = entity(aet)
    asking.add_requested_context(model)
    association = associate(asking, running.dicom_port)
    assert association.is_established
    wanted = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", **keys}
    answers = list(association.send_c_find(elements(**wanted), model))
    association.release()
    return answers


def find(running: Any, aet: str, model: str = FIND, **keys: str) -> tuple[int, list[Any]]:
    """The last status, and what was found."""
    answers = asked(running, aet, model, **keys)
    return int(answers[-1][0].Status), [one for _, one in answers[:-1]]


def get(running: Any, aet: str, study: str) -> tuple[int, int]:
    """The last status, and the instances that came."""
    asking = entity(aet)
    asking.add_requested_context(GET)
    asking.add_requested_context(MRImageStorage)
    came: list[str] = []

    def take(event: Any) -> int:
        came.append(event.dataset.SOPInstanceUID)
        return 0x0000

    role = build_role(MRImageStorage, scp_role=True)
    handlers = [(evt.EVT_C_STORE, take)]
    association = associate(asking, running.dicom_port, "ORTHANC", role, evt_handlers=handlers)
    assert association.is_established
    wanted = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    answers = list(association.send_c_get(wanted, GET))
    association.release()
    return int(answers[-1][0].Status), len(came)


def move(running: Any, aet: str, study: str, destination: Any) -> tuple[int, int]:
    """The last status, and the number of those that were sent."""
    asking = entity(aet)
    asking.add_requested_context(MOVE)
    association = associate(asking, running.dicom_port)
    assert association.is_established
    wanted = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    answers = list(association.send_c_move(wanted, destination.aet, MOVE))
    association.release()
    last = answers[-1][0]
    return int(last.Status), int(last.get("NumberOfCompletedSuboperations", 0))


def store(running: Any, aet: str, content: bytes) -> int:
    asking = entity(aet)
    dataset = dcmread(io.BytesIO(content))
    asking.requested_contexts = [build_context(MRImageStorage, dataset.file_meta.TransferSyntaxUID)]
    association = associate(asking, running.dicom_port)
    assert association.is_established
    status = association.send_c_store(dataset)
    association.release()
    return int(status.Status)


@narrowed
def test_a_find_shows_what_is_within(running: Any, aet: str) -> None:
    for keys in ({}, {"PatientID": "*"}, {"PatientName": "*"}):
        status, answers = find(running, aet, **keys)
        assert status == 0
        assert [one.StudyInstanceUID for one in answers] == [SEEN.study_instance_uid]
    status, answers = find(running, aet, StudyInstanceUID=HIDDEN.study_instance_uid)
    assert (status, answers) == (0, [])
    # A tag that only the file has.
    status, answers = find(running, aet, SoftwareVersions="")
    assert [one.StudyInstanceUID for one in answers] == [SEEN.study_instance_uid]
    assert len(find(running, "FREE")[1]) == 2


@narrowed
def test_a_get_brings_what_is_within(running: Any, aet: str) -> None:
    assert get(running, aet, SEEN.study_instance_uid) == (0, 2)
    assert get(running, aet, HIDDEN.study_instance_uid) == (0, 0)
    both = f"{SEEN.study_instance_uid}\\{HIDDEN.study_instance_uid}"
    assert get(running, aet, both) == (0, 2)
    assert get(running, "FREE", HIDDEN.study_instance_uid) == (0, 2)


@narrowed
def test_a_move_sends_what_is_within(running: Any, aet: str, destination: Any) -> None:
    assert move(running, aet, SEEN.study_instance_uid, destination) == (0, 2)
    assert move(running, aet, HIDDEN.study_instance_uid, destination) == (0, 0)


@narrowed
def test_a_store_outside_is_refused_and_leaves_nothing(running: Any, aet: str) -> None:
    before = running.client.get("/statistics").json(), running.files()
    assert store(running, aet, MAKE.instance(1, 0, 0, 5)) == NOT_AUTHORIZED
    assert store(running, aet, MAKE.instance(7)) == NOT_AUTHORIZED
    assert (running.client.get("/statistics").json(), running.files()) == before
    assert store(running, aet, MAKE.instance(0, 0, 0, 1)) == 0
    assert store(running, "FREE", MAKE.instance(1, 0, 0, 1)) == 0


def test_what_no_rule_grants_is_refused_and_logged(running: Any, destination: Any) -> None:
    assert find(running, "CAMERA")[0] == NOT_AUTHORIZED
    running.said("needs the permission view, which camera does not have")
    # What the configuration knows is for our log.
    assert asked(running, "CAMERA", FIND)[-1][0].ErrorComment == "Not authorized"
    assert get(running, "CAMERA", SEEN.study_instance_uid) == (NOT_AUTHORIZED, 0)
    assert move(running, "CAMERA", SEEN.study_instance_uid, destination)[0] == NOT_AUTHORIZED
    assert store(running, "CAMERA", MAKE.instance(0, 0, 0, 0)) == 0
    # A narrowed rule says nothing of worklists; who is not named keeps what it had.
    assert find(running, "NARROW", WORKLIST)[0] == NOT_AUTHORIZED
    assert find(running, "FREE", WORKLIST)[0] == 0


def test_commitment_does_not_tell_of_what_is_hidden(running: Any, scanner: Scanner) -> None:
    transaction = generate_uid()
    seen, hidden = ((str(MRImageStorage), one.sop_instance_uid) for one in (SEEN, HIDDEN))
    assert scanner.ask(running, request(transaction, seen, hidden)) == 0
    event, report, _, _ = scanner.entity.wait()[-1]
    assert (event, report.TransactionUID) == (2, transaction)
    (good,), (bad,) = report.ReferencedSOPSequence, report.FailedSOPSequence
    assert good.ReferencedSOPInstanceUID == SEEN.sop_instance_uid
    assert (bad.ReferencedSOPInstanceUID, bad.FailureReason) == (HIDDEN.sop_instance_uid, 0x0112)
