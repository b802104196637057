"""Requests that a page of another site makes."""

from __future__ import annotations

import pytest

from hornburg.errors import ForbiddenError
from hornburg.security.browsers import refuse_other_sites

HOST = b"localhost:8042"


@pytest.mark.parametrize(
    ("method", "site", "origin"),
    [
        ("POST", None, None),
        ("DELETE", None, b"http://localhost:8042"),
        ("DELETE", None, b"HTTP://LOCALHOST:8042"),
        ("PUT", b"same-origin", b"http://localhost:8042"),
        # Behind a proxy that changes Host, the browser's own word counts.
        ("POST", b"same-origin", b"https://pacs.example"),
        ("POST", b"none", None),
        ("GET", b"cross-site", b"http://evil.example"),
        ("HEAD", None, b"null"),
    ],
)
def test_may(method: str, site: bytes | None, origin: bytes | None) -> None:
    refuse_other_sites(method, site, origin, HOST)


@pytest.mark.parametrize(
    ("method", "site", "origin"),
    [
        ("POST", b"cross-site", None),
        ("POST", b"same-site", b"http://localhost:9999"),
        ("DELETE", b"cross-site", b"http://localhost:8042"),
        ("PUT", None, b"http://evil.example"),
        ("POST", None, b"http://localhost:9999"),
        ("POST", None, b"null"),
        ("POST", None, b""),
        ("POST", b"", None),
        ("PATCH", None, b"http://localhost:8042.evil.example"),
    ],
)
def test_may_not(method: str, site: bytes | None, origin: bytes | None) -> None:
    with pytest.raises(ForbiddenError):
        refuse_other_sites(method, site, origin, HOST)
    with pytest.raises(ForbiddenError):
        refuse_other_sites(method, b"cross-site", origin, None)
