"""Who comes in over HTTP."""

from __future__ import annotations

from typing import Any

import argon2
import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
HASHED = argon2.PasswordHasher(time_cost=1, memory_cost=8192).hash("wonder land")


@pytest.mark.parametrize("password", ["wonder land", HASHED], ids=["plain", "argon2id"])
async def test_basic(serve: Any, password: str) -> None:
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": password})
    for path in ("/system", "/nope", "/", "/openapi.json", "/studies"):
        response = await served.client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith('Basic realm="')
    for bad in (("alice", "wonder"), ("bob", "wonder land"), ("", ""), ("alice", "")):
        assert (await served.client.get("/system", auth=bad)).status_code == 401
    good = ("alice", "wonder land")
    for _ in range(3):
        assert (await served.client.get("/system", auth=good)).status_code == 200
    assert (await served.client.post("/instances", content=MAKE.instance())).status_code == 401
    response = await served.client.post("/instances", content=MAKE.instance(), auth=good)
    assert response.status_code == 200
    path = f"{response.json()['Path']}/metadata/HttpUsername"
    assert (await served.client.get(path, auth=good)).text == "alice"


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Bearer abc",
        "Basic " + "A" * 100_000,
        "Digest username=alice",
        "\x00",
    ],
)
async def test_junk_credentials(serve: Any, header: str) -> None:
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "x"})
    response = await served.client.get("/system", headers={"Authorization": header})
    assert response.status_code == 401


async def test_the_scheme_in_any_case(serve: Any) -> None:
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "x"})
    headers = {"Authorization": "bAsIc YWxpY2U6eA=="}
    assert (await served.client.get("/system", headers=headers)).status_code == 200


async def test_nobody_is_let_in_without_users(serve: Any) -> None:
    served = await serve(AuthenticationEnabled=True)
    assert (await served.client.get("/system")).status_code == 401
    assert (await served.client.get("/system", auth=("", ""))).status_code == 401


async def test_two_authorization_headers(serve: Any) -> None:
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "x"})
    right = ("Authorization", "Basic YWxpY2U6eA==")
    response = await served.client.get("/system", headers=[right, right])
    assert response.status_code == 400


@pytest.mark.parametrize("length", ["-1", "x", "1e3"])
async def test_lengths_that_are_none(served: Any, length: str) -> None:
    response = await served.client.post(
        "/tools/find", content=b"{}", headers={"Content-Length": length}
    )
    assert response.status_code == 411


async def test_a_page_of_another_site_deletes_nothing(served: Any) -> None:
    answer = (await served.upload(MAKE.instance()))[0]
    body = {"Resources": [answer["ID"]]}
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        for method, path in (
            ("POST", "/tools/bulk-delete"),
            ("POST", "/tools/shutdown"),
            ("POST", "/instances"),
            ("DELETE", answer["Path"]),
        ):
            response = await served.client.request(method, path, json=body, headers=headers)
            assert response.status_code == 403, path
            assert "another site" in response.json()["Details"]
    assert not served.control.stop.is_set()
    assert (await served.client.get(answer["Path"])).status_code == 200
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    response = await served.client.post("/tools/bulk-delete", json=body, headers=own)
    assert response.status_code == 200
