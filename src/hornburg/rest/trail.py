"""``/tools/audit-trail``: what happened, for those who may read it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from hornburg.errors import ParameterOutOfRangeError, UnknownResourceError
from hornburg.rest.answers import json_answer
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission
from hornburg.security.trail.reading import Wanted, moment, newest_of

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

_TEXTS = ("user", "patient", "study", "resource", "action", "outcome")
_ALLOWED = (*_TEXTS, "since", "until", "limit")

_USUAL, _MOST = 1000, 10_000


@get("/tools/audit-trail", permission=Permission.AUDIT, summary="Read the audit trail")
async def audit_trail(request: Asked) -> Response[bytes]:
    """The newest lines that match, oldest first.

    Arguments: ``user`` (or title), ``patient`` (PatientID or identifier), ``study``
    (StudyInstanceUID or identifier), ``resource`` (identifier), ``action``, ``outcome``,
    ``since`` and ``until`` (ISO 8601, UTC unless it says otherwise), ``limit`` (1000 without it,
    10000 at most).
    """
    archive = archive_of(request)
    trail = archive.settings.trail
    if not trail.enabled:
        raise UnknownResourceError("There is no audit trail (AuditTrail.Enabled)")
    wanted, limit = _wanted(request)
    # What was taken out to be written is written, whoever hangs up meanwhile.
    await archive.finish(archive.trail.flush(everything=True))
    folder = trail.folder(archive.settings.storage_directory)
    found = await archive.work(newest_of, folder, wanted, limit)
    return json_answer(found)


def _wanted(request: Asked) -> tuple[Wanted, int]:
    given = request.query_params
    for name in given:
        if name not in _ALLOWED:
            raise ParameterOutOfRangeError(
                f"{name[:64]!r} is no argument; allowed is one of {', '.join(_ALLOWED)}"
            )
    times = {}
    for name in ("since", "until"):
        try:
            times[name] = moment(given.get(name, ""))
        except ValueError:
            raise ParameterOutOfRangeError(
                f"{name} must be a date or a time, such as 2026-01-31T08:30"
            ) from None
    text = given.get("limit", str(_USUAL))
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= _MOST):
        raise ParameterOutOfRangeError(f"limit must be a number from 1 to {_MOST}")
    texts: dict[str, Any] = {name: str(given.get(name, ""))[:256] for name in _TEXTS}
    return Wanted(**texts, since=times["since"], until=times["until"]), int(text)


ROUTES = (audit_trail,)
