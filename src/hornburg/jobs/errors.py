"""Errors of the job engine."""

from __future__ import annotations

from http import HTTPStatus

from hornburg.errors import (
    BadRequestError,
    HornburgError,
    InexistentItemError,
    Outside,
    UnavailableError,
    UnknownResourceError,
)

__all__ = [
    "JobCanceledError",
    "JobStateError",
    "NoSuchOutputError",
    "TooManyJobsError",
    "UnknownJobError",
]


class UnknownJobError(UnknownResourceError):
    """There is no such job, or it is forgotten already."""


class NoSuchOutputError(InexistentItemError):
    """The job has no such output, or has none yet."""


class JobStateError(BadRequestError):
    """The job is not in a state in which that can be done to it."""


class JobCanceledError(HornburgError):
    """Somebody cancelled the job."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 37, "This job was canceled", 0xFE00)


class TooManyJobsError(UnavailableError):
    """So many jobs wait already that one more is not taken."""
