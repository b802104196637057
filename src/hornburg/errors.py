"""The root error classes, and the one table that says what each of them looks like outside.

Every error that a user or a peer may see derives from :class:`HornburgError`. Rooms define
their own subclasses beside the code that raises them; a subclass inherits the row of its parent
or gives a row of its own as ``outside``. Front doors look only at that row and never invent a
status themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

__all__ = [
    "AlreadyExistsError",
    "BadFileFormatError",
    "BadJsonError",
    "BadParameterTypeError",
    "BadRangeError",
    "BadRequestError",
    "CorruptedError",
    "DatabaseError",
    "ForbiddenError",
    "HornburgError",
    "IncompatibleDatabaseError",
    "InexistentItemError",
    "LengthRequiredError",
    "MethodNotAllowedError",
    "NotAcceptableError",
    "NotImplementedYetError",
    "Outside",
    "ParameterOutOfRangeError",
    "RevisionError",
    "StorageFullError",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownResourceError",
    "UnsupportedMediaTypeError",
]


@dataclass(frozen=True, slots=True)
class Outside:
    """What an error looks like to the other side.

    ``http`` is the HTTP status; ``orthanc`` and ``sentence`` are the number and the text of
    Orthanc's error of the same meaning (``Orthanc --errors`` prints them), which clients read in
    ``OrthancStatus`` and ``OrthancError``; ``dimse`` is the status of a DIMSE answer
    (PS3.7 annex C, PS3.4 annex B.2.3).
    """

    http: HTTPStatus
    orthanc: int
    sentence: str
    dimse: int = 0x0110


class HornburgError(Exception):
    """Root of all errors of Hornburg.

    ``str(error)`` is one clear line that says what was wrong, where, and what is allowed. It may
    be shown to the user: it never carries a stack, an inner path or a secret.
    """

    outside: Outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, -1, "Internal error")


class BadRequestError(HornburgError):
    """The request makes no sense as it stands."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 8, "Bad request", 0xC000)


class BadJsonError(BadRequestError):
    """The body is not the JSON that the route asks for."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 28, "Cannot parse a JSON document", 0xC000)


class BadParameterTypeError(BadRequestError):
    """A parameter has the wrong type."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 5, "Bad type for a parameter", 0xC000)


class ParameterOutOfRangeError(BadRequestError):
    """A parameter has the right type and an impossible value."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 3, "Parameter out of range", 0xC000)


class BadFileFormatError(BadRequestError):
    """The bytes are not what they claim to be (DICOM, ZIP, gzip)."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 15, "Bad file format", 0xC000)


class UnauthorizedError(HornburgError):
    """Nobody knows who is asking."""

    outside = Outside(
        HTTPStatus.UNAUTHORIZED, 29, "Bad credentials were provided to an HTTP request", 0x0124
    )


class ForbiddenError(HornburgError):
    """It is known who is asking, and they may not."""

    outside = Outside(HTTPStatus.FORBIDDEN, 8, "Bad request", 0x0124)


class UnknownResourceError(HornburgError):
    """No such resource, or no such route."""

    outside = Outside(HTTPStatus.NOT_FOUND, 17, "Unknown resource", 0x0112)


class InexistentItemError(HornburgError):
    """The resource is there, the part of it that was asked for is not."""

    outside = Outside(HTTPStatus.NOT_FOUND, 7, "Accessing an inexistent item", 0x0112)


class MethodNotAllowedError(HornburgError):
    """The route exists, and does not answer to this method."""

    outside = Outside(HTTPStatus.METHOD_NOT_ALLOWED, 8, "Bad request")


class NotAcceptableError(HornburgError):
    """Nothing that we can answer is in the Accept header."""

    outside = Outside(
        HTTPStatus.NOT_ACCEPTABLE,
        34,
        "Cannot send a response which is acceptable according to the Accept HTTP header",
    )


class RevisionError(HornburgError):
    """The revision that the client names is not the current one."""

    outside = Outside(
        HTTPStatus.CONFLICT,
        43,
        "A bad revision number was provided, which might indicate conflict between multiple "
        "writers",
    )


class AlreadyExistsError(HornburgError):
    """Something else already has this identity."""

    outside = Outside(HTTPStatus.CONFLICT, 8, "Bad request", 0x0111)


class LengthRequiredError(HornburgError):
    """The length of the body is not a number that can be true."""

    outside = Outside(HTTPStatus.LENGTH_REQUIRED, 8, "Bad request")


class TooLargeError(HornburgError):
    """The body, or what it unpacks to, is larger than the configuration allows."""

    outside = Outside(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 8, "Bad request", 0xA700)


class UnsupportedMediaTypeError(HornburgError):
    """The body is in a form that this route does not take."""

    outside = Outside(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, 3000, "Unsupported media type", 0xC000)


class BadRangeError(HornburgError):
    """The Range header asks for bytes that are not there."""

    outside = Outside(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 41, "Incorrect range request")


class NotImplementedYetError(HornburgError):
    """Known to Orthanc, and not to this version of Hornburg."""

    outside = Outside(HTTPStatus.NOT_IMPLEMENTED, 2, "Not implemented yet", 0x0211)


class DatabaseError(HornburgError):
    """The index can't do its work."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR, 11, "Error with the database engine", 0xC000
    )


class IncompatibleDatabaseError(DatabaseError):
    """The index was written by another program, or by a newer version of this one."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR, 18, "Incompatible version of the database", 0xC000
    )


class UnavailableError(HornburgError):
    """For a moment there is no room for one more request."""

    outside = Outside(
        HTTPStatus.SERVICE_UNAVAILABLE,
        36,
        "The database is currently not available (probably a transient situation)",
        0xA700,
    )


class CorruptedError(HornburgError):
    """What is read back is not what was written."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        20,
        "Corrupted file (e.g. inconsistent MD5 hash)",
        0xC000,
    )


class StorageFullError(HornburgError):
    """No room: the disk, or a limit of the configuration. PS3.4 B.2.3: 0xA7xx, out of resources."""

    outside = Outside(HTTPStatus.INSUFFICIENT_STORAGE, 19, "The file storage is full", 0xA700)
