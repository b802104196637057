"""Errors as Orthanc's JSON object.

Source: Orthanc Book, users/rest; the fields are ``HttpError``, ``HttpStatus``, ``Message``,
``Method``, ``OrthancError``, ``OrthancStatus``, ``Uri`` and, when there is more to say,
``Details``.
"""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from hornburg.errors import HornburgError, Outside

__all__ = ["describe", "on_hornburg_error", "on_http_exception", "on_unexpected_error"]

log = logging.getLogger("hornburg.rest")

#: For statuses that the framework gives by itself.
_ORTHANC_BY_STATUS = {
    HTTPStatus.NOT_FOUND: (17, "Unknown resource"),
    HTTPStatus.METHOD_NOT_ALLOWED: (8, "Bad request"),
    HTTPStatus.UNAUTHORIZED: (29, "Bad credentials were provided to an HTTP request"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (3000, "Unsupported media type"),
}

#: A request line is not repeated beyond this length.
_LONGEST_URI = 1024


def describe(outside: Outside, details: str, method: str, uri: str) -> bytes:
    """The JSON object of an error."""
    answer: dict[str, Any] = {
        "HttpError": outside.http.phrase,
        "HttpStatus": outside.http.value,
        "Message": outside.sentence,
        "Method": method,
        "OrthancError": outside.sentence,
        "OrthancStatus": outside.orthanc,
        "Uri": uri[:_LONGEST_URI],
    }
    if details:
        answer["Details"] = details
    return msgspec.json.encode(answer)


def _answer(
    request: Request[Any, Any, Any],
    outside: Outside,
    details: str,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    body = b""
    if request.app.state.settings.http_describe_errors:
        body = describe(outside, details, request.method, request.scope["path"])
    return Response(
        body, status_code=outside.http.value, headers=headers, media_type="application/json"
    )


def on_hornburg_error(request: Request[Any, Any, Any], error: HornburgError) -> Response[bytes]:
    """What the server itself refuses; its sentence may be shown."""
    log_refusal(request.scope, error)
    return _answer(request, error.outside, str(error))


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: no such route, no such method, a parameter that can't be read."""
    status = HTTPStatus(error.status_code)
    number, sentence = _ORTHANC_BY_STATUS.get(status, (8, "Bad request"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected_error(request, error)
    return _answer(
        request, Outside(status, number, sentence), _details(error), dict(error.headers or {})
    )


def _details(error: HTTPException) -> str:
    """Which parameter is wrong; the framework's other sentences say no more than the status."""
    if error.status_code != HTTPStatus.BAD_REQUEST:
        return ""
    if isinstance(error.extra, list):
        return "; ".join(
            f"{item.get('key', 'parameter')}: {item.get('message', 'wrong value')}"
            for item in error.extra
            if isinstance(item, dict)
        )
    return ""


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours."""
    return _answer(request, HornburgError.outside, str(unexpected(request.scope, error)))


def log_refusal(scope: Any, error: HornburgError) -> None:
    """What is the server's fault is in its log, too."""
    if error.outside.http >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", scope["method"], scope["path"], error)


def unexpected(scope: Any, error: Exception) -> HornburgError:
    """What a client is told of a fault of ours: the log has the stack, the client a number."""
    number = secrets.token_hex(4)
    log.error(
        "unexpected error %s in %s %s", number, scope["method"], scope["path"], exc_info=error
    )
    return HornburgError(
        f"An error that was not foreseen; the log of the server has it under {number}"
    )
