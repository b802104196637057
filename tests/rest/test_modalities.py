"""``/modalities``: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rest.remotes import network

from hornburg.archive.remote import Model, RemoteError

SHOWN = {
    "AET": "PACS",
    "AllowEcho": True,
    "AllowEventReport": True,
    "AllowFind": True,
    "AllowFindWorklist": True,
    "AllowGet": True,
    "AllowMove": True,
    "AllowNAction": True,
    "AllowStore": True,
    "AllowTranscoding": True,
    "Host": "127.0.0.1",
    "LocalAet": "",
    "Manufacturer": "Generic",
    "Port": 104,
    "Timeout": 0,
    "UseDicomTls": False,
}


async def test_modalities_are_listed_and_shown(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        assert await at.get("/modalities") == ["pacs"]
        assert await at.get("/modalities?expand") == {"pacs": SHOWN}
        assert await at.get("/modalities/pacs/configuration") == SHOWN
        actions = await at.get("/modalities/pacs")
        assert actions == sorted(actions)
        assert {"configuration", "echo", "query", "store-straight"} < set(actions)
        for path in ("/modalities/nope", "/modalities/nope/configuration"):
            response = await at.client.get(path)
            assert (response.status_code, response.json()["OrthancStatus"]) == (404, 7)


async def test_a_modality_is_added_changed_and_removed(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        response = await at.client.put("/modalities/x", json=["X", "10.0.0.1", 104, "GE"])
        assert (response.status_code, response.text) == (200, "")
        assert (await at.get("/modalities/x/configuration"))["Manufacturer"] == "GE"
        body = {"AET": "Y", "Host": "h", "Port": "11112", "AllowStorageCommitment": False}
        await at.client.put("/modalities/x", json=body)
        shown = await at.get("/modalities/x/configuration")
        assert (shown["AET"], shown["Port"], shown["AllowNAction"]) == ("Y", 11112, False)
        assert shown["AllowEventReport"] is False
        response = await at.client.delete("/modalities/x")
        assert (response.status_code, response.text) == (200, "")
        response = await at.client.delete("/modalities/x")
        assert (response.status_code, response.json()["OrthancStatus"]) == (404, 7)


NONSENSE = [
    ("[1", 15),
    ('["X"]', 15),
    ('{"AET": "X", "Host": "h"}', 15),
    ('{"AET": "X", "Host": "h", "Port": 70000}', 3),
    ('{"AET": "X", "Host": "h", "Port": 104, "Manufacturer": "Nope"}', 3),
    ('{"AET": "XXXXXXXXXXXXXXXXX", "Host": "h", "Port": 104}', 15),
]


async def test_a_modality_that_makes_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        for body, number in NONSENSE:
            response = await at.client.put("/modalities/x", content=body)
            assert (response.status_code, response.json()["OrthancStatus"]) == (400, number), body


async def test_echo(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        for body in ("", "{}", "[]"):
            assert await at.post("/modalities/pacs/echo", body) == {}
        assert [call.service for call in at.remote.calls] == ["C-ECHO"] * 3
        assert at.remote.calls[0].target.timeout == 10
        assert await at.post("/modalities/pacs/echo", {"CheckFind": True}) == {}
        assert [call.service for call in at.remote.calls[3:]] == ["C-ECHO", "C-FIND"]
        assert at.remote.calls[4].model is Model.STUDY_ROOT


async def test_echo_checks_find_when_the_configuration_says_so(tmp_path: Path) -> None:
    async with network(tmp_path, DicomEchoChecksFind=True) as at:
        await at.post("/modalities/pacs/echo", "")
        await at.post("/modalities/pacs/echo", {"CheckFind": False})
        assert [call.service for call in at.remote.calls] == ["C-ECHO", "C-FIND", "C-ECHO"]


async def test_an_echo_that_makes_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        bodies: list[Any] = [{"Timeout": -1}, {"Timeout": "x"}, {"CheckFind": 1}, "x", "[1]"]
        for body in [*bodies, {"LocalAet": 3}]:
            assert await at.refusal("/modalities/pacs/echo", body) == (400, 15), body
        assert at.remote.calls == []


async def test_an_echo_that_fails(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.failures = [RemoteError("nobody there")]
        assert await at.refusal("/modalities/pacs/echo", {}) == (500, 9)
        assert await at.refusal("/modalities/nope/echo", {}) == (404, 7)


async def test_title_and_time_out(tmp_path: Path) -> None:
    own = {"AET": "OWN", "Host": "h", "Port": 104, "LocalAet": "MINE", "Timeout": 7}
    modalities = {"pacs": ["PACS", "127.0.0.1", 104], "own": own}
    async with network(tmp_path, DicomModalities=modalities, DicomScuTimeout=5) as at:
        for name, body, local, timeout in (
            ("pacs", {}, "ORTHANC", 5),
            ("pacs", {"LocalAet": "ME", "Timeout": 3}, "ME", 3),
            ("pacs", {"Timeout": 0}, "ORTHANC", 5),
            ("own", {"LocalAet": "ME"}, "MINE", 7),
        ):
            await at.post(f"/modalities/{name}/echo", body)
            target = at.remote.calls[-1].target
            assert (target.local_aet, target.timeout) == (local, timeout)
        assert await at.refusal("/modalities/pacs/echo", {"LocalAet": "A\\B"}) == (400, 15)
