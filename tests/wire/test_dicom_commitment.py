"""Storage commitment with pynetdicom, in both roles."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid
from pynetdicom import build_context, build_role
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance
from tests.wire.dicom_files import identity, made, stored
from tests.wire.dicom_peers import Peers, associate, elements, entity

COMMIT = str(StorageCommitmentPushModel)
INSTANCE = str(StorageCommitmentPushModelInstance)


def reference(sop_class: str, sop_instance: str) -> Dataset:
    return elements(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


def request(transaction: str, *references: tuple[str, str]) -> Dataset:
    return elements(
        TransactionUID=transaction,
        ReferencedSOPSequence=[reference(*one) for one in references],
    )


class Scanner:
    """Asks for commitment, and listens for the reports."""

    def __init__(self, peers: Peers) -> None:
        self.entity = peers.listener("SCANNER", build_context(COMMIT))
        # Whoever opens the association to report is the provider of the service.
        self.entity.supports(COMMIT, scu=False, scp=True)
        self.entity.listen(EVT_N_EVENT_REPORT=self._report)

    def _report(self, event: Any) -> tuple[int, None]:
        requested = event.request
        self.entity.hear(
            (
                requested.EventTypeID,
                event.event_information,
                event.assoc.requestor.ae_title,
                requested.AffectedSOPInstanceUID,
            )
        )
        return 0x0000, None

    def ask(self, server: Any, dataset: Dataset, action: int = 1, uid: str = INSTANCE) -> int:
        asking = entity("SCANNER")
        asking.add_requested_context(COMMIT)
        association = associate(asking, server.dicom_port)
        assert association.is_established
        status, _ = association.send_n_action(dataset, action, COMMIT, uid)
        association.release()
        return int(status.Status)


@pytest.fixture(scope="module")
def scanner(module_peers: Peers) -> Scanner:
    return Scanner(module_peers)


@pytest.fixture(scope="module")
def running(module_server: Any, scanner: Scanner) -> Any:
    return module_server(DicomModalities={"scanner": ["SCANNER", "127.0.0.1", scanner.entity.port]})


def keep(server: Any) -> tuple[str, str]:
    content = made()
    server.client.post("/instances", content=content).raise_for_status()
    return identity(content)[:2]


def test_all_is_here(running: Any, scanner: Scanner) -> None:
    kept = [keep(running), keep(running)]
    transaction = generate_uid()
    before = len(scanner.entity.heard)
    assert scanner.ask(running, request(transaction, *kept)) == 0x0000
    event, information, title, instance = scanner.entity.wait(before + 1)[-1]
    assert (event, title, instance) == (1, "ORTHANC", INSTANCE)
    assert information.TransactionUID == transaction
    assert "FailedSOPSequence" not in information
    assert {one.ReferencedSOPInstanceUID for one in information.ReferencedSOPSequence} == {
        uid for _, uid in kept
    }


def test_something_is_missing(running: Any, scanner: Scanner) -> None:
    sop_class, uid = keep(running)
    before = len(scanner.entity.heard)
    asked = request(
        generate_uid(), (sop_class, uid), (CTImageStorage, "1.2.3"), (MRImageStorage, uid)
    )
    assert scanner.ask(running, asked) == 0x0000
    event, information, _, _ = scanner.entity.wait(before + 1)[-1]
    assert event == 2
    assert [one.ReferencedSOPInstanceUID for one in information.ReferencedSOPSequence] == [uid]
    failed = {
        (one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID): one.FailureReason
        for one in information.FailedSOPSequence
    }
    # Nothing of that name; another class than the instance has.
    assert failed == {(CTImageStorage, "1.2.3"): 0x0112, (MRImageStorage, uid): 0x0119}


@pytest.mark.parametrize(
    ("dataset", "action", "uid", "status"),
    [
        (elements(TransactionUID="1.2.3"), 1, INSTANCE, 0x0115),
        (request("1.2.3", (CTImageStorage, "1.2.3")), 2, INSTANCE, 0x0123),
        (request("1.2.3", (CTImageStorage, "1.2.3")), 1, "1.2.3.4", 0x0112),
        (elements(ReferencedSOPSequence=[reference("1.2", "1.3")]), 1, INSTANCE, 0x0115),
    ],
)
def test_requests_that_say_nothing(
    running: Any, scanner: Scanner, dataset: Dataset, action: int, uid: str, status: int
) -> None:
    assert scanner.ask(running, dataset, action, uid) == status


def test_the_job_of_a_report(running: Any, scanner: Scanner) -> None:
    before = len(scanner.entity.heard)
    transaction = generate_uid()
    scanner.ask(running, request(transaction, keep(running)))
    scanner.entity.wait(before + 1)
    jobs = running.client.get("/jobs?expand").json()
    (job,) = [one for one in jobs if one["Content"].get("TransactionUid") == transaction]
    assert job["Type"] == "StorageCommitmentScp"
    assert job["Content"]["RemoteAet"] == "SCANNER"


# -- we ask -------------------------------------------------------------------------------------


class Provider:
    """Commits what it is told to."""

    def __init__(self, peers: Peers, missing: set[str]) -> None:
        self.missing = missing
        self.port = 0
        self.entity = peers.listener("KEEPER", build_context(COMMIT))
        self.entity.supports(COMMIT, scu=True, scp=False)
        self.entity.listen(EVT_N_ACTION=self._action)

    def _action(self, event: Any) -> tuple[int, None]:
        asked = event.action_information
        good, bad = [], []
        for one in asked.ReferencedSOPSequence:
            if one.ReferencedSOPInstanceUID in self.missing:
                one.FailureReason = 0x0112
                bad.append(one)
            else:
                good.append(one)
        report = elements(TransactionUID=asked.TransactionUID, ReferencedSOPSequence=good)
        if bad:
            report.FailedSOPSequence = bad
        thread = threading.Thread(target=self._report, args=(report, 2 if bad else 1))
        thread.start()
        return 0x0000, None

    def _report(self, report: Dataset, event: int) -> None:
        reporting = entity("KEEPER")
        reporting.add_requested_context(COMMIT)
        role = build_role(COMMIT, scu_role=False, scp_role=True)
        association = associate(reporting, self.port, "ORTHANC", role)
        (context,) = association.accepted_contexts
        assert context.as_scp
        status, _ = association.send_n_event_report(report, event, COMMIT, INSTANCE)
        association.release()
        self.entity.hear(status.Status)


def test_we_ask(server: Any, peers: Peers) -> None:
    provider = Provider(peers, set())
    running = server(DicomModalities={"keeper": ["KEEPER", "127.0.0.1", provider.entity.port]})
    provider.port = running.dicom_port
    first, second = made(), made()
    for content in (first, second):
        running.client.post("/instances", content=content).raise_for_status()
    provider.missing.add(identity(second)[1])
    resources = [stored(running, content)[0] for content in (first, second)]
    answer = running.client.post(
        "/modalities/keeper/storage-commitment", json={"Resources": resources[:1]}
    )
    assert answer.status_code == 200, answer.text
    provider.entity.wait(1)
    report = running.client.get(answer.json()["Path"]).json()
    assert report["Status"] == "Success"
    assert report["RemoteAET"] == "KEEPER"
    assert [one["SOPInstanceUID"] for one in report["Success"]] == [identity(first)[1]]

    answer = running.client.post(
        "/modalities/keeper/storage-commitment", json={"Resources": resources}
    )
    assert provider.entity.wait(2) == [0x0000, 0x0000]
    path = answer.json()["Path"]
    report = running.client.get(path).json()
    assert report["Status"] == "Failure"
    assert [one["SOPInstanceUID"] for one in report["Failures"]] == [identity(second)[1]]
    assert report["Failures"][0]["FailureReason"] == 0x0112
    # What is not safe there is not removed here.
    assert running.client.post(f"{path}/remove").status_code >= 400
    assert len(running.client.get("/instances").json()) == 2


def test_what_is_safe_elsewhere_may_go(server: Any, peers: Peers) -> None:
    provider = Provider(peers, set())
    running = server(DicomModalities={"keeper": ["KEEPER", "127.0.0.1", provider.entity.port]})
    provider.port = running.dicom_port
    content, other = made(), made(study="1.2.3.4")
    for one in (content, other):
        running.client.post("/instances", content=one).raise_for_status()
    answer = running.client.post(
        "/modalities/keeper/storage-commitment", json={"Resources": [stored(running, content)[0]]}
    )
    path = answer.json()["Path"]
    provider.entity.wait(1)
    assert running.client.post(f"{path}/remove").status_code == 200
    assert running.client.get("/instances").json() == [stored(running, other)[0]]


def test_a_report_of_somebody_else(server: Any, peers: Peers) -> None:
    """Only the modality that was asked can answer."""
    provider = Provider(peers, set())
    running = server(
        DicomModalities={
            "keeper": ["KEEPER", "127.0.0.1", provider.entity.port],
            "other": ["OTHER", "127.0.0.1", 11112],
        }
    )
    provider._report = lambda *_: None  # type: ignore[method-assign]
    content = made()
    running.client.post("/instances", content=content).raise_for_status()
    answer = running.client.post(
        "/modalities/keeper/storage-commitment", json={"Resources": [stored(running, content)[0]]}
    )
    transaction = answer.json()["ID"]
    reporting = entity("OTHER")
    reporting.add_requested_context(COMMIT)
    role = build_role(COMMIT, scu_role=False, scp_role=True)
    association = associate(reporting, running.dicom_port, "ORTHANC", role)
    sent = request(transaction, identity(content)[:2])
    association.send_n_event_report(sent, 1, COMMIT, INSTANCE)
    association.release()
    running.said("a storage commitment report of OTHER answers a request to KEEPER")
    assert running.client.get(answer.json()["Path"]).json()["Status"] == "Pending"
