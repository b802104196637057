"""URLs of our own requests, taken apart in one way only."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from hornburg.http_client.errors import BadUrlError
from hornburg.settings.outgoing import is_host

__all__ = ["Place", "place_of", "redirected"]

_PORTS = {"http": 80, "https": 443}
_LONGEST = 8192
# RFC 3986: what may stand in a path and a query, percent-encoded octets included.
_TARGET = re.compile(r"/[A-Za-z0-9/?._~!$&'()*+,;=:@%\[\]|-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes: ``target`` is the path with its query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454, 4)."""
        return self.scheme, self.host.rstrip("."), self.port

    @property
    def authority(self) -> str:
        """Host and port, as the header ``Host`` has them."""
        return self.authority_at(self.host)

    def authority_at(self, host: str) -> str:
        """The same with another host, such as an address of this one."""
        shown = f"[{host}]" if ":" in host else host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"

    def url_at(self, host: str) -> str:
        """The whole URL with another host."""
        return f"{self.scheme}://{self.authority_at(host)}{self.target}"

    @property
    def described(self) -> str:
        """For logs and errors: without the query, which may hold anything."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises:
        BadUrlError: it is none of http or https, has credentials, or characters that programs
            read differently.
    """
    if len(url) > _LONGEST:
        raise BadUrlError(f"A URL of {len(url)} characters, at most {_LONGEST} are allowed")
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        bracketed = "[" in parts.netloc
        if bracketed:
            host = str(ipaddress.IPv6Address(host))
    except ValueError:
        raise BadUrlError("The URL can't be read") from None
    if scheme not in _PORTS:
        raise BadUrlError("A URL of a request starts with http:// or https://")
    if "@" in parts.netloc:
        raise BadUrlError("A URL with credentials is refused: they belong into a header")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    good = _TARGET.fullmatch(target) and is_host(host, bracketed=bracketed) and port != 0
    # urlsplit drops some characters, and so does who reads a log.
    if not good or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadUrlError("The URL has a character, a host or a port that a URL can't have")
    return Place(scheme, host, port or _PORTS[scheme], target)


def redirected(place: Place, location: str) -> Place | None:
    """Where a redirect leads; none when that is another origin, or nowhere."""
    try:
        found = place_of(urljoin(place.url_at(place.host), location).partition("#")[0])
    except (BadUrlError, ValueError):
        return None
    return found if found.origin == place.origin else None
