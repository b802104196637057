"""Peers, the proxy, and the hosts that peers may be at, as configurations write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.settings import Secret
from hornburg.settings.errors import Refused
from hornburg.settings.outgoing import (
    is_header_name,
    is_header_value,
    proxy_of,
    read_peer_hosts,
)
from hornburg.settings.peers import peer_to_json, read_peer, read_peers, shown_peer

FULL = {
    "Url": "https://pacs.example.org:8443/orthanc",
    "Username": "alice",
    "Password": "geheim",
    "HttpHeaders": {"Token": "geheim", "X-Site": "geheim"},
    "CertificateFile": "client.crt",
    "CertificateKeyFile": "client.key",
    "CertificateKeyPassword": "geheim",
    "Pkcs11": False,
    "Timeout": 42,
    "RemoteSelf": "us",
    "Number": 5,
    "Yes": True,
    "ApiToken": "geheim",
}


@pytest.mark.parametrize(
    ("entry", "url", "username"),
    [
        (["http://a/"], "http://a/", ""),
        (["http://a:8042"], "http://a:8042/", ""),
        (["http://a/b", "u", "p"], "http://a/b/", "u"),
        ({"Url": "https://[::1]:8042/"}, "https://[::1]:8042/", ""),
        ({"URL": "http://10.0.0.1"}, "http://10.0.0.1/", ""),
        ({"Url": "http://a/", "Username": "u"}, "http://a/", "u"),
        ({"Url": "http://a/", "Username": "", "Password": ""}, "http://a/", ""),
    ],
)
def test_forms_of_orthanc(entry: Any, url: str, username: str):
    peer = read_peer(entry)
    assert (peer.url, peer.username) == (url, username)
    assert username or peer.password is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a:80",
        "//a",
        "ftp://a/",
        "file:///etc/passwd",
        "gopher://a/",
        "http://",
        "http:///x",
        "http://user:geheim@a/",
        "http://user@a/",
        "http://a/?x",
        "http://a/#x",
        "http://a\\@b/",
        "http://a b/",
        "http://a/\r\nHost: b",
        "http://a/\tb",
        "http://a\0b/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:b/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://a%2eb/",
        "http://\u24d0/",
        "http://a/\u00e4",
        "http://" + "a" * 3000,
        5,
        None,
    ],
)
def test_urls_that_are_none(url: Any):
    for entry in ([url], {"Url": url}):
        with pytest.raises(Refused):
            read_peer(entry)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "http://a/",
        5,
        [],
        ["http://a/", "u"],
        ["http://a/", "u", "p", "x"],
        ["http://a/", 5, "p"],
        {},
        {"Username": "u"},
        {"Url": "http://a/", "Password": "p"},
        {"Url": "http://a/", "Username": "a:b", "Password": "p"},
        {"Url": "http://a/", "Timeout": "7"},
        {"Url": "http://a/", "Timeout": -1},
        {"Url": "http://a/", "Pkcs11": "true"},
        {"Url": "http://a/", "Pkcs11": True},
        {"Url": "http://a/", "HttpHeaders": []},
        {"Url": "http://a/", "HttpHeaders": {"X": 5}},
        {"Url": "http://a/", "HttpHeaders": {"X": "a\r\nY: b"}},
        {"Url": "http://a/", "HttpHeaders": {"X\r\nY": "b"}},
        {"Url": "http://a/", "HttpHeaders": {"X": "\u20ac"}},
        {"Url": "http://a/", "HttpHeaders": {"Content-Length": "0"}},
        {"Url": "http://a/", "HttpHeaders": {"transfer-encoding": "chunked"}},
        {"Url": "http://a/", "HttpHeaders": {"Host": "b"}},
        {"Url": "http://a/", "HttpHeaders": {f"X{each}": "" for each in range(65)}},
        {"Url": "http://a/", "Own": {"a": 1}},
        {"Url": "http://a/", "Own": None},
        {"Url": "http://a/", "Own": 1.5},
    ],
)
def test_peers_that_are_none(entry: Any):
    with pytest.raises(Refused):
        read_peer(entry)


def test_a_name_is_a_part_of_paths():
    assert list(read_peers({"a_b-1": ["http://a/"]})) == ["a_b-1"]
    for name in ("", "a b", "a/b", "a.b", "\u00e4"):
        with pytest.raises(Refused):
            read_peers({name: ["http://a/"]})


def test_what_is_shown_has_no_secrets():
    shown = shown_peer(read_peer(FULL))
    assert "geheim" not in str(shown)
    assert shown == {
        "ApiToken": None,
        "CertificateFile": "client.crt",
        "CertificateKeyFile": None,
        "CertificateKeyPassword": None,
        "HttpHeaders": ["Token", "X-Site"],
        "Number": "5",
        "Password": None,
        "Pkcs11": False,
        "RemoteSelf": "us",
        "Timeout": 42,
        "Url": "https://pacs.example.org:8443/orthanc/",
        "Username": "alice",
        "Yes": "1",
    }
    assert "geheim" not in repr(read_peer(FULL))


@pytest.mark.parametrize("entry", [FULL, ["http://a/"], ["http://a/", "u", "p"]])
def test_what_the_index_keeps_is_read_back(entry: Any):
    peer = read_peer(entry)
    assert read_peer(peer_to_json(peer)) == peer


def test_hosts_have_one_spelling():
    given = ["PACS.Example.org.", "*.example.org", "10.1.2.3", "10.0.0.0/8", "fe80::/10", "::1"]
    assert read_peer_hosts([*given, "10.0.0.0/8"]) == (
        "pacs.example.org",
        "*.example.org",
        "10.1.2.3/32",
        "10.0.0.0/8",
        "fe80::/10",
        "::1/128",
    )


@pytest.mark.parametrize("host", ["", "*", "a/b", "10.0.0.1/8", "10.0.0", "http://a", "a b", 5])
def test_hosts_that_are_none(host: Any):
    with pytest.raises(Refused):
        read_peer_hosts([host])


def test_the_proxy():
    assert proxy_of("") is None
    plain = proxy_of("192.168.0.1:3128")
    assert plain is not None
    assert (plain.host, plain.port, plain.user) == ("192.168.0.1", 3128, "")
    signed = proxy_of("proxyUser:proxy@Password@[::1]:3128")
    assert signed is not None
    assert (signed.host, signed.port, signed.user) == ("::1", 3128, "proxyUser")
    assert signed.password == Secret("proxy@Password")
    assert "proxy@Password" not in repr(signed)


@pytest.mark.parametrize(
    "value", ["host", "host:", "host:0", "socks5://h:1", "h:1/x", ":80", "@:1"]
)
def test_proxies_that_are_none(value: str):
    with pytest.raises(Refused):
        proxy_of(value)


@given(st.text())
def test_no_header_ends_its_line(text: str):
    if is_header_name(text):
        assert text.isascii() and not set(text) & set("\r\n\0: ")
    if is_header_value(text):
        assert not set(text) & set("\r\n\0")


@given(st.text())
def test_no_url_leads_two_ways(tail: str):
    try:
        peer = read_peer([f"http://pacs.example.org{tail}"])
    except Refused:
        return
    assert not set(peer.url) & set("\r\n\t @?#\\")
    assert peer.url.isascii() and peer.url.endswith("/")
