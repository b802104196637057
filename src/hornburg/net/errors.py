"""What can go wrong between two application entities."""

from __future__ import annotations

import ssl

from hornburg.errors import HornburgError

__all__ = ["AssociationLostError", "tls_words"]

#: What OpenSSL says when the other side does not speak TLS.
_NO_TLS = frozenset(("wrong version number", "http request", "unexpected message"))


class AssociationLostError(HornburgError):
    """The association has ended: aborted, released, timed out, or the connection is gone."""


def tls_words(error: Exception) -> str:
    """Why a TLS handshake failed, in words for the log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    reason = str(getattr(error, "reason", None) or "").lower().replace("_", " ")
    if reason in _NO_TLS:
        return f"the other side does not speak TLS ({reason})"
    return reason or (str(error.args[-1]) if error.args else type(error).__name__)
