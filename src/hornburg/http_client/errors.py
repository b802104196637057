"""What can go wrong with a request of our own; the sentence names the target, never a secret.

Orthanc answers 500 and "Error in the network protocol" to all of them.
"""

from __future__ import annotations

from http import HTTPStatus

from hornburg.errors import BadRequestError, HornburgError, Outside

__all__ = [
    "AnswerError",
    "BadUrlError",
    "CertificateError",
    "RedirectError",
    "RequestError",
    "TimedOutError",
    "UnreachableError",
]


class RequestError(HornburgError):
    """A request of ours has no answer that could be used."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 9, "Error in the network protocol", 0xC000)


class UnreachableError(RequestError):
    """Nobody is there, or the connection breaks."""


class CertificateError(RequestError):
    """The other side can't show who it is, or does not accept who we are (TLS)."""


class TimedOutError(RequestError):
    """It takes too long."""


class AnswerError(RequestError):
    """The answer is no HTTP, or larger than what is taken."""


class RedirectError(RequestError):
    """The answer leads to another server, or in circles."""


class BadUrlError(BadRequestError):
    """The request itself can't be made: its URL, method or headers."""
