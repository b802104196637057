"""Names of hosts and origins in the configuration."""

from __future__ import annotations

import ipaddress
import re

from hornburg.settings.errors import Refused

__all__ = ["HOSTS_ALLOWED", "ORIGINS_ALLOWED", "read_hosts", "read_origins"]

HOSTS_ALLOWED = "a list of host names, without port and without *"
ORIGINS_ALLOWED = 'a list of origins such as "https://viewer.example", without path and without *'

_MOST = 1000
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
_HOST = re.compile(_NAME, re.ASCII)
_ORIGIN = re.compile(
    rf"https?://(?:{_NAME}|\[(?P<six>[0-9a-f:.]{{2,45}})\])(?::(?P<port>[0-9]{{1,5}}))?",
    re.ASCII | re.IGNORECASE,
)


def read_hosts(value: object) -> tuple[str, ...]:
    """Read a list of host names; they are compared in lower case.

    Raises:
        Refused: it is none.
    """
    return tuple(found[0].lower() for found in _matches(value, HOSTS_ALLOWED, _HOST))


def read_origins(value: object) -> tuple[str, ...]:
    """Read a list of origins, as browsers write them (RFC 6454 6.1): in lower case, without the
    usual port.

    Raises:
        Refused: it is none.
    """
    origins = []
    for place, found in enumerate(_matches(value, ORIGINS_ALLOWED, _ORIGIN)):
        if not _is_real(found["six"], found["port"]):
            raise Refused(ORIGINS_ALLOWED, found[0], f"[{place}]")
        lower = found[0].lower()
        origins.append(lower.removesuffix(":443" if lower.startswith("https") else ":80"))
    return tuple(origins)


def _is_real(six: str | None, port: str | None) -> bool:
    if six is not None:
        try:
            ipaddress.IPv6Address(six)
        except ValueError:
            return False
    return port is None or 0 < int(port) < 65536


def _matches(value: object, allowed: str, form: re.Pattern[str]) -> list[re.Match[str]]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise Refused(allowed, value)
    matches = []
    for place, item in enumerate(value):
        found = form.fullmatch(item) if isinstance(item, str) else None
        if found is None:
            raise Refused(allowed, item, f"[{place}]")
        matches.append(found)
    return matches
