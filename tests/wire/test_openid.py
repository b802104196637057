"""Logging in by a real OpenID Connect provider: the npm package oidc-provider."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest
from tests.wire.conftest import Server
from tests.wire.dicom_peers import free_port

from hornburg.testing import DatasetFactory

HERE = Path(__file__).parent / "oidc"
MODULES = HERE / "node_modules" / "oidc-provider"
SECRET = "a secret: of the tests/+"

RULES = [
    {"TokenRoles": ["radiologist"], "Role": "reader"},
    {"TokenRoles": ["administrator"], "Role": "admin"},
]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def issuer(port: int) -> Iterator[str]:
    """The provider, which knows the address that it sends browsers back to."""
    assert shutil.which("node"), "Node.js is among what tests/install_peers.sh installs"
    assert MODULES.is_dir(), "run: make peers"
    process = subprocess.Popen(
        ["node", "provider.mjs", f"http://127.0.0.1:{port}/login/openid/callback"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def running(module_server: Callable[..., Server], issuer: str, port: int) -> Server:
    server = module_server(
        HttpPort=port,
        AuthenticationEnabled=True,
        RegisteredUsers={"root": "a password of the configuration"},
        AccessRules=[*RULES, {"Users": ["root"], "Role": "admin"}],
        OpenIdConnect={
            "Issuer": issuer,
            "ClientId": "hornburg",
            "ClientSecret": SECRET,
            "Audience": "urn:pacs",
            "RolesClaim": "roles",
        },
    )
    uploaded = server.client.post(
        "/instances",
        content=DatasetFactory().instance(),
        auth=("root", "a password of the configuration"),
    )
    assert uploaded.is_success, uploaded.text
    return server


class Browser:
    """Follows redirects and fills in forms, each site with its own cookies."""

    def __init__(self) -> None:
        self.sites: dict[str, httpx2.Client] = {}
        self.shown: httpx2.Response | None = None
        self.visited: list[str] = []

    def ask(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """One request, and where it leads."""
        for _ in range(12):
            self.visited.append(url)
            site = urlsplit(url).netloc
            client = self.sites.setdefault(site, httpx2.Client())
            answer = client.request(method, url, follow_redirects=False, **more)
            method, more = "GET", {}
            if answer.status_code not in (302, 303):
                self.shown = answer
                return answer
            url = urljoin(url, answer.headers["location"])
        raise AssertionError(f"no end: {self.visited}")

    def submit(self, **fields: str) -> httpx2.Response:
        """The form that is shown, with its hidden fields."""
        assert self.shown is not None
        text = self.shown.text
        form = re.search(r'<form[^>]*action="([^"]*)"', text)
        assert form, text
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', text))
        url = urljoin(str(self.shown.url), unescape(form[1]))
        return self.ask("POST", url, data={**hidden, **fields})


def log_in(server: Server, user: str) -> tuple[Browser, httpx2.Response]:
    browser = Browser()
    browser.ask("GET", f"{server.url}/login/openid?next=/account")
    browser.submit(login=user, password="any")
    return browser, browser.submit()


def own(browser: Browser, server: Server) -> httpx2.Client:
    return browser.sites[urlsplit(server.url).netloc]


def test_the_login_page_leads_to_the_provider(running: Server, issuer: str) -> None:
    assert "/login/openid" in httpx2.get(f"{running.url}/login").text
    answer = httpx2.get(f"{running.url}/login/openid")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{issuer}/auth?")
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert SECRET not in answer.headers["location"] + cookie


def test_a_user_of_the_provider_has_a_session_with_the_role_of_the_token(running: Server) -> None:
    browser, last = log_in(running, "alice")
    assert last.status_code == 200, last.text
    assert "url=/account" in last.text
    assert "SameSite=Strict" in last.headers["set-cookie"]
    account = own(browser, running).get(f"{running.url}/account").json()
    assert account["User"] == "oidc:alice"
    studies = own(browser, running).get(f"{running.url}/studies").json()
    assert len(studies) == 1
    headers = {"X-CSRF-Token": account["CsrfToken"]}
    gone = own(browser, running).delete(f"{running.url}/studies/{studies[0]}", headers=headers)
    assert gone.status_code == 403


def test_a_name_of_the_provider_is_no_user_of_ours(running: Server) -> None:
    """``root`` of the provider is an administrator by its role, and not by its name."""
    browser, _ = log_in(running, "root")
    account = own(browser, running).get(f"{running.url}/account").json()
    assert account["User"] == "oidc:root"
    assert "settings" in account["Permissions"]


def test_who_has_no_role_may_nothing(running: Server) -> None:
    browser, last = log_in(running, "carol")
    assert last.status_code == 200
    assert own(browser, running).get(f"{running.url}/studies").status_code == 403


def test_a_login_of_another_browser(running: Server) -> None:
    """An attacker's own code makes no session in the browser of a victim."""
    browser = Browser()
    browser.ask("GET", f"{running.url}/login/openid")
    browser.submit(login="alice", password="any")
    # The consent page leads back to us; stop before its end.
    form = re.search(r'<form[^>]*action="([^"]*)"', browser.shown.text)
    url = urljoin(str(browser.shown.url), form[1])
    provider = browser.sites[urlsplit(url).netloc]
    answer = provider.post(url, data={"prompt": "consent"}, follow_redirects=False)
    while "/login/openid/callback" not in answer.headers["location"]:
        answer = provider.get(urljoin(url, answer.headers["location"]), follow_redirects=False)
    callback = answer.headers["location"]
    stolen = httpx2.get(callback)
    assert stolen.status_code == 403
    assert "set-cookie" not in stolen.headers
    # Another login of the victim's own has another state.
    victim = httpx2.Client()
    victim.get(f"{running.url}/login/openid", follow_redirects=False)
    assert victim.get(callback).status_code == 403
    # The one who began it may go on, once.
    assert own(browser, running).get(callback).status_code == 200
    assert own(browser, running).get(callback).status_code == 403


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?error=access_denied&state=x", "?code=x&state=x&iss=y"]
)
def test_what_is_no_answer_of_the_provider(running: Server, query: str) -> None:
    with httpx2.Client() as client:
        client.get(f"{running.url}/login/openid", follow_redirects=False)
        answer = client.get(f"{running.url}/login/openid/callback{query}")
    assert answer.status_code == 403
    assert "hornburg=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(running: Server, path: str) -> None:
    browser = Browser()
    browser.ask("GET", f"{running.url}/login/openid", params={"next": path})
    browser.submit(login="alice", password="any")
    last = browser.submit()
    assert 'content="0;url=/"' in last.text
    assert "evil" not in last.text


def token_of(issuer: str, resource: str = "urn:pacs") -> str:
    answer = httpx2.post(
        f"{issuer}/token",
        data={"grant_type": "client_credentials", "resource": resource},
        auth=("script", "another"),
    )
    return str(answer.json()["access_token"])


def test_bearer_tokens_of_the_provider(running: Server, issuer: str) -> None:
    def ask(token: str, method: str = "GET", path: str = "/studies") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.request(method, running.url + path, headers=headers).status_code

    token = token_of(issuer)
    assert ask(token) == 200
    assert ask(token, "POST", "/tools/shutdown") == 403
    assert ask(token_of(issuer, "urn:other")) == 401
    head, body, seal = token.split(".")
    assert ask(f"{head}.{body}.{seal[:-4]}AAAA") == 401
    assert ask("x") == 401
    who = httpx2.get(f"{running.url}/account", headers={"Authorization": f"Bearer {token}"}).json()
    assert who["User"] == "oidc:script"


def test_the_trail_and_the_log_know_who_and_no_secret(running: Server) -> None:
    log_in(running, "alice")
    httpx2.get(f"{running.url}/login/openid/callback?code=x&state=x")
    auth = ("root", "a password of the configuration")
    events = httpx2.get(f"{running.url}/tools/audit-trail", auth=auth)
    assert events.status_code == 200, events.text
    text = events.text
    assert any(
        one["action"] == "login" and one["user"] == "oidc:alice" for one in json_lines(text)
    ), text
    assert any(one["action"] == "login-failed" for one in json_lines(text))
    for secret in (SECRET, "code=", "eyJ"):
        assert secret not in text
        assert secret not in "\n".join(running.lines)


def json_lines(text: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(text))
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]
