"""What a page of another site may not have a browser do.

A browser sends requests for any page that its user looks at, with the user's address and, once
given, password. Other programs send neither of the headers that are looked at here.
"""

from __future__ import annotations

from hornburg.errors import ForbiddenError

__all__ = ["refuse_other_sites"]

#: RFC 9110 9.2.1: these change nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: W3C Fetch Metadata, 2.4: the page is ours, or the user typed the address.
_OURS = frozenset({b"same-origin", b"none"})


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
