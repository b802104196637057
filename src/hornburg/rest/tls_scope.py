"""What a request tells of the TLS connection that it came over."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

from hornburg.security.web_tls import ClientCertificate, client_certificate

__all__ = ["tls_scope"]

#: As the protocol counts (RFC 8446 4.2.1).
_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


def tls_scope(tls: ssl.SSLObject) -> tuple[Mapping[str, Any], ClientCertificate | None]:
    """The ``tls`` extension of ASGI (version 0.2), and the certificate that TLS has verified.

    Of the client's chain only its own certificate is told: Python does not give the others.
    """
    der = tls.getpeercert(binary_form=True)
    certificate = client_certificate(der) if der else None
    cipher = tls.cipher()
    extension = {
        "server_cert": None,
        "client_cert_chain": (ssl.DER_cert_to_PEM_cert(der),) if der else (),
        "client_cert_name": certificate.subject if certificate else None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(tls.version() or ""),
        "cipher_suite": _cipher_numbers().get(cipher[0]) if cipher else None,
    }
    return extension, certificate


@cache
def _cipher_numbers() -> Mapping[str, int]:
    """The numbers of the IANA by the names of OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return {one["name"]: one["id"] & 0xFFFF for one in context.get_ciphers()}
