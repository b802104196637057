"""Accounts and API tokens over REST."""

from __future__ import annotations

from typing import Any

import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "a", "bob": "b"}}
RULES = {
    **USERS,
    "AccessRules": [
        {"Users": ["alice"], "Role": "admin"},
        {"Users": ["bob"], "Permissions": ["view", "upload"]},
    ],
}
ALICE, BOB = ("alice", "a"), ("bob", "b")


async def make(served: Any, auth: tuple[str, str], **form: Any) -> tuple[str, dict[str, str]]:
    """A token: its ID and the header that it is sent in."""
    answer = await served.client.post("/account/tokens", json=form, auth=auth)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["ID"], {"Authorization": f"Bearer {found['Token']}"}


async def test_who_is_asking(serve: Any) -> None:
    served = await serve(**RULES)
    answer = (await served.client.get("/account", auth=BOB)).json()
    assert answer == {"User": "bob", "Proof": "password", "Permissions": ["view", "upload"]}
    assert (await served.client.get("/account")).status_code == 401
    nobody = await (await serve("open")).client.get("/account")
    assert (nobody.json()["User"], nobody.json()["Proof"]) == ("", "nobody")


async def test_a_token_is_its_user(serve: Any) -> None:
    served = await serve(**USERS)
    identifier, header = await make(served, BOB, Name="nightly")
    answer = await served.client.post("/instances", content=MAKE.instance(), headers=header)
    assert answer.status_code == 200
    path = answer.json()["Path"]
    answer = await served.client.get(f"{path}/metadata/HttpUsername", headers=header)
    assert answer.text == "bob"
    account = (await served.client.get("/account", headers=header)).json()
    assert (account["User"], account["Proof"]) == ("bob", "token")
    (listed,) = (await served.client.get("/account/tokens", auth=BOB)).json()
    assert (listed["ID"], listed["Name"], listed["User"]) == (identifier, "nightly", "bob")
    assert "Token" not in listed
    answer = await served.client.delete(f"/account/tokens/{identifier}", auth=BOB)
    assert answer.status_code == 200
    assert (await served.client.get("/system", headers=header)).status_code == 401
    answer = await served.client.delete(f"/account/tokens/{identifier}", auth=BOB)
    assert answer.status_code == 404


async def test_a_token_may_be_narrower_and_never_wider(serve: Any) -> None:
    served = await serve(**RULES)
    for form in ({"Permissions": ["view"]}, {"Role": "reader"}):
        _, header = await make(served, ALICE, **form)
        assert (await served.client.get("/studies", headers=header)).status_code == 200
        answer = await served.client.post("/instances", content=MAKE.instance(), headers=header)
        assert answer.status_code == 403
        assert (await served.client.get("/account/tokens", headers=header)).status_code == 403
        answer = await served.client.delete("/account/sessions", headers=header)
        assert answer.status_code == 403
    _, header = await make(served, BOB, Permissions=["view", "delete", "settings"])
    account = (await served.client.get("/account", headers=header)).json()
    assert account["Permissions"] == ["view"]


async def test_tokens_make_no_tokens(serve: Any) -> None:
    """Nothing outlives its end and its limits."""
    served = await serve(**USERS)
    for form in ({}, {"Permissions": ["view", "settings"]}):
        _, header = await make(served, ALICE, **form)
        answer = await served.client.post("/account/tokens", json={}, headers=header)
        assert answer.status_code == 403


async def test_tokens_of_others(serve: Any) -> None:
    served = await serve(**RULES)
    own, _ = await make(served, BOB)
    other, _ = await make(served, ALICE)
    listed = (await served.client.get("/account/tokens", auth=BOB)).json()
    assert [one["ID"] for one in listed] == [own]
    assert (await served.client.delete(f"/account/tokens/{other}", auth=BOB)).status_code == 404
    listed = (await served.client.get("/account/tokens", auth=ALICE)).json()
    assert {one["ID"] for one in listed} == {own, other}
    assert (await served.client.delete(f"/account/tokens/{own}", auth=ALICE)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"[" * 5000,
        b'{"Nonsense": 1}',
        b'{"Name": 1}',
        b'{"Name": "a\\u0000"}',
        b'{"Name": "\xff"}',
        b'{"ExpiresIn": "1"}',
        b'{"ExpiresIn": true}',
        b'{"ExpiresIn": 0}',
        b'{"ExpiresIn": 1e30}',
        b'{"Permissions": "view"}',
        b'{"Permissions": [1]}',
        b'{"Permissions": ["nonsense"]}',
        b'{"Role": "nonsense"}',
        b'{"Role": "reader", "Permissions": []}',
    ],
)
async def test_no_tokens(serve: Any, body: bytes) -> None:
    served = await serve(**USERS)
    answer = await served.client.post("/account/tokens", content=body, auth=ALICE)
    assert answer.status_code == 400
    assert (await served.client.get("/account/tokens", auth=ALICE)).json() == []


async def test_nobody_has_no_account(served: Any) -> None:
    assert (await served.client.post("/account/tokens", json={})).status_code == 403
    assert (await served.client.delete("/account/sessions")).status_code == 403
    # Nor a proof where none is asked for.
    header = {"Authorization": "Bearer hbt_a_b"}
    assert (await served.client.get("/account", headers=header)).json()["User"] == ""


async def test_all_sessions_end(serve: Any) -> None:
    served = await serve(**USERS)
    sessions = served.client
    identities = [await _session(served) for _ in range(2)]
    answer = await sessions.get("/account", headers=identities[0])
    assert answer.json()["Sessions"] == 2
    right = {**identities[0], "X-CSRF-Token": answer.json()["CsrfToken"]}
    assert (await sessions.delete("/account/sessions", headers=right)).status_code == 200
    for cookie in identities:
        assert (await sessions.get("/account", headers=cookie)).status_code == 401


async def _session(served: Any) -> dict[str, str]:
    import re

    served.client.cookies.clear()
    opened = await served.client.get("/login")
    token = re.search(r'name="token" value="(\w+)"', opened.text)
    assert token is not None
    form = {"name": "alice", "password": "a", "token": token[1]}
    answer = await served.client.post("/login", data=form)
    value = answer.cookies["hornburg"]
    served.client.cookies.clear()
    return {"Cookie": f"hornburg={value}"}
