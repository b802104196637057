"""What we ask of others, over REST: DCMTK's servers, and another one of ours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, identity, image
from tests.wire.dicom_peers import Peers, free_port
from tests.wire.test_dicom_query import worklist

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"


def known(server: Any, name: str, aet: str, port: int, **more: Any) -> None:
    modality = {"AET": aet, "Host": "127.0.0.1", "Port": port, **more}
    server.client.put(f"/modalities/{name}", json=modality).raise_for_status()


@pytest.fixture(scope="module")
def running(module_server: Any) -> Any:
    started = module_server(DicomAet="HERE")
    for content in MAKE.archive(patients=1, studies=2, series=2, instances=3):
        started.client.post("/instances", content=content).raise_for_status()
    return started


@pytest.fixture(scope="module")
def storage(module_peers: Peers, running: Any) -> Any:
    """DCMTK's storescp."""
    peer = module_peers.store_scp("+xa")
    known(running, "storage", peer.aet, peer.port)
    return peer


@pytest.fixture(scope="module")
def remote(module_peers: Peers, running: Any) -> Any:
    """DCMTK's dcmqrscp with the instances of the first study; it knows the way to us."""
    peer = module_peers.query_scp(known=[("HERE", running.dicom_port)])
    known(running, "remote", peer.aet, peer.port)
    send(running, "remote", study_id(running))
    return peer


@pytest.fixture(scope="module")
def other(module_server: Any, running: Any) -> Any:
    """Another server of ours, with the second study."""
    started = module_server(
        DicomAet="OTHER", DicomModalities={"here": ["HERE", "127.0.0.1", running.dicom_port]}
    )
    known(running, "other", "OTHER", started.dicom_port)
    for series in range(2):
        for instance in range(3):
            content = MAKE.instance(0, 1, series, instance)
            started.client.post("/instances", content=content).raise_for_status()
    return started


def public_id(server: Any, uid: str) -> str:
    (found,) = server.client.post("/tools/lookup", content=uid).json()
    return str(found["ID"])


def study_id(server: Any, number: int = 0) -> str:
    return public_id(server, MAKE.identity(0, number).study_instance_uid)


def send(server: Any, name: str, *resources: str, **options: Any) -> Any:
    answer = server.client.post(
        f"/modalities/{name}/store", json={"Resources": list(resources), **options}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(server: Any, job: str) -> dict[str, Any]:
    """A job when it has ended."""
    while True:
        found: dict[str, Any] = server.client.get(f"/jobs/{job}").json()
        if found["State"] not in ("Pending", "Running", "Retry"):
            return found


def taken(peer: Any) -> dict[str, bytes]:
    found = {identity(one)[1]: one for one in peer.received()}
    for path in peer.inbox.iterdir():
        path.unlink()
    return found


# -- echo ---------------------------------------------------------------------------------------


def test_echo(running: Any, storage: Any, remote: Any, other: Any) -> None:
    for name in ("storage", "remote", "other"):
        answer = running.client.post(f"/modalities/{name}/echo", json={})
        assert answer.status_code == 200, (name, answer.text)


def test_echo_with_a_query(running: Any, storage: Any, remote: Any) -> None:
    asked = {"CheckFind": True}
    assert running.client.post("/modalities/remote/echo", json=asked).status_code == 200
    # storescp knows no C-FIND.
    assert running.client.post("/modalities/storage/echo", json=asked).status_code == 500


def test_echo_of_nobody(running: Any) -> None:
    port = free_port()
    known(running, "nobody", "NOBODY", port)
    answer = running.client.post("/modalities/nobody/echo", json={"Timeout": 5})
    assert answer.status_code == 500
    error = answer.json()
    assert error["OrthancStatus"] == 9
    assert error["Details"] == f"nobody (NOBODY at 127.0.0.1:{port}): Connection refused"


def test_the_tool_for_an_echo(running: Any, storage: Any) -> None:
    modality = {"AET": "STORESCP", "Host": "127.0.0.1", "Port": storage.port}
    assert running.client.post("/tools/dicom-echo", json=modality).status_code == 200


# -- store --------------------------------------------------------------------------------------


def test_store(running: Any, storage: Any) -> None:
    """Mixed levels over one association; the data sets are the same."""
    instance = public_id(running, MAKE.identity(0, 1, 0, 0).sop_instance_uid)
    answer = send(running, "storage", study_id(running), instance)
    assert (answer["InstancesCount"], answer["FailedInstancesCount"]) == (7, 0)
    received = taken(storage)
    assert len(received) == 7
    for series in range(2):
        for number in range(3):
            uid = MAKE.identity(0, 0, series, number).sop_instance_uid
            assert dataset_of(received[uid]) == dataset_of(MAKE.instance(0, 0, series, number))
    assert storage.said().count("Association Received") >= 1


def test_store_asynchronously(running: Any, storage: Any) -> None:
    answer = send(running, "storage", study_id(running), Asynchronous=True, Priority=3)
    job = ended(running, answer["ID"])
    assert job["State"] == "Success"
    assert (job["Type"], job["Priority"], job["Progress"]) == ("DicomModalityStore", 3, 100)
    assert job["Content"]["InstancesCount"] == 6
    assert len(taken(storage)) == 6


def test_store_straight(running: Any, storage: Any) -> None:
    content = MAKE.instance(5)
    answer = running.client.post("/modalities/storage/store-straight", content=content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["SOPInstanceUID"] == identity(content)[1]
    (received,) = taken(storage).values()
    assert dataset_of(received) == dataset_of(content)


def test_store_transcodes(running: Any, peers: Peers, tmp_path: Path, storage: Any) -> None:
    """storescp takes JPEG; another one takes implicit VR alone; a third one may not be sent what
    was transcoded."""
    jpeg = image(JPEG_LOSSLESS, tmp_path)
    running.client.post("/instances", content=jpeg).raise_for_status()
    one = public_id(running, identity(jpeg)[1])
    plain = peers.store_scp("+xi", aet="PLAIN")
    known(running, "plain", "PLAIN", plain.port)
    explicit = peers.store_scp("+xe", aet="EXPLICIT")
    known(running, "bound", "EXPLICIT", explicit.port, AllowTranscoding=False)
    send(running, "storage", one)
    (received,) = taken(storage).values()
    assert dataset_of(received) == dataset_of(jpeg)
    send(running, "plain", one)
    (received,) = taken(plain).values()
    assert identity(received)[2] == IMPLICIT
    pixels = dcmread(io.BytesIO(jpeg)).pixel_array
    assert (dcmread(io.BytesIO(received)).pixel_array == pixels).all()
    answer = running.client.post("/modalities/bound/store", content=one)
    assert answer.status_code == 500
    answer = running.client.post(
        "/modalities/bound/store",
        json={"Resources": [one, study_id(running)], "Permissive": True},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["FailedInstancesCount"] == 1
    assert len(taken(explicit)) == 6
    assert running.client.delete(f"/instances/{one}").status_code == 200


@pytest.mark.parametrize("option", ["--abort-after", "--abort-during", "--refuse"])
def test_store_to_one_that_breaks_off(running: Any, peers: Peers, option: str) -> None:
    peer = peers.store_scp(option, aet="BROKEN")
    known(running, "broken", "BROKEN", peer.port)
    answer = running.client.post("/modalities/broken/store", content=study_id(running))
    assert answer.status_code == 500
    assert answer.json()["OrthancStatus"] == 9


def test_store_to_one_that_is_slow(running: Any, peers: Peers) -> None:
    """DicomScuTimeout is for silence, not for the whole."""
    peer = peers.store_scp("--sleep-after", "30", aet="SLOW")
    known(running, "slow", "SLOW", peer.port, Timeout=1)
    answer = running.client.post("/modalities/slow/store", content=study_id(running))
    assert answer.status_code == 500


# -- find and retrieve --------------------------------------------------------------------------


def query(running: Any, name: str, level: str = "Study", **keys: str) -> str:
    answer = running.client.post(f"/modalities/{name}/query", json={"Level": level, "Query": keys})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["Path"])


def test_query(running: Any, remote: Any) -> None:
    who = MAKE.identity()
    path = query(running, "remote", PatientID=who.patient_id, StudyInstanceUID="")
    assert running.client.get(f"{path}/answers").json() == ["0"]
    content = running.client.get(f"{path}/answers/0/content?simplify").json()
    assert content["StudyInstanceUID"] == who.study_instance_uid
    assert content["PatientID"] == who.patient_id
    below = running.client.post(
        f"{path}/answers/0/query-series", json={"Query": {"SeriesInstanceUID": ""}}
    ).json()["Path"]
    assert len(running.client.get(f"{below}/answers").json()) == 2
    deeper = running.client.post(
        f"{below}/answers/1/query-instances", json={"Query": {"SOPInstanceUID": ""}}
    ).json()["Path"]
    assert len(running.client.get(f"{deeper}/answers").json()) == 3


def test_query_without_a_match(running: Any, remote: Any) -> None:
    path = query(running, "remote", PatientID="nobody")
    assert running.client.get(f"{path}/answers").json() == []


@pytest.mark.parametrize("method", ["C-MOVE", "C-GET"])
@pytest.mark.parametrize("name", ["remote", "other"])
def test_retrieve(running: Any, remote: Any, other: Any, name: str, method: str) -> None:
    """What was deleted here comes back from there, to the last byte."""
    number = 0 if name == "remote" else 1
    mine = study_id(running, number)
    assert running.client.delete(f"/studies/{mine}").status_code == 200
    uid = MAKE.identity(0, number).study_instance_uid
    path = query(running, name, StudyInstanceUID=uid)
    answer = running.client.post(f"{path}/retrieve", json={"RetrieveMethod": method})
    assert answer.status_code == 200, answer.text
    instances = running.client.get(f"/studies/{mine}/instances?expand=false").json()
    assert len(instances) == 6
    for series in range(2):
        for instance in range(3):
            content = MAKE.instance(0, number, series, instance)
            here = public_id(running, identity(content)[1])
            file = running.client.get(f"/instances/{here}/file").content
            if name == "remote":
                # DCMTK's archive leaves out Data Set Trailing Padding, and changes nothing else.
                left_out = dataset_of(content).removeprefix(dataset_of(file))
                assert left_out[:6] == b"\xfc\xff\xfc\xffOB"
            else:
                assert dataset_of(file) == dataset_of(content)
            values = running.client.get(f"/instances/{here}/metadata?expand").json()
            assert values["Origin"] == "DicomProtocol"
            assert values["RemoteAET"] == ("REMOTE" if name == "remote" else "OTHER")
            assert values["TransferSyntax"] == EXPLICIT


def test_retrieve_one_answer_asynchronously(running: Any, other: Any) -> None:
    mine = study_id(running, 1)
    path = query(running, "other", "Series", PatientID=MAKE.identity().patient_id)
    number = len(running.client.get(f"{path}/answers").json())
    assert number == 2
    assert running.client.delete(f"/studies/{mine}").status_code == 200
    answer = running.client.post(
        f"{path}/answers/0/retrieve", json={"RetrieveMethod": "C-GET", "Asynchronous": True}
    )
    job = ended(running, answer.json()["ID"])
    assert job["State"] == "Success", job
    assert len(running.client.get(f"/studies/{mine}/instances").json()) == 3
    running.client.post(f"{path}/retrieve", content="HERE").raise_for_status()
    assert len(running.client.get(f"/studies/{mine}/instances").json()) == 6


def test_move_to_a_third_one(running: Any, other: Any, storage: Any) -> None:
    """The other server sends to storescp, as it knows where that is."""
    known(other, "storage", "STORESCP", storage.port)
    uid = MAKE.identity(0, 1).study_instance_uid
    answer = running.client.post(
        "/modalities/other/move",
        json={
            "Level": "Study",
            "Resources": [{"StudyInstanceUID": uid}],
            "TargetAet": "STORESCP",
        },
    )
    assert answer.status_code == 200, answer.text
    assert len(taken(storage)) == 6
    answer = running.client.post(
        "/modalities/other/move",
        json={"Level": "Study", "Resources": [{"StudyInstanceUID": uid}], "TargetAet": "NOWHERE"},
    )
    assert answer.status_code == 500
    assert answer.json()["Details"] == (
        f'C-MOVE to AET "NOWHERE" of other (OTHER at 127.0.0.1:{other.dicom_port}): '
        "0xA801: Move destination unknown"
    )


def test_get(running: Any, other: Any) -> None:
    mine = study_id(running, 1)
    assert running.client.delete(f"/studies/{mine}").status_code == 200
    uid = MAKE.identity(0, 1).study_instance_uid
    answer = running.client.post(
        "/modalities/other/get",
        json={"Level": "Study", "Resources": [{"StudyInstanceUID": uid}]},
    )
    assert answer.status_code == 200, answer.text
    assert len(running.client.get(f"/studies/{mine}/instances").json()) == 6


def test_find_worklist(running: Any, peers: Peers) -> None:
    """Out of DCMTK's wlmscpfs."""
    peer = peers.worklist_scp(
        "WORKLIST",
        [worklist("Becker^Jan", "20261125", "CT1"), worklist("Koch^Uta", "20261126", "CT2")],
    )
    known(running, "worklist", peer.aet, peer.port)
    step = [{"Modality": "", "ScheduledStationAETitle": "CT2"}]
    answer = running.client.post(
        "/modalities/worklist/find-worklist",
        json={"PatientName": "", "ScheduledProcedureStepSequence": step},
    )
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()
    assert found["PatientName"] == "Koch^Uta"
    assert found["ScheduledProcedureStepSequence"][0]["Modality"] == "CT"
