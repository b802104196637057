"""Storage commitment over REST: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.archive.making import SECONDARY_CAPTURE, dicom
from tests.rest.remotes import Network, network

from hornburg.archive.remote import RemoteError
from hornburg.dicom.levels import Level

ASK = "/modalities/pacs/storage-commitment"
CT = "1.2.840.10008.5.1.4.1.1.2"
ONE, TWO = (SECONDARY_CAPTURE, "1.2.1.1.1"), (SECONDARY_CAPTURE, "1.2.2.1.1")


async def asked(at: Network, body: Any) -> str:
    answer = await at.post(ASK, body)
    assert answer["Path"] == f"/storage-commitment/{answer['ID']}"
    assert at.remote.calls[-1].transaction_uid == answer["ID"]
    return str(answer["ID"])


async def test_a_request_and_its_report(tmp_path: Path) -> None:
    async with network(tmp_path, dicom(1), dicom(2)) as at:
        uid = await asked(
            at, {"Resources": [*await at.ids(Level.STUDY), *await at.ids(Level.INSTANCE)]}
        )
        assert at.remote.calls[-1].references == (ONE, TWO)
        path = f"/storage-commitment/{uid}"
        assert await at.get(path) == {"RemoteAET": "PACS", "Status": "Pending"}
        assert await at.refusal(f"{path}/remove", "") == (500, 6)
        at.commitments.report(uid, "PACS", [ONE], [(*TWO, 0x0112)])
        report = await at.get(path)
        failure = report["Failures"][0]
        assert failure.pop("Description")
        assert report == {
            "Failures": [{"FailureReason": 274, "SOPClassUID": TWO[0], "SOPInstanceUID": TWO[1]}],
            "RemoteAET": "PACS",
            "Status": "Failure",
            "Success": [{"SOPClassUID": ONE[0], "SOPInstanceUID": ONE[1]}],
        }
        assert await at.refusal(f"{path}/remove", "") == (500, 6)
        assert len(await at.ids(Level.INSTANCE)) == 2


async def test_what_was_committed_is_removed(tmp_path: Path) -> None:
    async with network(tmp_path, dicom(1), dicom(2)) as at:
        body = {
            "DicomInstances": [
                {"SOPClassUID": ONE[0], "SOPInstanceUID": ONE[1]},
                [CT, TWO[1]],
                [CT, "1.9"],
            ]
        }
        uid = await asked(at, body)
        at.commitments.report(uid, "PACS", at.remote.calls[-1].references, [])
        assert (await at.get(f"/storage-commitment/{uid}"))["Failures"] == []
        for _ in range(2):
            assert await at.post(f"/storage-commitment/{uid}/remove", "") == {}
        # The second one is here under another SOP class: that was not what was committed.
        assert len(await at.ids(Level.INSTANCE)) == 1
        statistics = await at.get("/statistics")
        assert statistics["CountPatients"] == 1


async def test_an_archive_that_may_not_be_changed_keeps_everything(tmp_path: Path) -> None:
    async with network(tmp_path, dicom(1)):
        pass
    async with network(tmp_path, ReadOnly=True) as at:
        uid = await asked(at, {"Resources": await at.ids(Level.INSTANCE)})
        at.commitments.report(uid, "PACS", [ONE], [])
        assert (await at.refusal(f"/storage-commitment/{uid}/remove", ""))[0] == 403


async def test_requests_that_make_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        cases: list[tuple[Any, tuple[int, int]]] = [
            ({}, (400, 15)),
            ("x", (400, 15)),
            (["a"], (400, 15)),
            ({"Resources": "x"}, (400, 15)),
            ({"Resources": ["nope"]}, (400, 15)),
            ({"Resources": ["00000000-00000000-00000000-00000000-00000000"]}, (404, 17)),
            ({"DicomInstances": {}}, (400, 15)),
            ({"DicomInstances": [["1.2"]]}, (400, 15)),
            ({"DicomInstances": [{"SOPClassUID": "1"}]}, (400, 15)),
            ({"DicomInstances": [["1.2", "no uid"]]}, (400, 15)),
            ({"DicomInstances": [], "Timeout": "x"}, (400, 15)),
            ({"Resources": []}, (400, 15)),
            ({"Resources": [], "DicomInstances": []}, (400, 15)),
        ]
        for body, expected in cases:
            assert await at.refusal(ASK, body) == expected, body
        assert await at.refusal("/modalities/nope/storage-commitment", {}) == (404, 7)
        assert await at.refusal("/storage-commitment/1.2/remove", "") == (404, 7)
        response = await at.client.get("/storage-commitment/1.2")
        assert (response.status_code, response.json()["OrthancStatus"]) == (404, 7)


async def test_a_request_that_nobody_takes_is_not_remembered(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.failures = [RemoteError("nobody there")]
        assert await at.refusal(ASK, {"DicomInstances": [[CT, "1.2"]]}) == (500, 9)
        uid = at.remote.calls[0].transaction_uid
        assert (await at.client.get(f"/storage-commitment/{uid}")).status_code == 404
