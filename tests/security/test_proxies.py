"""Whom a reverse proxy stands for, and who is not believed."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import BadRequestError
from hornburg.security.proxies import (
    FORWARDING,
    Seen,
    forwarded,
    trusted_networks,
    without_forwarding,
)
from hornburg.settings.errors import Refused
from hornburg.settings.transport import read_networks

PROXIES = trusted_networks(["10.0.0.1", "10.0.1.0/24", "2001:db8:1::/48"])
CLIENT = "203.0.113.7"


def ask(peer="10.0.0.1", /, **headers):
    given_ = [
        (name.replace("_", "-").encode(), one.encode("latin-1"))
        for name, values in headers.items()
        for one in ([values] if isinstance(values, str) else values)
    ]
    return forwarded(peer, [(b"host", b"x"), *given_], PROXIES)


# ---- who is believed ----


def test_nobody_is_believed_unless_named():
    made_up = [(b"x-forwarded-for", CLIENT.encode()), (b"x-forwarded-proto", b"nonsense")]
    assert forwarded("10.0.0.1", made_up, ()) == Seen("10.0.0.1")
    for stranger in ("10.0.0.2", "198.51.100.1", "2001:db8:2::1", "", "unix", "10.0.0.1 "):
        assert forwarded(stranger, made_up, PROXIES) == Seen(stranger)


def test_a_proxy_that_says_nothing_asks_for_itself():
    assert ask() == Seen("10.0.0.1")
    assert ask(x_forwarded_proto="https") == Seen("10.0.0.1", "https")


@pytest.mark.parametrize("peer", ["10.0.0.1", "10.0.1.200", "::ffff:10.0.0.1", "2001:db8:1::5"])
def test_a_proxy_is_known_however_it_is_written(peer):
    assert ask(peer, x_forwarded_for=CLIENT).address == CLIENT


# ---- X-Forwarded-... ----


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (CLIENT, CLIENT),
        (f"{CLIENT}:5060", CLIENT),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:DB8:0::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", CLIENT),
        # What the client itself says, rubbish and a trusted proxy's address among it.
        (f"127.0.0.1, {CLIENT}", CLIENT),
        (f'10.0.0.1,unknown," , {CLIENT}', CLIENT),
        # Two proxies.
        (f"127.0.0.1, {CLIENT}, 10.0.1.5", CLIENT),
        (f"{CLIENT},10.0.1.5,2001:db8:1::1", CLIENT),
        # A proxy asks for itself.
        ("10.0.1.5", "10.0.1.5"),
        ("10.0.1.6, 10.0.1.5", "10.0.1.6"),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(line, address):
    assert ask(x_forwarded_for=line) == Seen(address, proxied=True)
    assert (
        ask(x_forwarded_for=line.rpartition(",")[::2] if "," in line else line).address == address
    )


def test_scheme_and_host():
    seen = ask(
        x_forwarded_for=CLIENT,
        x_forwarded_proto="http, HTTPS",
        x_forwarded_host=["evil.example", "Hospital.example:8443"],
    )
    assert seen == Seen(CLIENT, "https", "hospital.example:8443", proxied=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_forwarded_for", ""),
        ("x_forwarded_for", "unknown"),
        ("x_forwarded_for", "localhost"),
        ("x_forwarded_for", f"{CLIENT},"),
        ("x_forwarded_for", "1.2.3"),
        ("x_forwarded_for", "1.2.3.4.5"),
        ("x_forwarded_for", "01.2.3.4"),
        ("x_forwarded_for", "1.2.3.4:"),
        ("x_forwarded_for", "1.2.3.4:123456"),
        ("x_forwarded_for", "1.2.3.4 5"),
        ("x_forwarded_for", "fe80::1%eth0"),
        ("x_forwarded_for", "[::1"),
        ("x_forwarded_for", "1" * 5000),
        ("x_forwarded_for", "nonsense, 10.0.1.5"),
        ("x_forwarded_for", ",".join(["10.0.1.5"] * 60)),
        ("x_forwarded_proto", ""),
        ("x_forwarded_proto", "ftp"),
        ("x_forwarded_proto", "https,"),
        ("x_forwarded_host", ""),
        ("x_forwarded_host", "a/b"),
        ("x_forwarded_host", "a@b"),
        ("x_forwarded_host", "a b"),
        ("x_forwarded_host", "a:b"),
        ("x_forwarded_host", "é"),
        ("x_forwarded_host", "a" * 300),
    ],
)
def test_what_a_proxy_must_not_say(name, value):
    with pytest.raises(BadRequestError):
        ask(**{name: value})


# ---- Forwarded ----


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (f"for={CLIENT}", Seen(CLIENT, proxied=True)),
        (f'For="{CLIENT}:1234"', Seen(CLIENT, proxied=True)),
        ('for="[2001:db8::7]:47011"', Seen("2001:db8::7", proxied=True)),
        (f'for="{CLIENT}:_x"', Seen(CLIENT, proxied=True)),
        (
            f'for={CLIENT};proto=https;by=_me;host="Hospital.example:8443"',
            Seen(CLIENT, "https", "hospital.example:8443", proxied=True),
        ),
        (
            f"for=127.0.0.1;proto=http , for={CLIENT};PROTO=https, for=10.0.1.5;proto=http",
            Seen(CLIENT, "https", proxied=True),
        ),
        (f'for=_hidden;x="a\\"b", for={CLIENT}', Seen(CLIENT, proxied=True)),
        ("for=10.0.1.6, for=10.0.1.5", Seen("10.0.1.6", proxied=True)),
    ],
)
def test_forwarded(line, seen):
    assert ask(forwarded=line) == seen
    assert ask(forwarded=["for=127.0.0.1", line]).address == (
        "127.0.0.1" if seen.address.startswith("10.") else seen.address
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "for",
        "for=",
        "for=unknown",
        "for=_hidden",
        "proto=https",
        f"for={CLIENT};for={CLIENT}",
        f"for={CLIENT};",
        f"for={CLIENT},",
        f"for={CLIENT};proto=gopher",
        f'for={CLIENT};host="a/b"',
        f'for="x, for={CLIENT}',
        f'for={CLIENT}"',
        "for=[2001:db8::7]",
        f"for={CLIENT} proto=https",
        "for=" + "1" * 5000,
        ",".join(["for=10.0.1.5"] * 60),
    ],
)
def test_what_is_not_as_the_standard_has_it(line):
    with pytest.raises(BadRequestError):
        ask(forwarded=line)


def test_a_quotation_mark_of_the_client_swallows_nothing():
    with pytest.raises(BadRequestError):
        ask(forwarded=f'for=127.0.0.1;x=", for={CLIENT};host="a"')
    with pytest.raises(BadRequestError):
        ask(forwarded=['for=127.0.0.1;x="', f'for={CLIENT};host="a"'])


def test_two_ways_must_agree():
    """A proxy that sets one may pass on the other as its client made it up."""
    assert ask(forwarded=f"for={CLIENT}", x_forwarded_for=CLIENT).address == CLIENT
    for headers in (
        {"forwarded": f"for={CLIENT}", "x_forwarded_for": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1", "x_forwarded_for": CLIENT},
        {"forwarded": f"for={CLIENT};proto=http", "x_forwarded_proto": "https"},
        {"forwarded": f"for={CLIENT};host=a", "x_forwarded_host": "b"},
    ):
        with pytest.raises(BadRequestError, match="contradict"):
            ask(**headers)


# ---- anything ----

addresses = st.ip_addresses().map(str)
anything = st.text(st.characters(max_codepoint=255), max_size=60)


@given(st.lists(anything, max_size=5), addresses, st.integers(0, 5))
def test_whatever_the_client_has_sent_the_proxy_is_right(made_up, client, proxies):
    if any(ipaddress.ip_address(client) in one for one in PROXIES):
        client = CLIENT
    line = ",".join([*made_up, client, *["10.0.1.5"] * proxies])
    found = ask(x_forwarded_for=line).address
    expected = ipaddress.ip_address(client)
    mapped = getattr(expected, "ipv4_mapped", None)
    assert found == str(mapped or expected)


@given(st.sampled_from(sorted(name.decode() for name in FORWARDING)), anything)
def test_anything_is_an_answer_or_a_bad_request(name, value):
    try:
        seen = forwarded("10.0.0.1", [(name.encode(), value.encode("latin-1"))], PROXIES)
    except BadRequestError:
        return
    ipaddress.ip_address(seen.address)
    assert seen.scheme in (None, "http", "https")
    assert seen.host is None or (seen.host.isascii() and " " not in seen.host)


quoted = st.text(st.sampled_from('ab,;="\\ for1.'), max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["x", "y", "host2"]), quoted), max_size=3))
def test_quoted_texts_come_through(pairs):
    def quote(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    element = ";".join(f"{name}{at}={quote(text)}" for at, (name, text) in enumerate(pairs))
    line = f"{element or 'for=_a'}, for={CLIENT}"
    assert ask(forwarded=line).address == CLIENT


def test_headers_that_are_not_passed_on():
    kept = [(b"host", b"a"), (b"x-forwarded", b"no such header"), (b"via", b"b")]
    assert without_forwarding([*kept, *((name, b"x") for name in FORWARDING)]) == kept


def test_time_for_long_headers_grows_with_their_length():
    """Nothing here looks at the same text again and again."""
    for line in (
        'for="' + "\\" * 60000,
        "for=" + "a" * 60000,
        "for=_a," * 8000,
        'x="' + "," * 60000,
    ):
        with pytest.raises(BadRequestError):
            ask(forwarded=line)
    with pytest.raises(BadRequestError):
        ask(x_forwarded_for="," * 60000)


# ---- the option ----


def test_the_option():
    assert read_networks(["10.0.0.1", "10.0.0.0/8", "::1", "10.0.0.1"]) == (
        "10.0.0.1/32",
        "10.0.0.0/8",
        "::1/128",
    )
    for wrong in (
        "10.0.0.1",
        ["localhost"],
        [1],
        ["10.0.0.1/8"],
        [""],
        ["10.0.0.0/33"],
        ["x"] * 65,
    ):
        with pytest.raises(Refused):
            read_networks(wrong)
