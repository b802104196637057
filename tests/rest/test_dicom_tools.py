"""``/tools`` of the DICOM network: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rest.remotes import PACS, network

from hornburg.archive.remote import RemoteError

SYNTAXES = "/tools/accepted-transfer-syntaxes"
UNKNOWN = "/tools/unknown-sop-class-accepted"


async def test_echo_to_an_unknown_modality(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        assert await at.post("/tools/dicom-echo", PACS) == {}
        assert await at.post("/tools/dicom-echo", ["OTHER", "h", 11112]) == {}
        body = {**PACS, "CheckFind": True, "Timeout": 3, "LocalAet": "ME"}
        assert await at.post("/tools/dicom-echo", body) == {}
        assert [call.service for call in at.remote.calls] == ["C-ECHO"] * 3 + ["C-FIND"]
        assert at.remote.calls[1].target.modality.aet == "OTHER"
        last = at.remote.calls[-1].target
        assert (last.timeout, last.local_aet) == (3, "ME")
        nonsense: list[Any] = [{}, "x", {**PACS, "CheckFind": 1}, ["X"], {**PACS, "Timeout": "x"}]
        for body in nonsense:
            assert await at.refusal("/tools/dicom-echo", body) == (400, 15)
        at.remote.failures = [RemoteError("nobody there")]
        assert await at.refusal("/tools/dicom-echo", PACS) == (500, 9)


async def test_accepted_transfer_syntaxes(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        assert "1.2.840.10008.1.2.4.90" in await at.get(SYNTAXES)
        response = await at.client.put(
            SYNTAXES, content='["1.2.840.10008.1.2", "1.2.840.10008.1.2.?"]'
        )
        some = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]
        assert response.json()[:3] == some
        response = await at.client.put(SYNTAXES, content="1.2.840.10008.1.2")
        assert response.json() == some[:1] == await at.get(SYNTAXES)
        for body in ("[1]", "{}", "[", ""):
            response = await at.client.put(SYNTAXES, content=body)
            assert (response.status_code, response.json()["OrthancStatus"]) == (400, 15), body
        for body in ("jpeg", '["1.2.840.10008.1.2", "1.2.3"]'):
            response = await at.client.put(SYNTAXES, content=body)
            assert (response.status_code, response.json()["OrthancStatus"]) == (400, 3), body
        assert await at.get(SYNTAXES) == some[:1]
        response = await at.client.put(SYNTAXES, content="[]")
        assert (response.status_code, response.json()) == (200, [])
        response = await at.client.put(SYNTAXES, content="*")
        assert len(response.json()) > 30


async def test_unknown_classes(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        assert (await at.client.get(UNKNOWN)).text == "0"
        for body, shown in (("1", "1"), ("0", "0"), ("true", "1"), ("false", "0")):
            response = await at.client.put(UNKNOWN, content=body)
            assert (response.status_code, response.text) == (200, "")
            assert (await at.client.get(UNKNOWN)).text == shown
        for body in ("2", ""):
            response = await at.client.put(UNKNOWN, content=body)
            assert (response.status_code, response.json()["OrthancStatus"]) == (400, 15)


async def test_what_is_supported(tmp_path: Path) -> None:
    ct = "1.2.840.10008.5.1.4.1.1.2"
    async with network(tmp_path, RejectedSopClasses=[ct]) as at:
        classes = await at.get("/tools/accepted-sop-classes")
        assert ct not in classes
        assert "1.2.840.10008.5.1.4.1.1.4" in classes
        text = (await at.client.get("/tools/dicom-conformance")).text
        assert "MR Image Storage" in text
        assert f"| {ct}\n" not in text
        assert "Storage commitment as SCU" in text
