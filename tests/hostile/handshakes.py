"""What is said to a port that expects TLS."""

from __future__ import annotations

import contextlib
import ssl

__all__ = ["RUBBISH", "context", "hello"]

RUBBISH = (
    b"\1\0\0\0\0\xcd" * 20,
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\xff\xff" + b"\1" * 100,
    b"\x16\x03\x01\0\5\1\xff\xff\xff\xff",
    b"\0" * 1000,
)


def context() -> ssl.SSLContext:
    """Of a client that trusts whoever answers."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def hello() -> bytes:
    """The first message of a handshake."""
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context().wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()
