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


VIEWER = "https://viewer.example"


async def test_a_viewer_of_another_origin(serve: Any) -> None:
    served = await serve(
        CorsAllowedOrigins=[VIEWER], AuthenticationEnabled=True, RegisteredUsers={"alice": "x"}
    )
    client, alice = served.client, ("alice", "x")
    asked = {
        "Origin": VIEWER,
        "Sec-Fetch-Site": "cross-site",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    # Browsers send no credentials with this question.
    answer = await client.options("/tools/find", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == VIEWER
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    page = {"Origin": VIEWER, "Sec-Fetch-Site": "cross-site"}
    answer = await client.post(
        "/tools/find", json={"Level": "Study", "Query": {}}, headers=page, auth=alice
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == VIEWER
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    answer = await client.post("/instances", content=MAKE.instance(), headers=page, auth=alice)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == VIEWER
    # What goes wrong may be read, too.
    answer = await client.get("/studies", headers=page)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == VIEWER


async def test_other_origins_are_told_nothing(serve: Any) -> None:
    served = await serve(CorsAllowedOrigins=[VIEWER])
    for origin in ("https://viewer.example.evil.example", "http://viewer.example", "null", "*"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for answer in (
            await served.client.options("/tools/find", headers=headers),
            await served.client.get("/system", headers=headers),
            await served.client.post("/tools/find", json={}, headers=headers),
        ):
            assert "access-control-allow-origin" not in answer.headers
        assert answer.status_code == 403


async def test_a_filter_sees_who_has_shown_it(serve: Any) -> None:
    """Orthanc gives a filter the name of a header that nobody has checked."""
    for options in ({}, {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "x"}}):
        served = await serve(f"with {len(options)}", **options)
        hooks = Filters()
        admission = served.client._transport.app._admission
        admission._hooks, admission._filters = hooks, True
        for auth in (("alice", "x"), ("alice", "wrong")):
            await served.client.get("/system?a=1&a=2", auth=auth, headers={"X-Forwarded-For": "1"})
        names = [request.username for request in hooks.seen]
        assert names == (["alice"] if options else ["", ""])
        for request in hooks.seen:
            assert (request.method, request.path, request.uri) == (
                "GET",
                "/system",
                "/system?a=1&a=2",
            )
            assert request.query == {"a": "2"}
            assert request.address == "127.0.0.1"
            # What proves something is not a plug-in's business, nor what anybody may write.
            assert not {"authorization", "cookie", "x-forwarded-for"} & set(request.headers)
        hooks.answer = False
        answer = await served.client.head("/system", auth=("alice", "x"))
        assert answer.status_code == 403
        assert hooks.seen[-1].method == "GET"


class Filters:
    """Plug-ins with one filter."""

    def __init__(self) -> None:
        self.answer = True
        self.seen: list[Any] = []

    def has(self, name: str) -> bool:
        return name == "filter_http"

    async def filter_http(self, request: Any) -> bool:
        self.seen.append(request)
        return self.answer


async def test_proxies_speak_for_their_clients(serve: Any) -> None:
    options = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"alice": "x"},
        "AllowedHosts": ["pacs.example"],
    }
    said = {
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "pacs.example",
    }
    believed = await serve("believed", TrustedProxies=["127.0.0.1"], **options)
    answer = await believed.client.get("/login", headers=said)
    assert answer.headers["set-cookie"].startswith("__Host-hornburg-login=")
    answer = await believed.client.get(
        "/login", headers={**said, "X-Forwarded-Host": "evil.example"}
    )
    assert answer.status_code == 421
    # An address behind the proxy that waits, and another one that doesn't.
    for _ in range(6):
        await believed.client.get("/system", auth=("alice", "wrong"), headers=said)
    good = ("alice", "x")
    assert (await believed.client.get("/system", auth=good, headers=said)).status_code == 429
    other = {**said, "X-Forwarded-For": "198.51.100.8"}
    assert (await believed.client.get("/system", auth=good, headers=other)).status_code == 200
    # A page of the site as its browser sees it.
    page = {**other, "Origin": "https://pacs.example"}
    answer = await believed.client.post("/tools/generate-uid", auth=good, headers=page)
    assert answer.status_code != 403
    upload = {"content": MAKE.instance(0), "auth": good, "headers": other}
    stored = (await believed.client.post("/instances", **upload)).json()["ID"]
    remote = await believed.client.get(
        f"/instances/{stored}/metadata/RemoteIP", auth=good, headers=other
    )
    assert remote.text == "198.51.100.8"

    anybody = await serve("anybody", **options)
    answer = await anybody.client.get("/login", headers=said)
    assert answer.headers["set-cookie"].startswith("hornburg-login=")
    for number in range(6):
        made_up = {**said, "X-Forwarded-For": f"198.51.100.{number}"}
        await anybody.client.get("/system", auth=("alice", "wrong"), headers=made_up)
    assert (await anybody.client.get("/system", auth=good)).status_code == 429


async def test_certificates_name_users(serve: Any) -> None:
    from hornburg.security.web_tls import ClientCertificate

    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "x"})
    door = served.client._transport.app
    shown: list[Any] = []

    async def with_certificate(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"certificate": shown[0]}
        await door(scope, receive, send)

    served.client._transport.app = with_certificate
    door._admission._certificates = {"CN=alice": "alice"}
    shown.append(ClientCertificate("CN=alice,O=Hospital", ("CN=alice,O=Hospital", "CN=alice")))
    account = (await served.client.get("/account")).json()
    assert (account["User"], account["Proof"]) == ("alice", "certificate")
    for other in (None, ClientCertificate("CN=mallory", ("CN=mallory",))):
        shown[0] = other
        assert (await served.client.get("/account")).status_code == 401
