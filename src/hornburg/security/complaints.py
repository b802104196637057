"""What the log says of connections that are not let in, and why."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable

__all__ = ["Complaints", "tls_words"]

#: Lines, and in how many seconds: different reasons are told, and a scanner does not fill the log.
_MOST = 20
_SECONDS = 10.0

#: What OpenSSL says when the other side does not speak TLS.
_NO_TLS = frozenset(("wrong version number", "http request", "unexpected message"))


class Complaints:
    """Tells of refused connections, but not of each when there are many.

    Args:
        log: of the server that refuses.
        clock: seconds that never go back.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._since = float("-inf")
        self._told = 0
        self._unsaid = 0

    def tell(self, address: str, why: str) -> None:
        """A connection of this address is refused."""
        now = self._clock()
        if now - self._since >= _SECONDS:
            self._since, self._told = now, 0
        if self._told >= _MOST:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} others before)" if self._unsaid else ""
        self._log.warning("refused a connection of %s: %s%s", address, why, more)
        self._told, self._unsaid = self._told + 1, 0


def tls_words(error: Exception) -> str:
    """Why a TLS handshake failed, in words for the log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "the handshake took too long"
    reason = str(getattr(error, "reason", None) or "").lower().replace("_", " ")
    if reason in _NO_TLS:
        return f"the other side does not speak TLS ({reason})"
    return reason or (str(error.args[-1]) if error.args else type(error).__name__)
