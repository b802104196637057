"""The cookies of ours (RFC 6265)."""

from __future__ import annotations

import re

__all__ = ["cookie", "cookie_name", "session_of", "value_of"]

#: Of the session, and of the form that begins one.
_SESSION = "hornburg"

#: Bytes of a Cookie header that are looked at: other programs on the host may set more of them.
_LONGEST = 16_384

_VALUE = re.compile(r"[A-Za-z0-9_-]{1,1024}", re.ASCII)


def cookie_name(scheme: str, name: str = _SESSION) -> str:
    """The name of a cookie. Under HTTPS a browser takes one of this name only from this very host,
    for all of its paths, over HTTPS (RFC 6265bis 4.1.3.2): no neighbour can set it."""
    return f"__Host-{name}" if scheme == "https" else name


def cookie(
    scheme: str,
    value: str,
    *,
    age: int | None = None,
    name: str = _SESSION,
    same_site: str = "Strict",
) -> str:
    """The value of ``Set-Cookie``.

    Args:
        age: seconds that the browser keeps it; ``None`` until it is closed, 0 makes it forget.
        same_site: "Lax" for what has to come back with a browser that another site sends here.
    """
    parts = [f"{cookie_name(scheme, name)}={value}", "Path=/", "HttpOnly", f"SameSite={same_site}"]
    if scheme == "https":
        parts.append("Secure")
    if age is not None:
        parts.append(f"Max-Age={age}")
    return "; ".join(parts)


def session_of(scheme: str, header: bytes | None) -> str | None:
    """The session that a ``Cookie`` header brings."""
    return None if header is None else value_of(cookie_name(scheme), header)


def value_of(name: str, header: bytes) -> str | None:
    """The value of a cookie; ``None`` when it isn't there, is there twice, or is none of ours."""
    if len(header) > _LONGEST:
        return None
    found = None
    for part in header.decode("latin-1").split(";"):
        known, _, value = part.strip(" \t").partition("=")
        if known == name:
            if found is not None:
                return None
            found = value
    return found if found is not None and _VALUE.fullmatch(found) else None
