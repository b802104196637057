"""What a reverse proxy says of the client that it stands for.

Only the addresses in ``TrustedProxies`` may say it. Whoever else sends these headers makes it up.
A proxy appends to what its client has sent, so that lists are read from the right: the last
address that is none of a trusted proxy is the client's, and what stands to the left of it is what
the client says of itself, which nobody looks at.

``X-Forwarded-For`` is the way of nginx, Caddy and Apache, ``Forwarded`` that of RFC 7239.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hornburg.errors import BadRequestError
from hornburg.security.addresses import Address, parse_address

__all__ = [
    "FORWARDING",
    "Network",
    "Seen",
    "forwarded",
    "is_trusted",
    "trusted_networks",
    "without_forwarding",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Header = tuple[bytes, bytes]

FORWARDING = frozenset(
    (
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-forwarded-scheme",
        b"x-real-ip",
    )
)
"""Headers that speak of the client, by their lower-case names."""

#: Trusted proxies in a row.
_MOST_HOPS = 50

#: An address and perhaps a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80.
_NODE = re.compile(
    r"(?:(?P<four>[0-9.]{7,15})|\[(?P<six>[0-9A-Fa-f:.]{2,45})\])"
    r"(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]{1,50}))?"
    r"|(?P<bare>[0-9A-Fa-f:.]{2,45})"
)
_LONGEST_NODE = 100
#: RFC 3986 3.2.2, without what no server is called.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 5.6.2
#: One pair of RFC 7239 4, and the mark that follows it.
_PAIR = re.compile(
    rf"[ \t]*({_TOKEN})=(?:({_TOKEN})|\"((?:[^\"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*)\")[ \t]*"
    r"([;,]|\Z)"
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Seen:
    """Who is at the other end.

    Attributes:
        address: of the client; of the connection when no trusted proxy says another.
        scheme: ``http`` or ``https`` as the client has it, ``None`` when no trusted proxy says.
        host: what the client has asked for, as ``Host`` has it, ``None`` when no trusted proxy
            says.
        proxied: whether a trusted proxy has said whom it stands for.
    """

    address: str
    scheme: str | None = None
    host: str | None = None
    proxied: bool = False


def trusted_networks(given: Iterable[str]) -> tuple[Network, ...]:
    """The networks of ``TrustedProxies``, which the settings have checked."""
    return tuple(ipaddress.ip_network(each) for each in given)


def forwarded(peer: str, headers: Iterable[Header], trusted: Sequence[Network]) -> Seen:
    """Who is behind a connection.

    Args:
        peer: the address that the connection comes from; "" when it has none.
        headers: names in lower case and values, in order, as ASGI has them.
        trusted: of :func:`trusted_networks`.

    Raises:
        BadRequestError: a trusted proxy says what can't be understood, hides its client, or says
            one thing in ``Forwarded`` and another in ``X-Forwarded-...``.
    """
    if not trusted or not is_trusted(parse_address(peer), trusted):
        return Seen(peer)
    given: dict[bytes, list[str]] = {}
    for name, value in headers:
        if name in FORWARDING:
            given.setdefault(name, []).append(value.decode("latin-1"))
    if not given:
        return Seen(peer)
    loose = _of_usual_headers(given, trusted)
    if b"forwarded" not in given:
        return Seen(loose[0] or peer, loose[1], loose[2], loose[0] is not None)
    strict = _of_standard_header(given[b"forwarded"], trusted)
    for one, other in zip(loose, strict, strict=True):
        # Perhaps the proxy sets one, and passes on the other as its client made it up.
        if one is not None and one != other:
            raise BadRequestError("Forwarded and X-Forwarded-... contradict each other")
    return Seen(strict[0], strict[1], strict[2], proxied=True)


def without_forwarding(headers: Iterable[Header]) -> list[Header]:
    """The headers without those that speak of the client: for handlers, filters and scripts, which
    must not believe what anybody may write."""
    return [header for header in headers if header[0] not in FORWARDING]


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    """Whether an address is that of a proxy which is believed."""
    return address is not None and any(address in network for network in trusted)


def _of_usual_headers(
    given: dict[bytes, list[str]], trusted: Sequence[Network]
) -> tuple[str | None, str | None, str | None]:
    """Address, scheme and host by ``X-Forwarded-For``, ``-Proto`` and ``-Host``."""
    address = None
    rest = ",".join(given.get(b"x-forwarded-for", ()))
    if b"x-forwarded-for" in given:
        for _ in range(_MOST_HOPS):
            rest, more, node = rest.rpartition(",")
            found = _address(node.strip(" \t"))
            address = str(found)
            if not more or not is_trusted(found, trusted):
                break
        else:
            raise BadRequestError("X-Forwarded-For names too many proxies")
    scheme, host = (
        given[name][-1].rpartition(",")[2].strip(" \t") if name in given else None
        for name in (b"x-forwarded-proto", b"x-forwarded-host")
    )
    return address, _scheme(scheme), _host(host)


def _of_standard_header(
    lines: Sequence[str], trusted: Sequence[Network]
) -> tuple[str, str | None, str | None]:
    """The same by ``Forwarded``; all of it must be well formed, for a quotation mark of the client
    could swallow what the proxy has appended."""
    elements = [element for line in lines for element in _elements(line)]
    for _ in range(_MOST_HOPS):
        element = elements.pop()
        found = _address(element.get("for", ""))
        if not elements or not is_trusted(found, trusted):
            return str(found), _scheme(element.get("proto")), _host(element.get("host"))
    raise BadRequestError("Forwarded names too many proxies")


def _elements(text: str) -> list[dict[str, str]]:
    elements: list[dict[str, str]] = [{}]
    at = 0
    while True:
        pair = _PAIR.match(text, at)
        if pair is None:
            raise BadRequestError("The header Forwarded is not as RFC 7239 has it")
        name, token, quoted, mark = pair.groups()
        name = name.lower()
        if name in elements[-1]:
            raise BadRequestError(f"The header Forwarded says {name[:20]} twice of one proxy")
        elements[-1][name] = token if token is not None else _ESCAPED.sub(r"\1", quoted)
        at = pair.end()
        if not mark:
            return elements
        if mark == ",":
            elements.append({})


def _address(node: str) -> Address:
    """The address in a node of RFC 7239 6, which may have a port."""
    found = _NODE.fullmatch(node) if len(node) <= _LONGEST_NODE else None
    address = parse_address(found["four"] or found["six"] or found["bare"]) if found else None
    if address is None:
        # "unknown" and "_hidden" too: rules by address can't be held against them.
        raise BadRequestError("A proxy does not say the address of its client")
    return address


def _scheme(text: str | None) -> str | None:
    if text is None:
        return None
    if text.lower() not in ("http", "https"):
        raise BadRequestError("A proxy speaks of another protocol than http and https")
    return text.lower()


def _host(text: str | None) -> str | None:
    if text is None:
        return None
    if not _HOST.fullmatch(text):
        raise BadRequestError("A proxy names a host that can't be one")
    return text.lower()
