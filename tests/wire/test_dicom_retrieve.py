"""C-MOVE and C-GET, asked by DCMTK and pynetdicom."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom import build_context, build_role, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, identity, image, made, stored
from tests.wire.dicom_peers import Peers, associate, elements, entity, run
from tests.wire.dicom_raw import RawPeer

from hornburg.dicom.elements import Value, encode
from hornburg.dimse.commands import Command, CommandField
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
RLE = "1.2.840.10008.1.2.5"
MOVE = StudyRootQueryRetrieveInformationModelMove
GET = StudyRootQueryRetrieveInformationModelGet


@pytest.fixture(scope="module")
def destination(module_peers: Peers) -> Any:
    """DCMTK takes every syntax."""
    return module_peers.store_scp("+xa")


@pytest.fixture(scope="module")
def plain_destination(module_peers: Peers) -> Any:
    """DCMTK takes implicit VR alone."""
    return module_peers.store_scp("+xi", aet="PLAIN")


@pytest.fixture(scope="module")
def refusing_destination(module_peers: Peers) -> Any:
    return module_peers.store_scp("--refuse", aet="REFUSING")


@pytest.fixture(scope="module")
def picky(module_peers: Peers) -> Any:
    """pynetdicom takes what the test says."""
    return module_peers.listener("PICKY", build_context(MRImageStorage))


@pytest.fixture(scope="module")
def running(
    module_server: Any,
    destination: Any,
    plain_destination: Any,
    refusing_destination: Any,
    picky: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    picky.listen(EVT_C_STORE=lambda event: picky.handler(event))
    known = [destination, plain_destination, refusing_destination, picky]
    started = module_server(
        DicomModalities={
            "mover": ["MOVER", "127.0.0.1", 11112],
            "bound": {
                "AET": "BOUND",
                "Host": "127.0.0.1",
                "Port": 11112,
                "AllowTranscoding": False,
            },
            "gone": ["GONE", "127.0.0.1", 1],
            **{peer.aet.lower(): [peer.aet, "127.0.0.1", peer.port] for peer in known},
        },
    )
    for content in MAKE.archive(patients=1, studies=2, series=2, instances=4):
        started.client.post("/instances", content=content).raise_for_status()
    folder = tmp_path_factory.mktemp("images")
    started.jpeg = image(JPEG_LOSSLESS, folder)
    started.client.post("/instances", content=started.jpeg).raise_for_status()
    return started


def study(number: int = 0) -> str:
    return MAKE.identity(0, number).study_instance_uid


def series(number: int = 0) -> list[bytes]:
    return [MAKE.instance(0, 0, number, instance) for instance in range(4)]


def of_series() -> Dataset:
    return elements(
        QueryRetrieveLevel="SERIES",
        StudyInstanceUID=study(),
        SeriesInstanceUID=MAKE.identity(0, 0, 0).series_instance_uid,
    )


def of_jpeg(running: Any) -> list[str]:
    uid = dcmread(io.BytesIO(running.jpeg)).StudyInstanceUID
    return ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uid}"]


def taken(peer: Any) -> dict[str, bytes]:
    """What storescp received, by instance; it forgets it."""
    found = {identity(one)[1]: one for one in peer.received()}
    for path in peer.inbox.iterdir():
        path.unlink()
    return found


# -- C-MOVE -------------------------------------------------------------------------------------


def movescu(running: Any, aem: str, *arguments: object) -> Any:
    return run(
        "movescu", "-v", "-S", "-aet", "MOVER", "-aec", "ORTHANC", "-aem", aem,
        "127.0.0.1", running.dicom_port, *arguments,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        ({"QueryRetrieveLevel": "STUDY"}, 8),
        ({"QueryRetrieveLevel": "SERIES", "series": 0}, 4),
        ({"QueryRetrieveLevel": "IMAGE", "series": 0, "instance": 2}, 1),
    ],
)
def test_movescu(running: Any, destination: Any, keys: dict[str, Any], number: int) -> None:
    who = MAKE.identity(0, 0, keys.get("series", 0), keys.get("instance", 0))
    given = ["-k", f"QueryRetrieveLevel={keys['QueryRetrieveLevel']}"]
    given += ["-k", f"StudyInstanceUID={who.study_instance_uid}"]
    if "series" in keys:
        given += ["-k", f"SeriesInstanceUID={who.series_instance_uid}"]
    if "instance" in keys:
        given += ["-k", f"SOPInstanceUID={who.sop_instance_uid}"]
    outcome = movescu(running, "STORESCP", *given)
    assert outcome.status == 0, outcome
    received = taken(destination)
    assert len(received) == number
    for content in received.values():
        assert dataset_of(content) == stored(running, content)[1]


def test_movescu_transcodes(running: Any, plain_destination: Any) -> None:
    outcome = movescu(running, "PLAIN", *of_jpeg(running))
    assert outcome.status == 0, outcome
    (content,) = taken(plain_destination).values()
    assert identity(content)[2] == IMPLICIT
    sent, got = dcmread(io.BytesIO(running.jpeg)), dcmread(io.BytesIO(content))
    assert (got.pixel_array == sent.pixel_array).all()


def move(running: Any, destination: str, query: Dataset) -> list[Dataset]:
    """The answers to a C-MOVE, the last one with the identifier that came with it."""
    mover = entity("MOVER")
    mover.add_requested_context(MOVE)
    association = associate(mover, running.dicom_port)
    assert association.is_established
    answers = []
    for status, identifier in association.send_c_move(query, destination, MOVE):
        answers.append(status)
        status.identifier = identifier
    association.release()
    return answers


def test_the_counters_of_a_move(running: Any, picky: Any) -> None:
    heard = []

    def handler(event: Any) -> int:
        request = event.request
        heard.append(
            (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID)
        )
        return 0x0000

    picky.handler = handler
    *pending, final = move(running, "PICKY", of_series())
    assert [one.Status for one in pending] == [0xFF00] * 4
    assert [one.NumberOfRemainingSuboperations for one in pending] == [3, 2, 1, 0]
    assert [one.NumberOfCompletedSuboperations for one in pending] == [1, 2, 3, 4]
    assert final.Status == 0x0000
    assert "NumberOfRemainingSuboperations" not in final
    assert final.NumberOfCompletedSuboperations == 4
    assert final.NumberOfFailedSuboperations == final.NumberOfWarningSuboperations == 0
    assert heard == [("MOVER", 1)] * 4


def test_some_are_not_taken(running: Any, picky: Any) -> None:
    refused = MAKE.identity(0, 0, 0, 1).sop_instance_uid
    warned = MAKE.identity(0, 0, 0, 2).sop_instance_uid
    picky.handler = lambda event: {refused: 0xA700, warned: 0xB000}.get(
        event.request.AffectedSOPInstanceUID, 0x0000
    )
    *pending, final = move(running, "PICKY", of_series())
    assert len(pending) == 4
    assert final.Status == 0xB000
    assert final.NumberOfCompletedSuboperations == 2
    assert final.NumberOfFailedSuboperations == 1
    assert final.NumberOfWarningSuboperations == 1
    assert final.identifier.FailedSOPInstanceUIDList == refused


def test_none_is_taken(running: Any, picky: Any) -> None:
    picky.handler = lambda event: 0xA900
    final = move(running, "PICKY", of_series())[-1]
    assert final.Status == 0xA702
    assert final.NumberOfFailedSuboperations == 4
    assert len(final.identifier.FailedSOPInstanceUIDList) == 4


def test_a_destination_that_aborts(running: Any, picky: Any) -> None:
    """The rest is sent over another association."""
    aborted: list[str] = []

    def handler(event: Any) -> int:
        if not aborted:
            aborted.append(event.request.AffectedSOPInstanceUID)
            event.assoc.abort()
        return 0x0000

    picky.handler = handler
    final = move(running, "PICKY", of_series())[-1]
    assert final.NumberOfCompletedSuboperations + final.NumberOfFailedSuboperations == 4
    assert final.Status == (0xB000 if final.NumberOfCompletedSuboperations else 0xA702)


@pytest.mark.parametrize("title", ["REFUSING", "GONE"])
def test_a_destination_that_cannot_be_reached(running: Any, title: str) -> None:
    final = move(running, title, of_series())[-1]
    assert final.Status == 0xA702
    assert final.NumberOfFailedSuboperations == 4
    assert len(final.identifier.FailedSOPInstanceUIDList) == 4


def test_an_unknown_destination(running: Any) -> None:
    (final,) = move(running, "NOBODY", of_series())
    assert final.Status == 0xA801
    assert "NOBODY" in final.ErrorComment


@pytest.mark.parametrize(
    "query",
    [
        {"QueryRetrieveLevel": "STUDY"},
        {"QueryRetrieveLevel": "WRONG", "StudyInstanceUID": "1.2.3"},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.*"},
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_identifier_that_says_nothing(running: Any, query: dict[str, str]) -> None:
    (final,) = move(running, "PICKY", elements(**query))
    assert final.Status == 0xA900


def test_nothing_matches(running: Any) -> None:
    query = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3.4.5")
    final = move(running, "PICKY", query)[-1]
    assert final.Status == 0x0000
    assert final.NumberOfCompletedSuboperations == 0


def test_a_move_by_patient(running: Any, picky: Any) -> None:
    picky.handler = lambda event: 0x0000
    mover = entity("MOVER")
    mover.add_requested_context(PatientRootQueryRetrieveInformationModelMove)
    association = associate(mover, running.dicom_port)
    query = elements(QueryRetrieveLevel="PATIENT", PatientID=MAKE.identity().patient_id)
    answers = list(
        association.send_c_move(query, "PICKY", PatientRootQueryRetrieveInformationModelMove)
    )
    association.release()
    assert answers[-1][0].NumberOfCompletedSuboperations == 16


def test_a_move_is_cancelled(running: Any, picky: Any) -> None:
    """C-CANCEL is sent while the first instance is on its way."""
    with RawPeer(running.dicom_port) as peer:
        peer.associate((MOVE, (EXPLICIT,)), calling="MOVER")

        def handler(event: Any) -> int:
            cancel = Command(field=CommandField.C_CANCEL_RQ, message_id=0, responded_to=7)
            peer.command(1, cancel)
            return 0x0000

        picky.handler = handler
        peer.message(
            1,
            Command(
                field=CommandField.C_MOVE_RQ,
                message_id=7,
                sop_class_uid=MOVE,
                move_destination="PICKY",
                has_dataset=True,
            ),
            encode(
                {0x00080052: Value("CS", "STUDY"), 0x0020000D: Value("UI", study())},
                transfer_syntax=EXPLICIT,
            ),
        )
        answer = peer.answer()
        while answer.status == 0xFF00:
            answer = peer.answer()
        peer.release()
    assert answer.status == 0xFE00
    assert answer.completed is not None and 1 <= answer.completed < 8
    assert answer.remaining == 8 - answer.completed


def test_a_move_in_the_background(server: Any, peers: Peers) -> None:
    """SynchronousCMove off: the answer does not wait, and a job sends."""
    taking = peers.store_scp("+xa")
    running = server(
        SynchronousCMove=False,
        DicomModalities={
            "mover": ["MOVER", "127.0.0.1", 11112],
            "storescp": ["STORESCP", "127.0.0.1", taking.port],
        },
    )
    for content in series():
        running.client.post("/instances", content=content).raise_for_status()
    final = move(running, "STORESCP", of_series())[-1]
    assert final.Status == 0x0000
    (job,) = running.client.get("/jobs").json()
    while running.client.get(f"/jobs/{job}").json()["State"] in ("Pending", "Running"):
        pass
    assert running.client.get(f"/jobs/{job}").json()["State"] == "Success"
    assert len(taken(taking)) == 4


# -- C-GET --------------------------------------------------------------------------------------


def getscu(running: Any, folder: Path, *arguments: object, aet: str = "MOVER") -> list[bytes]:
    """What DCMTK's getscu wrote down, exactly as it came."""
    run(
        "getscu", "-v", "-S", "-aet", aet, "-aec", "ORTHANC", "+B", "-od", folder,
        "127.0.0.1", running.dicom_port, *arguments,
    )  # fmt: skip
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_getscu(running: Any, tmp_path: Path) -> None:
    received = getscu(
        running, tmp_path, "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study()}"
    )
    assert len(received) == 8
    for content in received:
        assert dataset_of(content) == stored(running, content)[1]


def test_a_compressed_image_as_it_is(running: Any) -> None:
    """Where its transfer syntax has a context of its own."""
    received = []

    def take(event: Any) -> int:
        received.append((event.context.transfer_syntax, event.request.DataSet.getvalue()))
        return 0x0000

    uid = dcmread(io.BytesIO(running.jpeg)).StudyInstanceUID
    query = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID=uid)
    final = get(running, query, take, CTImageStorage, syntax=JPEG_LOSSLESS)[-1]
    assert final.Status == 0x0000
    assert received == [(JPEG_LOSSLESS, dataset_of(running.jpeg))]


@pytest.mark.parametrize("option", ["+x=", "+xr", "+xs"])
def test_getscu_transcodes(running: Any, tmp_path: Path, option: str) -> None:
    """DCMTK offers all syntaxes of an image in one context: then uncompressed is taken."""
    (content,) = getscu(running, tmp_path, option, *of_jpeg(running))
    assert identity(content)[2] == EXPLICIT
    sent, got = dcmread(io.BytesIO(running.jpeg)), dcmread(io.BytesIO(content))
    assert (got.pixel_array == sent.pixel_array).all()


def test_a_get_compresses(running: Any) -> None:
    """What is asked for in RLE alone is made so."""
    syntaxes = []

    def take(event: Any) -> int:
        syntaxes.append(event.context.transfer_syntax)
        assert event.dataset.PixelData
        return 0x0000

    final = get(running, of_series(), take, MRImageStorage, syntax=RLE)[-1]
    assert final.Status == 0x0000
    assert syntaxes == [RLE] * 4


def test_getscu_without_transcoding(running: Any, tmp_path: Path) -> None:
    assert getscu(running, tmp_path, "+x=", *of_jpeg(running), aet="BOUND") == []


def get(
    running: Any, query: Dataset, take: Any, *classes: str, syntax: str = EXPLICIT
) -> list[Dataset]:
    getter = entity("MOVER")
    getter.add_requested_context(GET)
    roles = []
    for sop_class in classes:
        getter.add_requested_context(sop_class, syntax)
        roles.append(build_role(sop_class, scp_role=True))
    association = associate(
        getter, running.dicom_port, "ORTHANC", *roles, evt_handlers=[(evt.EVT_C_STORE, take)]
    )
    assert association.is_established
    answers = []
    for status, identifier in association.send_c_get(query, GET):
        status.identifier = identifier
        answers.append(status)
    association.release()
    return answers


def test_the_counters_of_a_get(running: Any) -> None:
    *pending, final = get(running, of_series(), lambda event: 0x0000, MRImageStorage)
    assert [one.NumberOfRemainingSuboperations for one in pending] == [3, 2, 1, 0]
    assert final.Status == 0x0000
    assert final.NumberOfCompletedSuboperations == 4


def test_some_of_a_get_are_not_taken(running: Any) -> None:
    refused = MAKE.identity(0, 0, 0, 1).sop_instance_uid

    def take(event: Any) -> int:
        return 0xA700 if event.request.AffectedSOPInstanceUID == refused else 0x0000

    final = get(running, of_series(), take, MRImageStorage)[-1]
    assert final.Status == 0xB000
    assert final.NumberOfFailedSuboperations == 1
    assert final.identifier.FailedSOPInstanceUIDList == refused


def test_a_get_without_a_context_for_the_class(running: Any) -> None:
    final = get(running, of_series(), lambda event: 0x0000, CTImageStorage)[-1]
    assert final.Status == 0xA702
    assert final.NumberOfFailedSuboperations == 4


def test_the_stored_is_what_is_got_back(running: Any, tmp_path: Path) -> None:
    """In and out over DICOM: the data set is the same to the last byte."""
    content = made(study="1.2.826.0.1.3680043.8.498.77")
    file = tmp_path / "sent.dcm"
    file.write_bytes(content)
    assert run("storescu", "-R", "-xe", "127.0.0.1", running.dicom_port, file).status == 0
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (received,) = getscu(
        running, inbox, "-k", "QueryRetrieveLevel=STUDY",
        "-k", "StudyInstanceUID=1.2.826.0.1.3680043.8.498.77",
    )  # fmt: skip
    assert dataset_of(received) == stored(running, content)[1]


def test_a_move_ends_with_its_caller(running: Any, picky: Any) -> None:
    """What is on its way arrives; nobody goes on for a caller that is gone."""
    heard: list[str] = []
    first, gone = threading.Event(), threading.Event()

    def handler(event: Any) -> int:
        heard.append(event.request.AffectedSOPInstanceUID)
        first.set()
        gone.wait(20)
        return 0x0000

    picky.handler = handler
    before = len(running.lines)
    mover = entity("MOVER")
    mover.add_requested_context(MOVE)
    association = associate(mover, running.dicom_port)
    asking = threading.Thread(
        target=lambda: list(association.send_c_move(of_series(), "PICKY", MOVE))
    )
    asking.start()
    assert first.wait(20)
    association.abort()
    asking.join(20)
    gone.set()
    running.said("association with MOVER", since=before)
    assert len(heard) <= 2
    assert not any("picky" in line.lower() and "closed" in line for line in running.lines[before:])
