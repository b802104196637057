"""What a page of another site may not have a browser do.

A browser sends requests for any page that its user looks at, with the user's address and, once
given, password. Other programs send none of the headers that are looked at here but ``Host``.

* An unsafe request of another site is refused (``Origin``, ``Sec-Fetch-Site``).
* A page can lead its own name to our address, and is of our site then (DNS rebinding). Where
  nobody has to log in, a foreign name in ``Host`` is refused: an address can't be led elsewhere,
  nor can names of the loopback. Where everybody has to, such a page has nothing to show: browsers
  keep passwords and cookies for the name that they were given to.
* Pages of the origins in ``CorsAllowedOrigins`` are as good as our own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from http import HTTPStatus

from hornburg.errors import BadRequestError, ForbiddenError, Outside
from hornburg.settings import Settings

__all__ = ["Browsers", "ForeignHostError", "host_name", "refuse_other_sites"]

#: RFC 9110 9.2.1: these change nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: W3C Fetch Metadata, 2.4: the page is ours, or the user typed the address.
_OURS = frozenset({b"same-origin", b"none"})

#: RFC 3986 3.2.2, without percent-encoding and user information.
_HOST = re.compile(
    rb"(?:\[(?P<six>[0-9a-fA-F:.]{2,45})\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})))"
    rb"(?::[0-9]{0,5})?"
)

#: RFC 6761 6.3; the others are in the hosts files of Linux distributions.
_LOOPBACK = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})

#: Hosts that are remembered as good.
_REMEMBERED = 1000


class ForeignHostError(BadRequestError):
    """The request is for a server of another name (RFC 9110 15.5.20)."""

    outside = Outside(HTTPStatus.MISDIRECTED_REQUEST, 8, "Bad request")


class Browsers:
    """The rules of the settings.

    Args:
        own_names: names of this machine; by default, the one that it has given itself.
    """

    def __init__(self, settings: Settings, own_names: Iterable[str] | None = None) -> None:
        own = (socket.gethostname(),) if own_names is None else own_names
        self.origins = frozenset(origin.encode() for origin in settings.cors_allowed_origins)
        self._any_name = settings.allowed_hosts is None and settings.authentication_required
        # Nobody outside has a say over names without a dot; but a neighbour in the network may
        # have, and whoever serves the own machine alone is called by no such name.
        self._undotted = settings.allowed_hosts is None and settings.remote_access_allowed
        self._names = _LOOPBACK | {
            name.lower().rstrip(".") for name in (*own, *(settings.allowed_hosts or ()))
        }
        self._good: set[bytes | None] = set()

    def knows_host(self, host: bytes | None) -> bool:
        """Whether this ``Host`` was found good lately."""
        return host in self._good

    def check_host(self, host: bytes | None) -> None:
        """Refuse requests that are meant for another server.

        Args:
            host: the header; ``None`` when it isn't there, as in HTTP/1.0.

        Raises:
            BadRequestError: it is no host.
            ForeignHostError: it is a name that may be another's.
        """
        if host is None or host in self._good:
            return
        name = host_name(host)
        if name is None:
            raise BadRequestError("The Host header is no name or address")
        if not self._is_ours(name):
            raise ForeignHostError(
                f"This server is not called {name[:80]!r}: the names that it answers to are in "
                "AllowedHosts"
            )
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good.add(host)

    def _is_ours(self, name: str) -> bool:
        name = name.rstrip(".")
        if self._any_name or name in self._names or name.endswith(".localhost"):
            return True
        if self._undotted and "." not in name:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def refuse_other_sites(
        self, method: str, site: bytes | None, origin: bytes | None, host: bytes | None
    ) -> None:
        """:func:`refuse_other_sites`, but for the origins that are allowed."""
        if origin is None or origin not in self.origins:
            refuse_other_sites(method, site, origin, host)

    def may_read(self, origin: bytes | None) -> bool:
        """Whether the pages of another origin may read answers."""
        return origin is not None and origin in self.origins


def host_name(host: bytes) -> str | None:
    """The name or address in a ``Host`` header, in lower case; ``None`` when it is none."""
    found = _HOST.fullmatch(host.strip(b" \t"))
    if found is None:
        return None
    text = (found["six"] or found["name"]).decode().lower()
    if found["six"] is not None:
        try:
            return str(ipaddress.IPv6Address(text))
        except ValueError:
            return None
    # 127.1 and 0x7f000001 are addresses to browsers, which send them in the usual form.
    return text


def refuse_other_sites(
    method: str, site: bytes | None, origin: bytes | None, host: bytes | None
) -> None:
    """Let a request through unless a page of another site has made it.

    Args:
        method: of the request.
        site: ``Sec-Fetch-Site``, which browsers send over HTTPS and to the loopback.
        origin: ``Origin`` (RFC 6454 7), which they send with everything that may change something.
        host: ``Host``, where the request went.

    Raises:
        ForbiddenError: another site has made it.
    """
    if method in _SAFE:
        return
    if site is not None:
        ours = site.strip().lower() in _OURS
    elif origin is not None:
        _, _, place = origin.strip().lower().partition(b"://")
        ours = bool(place) and place == (host or b"").strip().lower()
    else:
        return
    if not ours:
        raise ForbiddenError("A page of another site may not change anything here")
