"""The section ``OpenIdConnect``."""

from __future__ import annotations

import pytest

from hornburg.settings import SettingsError
from hornburg.settings.errors import Refused
from hornburg.settings.openid import read_openid

RULES = [{"TokenRoles": ["staff"], "Role": "reader"}]
GOOD = {"Issuer": "https://id.example/realms/x", "ClientId": "hornburg"}


def test_what_is_read():
    section = read_openid({**GOOD, "ClientSecret": "s", "Audience": "pacs", "RolesClaim": "a.b"})
    assert section.issuer == "https://id.example/realms/x"
    assert section.client_secret.reveal() == "s"
    assert section.audiences == ("pacs",)
    assert "s" not in repr(section.client_secret)
    assert read_openid({**GOOD, "Issuer": "http://127.0.0.1:3000"}).issuer


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Issuer": "http://id.example"}, ".Issuer"),
        ({"Issuer": "ftp://id.example"}, ".Issuer"),
        ({"Issuer": "https://user:word@id.example"}, ".Issuer"),
        ({"Issuer": "https://id.example/#x"}, ".Issuer"),
        ({"Issuer": "https://[::1"}, ".Issuer"),
        ({"Algorithms": ["HS256"]}, ".Algorithms"),
        ({"Algorithms": ["none"]}, ".Algorithms"),
        ({"Algorithms": []}, ".Algorithms"),
        ({"Scopes": ["profile"]}, ".Scopes"),
        ({"UsernamePrefix": ""}, ".UsernamePrefix"),
        ({"UsernamePrefix": "x"}, ".UsernamePrefix"),
        ({"RedirectUri": "http://pacs.example/login/openid/callback"}, ".RedirectUri"),
        ({"Unknown": 1}, ".Unknown"),
    ],
)
def test_what_is_refused(change, path):
    with pytest.raises(Refused) as caught:
        read_openid({**GOOD, **change})
    assert caught.value.path == path


@pytest.mark.parametrize("section", [{}, {"Issuer": "https://id.example"}, {"ClientId": "x"}, []])
def test_what_is_missing(section):
    with pytest.raises(Refused):
        read_openid(section)


def test_a_secret_is_not_in_the_message(configured):
    with pytest.raises(SettingsError) as caught:
        configured({"OpenIdConnect": {**GOOD, "ClientSecret": ["planted"]}, "AccessRules": RULES})
    assert "planted" not in str(caught.value)
    assert caught.value.option == "OpenIdConnect.ClientSecret"


def test_without_rules_everybody_of_the_provider_would_be_an_administrator(configured):
    with pytest.raises(SettingsError, match="AccessRules"):
        configured({"OpenIdConnect": GOOD})
    configured({"OpenIdConnect": GOOD, "AccessRules": RULES})


def test_remote_access_needs_no_registered_users_then(configured):
    remote = {"RemoteAccessAllowed": True, "OpenIdConnect": GOOD, "AccessRules": RULES}
    assert configured(remote).authentication_required
