"""Requests that a page of another site makes, and names that lead to us."""

from __future__ import annotations

from typing import Any

import pytest

from hornburg.errors import BadRequestError, ForbiddenError
from hornburg.security.browsers import Browsers, ForeignHostError, host_name, refuse_other_sites
from hornburg.settings import Secret, Settings

HOST = b"localhost:8042"


@pytest.mark.parametrize(
    ("method", "site", "origin"),
    [
        ("POST", None, None),
        ("DELETE", None, b"http://localhost:8042"),
        ("DELETE", None, b"HTTP://LOCALHOST:8042"),
        ("PUT", b"same-origin", b"http://localhost:8042"),
        # Behind a proxy that changes Host, the browser's own word counts.
        ("POST", b"same-origin", b"https://pacs.example"),
        ("POST", b"none", None),
        ("GET", b"cross-site", b"http://evil.example"),
        ("HEAD", None, b"null"),
    ],
)
def test_may(method: str, site: bytes | None, origin: bytes | None) -> None:
    refuse_other_sites(method, site, origin, HOST)


@pytest.mark.parametrize(
    ("method", "site", "origin"),
    [
        ("POST", b"cross-site", None),
        ("POST", b"same-site", b"http://localhost:9999"),
        ("DELETE", b"cross-site", b"http://localhost:8042"),
        ("PUT", None, b"http://evil.example"),
        ("POST", None, b"http://localhost:9999"),
        ("POST", None, b"null"),
        ("POST", None, b""),
        ("POST", b"", None),
        ("PATCH", None, b"http://localhost:8042.evil.example"),
    ],
)
def test_may_not(method: str, site: bytes | None, origin: bytes | None) -> None:
    with pytest.raises(ForbiddenError):
        refuse_other_sites(method, site, origin, HOST)
    with pytest.raises(ForbiddenError):
        refuse_other_sites(method, b"cross-site", origin, None)


def browsers(**options: Any) -> Browsers:
    return Browsers(Settings(**options), own_names=["PACS01"])


REMOTE: dict[str, Any] = {"remote_access_allowed": True, "authentication_enabled": False}
GUARDED: dict[str, Any] = {
    "remote_access_allowed": True,
    "registered_users": {"alice": Secret("a")},
}
#: None of these can be led to our address by whoever owns a name.
OURS = (
    b"localhost",
    b"LocalHost:8042",
    b"localhost.:8042",
    b"pacs.localhost",
    b"127.0.0.1:8042",
    b"192.0.2.7",
    b"[::1]:8042",
    b"[2001:db8::1]",
    b"pacs01",
    b"PACS01:8042",
)
FOREIGN = (
    b"evil.example",
    b"evil.example:8042",
    b"localhost.evil.example",
    b"localhost.example",
    b"127.0.0.1.evil.example",
    b"pacs01.evil.example",
    b"1.2.3.4.5",
    b"0x7f000001.evil.example",
)


@pytest.mark.parametrize("options", [{}, REMOTE, GUARDED, {"allowed_hosts": ("pacs.example",)}])
def test_hosts_that_are_ours(options: dict[str, Any]) -> None:
    rules = browsers(**options)
    for host in OURS:
        assert not rules.knows_host(host)
        rules.check_host(host)
        assert rules.knows_host(host)
    rules.check_host(None)
    # Where there must be a Host, that it isn't there is no good one.
    assert not rules.knows_host(None)


@pytest.mark.parametrize(
    "options",
    [{}, REMOTE, {"allowed_hosts": ("pacs.example",)}, {**GUARDED, "allowed_hosts": ()}],
    ids=["local", "open", "named", "guarded, named"],
)
def test_hosts_that_may_be_led_here(options: dict[str, Any]) -> None:
    rules = browsers(**options)
    for host in FOREIGN:
        with pytest.raises(ForeignHostError, match="AllowedHosts") as caught:
            rules.check_host(host)
        assert caught.value.outside.http == 421
        assert not rules.knows_host(host)


def test_names_that_are_given() -> None:
    rules = browsers(allowed_hosts=("pacs.example",))
    rules.check_host(b"pacs.example:443")
    rules.check_host(b"PACS.example.")
    with pytest.raises(ForeignHostError):
        rules.check_host(b"sub.pacs.example")


def test_names_without_a_dot() -> None:
    """The names of containers: who is outside has no say over them."""
    browsers(**REMOTE).check_host(b"orthanc:8042")
    for options in ({}, {**REMOTE, "allowed_hosts": ()}):
        with pytest.raises(ForeignHostError):
            browsers(**options).check_host(b"orthanc:8042")


def test_any_name_where_everybody_logs_in() -> None:
    """Browsers keep passwords and cookies for the name that they were given to."""
    browsers(**GUARDED).check_host(b"pacs.hospital.example")


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b" ",
        b"a b",
        b"a/b",
        b"a@b",
        b"a:x",
        b"a:123456",
        b"[::1",
        b"::1",
        b"[x]",
        b"\xc3\xa9",
        b"a" * 300,
        b"a\r\nb",
        b"[1:2]",
        b"a,b",
        b"-",
        b"a%00b",
        b"a:8042:1",
    ],
)
def test_what_is_no_host(host: bytes) -> None:
    for options in ({}, GUARDED):
        with pytest.raises(BadRequestError) as caught:
            browsers(**options).check_host(host)
        assert caught.value.outside.http == 400


def test_memory_is_bounded() -> None:
    rules = browsers(**GUARDED)
    for number in range(5000):
        rules.check_host(b"n%d.example" % number)
    assert len(rules._good) <= 1000


def test_one_spelling_of_a_host() -> None:
    assert host_name(b"[2001:DB8:0::1]:80") == "2001:db8::1"
    assert host_name(b" Pacs.Example:80\t") == "pacs.example"


def test_origins_that_are_allowed() -> None:
    rules = browsers(cors_allowed_origins=("https://viewer.example",))
    good, host = b"https://viewer.example", b"pacs:8042"
    rules.refuse_other_sites("DELETE", b"cross-site", good, host)
    assert rules.may_read(good)
    for bad in (b"https://viewer.example.evil.example", b"http://viewer.example", b"null", b"*"):
        assert not rules.may_read(bad)
        with pytest.raises(ForbiddenError):
            rules.refuse_other_sites("DELETE", b"cross-site", bad, host)
    assert not rules.may_read(None)
    with pytest.raises(ForbiddenError):
        rules.refuse_other_sites("DELETE", b"cross-site", None, host)
