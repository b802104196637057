"""Headers that every answer has, and those that pages of other origins need.

They tell browsers that nothing of ours is a page (unless it says so), that nobody may frame, sniff
or keep it, and that no other site may load it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hornburg.settings import Settings

__all__ = ["Headed", "Usual", "cors_headers", "preflight_headers"]

Header = tuple[bytes, bytes]

#: Answers are data. Even a browser that takes one for a page runs, loads and sends nothing.
_POLICY = (
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)

#: What a page of ours could ask of its user, and none does.
_PERMISSIONS = (
    b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    b"magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)

#: Two years, as the preload lists of browsers ask; subdomains are not ours to speak for.
_HSTS = (b"strict-transport-security", b"max-age=63072000")

#: What an answer may say otherwise than the others. ``no-store`` does not end conditional requests:
#: a client that keeps what it may not has a tag to ask with, and is answered 304.
_USUAL: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", _PERMISSIONS),
)

#: Headers that pages of the allowed origins may read.
_CORS_EXPOSED = (
    b"Content-Disposition, Content-Length, Content-Range, Content-Type, ETag, Location, Retry-After"
)

_CORS_METHODS = b"GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"

#: Seconds for which a browser need not ask again.
_CORS_AGE = b"600"

#: Characters of the list of headers that a page wants to send.
_LONGEST_LIST = 1024


class Usual:
    """The headers of the settings as bytes, made once."""

    def __init__(self, settings: Settings) -> None:
        always = list(_ALWAYS)
        if settings.ssl_enabled:
            always.append(_HSTS)
        if settings.cors_allowed_origins:
            always.append((b"vary", b"Origin"))
        self._always = _lines(always)
        self.lines = self._always + _lines(_USUAL)
        """All of them, for an answer that says nothing of its own."""

    def within(self, head: bytes) -> bytes:
        """The head of an answer (status line and headers) with what it doesn't say itself."""
        first = head.index(b"\r\n") + 2
        lines = self.lines
        if any(b"\r\n%b: " % name in head for name, _ in _USUAL):
            lines = self._always + _lines(
                header for header in _USUAL if b"\r\n%b: " % header[0] not in head
            )
        return b"%b%b%b" % (head[:first], lines, head[first:])


class Headed:
    """The transport of one answer: puts our headers into its head, whatever made it.

    A value of a header costs uvicorn half a microsecond; here all of them cost as much.
    """

    __slots__ = ("_transport", "_usual", "_waits")

    def __init__(self, transport: Any, usual: Usual) -> None:
        self._transport = transport
        self._usual = usual
        self._waits = True

    def write(self, data: bytes) -> None:
        # The head is written as a whole, and nothing but 100 Continue comes before it.
        if self._waits and not data.startswith(b"HTTP/1.1 100 "):
            self._waits = False
            data = self._usual.within(data)
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())


def cors_headers(origin: bytes) -> list[Header]:
    """What lets a page of an allowed origin read an answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _CORS_EXPOSED),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]


def preflight_headers(wanted: bytes | None) -> list[Header]:
    """The answer to the question of a browser whether a page of an allowed origin may ask
    (WHATWG Fetch, 3.2.2), besides :func:`cors_headers`: it may send what it wants to."""
    headers = [
        (b"access-control-allow-methods", _CORS_METHODS),
        (b"access-control-max-age", _CORS_AGE),
    ]
    if wanted is not None and len(wanted) <= _LONGEST_LIST:
        headers.append((b"access-control-allow-headers", wanted))
    return headers


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
