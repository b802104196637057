"""Which hosts a peer may be at, in every spelling."""

from __future__ import annotations

import pytest

from hornburg.security.egress import ForbiddenHostError, PeerHosts, literal_address
from hornburg.settings.outgoing import read_peer_hosts


def hosts(*given: str) -> PeerHosts:
    return PeerHosts(read_peer_hosts(list(given)))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2852039166", "169.254.169.254"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("0251.0376.0251.0376", "169.254.169.254"),
        ("169.254.169.254.", "169.254.169.254"),
        ("::ffff:169.254.169.254", "169.254.169.254"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("2002:a9fe:a9fe::1", "169.254.169.254"),
        ("::169.254.169.254", "169.254.169.254"),
        ("::1", "::1"),
        ("fe80::1", "fe80::1"),
    ],
)
def test_spellings_of_an_address(host: str, address: str):
    assert str(literal_address(host)) == address


@pytest.mark.parametrize("host", ["localhost", "a.example.org", "face.feed", "256.1.1.1"])
def test_names_are_no_addresses(host: str):
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "::ffff:169.254.169.254",
        "2002:a9fe:a9fe::1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
def test_metadata_of_clouds_are_refused_unless_listed(host: str):
    with pytest.raises(ForbiddenHostError):
        hosts().check_host(host)
    with pytest.raises(ForbiddenHostError):
        hosts().check_addresses("innocent.example.org", [host])
    with pytest.raises(ForbiddenHostError):
        # A name on the list doesn't make its address right.
        hosts("innocent.example.org").check_addresses("innocent.example.org", [host])
    hosts("169.254.0.0/16", "fe80::/10", "fd00::/8", "100.100.100.200").check_host(host)


def test_without_a_list_everything_else_goes():
    free = hosts()
    for host in ("localhost", "10.0.0.1", "pacs", "::1"):
        free.check_host(host)
    assert free.check_addresses("pacs", ["10.0.0.1", "169.254.1.1"]) == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("listed", "host", "addresses"),
    [
        ("pacs.example.org", "PACS.example.org.", ["10.0.0.1"]),
        ("*.example.org", "a.b.example.org", ["10.0.0.1"]),
        ("10.0.0.0/8", "10.2.3.4", ["10.2.3.4"]),
        ("10.0.0.0/8", "anything", ["10.2.3.4"]),
        ("10.0.0.5", "10.5", ["10.0.0.5"]),
    ],
)
def test_what_is_listed_goes(listed: str, host: str, addresses: list[str]):
    hosts(listed).check_host(host)
    assert hosts(listed).check_addresses(host, addresses) == addresses


@pytest.mark.parametrize(
    ("listed", "host", "addresses"),
    [
        ("pacs.example.org", "evil.org", ["10.0.0.1"]),
        ("pacs.example.org", "pacs.example.org.evil.org", ["10.0.0.1"]),
        ("*.example.org", "example.org", ["10.0.0.1"]),
        ("*.example.org", "evilexample.org", ["10.0.0.1"]),
        ("pacs.example.org", "10.0.0.1", ["10.0.0.1"]),
    ],
)
def test_what_is_not_listed_is_refused_when_it_is_added(
    listed: str, host: str, addresses: list[str]
):
    with pytest.raises(ForbiddenHostError):
        hosts(listed).check_host(host)
    with pytest.raises(ForbiddenHostError):
        hosts(listed).check_addresses(host, addresses)


def test_a_name_is_judged_by_its_addresses_where_networks_are_listed():
    listed = hosts("10.0.0.0/8")
    listed.check_host("rebinding.example.org")
    assert listed.check_addresses("x", ["192.168.0.1", "10.0.0.1"]) == ["10.0.0.1"]
    with pytest.raises(ForbiddenHostError):
        listed.check_addresses("rebinding.example.org", ["127.0.0.1"])
    with pytest.raises(ForbiddenHostError):
        listed.check_addresses("nowhere", [])


def test_behind_a_proxy_only_names_count():
    hosts().check_unresolved("pacs")
    hosts("pacs", "10.0.0.0/8").check_unresolved("pacs")
    hosts("10.0.0.0/8").check_unresolved("10.0.0.1")
    for host in ("rebinding.example.org", "192.168.0.1"):
        with pytest.raises(ForbiddenHostError):
            hosts("10.0.0.0/8").check_unresolved(host)
