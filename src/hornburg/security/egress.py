"""Where this server may be sent to by those who define peers over the REST API.

Without such a limit a peer is a way to reach whatever the server can reach: services on the
loopback, the metadata of a cloud (server-side request forgery, CWE-918). ``AllowedPeerHosts``
names where peers may be. The name is looked at when the peer is added, the addresses that it
stands for before each connection, which then goes to the very address that was looked at: a name
whose meaning changes (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from hornburg.errors import ForbiddenError
from hornburg.security.addresses import Address, parse_address

__all__ = ["ForbiddenHostError", "PeerHosts", "literal_address"]

_METADATA = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",  # link-local (RFC 3927): metadata of most clouds
            "fe80::/10",  # link-local (RFC 4291, 2.5.6)
            "fd00:ec2::254/128",  # metadata of Amazon EC2
            "100.100.100.200/32",  # metadata of Alibaba Cloud
        ),
    )
)
"""Never a peer, unless ``AllowedPeerHosts`` lists it."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, 2.5.5.1

# Other spellings of an IPv4 address that resolvers take: 127.1, 0x7f000001, 017700000001.
_NUMERIC = re.compile(r"[0-9a-fx.]+", re.ASCII)


class ForbiddenHostError(ForbiddenError):
    """A peer is where no peer may be."""


def literal_address(host: str) -> Address | None:
    """The address that a host is, in any spelling that a resolver takes; none for a name."""
    host = host.lower().rstrip(".")
    address = parse_address(host)
    if address is None and _NUMERIC.fullmatch(host):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return None if address is None else _embedded(address)


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address is another way to."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    inside = address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if inside else address


class PeerHosts:
    """``AllowedPeerHosts``, as :func:`hornburg.settings.outgoing.read_peer_hosts` gives it.

    Args:
        hosts: names, ``*.example.org``, networks; none sets no limit.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._domains: list[str] = []
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for host in hosts:
            if "/" in host:
                self._networks.append(ipaddress.ip_network(host))
            elif host.startswith("*."):
                self._domains.append(host[1:])
            else:
                self._names.add(host)
        self._limited = bool(self._names or self._domains or self._networks)

    def check_host(self, host: str) -> None:
        """Look at the host of a URL, without asking a name server.

        Raises:
            ForbiddenHostError: it can't be a peer, whatever its addresses are.
        """
        address = literal_address(host)
        if address is not None:
            self._check(host, address)
        elif self._limited and not self._is_named(host) and not self._networks:
            raise _forbidden(host)

    def check_addresses(self, host: str, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses of a host that may be connected to, in their order.

        Raises:
            ForbiddenHostError: there is none.
        """
        found: list[str] = []
        why: ForbiddenHostError | None = None
        for text in addresses:
            try:
                self._check(host, literal_address(text))
            except ForbiddenHostError as no:
                why = no
            else:
                found.append(text)
        if not found:
            raise why or _forbidden(host)
        return found

    def check_unresolved(self, host: str) -> None:
        """Look at a host whose addresses only a proxy will know.

        Raises:
            ForbiddenHostError: it can't be a peer, or its name alone doesn't say that it may be.
        """
        self.check_host(host)
        if literal_address(host) is None and self._limited and not self._is_named(host):
            raise ForbiddenHostError(
                f"{host} is resolved by the proxy, so AllowedPeerHosts has to list it by name"
            )

    def _check(self, host: str, address: Address | None) -> None:
        listed = address is not None and any(address in network for network in self._networks)
        if listed:
            return
        if address is None or any(address in network for network in _METADATA):
            raise ForbiddenHostError(
                f"{host} is at a link-local address, or one where clouds keep their metadata, and "
                "AllowedPeerHosts doesn't list it"
            )
        if self._limited and not self._is_named(host):
            raise _forbidden(host)

    def _is_named(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        return name in self._names or any(name.endswith(domain) for domain in self._domains)


def _forbidden(host: str) -> ForbiddenHostError:
    return ForbiddenHostError(f"{host} is none of the hosts that AllowedPeerHosts lists")
