"""``/peers``: the registry, what is asked of peers, what is sent to them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.http_client.servers import Asked, Scripted, answer, scripted
from tests.rest.conftest import Serve, Served

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
SECRETS = {
    "Password": "geheim",
    "HttpHeaders": {"Token": "geheim"},
    "CertificateKeyPassword": "geheim",
    "ApiToken": "geheim",
}


@pytest.fixture
async def backup() -> AsyncIterator[Scripted]:
    """A peer that takes everything."""

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = {"Name": "Backup"} if asked.target.endswith("/system") else {"Status": "Success"}
        writer.write(answer(json.dumps(body).encode()))

    async with scripted(behave) as server:
        yield server


async def put(served: Served, name: str, body: Any) -> Any:
    return await served.client.put(f"/peers/{name}", json=body)


async def refusal(response: Any) -> tuple[int, int]:
    assert response.status_code >= 400, response.text
    assert "geheim" not in response.text
    return response.status_code, response.json()["OrthancStatus"]


# -- the registry ----------------------------------------------------------------------------


async def test_the_life_of_a_peer(served: Served):
    client = served.client
    assert (await client.get("/peers")).json() == []
    assert (await put(served, "b", ["http://b", "u", "geheim"])).status_code == 200
    assert (await put(served, "a", {"Url": "http://a/x", **SECRETS, "Username": "u"})).text == ""
    assert (await client.get("/peers")).json() == ["a", "b"]
    assert (await client.get("/peers/a")).json() == [
        "configuration",
        "store",
        "store-straight",
        "system",
    ]
    assert (await client.get("/peers/b/configuration")).json() == {
        "HttpHeaders": [],
        "Password": None,
        "Pkcs11": False,
        "Timeout": 0,
        "Url": "http://b/",
        "Username": "u",
    }
    assert list((await client.get("/peers?expand")).json()) == ["a", "b"]
    await put(served, "b", ["http://c/"])
    assert (await client.get("/peers/b/configuration")).json()["Url"] == "http://c/"
    assert (await client.delete("/peers/b")).status_code == 200
    assert (await client.get("/peers")).json() == ["a"]


async def test_no_secret_leaves(served: Served, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        await put(served, "a", {"Url": "http://127.0.0.1:1/", **SECRETS, "Username": "u"})
        await put(served, "a", {"Url": "geheim", "Password": "geheim"})
        await put(served, "a", {"Url": "http://u:geheim@a/"})
        texts = [
            (await served.client.get(path)).text
            for path in (
                "/peers?expand",
                "/peers/a/configuration",
                "/peers/a/system",
                "/tools/now",
                "/jobs?expand",
            )
        ]
    assert "geheim" not in "".join(texts)
    assert "geheim" not in caplog.text


async def test_peers_that_are_not_known(served: Served):
    client = served.client
    for response in (
        await client.get("/peers/none"),
        await client.get("/peers/none/configuration"),
        await client.get("/peers/none/system"),
        await client.post("/peers/none/store", json=[]),
        await client.post("/peers/none/store-straight", content=b"x"),
    ):
        assert await refusal(response) == (404, 17)
    assert await refusal(await client.delete("/peers/none")) == (404, 7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"http://a/"',
        [],
        ["http://a/", "u"],
        {},
        {"Url": ""},
        {"Url": "ftp://a/"},
        {"Url": "file:///etc/passwd"},
        {"Url": "http://u:geheim@a/"},
        {"Url": "http://a/\r\nX: geheim"},
        {"Url": "http://a/", "Password": "geheim"},
        {"Url": "http://a/", "HttpHeaders": {"X": "geheim\r\nY: z"}},
        {"Url": "http://a/", "HttpHeaders": {"Host": "geheim"}},
        {"Url": "http://a/", "Pkcs11": True},
    ],
)
async def test_peers_that_are_none(served: Served, body: Any):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert await refusal(await served.client.put("/peers/a", content=content)) == (400, 15)
    assert (await served.client.get("/peers")).json() == []


async def test_names_that_are_none(served: Served):
    for name in ("a%20b", "a.b", "a" * 65):
        assert await refusal(await put(served, name, ["http://a/"])) == (400, 15)


async def test_a_certificate_that_is_not_there(served: Served, tmp_path: Path):
    form = {"Url": "https://a/", "CertificateFile": str(tmp_path / "none")}
    assert await refusal(await put(served, "a", form)) == (404, 13)


async def test_kept_in_the_index(serve: Serve, tmp_path: Path):
    options = {"OrthancPeersInDatabase": True, "OrthancPeers": {"ignored": ["http://a/"]}}
    storage = {"StorageDirectory": str(tmp_path / "storage")}
    from tests.rest.conftest import serving

    form = {"Url": "http://10.0.0.1/", "Username": "u", **SECRETS, "Timeout": 5, "Site": "n"}
    async with serving(tmp_path / "first", **options, **storage) as first:
        await put(first, "kept", form)
        before = (await first.client.get("/peers?expand")).json()
    async with serving(tmp_path / "second", **options, **storage) as second:
        assert (await second.client.get("/peers?expand")).json() == before
        assert list(before) == ["kept"]
    async with serving(tmp_path / "third", **options, **storage, ReadOnly=True) as third:
        assert (await put(third, "more", ["http://a/"])).status_code == 403
        assert (await third.client.delete("/peers/kept")).status_code == 403
        assert (await third.client.get("/peers")).json() == ["kept"]


# -- where they may be -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://2852039166/", "http://[fe80::1]/"]
)
async def test_no_peer_is_where_clouds_keep_their_metadata(served: Served, url: str):
    assert (await put(served, "a", [url])).status_code == 403
    assert (await served.client.get("/peers")).json() == []


async def test_only_hosts_of_the_list_can_be_added(serve: Serve, backup: Scripted):
    served = await serve(
        AllowedPeerHosts=["*.example.org", "10.0.0.0/8"],
        OrthancPeers={"configured": [backup.url]},
    )
    for url, status in (
        ("http://pacs.example.org/", 200),
        ("http://10.1.2.3:8042/", 200),
        ("http://127.0.0.1/", 403),
        ("http://192.168.0.1/", 403),
        ("http://2130706433/", 403),
    ):
        assert (await put(served, "a", [url])).status_code == status, url
    # A name may only be judged when its addresses are known.
    assert (await put(served, "b", [f"http://localhost:{backup.port}"])).status_code == 200
    response = await served.client.get("/peers/b/system")
    assert response.status_code == 403
    assert "AllowedPeerHosts" in response.json()["Details"]
    assert backup.asked == []
    # What the configuration names was allowed by who wrote it.
    assert (await served.client.get("/peers/configured/system")).status_code == 200
    # A peer of the configuration that the API changes is one of the API's.
    assert (await put(served, "configured", [backup.url])).status_code == 403


async def test_under_the_profile_no_peer_in_clear_is_added(serve: Serve):
    """What the configuration may not name, the API may not add."""
    hardened = {
        "SecurityProfile": "Hardened",
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
    }
    for exceptions, status in (({}, 403), ({"OrthancPeers": "a network of our own"}, 200)):
        served = await serve(
            "kept" if exceptions else "hardened",
            **hardened,
            HardenedExceptions={"AuthenticationEnabled": "a test", **exceptions},
        )
        assert (await put(served, "a", ["http://192.0.2.1/", "user", "word"])).status_code == status
        assert (await put(served, "a", ["https://192.0.2.1/", "user", "word"])).status_code == 200
        assert (await put(served, "a", ["http://127.0.0.1:1/"])).status_code == 200


async def test_peers_of_the_index_are_judged_when_they_are_used(tmp_path: Path, backup: Scripted):
    from tests.rest.conftest import serving

    options: dict[str, Any] = {
        "OrthancPeersInDatabase": True,
        "StorageDirectory": str(tmp_path / "storage"),
    }
    async with serving(tmp_path / "first", **options) as first:
        await put(first, "a", [backup.url])
        assert (await first.client.get("/peers/a/system")).status_code == 200
    async with serving(tmp_path / "second", **options, AllowedPeerHosts=["10.0.0.1"]) as second:
        assert (await second.client.get("/peers/a/system")).status_code == 403
    assert len(backup.asked) == 1


# -- what is asked and sent ------------------------------------------------------------------


async def test_system(served: Served, backup: Scripted):
    await put(served, "backup", [backup.url, "alice", "secret"])
    response = await served.client.get("/peers/backup/system")
    assert response.json() == {"Name": "Backup"}
    assert response.headers["content-type"].startswith("application/json")
    assert backup.asked[0].headers["authorization"].startswith("Basic ")


async def test_errors_say_which(served: Served):
    async with scripted(answer(b"<script>alert(1)</script>", 401)) as server:
        await put(served, "backup", [server.url, "alice", "geheim"])
        response = await served.client.get("/peers/backup/system")
    assert await refusal(response) == (500, 2005)
    assert "answers 401 Unauthorized" in response.json()["Details"]
    response = await served.client.get("/peers/backup/system")
    assert await refusal(response) == (500, 9)
    assert "nobody can be reached" in response.json()["Details"]
    async with scripted(answer(b"<script>alert(1)</script>")) as server:
        await put(served, "backup", [server.url])
        response = await served.client.get("/peers/backup/system")
    assert await refusal(response) == (500, 9)
    assert "<script>" not in response.text


async def test_store_in_every_form_of_body(served: Served, backup: Scripted):
    stored = await served.upload(MAKE.instance(0), MAKE.instance(0, instance=1))
    await put(served, "backup", [backup.url])
    one, study = stored[0]["ID"], stored[0]["ParentStudy"]
    for body, count in (
        (one, 1),
        (json.dumps(one), 1),
        (json.dumps([study]), 2),
        (json.dumps({"Resources": [study, one]}), 2),
        (json.dumps({"Resources": []}), 0),
    ):
        response = await served.client.post("/peers/backup/store", content=body)
        assert response.status_code == 200, response.text
        content = response.json()
        assert (content["InstancesCount"], content["FailedInstancesCount"]) == (count, 0)
        assert content["Peer"] == [backup.url + "/"]
    assert len(backup.asked) == 6
    assert backup.asked[0].body == MAKE.instance(0)


async def test_store_as_a_job(served: Served, backup: Scripted):
    stored = await served.upload(MAKE.instance(0))
    await put(served, "backup", [backup.url, "alice", "geheim"])
    body = {
        "Resources": [stored[0]["ParentPatient"]],
        "Asynchronous": True,
        "Priority": 7,
        "UserData": {"why": "test"},
        "Compress": True,
        "Transcode": "1.2.840.10008.1.2",
    }
    answered = (await served.client.post("/peers/backup/store", json=body)).json()
    async with asyncio.timeout(20):
        while True:
            job = (await served.client.get(answered["Path"])).json()
            if job["State"] == "Success":
                break
            await asyncio.sleep(0.01)
    assert (job["Type"], job["Priority"], job["UserData"]) == (
        "OrthancPeerStore",
        7,
        {"why": "test"},
    )
    assert job["Content"]["Transcode"] == "1.2.840.10008.1.2"
    assert job["Content"]["Compress"] is True
    assert job["Content"]["Size"] == backup.asked[0].headers["content-length"]
    assert backup.asked[0].headers["content-encoding"] == "gzip"
    assert "geheim" not in json.dumps(job)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, (400, 15)),
        ({"Resources": "x"}, (400, 15)),
        (["x"], (400, 15)),
        (["00000000-00000000-00000000-00000000-00000000"], (404, 17)),
        ({"Resources": [], "Compress": "x"}, (400, 15)),
        ({"Resources": [], "Transcode": "1.2.3"}, (400, 15)),
        ({"Resources": [], "Transcode": 5}, (400, 15)),
        ({"Resources": [], "Permissive": 1}, (400, 15)),
    ],
)
async def test_bodies_that_are_none(
    served: Served, backup: Scripted, body: Any, status: tuple[int, int]
):
    await put(served, "backup", [backup.url])
    assert await refusal(await served.client.post("/peers/backup/store", json=body)) == status
    assert backup.asked == []


async def test_a_peer_that_refuses(served: Served):
    stored = await served.upload(MAKE.instance(0), MAKE.instance(0, instance=1))
    async with scripted(answer(b"", 403)) as server:
        await put(served, "backup", [server.url])
        body = {"Resources": [stored[0]["ParentStudy"]]}
        response = await served.client.post("/peers/backup/store", json=body)
        assert await refusal(response) == (500, 9)
        assert "answers 403 Forbidden" in response.json()["Details"]
        response = await served.client.post("/peers/backup/store", json=body | {"Permissive": True})
        assert response.json()["FailedInstancesCount"] == 2
        response = await served.client.post("/peers/backup/store-straight", content=b"x")
        assert await refusal(response) == (500, 9)


async def test_store_straight(served: Served, backup: Scripted):
    await put(served, "backup", [backup.url])
    file = DatasetFactory("MR", size=3 << 20).instance()
    response = await served.client.post("/peers/backup/store-straight", content=file)
    assert response.json() == {"Status": "Success"}
    assert backup.asked[0].body == file
    assert (await served.client.get("/instances")).json() == []


async def test_nobody_sends_what_they_may_not_see(serve: Serve, backup: Scripted):
    seen, unseen = MAKE.instance(0), MAKE.instance(1)
    rules = [
        {"Users": ["admin"], "Role": "admin"},
        {
            "Users": ["alice"],
            "Permissions": ["send"],
            "Patients": [MAKE.identity(0).patient_id],
        },
    ]
    served = await serve(
        AuthenticationEnabled=True,
        RegisteredUsers={"admin": "admin's password", "alice": "alice's password"},
        AccessRules=rules,
        OrthancPeers={"backup": [backup.url]},
    )
    client, auth = served.client, ("admin", "admin's password")
    stored = [
        (await client.post("/instances", content=file, auth=auth)).json() for file in (seen, unseen)
    ]
    auth = ("alice", "alice's password")
    response = await client.post("/peers/backup/store", content=stored[1]["ID"], auth=auth)
    assert await refusal(response) == (404, 17)
    response = await client.post("/peers/backup/store", content=stored[0]["ID"], auth=auth)
    assert response.status_code == 200, response.text
    assert [asked.body for asked in backup.asked] == [seen]
    assert (await client.get("/peers", auth=auth)).json() == ["backup"]
    for path in ("/peers?expand", "/peers/backup/configuration", "/peers/backup/system"):
        assert (await client.get(path, auth=auth)).status_code == 403
    for method in ("PUT", "DELETE"):
        response = await client.request(method, "/peers/backup", json=["http://a/"], auth=auth)
        assert response.status_code == 403
