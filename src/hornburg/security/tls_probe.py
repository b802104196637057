"""A handshake of a certificate with itself, in memory: it tells more than reading the file does."""

from __future__ import annotations

import ssl
from pathlib import Path

__all__ = ["Unfit", "probe"]

# OpenSSL's x509_vfy.h.
_NOT_YET_VALID, _EXPIRED = 9, 10
_TIMES = {
    _NOT_YET_VALID: "is not valid yet: look at its dates and at this machine's clock",
    _EXPIRED: "has expired",
}

#: A handshake takes two or three turns.
_MOST_TURNS = 10


class Unfit(Exception):  # noqa: N818 - an answer to the caller, who knows the option
    """What can't be used, as the end of a sentence."""


def probe(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Let the certificate serve a client that trusts nothing but it, with the versions and the
    ciphers of ``context``. Without ``key`` it is in the file of the certificate.

    Raises:
        Unfit: it has expired or isn't valid yet, or no cipher goes with its key.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    older = ":".join(one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3")
    for each in (server, client):
        each.minimum_version = context.minimum_version
        each.maximum_version = context.maximum_version
        if older:
            each.set_ciphers(older)
    try:
        server.load_cert_chain(certificate, key)
        client.load_verify_locations(certificate)
        _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        # Other objections are the peers' to make: they may trust it for reasons of their own.
        if error.verify_code in _TIMES:
            raise Unfit(_TIMES[error.verify_code]) from None
    except ssl.SSLError as error:
        reason = (error.reason or "unknown").replace("_", " ").lower()
        raise Unfit(f"goes with none of the accepted ciphers: {reason}") from None


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    answering = server.wrap_bio(there, back, server_side=True)
    for _ in range(_MOST_TURNS):
        waiting = 0
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
        if not waiting:
            return
