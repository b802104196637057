"""Readers of the options about certificates of clients and about proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from hornburg.settings.errors import Refused
from hornburg.settings.openid import is_this_machine
from hornburg.settings.sections import freeze, read_section, text

__all__ = [
    "PROXIES_ALLOWED",
    "crosses_in_clear",
    "read_certificate_users",
    "read_networks",
    "wide_networks",
]

PROXIES_ALLOWED = "a list of at most 64 IPv4 or IPv6 addresses or networks"

#: What a name in a certificate may begin with: an attribute of the subject, or the kind of an
#: alternative name (RFC 5280 4.2.1.6).
_NAME = "a name in a certificate: CN=..., a subject of RFC 4514, DNS:..., email:... or URI:..."
_ALTERNATIVE = ("DNS:", "email:", "URI:")
_MOST_PROXIES = 64

#: Bits of a network of proxies: one that is wider holds others, too.
_WIDEST = {4: 16, 6: 48}


def read_certificate_users(value: object) -> Mapping[str, str]:
    """Names in certificates, and the user that each one is."""

    def one(name: str, user: object) -> str:
        kind, found, rest = name.partition("=")
        is_subject = found and kind.replace(".", "").isalnum()
        if not name.startswith(_ALTERNATIVE) and not (is_subject and rest):
            raise Refused(_NAME, name)
        if not name.isprintable() or len(name) > 1024:
            raise Refused(_NAME, name)
        allowed = "the name of a user, 1 to 255 characters"
        named = text(user, allowed, 255)
        if not named:
            raise Refused(allowed, user)
        return named

    return freeze(read_section(value, one))


def read_networks(value: object) -> tuple[str, ...]:
    """A list of addresses (``192.0.2.1``) and networks (``10.0.0.0/8``)."""
    if not isinstance(value, list) or len(value) > _MOST_PROXIES:
        raise Refused(PROXIES_ALLOWED, value)
    result: list[str] = []
    for place, item in enumerate(value):
        allowed = "an IPv4 or IPv6 address or network"
        try:
            # Only texts: ip_network() would take the number 1 for 0.0.0.1/32.
            network = ipaddress.ip_network(text(item, allowed))
        except ValueError as error:
            why = f" ({error})" if "host bits" in str(error) else ""
            raise Refused(allowed + why, item, f"[{place}]") from None
        except Refused as no:
            raise no.inside(f"[{place}]") from None
        result.append(str(network))
    return tuple(dict.fromkeys(result))


def wide_networks(networks: Iterable[str]) -> list[str]:
    """Those that hold more than anybody's proxies."""
    parsed = map(ipaddress.ip_network, networks)
    return [str(each) for each in parsed if each.prefixlen < _WIDEST[each.version]]


def crosses_in_clear(url: str) -> bool:
    """Whether what is sent to a URL can be read on its way."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_this_machine(parts.hostname or "")
