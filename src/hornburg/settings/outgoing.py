"""Readers of what our own HTTP requests need: headers, the proxy, the hosts that may be asked."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hornburg.settings.errors import Refused
from hornburg.settings.rows import Secret
from hornburg.settings.sections import member, text

__all__ = [
    "Proxy",
    "is_header_name",
    "is_header_value",
    "is_host",
    "proxy_of",
    "read_file_or_none",
    "read_peer_hosts",
    "read_proxy",
]

_MOST_HOSTS = 1000
_LONGEST_HEADER = 8192

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?", re.ASCII)

# RFC 9110, 5.6.2: a name is a token; 5.5: a value has visible characters, spaces and tabs.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# These say where a message goes and where it ends; a second one of them is a second opinion.
_FRAMING = frozenset(
    [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


def is_header_name(name: str) -> bool:
    """Whether a request may be given a header of this name: a token that says nothing of how the
    message is carried."""
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _FRAMING


def is_header_value(value: str) -> bool:
    """Whether it can be the value of a header: no control characters, such as the end of a line."""
    return len(value) <= _LONGEST_HEADER and _VALUE.fullmatch(value) is not None


def is_host(host: str, *, bracketed: bool) -> bool:
    """Whether a URL may have this host; ``bracketed`` when it is an IPv6 address.

    Raises:
        ValueError: it is bracketed, and no address.
    """
    if bracketed:
        return ipaddress.IPv6Address(host).scope_id is None
    return _HOST_NAME.fullmatch(host) is not None


def read_peer_hosts(value: object) -> tuple[str, ...]:
    """Host names, ``*.example.org``, addresses and networks, in one spelling."""
    allowed = "a host name, *.example.org, an IP address, or a network such as 10.0.0.0/8"
    if not isinstance(value, list) or len(value) > _MOST_HOSTS:
        raise Refused(f"a list of at most {_MOST_HOSTS} hosts, each {allowed}", value)

    def one(item: object) -> str:
        host = text(item, allowed, 253).lower().removesuffix(".")
        try:
            return str(ipaddress.ip_network(host))
        except ValueError:
            name = host.removeprefix("*.")
            # What ends in a number is an address with a mistake (WHATWG URL, "ends in a number").
            if not _HOST_NAME.fullmatch(name) or name.rpartition(".")[2].isdigit():
                raise Refused(allowed, item) from None
            return host

    return tuple(dict.fromkeys(member(f"[{place}]", one, item) for place, item in enumerate(value)))


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for our own requests."""

    host: str
    port: int
    user: str = ""
    password: Secret | None = None


_PROXY_ALLOWED = "host:port or user:password@host:port"


def read_file_or_none(value: object) -> Path | None:
    """The path of a file; an empty one, as Orthanc's configuration has it, names none."""
    given = text(value, "the path of a file")
    return Path(given) if given else None


def read_proxy(value: object) -> str:
    """The option ``HttpProxy`` as it stands, when :func:`proxy_of` can take it.

    Raises:
        Refused: it can't. Its value may be a secret.
    """
    given = text(value, f"a string: {_PROXY_ALLOWED}")
    proxy_of(given)
    return given


def proxy_of(value: str) -> Proxy | None:
    """The proxy that a text names; none when it is empty.

    Raises:
        Refused: it is no proxy that we can use.
    """
    if not value:
        return None
    plain = value.removeprefix("http://").removesuffix("/")
    signature, _, address = plain.rpartition("@")
    user, _, password = signature.partition(":")
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname or "", parts.port or 0
        good = bool(port) and not parts.path and is_host(host, bracketed="[" in address)
    except ValueError:
        good = False
    if not good or "://" in plain:
        raise Refused(_PROXY_ALLOWED, value)
    return Proxy(host, port, user, Secret(password) if user else None)
