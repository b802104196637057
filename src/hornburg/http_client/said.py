"""What is said of our own requests: in the log (``HttpVerbose``), and when they fail."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import httpx2

from hornburg.errors import HornburgError
from hornburg.http_client.errors import (
    AnswerError,
    BadUrlError,
    CertificateError,
    RequestError,
    TimedOutError,
    UnreachableError,
)
from hornburg.http_client.places import Place
from hornburg.security.redaction import shown

if TYPE_CHECKING:
    from hornburg.http_client.client import Answer

__all__ = ["Log", "is_about_tls", "told"]

log = logging.getLogger("hornburg.http_client")

#: Headers whose values are no secrets; of the others the log has the names.
_PLAIN = frozenset(["accept", "content-type", "content-encoding", "content-length", "server"])

_GONE = (ssl.SSLEOFError, ssl.SSLZeroReturnError)

#: OpenSSL's x509_vfy.h.
_WHY = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed, and not trusted",
    19: "its authority is not trusted",
    20: "its authority is not trusted",
    21: "its authority is not trusted",
    62: "it is for another host name",
    64: "it is for another address",
}


class Log:
    """Tells of every request with ``HttpVerbose``: without queries, and of headers that may be
    secret only the names."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def done(
        self,
        method: str,
        place: Place,
        address: str,
        headers: Mapping[str, str],
        size: int,
        answer: Answer,
        seconds: float,
    ) -> None:
        """An exchange that came to its end."""
        if self._verbose:
            log.info(
                "%s %s (%s) with %s and %d bytes: %d with %s and %d bytes after %.3f s",
                method,
                place.described,
                address,
                _headers(headers),
                size,
                answer.status,
                _headers(answer.headers),
                len(answer.body),
                seconds,
            )

    def failed(self, method: str, place: Place, address: str, error: HornburgError) -> None:
        """An exchange that came to none."""
        if self._verbose:
            log.info("%s %s (%s) failed: %s", method, place.described, address, error)


def _headers(headers: Mapping[str, str]) -> str:
    """One bounded line."""
    words = [
        f"{shown(name)}: {shown(headers[name])}" if name.lower() in _PLAIN else shown(name)
        for name in list(headers)[:40]
    ]
    return ", ".join(words) or "no headers"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def is_about_tls(error: BaseException) -> bool:
    """Whether TLS itself said no, and it isn't just the connection that is gone."""
    return any(
        isinstance(one, ssl.SSLError) and not isinstance(one, _GONE) for one in _causes(error)
    )


def told(place: Place, error: Exception) -> HornburgError:
    """The error of the library as one of ours, whose sentence tells what to look at."""
    where = place.described
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            why = _WHY.get(one.verify_code, f"{one.verify_message}")
            return CertificateError(f"{where}: its certificate is not trusted: {why}")
        if isinstance(one, ssl.SSLError) and not isinstance(one, _GONE):
            reason = (one.reason or "unknown").replace("_", " ").lower()
            return CertificateError(f"{where}: TLS failed: {reason}")
    return _plain(where, error)


def _plain(where: str, error: Exception) -> HornburgError:
    if isinstance(error, httpx2.ConnectTimeout):
        return TimedOutError(f"{where}: no connection in time")
    if isinstance(error, httpx2.TimeoutException):
        return TimedOutError(f"{where}: silence for too long")
    if isinstance(error, httpx2.ProxyError):
        return UnreachableError(f"{where}: the proxy (HttpProxy) refuses: {shown(str(error))}")
    if isinstance(error, httpx2.ConnectError):
        return UnreachableError(f"{where}: nobody can be reached there")
    if isinstance(error, httpx2.NetworkError):
        return UnreachableError(f"{where}: the connection broke off")
    if isinstance(error, httpx2.RemoteProtocolError):
        if "disconnected" in str(error):
            return UnreachableError(f"{where}: the connection was closed without an answer")
        return AnswerError(f"{where}: the answer is no HTTP that we take")
    if isinstance(error, httpx2.LocalProtocolError | httpx2.InvalidURL):
        return BadUrlError(f"{where}: the request can't be made")
    return RequestError(f"{where}: the request failed")
