"""The login page, sessions of browsers, and what they are asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "wonder land", "bob": "b"}}
PAGE = {"Accept": "text/html,application/xhtml+xml"}


def field(text: str, name: str = "token") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, text
    return found[1]


async def fill_in(served: Any, *, password: str = "wonder land", **more: str) -> Any:
    """Open the form and send it."""
    opened = await served.client.get("/login")
    assert opened.status_code == 200
    form = {"name": "alice", "password": password, "token": field(opened.text), **more}
    return await served.client.post("/login", data=form)


async def test_the_way_of_a_person(serve: Any) -> None:
    served = await serve(**USERS)
    answer = await served.client.get("/", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    answer = await fill_in(served)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"hornburg=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", cookie)
    home = await served.client.get("/", headers=PAGE)
    assert home.status_code == 200
    assert "<em>alice</em>" in home.text
    assert (await served.client.get("/studies")).status_code == 200
    answer = await served.client.post("/logout", data={"token": field(home.text)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    value = re.search(r"hornburg=([\w-]{43})", cookie)
    assert value is not None
    kept = {"Cookie": f"hornburg={value[1]}"}
    assert (await served.client.get("/studies", headers=kept)).status_code == 401


async def test_programs_are_asked_as_ever(serve: Any) -> None:
    served = await serve(**USERS)
    for path, headers in (
        ("/", {"Accept": "*/*"}),
        ("/", {"Accept": "application/json"}),
        ("/studies", PAGE),
        ("/", {**PAGE, "Authorization": "Basic eDp5"}),
    ):
        answer = await served.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Basic realm="Orthanc Secure Area"')
    assert (await served.client.post("/", headers=PAGE)).status_code == 401
    off = await serve("off", **USERS, OrthancExplorerEnabled=False)
    assert (await off.client.get("/", headers=PAGE)).status_code == 401


async def test_the_page_runs_and_loads_nothing(serve: Any) -> None:
    served = await serve(**USERS)
    answer = await served.client.get("/login")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("hornburg-login=")
    assert "HttpOnly; SameSite=Strict" in cookie


async def test_under_https_cookies_are_of_this_host(serve: Any) -> None:
    served = await serve(**USERS)
    served.client.base_url = "https://localhost"
    answer = await fill_in(served)
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-hornburg=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure", cookie
    )
    assert (await served.client.get("/studies")).status_code == 200
    # Under its other name a neighbour could have set it.
    value = re.search(r"=([\w-]{43})", cookie)
    assert value is not None
    served.client.cookies.clear()
    kept = {"Cookie": f"hornburg={value[1]}"}
    assert (await served.client.get("/studies", headers=kept)).status_code == 401


@pytest.mark.parametrize("password", ["", "wonder", "wonder land ", "x" * 1024])
async def test_wrong_passwords(serve: Any, password: str) -> None:
    served = await serve(**USERS)
    answer = await fill_in(served, password=password)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    assert "go together" in answer.text
    assert "wonder" not in answer.text
    assert "hornburg" not in served.client.cookies


async def test_guesses_have_to_wait(serve: Any) -> None:
    served = await serve(**USERS)
    for _ in range(6):
        assert (await fill_in(served, password="x")).status_code == 401
    answer = await fill_in(served)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    # The form and the header are one door.
    answer = await served.client.get("/studies", auth=("alice", "wonder land"))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["HttpStatus"] == 429
    assert (await served.client.get("/studies", auth=("bob", "b"))).status_code == 200


async def test_a_form_that_is_not_ours(serve: Any) -> None:
    """A page of another site logs its victim in as the attacker."""
    served, attacker = await serve(**USERS), await serve("other", **USERS)
    own = field((await served.client.get("/login")).text)
    stolen = field((await attacker.client.get("/login")).text)
    form = {"name": "alice", "password": "wonder land"}
    for token in ("", "x", stolen, own[:-1]):
        answer = await served.client.post("/login", data={**form, "token": token})
        assert answer.status_code == 403
    served.client.cookies.clear()
    answer = await served.client.post("/login", data={**form, "token": own})
    assert answer.status_code == 403
    assert "hornburg" not in served.client.cookies
    opened = await served.client.get("/login")
    answer = await served.client.post(
        "/login",
        data={**form, "token": field(opened.text)},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/studies", "/studies"),
        ("/ui/?a=b#c", "/ui/?a=b#c"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/é", "/"),
        ("/" + "a" * 2000, "/"),
    ],
)
async def test_where_it_leads(serve: Any, wanted: str, led: str) -> None:
    served = await serve(**USERS)
    opened = await served.client.get("/login", params={"next": wanted})
    assert f'name="next" value="{led}"' in opened.text
    answer = await fill_in(served, next=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, led)
    assert answer.headers.get_list("set-cookie")[0].startswith("hornburg=")
    assert len(answer.headers.get_list("set-cookie")) == 1


async def test_markup_in_the_form(serve: Any) -> None:
    served = await serve(**USERS)
    for text in ('"><script>', '/"><script>alert(1)</script>', "<b>"):
        opened = await served.client.get("/login", params={"next": text})
        assert "<script>" not in opened.text
        answer = await fill_in(served, name=text, password="x", next=text)
        assert answer.status_code == 401
        assert "<script>" not in answer.text


async def test_a_session_that_was_there_before(serve: Any) -> None:
    """Fixation: what somebody else has put into the browser is worth nothing after the login."""
    served = await serve(**USERS)
    await fill_in(served)
    planted = served.client.cookies["hornburg"]
    await fill_in(served)
    fresh = served.client.cookies["hornburg"]
    assert fresh != planted
    served.client.cookies.clear()
    for value, status in ((planted, 401), (fresh, 200)):
        headers = {"Cookie": f"hornburg={value}"}
        assert (await served.client.get("/studies", headers=headers)).status_code == status
    made_up = "a" * 43
    headers = {"Cookie": f"hornburg={made_up}; hornburg-login=b"}
    opened = await served.client.get("/login", headers=headers)
    form = {"name": "alice", "password": "wonder land", "token": field(opened.text)}
    answer = await served.client.post("/login", data=form, headers=headers)
    assert answer.status_code == 303
    assert made_up not in answer.headers["set-cookie"]


async def test_changes_need_the_token(serve: Any) -> None:
    served = await serve(**USERS)
    await fill_in(served)
    account = (await served.client.get("/account")).json()
    assert account["Proof"] == "session"
    body = MAKE.instance()
    for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "é"}):
        answer = await served.client.post(
            "/instances",
            content=body,
            headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
        )
        assert answer.status_code == 403
        assert "X-CSRF-Token" in answer.json()["Details"]
        assert (await served.client.delete("/account/sessions")).status_code == 403
    right = {"X-CSRF-Token": account["CsrfToken"]}
    assert (await served.client.post("/instances", content=body, headers=right)).status_code == 200
    # It is that of this session, and of no other one.
    await fill_in(served)
    answer = await served.client.post("/instances", content=body, headers=right)
    assert answer.status_code == 403
    # A password in the header is proof enough.
    answer = await served.client.post("/instances", content=body, auth=("bob", "b"))
    assert answer.status_code == 200


async def test_logging_out_needs_it_too(serve: Any) -> None:
    served = await serve(**USERS)
    await fill_in(served)
    for data in ({}, {"token": "x"}):
        assert (await served.client.post("/logout", data=data)).status_code == 403
    assert (await served.client.get("/studies")).status_code == 200
    token = (await served.client.get("/account")).json()["CsrfToken"]
    answer = await served.client.post("/logout", headers={"X-CSRF-Token": token})
    assert answer.status_code == 303
    assert (await served.client.post("/logout")).status_code == 303
    assert (await served.client.get("/logout")).status_code in (404, 405)


async def test_where_nobody_has_to_log_in(served: Any) -> None:
    for answer in (
        await served.client.get("/login"),
        await served.client.post("/login", data={"name": "alice", "password": "x"}),
        await served.client.post("/logout"),
    ):
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    home = await served.client.get("/", headers=PAGE)
    assert home.status_code == 200
    assert "<form" not in home.text


@pytest.mark.parametrize("body", [b"\xff", b"a=1&a=2", b"&".join([b"a=1"] * 100), b"a" * 9000])
async def test_no_forms(serve: Any, body: bytes) -> None:
    served = await serve(**USERS)
    answer = await served.client.post("/login", content=body)
    assert answer.status_code in (400, 403, 413)


async def test_who_has_shown_a_password_is_named(serve: Any) -> None:
    served = await serve(
        AuthenticationEnabled=True, RegisteredUsers={"<b>eve": "x"}, Name="<script>"
    )
    home = await served.client.get("/", auth=("<b>eve", "x"))
    assert "&lt;b&gt;eve" in home.text
    assert "<b>" not in home.text
    assert "<script>" not in home.text
    assert "<form" not in home.text
