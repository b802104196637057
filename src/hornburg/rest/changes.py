"""``/changes`` and ``/exports``: logs that others follow.

Source: Orthanc Book, users/rest, "Tracking changes".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, delete, get
from litestar.params import QueryParameter

from hornburg.index.base import Change, Export, Reader
from hornburg.rest.answers import json_answer, text_answer
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

#: Entries in one answer, when the client doesn't say, and at the most.
_USUAL = 100
_MOST = 10_000

Since = Annotated[str | None, QueryParameter(name="since", description="After this number")]
Limit = Annotated[str | None, QueryParameter(name="limit", description="Entries at the most")]
Last = Annotated[str | None, QueryParameter(name="last", description="Only the newest entry")]


@get("/changes", permission=Permission.VIEW, summary="What happened in the archive")
async def changes(
    request: Asked,
    since: Since = None,
    limit: Limit = None,
    last: Last = None,
    to: Annotated[str | None, QueryParameter(name="to", description="Up to this number")] = None,
    kinds: Annotated[
        str | None, QueryParameter(name="type", description="Kinds of change, joined by ';'")
    ] = None,
) -> Response[bytes]:
    """The log of changes from ``since`` (excluded) to ``to`` (included)."""
    after, at_most = _number(since, 0), min(_number(limit, _USUAL), _MOST)
    up_to = None if to is None else _number(to, 0)
    types = tuple(kind.strip() for kind in kinds.split(";") if kind.strip()) if kinds else ()

    def look(reader: Reader) -> tuple[list[Change], int]:
        if last is not None:
            return reader.changes(0, None, 1, (), True), reader.last_change()
        # One more than is shown tells whether this is all.
        return reader.changes(after, up_to, at_most + 1, types, False), reader.last_change()

    found, newest = await archive_of(request).index.read(look)
    if last is not None:
        return json_answer(_page("Changes", [_change(one) for one in found], True, newest))
    backwards = up_to is not None and since is None
    done = len(found) <= at_most
    shown = found[-at_most:] if backwards and at_most else found[:at_most]
    return json_answer(_page("Changes", [_change(one) for one in shown], done, newest))


@delete(
    "/changes",
    permission=Permission.CONTROL,
    status_code=200,
    media_type="text/plain",
    summary="Clear the log of changes",
)
async def clear_changes(request: Asked) -> Response[bytes]:
    """Empty the log; numbers go on."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    await archive.index.write(lambda writer: writer.clear_changes())
    return text_answer("")


@get("/exports", permission=Permission.VIEW, summary="What was sent elsewhere")
async def exports(
    request: Asked, since: Since = None, limit: Limit = None, last: Last = None
) -> Response[bytes]:
    """The log of exports, filled when ``LogExportedResources`` is set."""
    after, at_most = _number(since, 0), min(_number(limit, _USUAL), _MOST)
    if last is not None:
        after, at_most = 0, 1
    found = await archive_of(request).index.read(
        lambda reader: reader.exports(after, at_most + 1, last is not None)
    )
    shown = [_export(one) for one in found[:at_most]]
    newest = max((one.seq for one in found), default=0)
    return json_answer(_page("Exports", shown, len(found) <= at_most, newest))


@delete(
    "/exports",
    permission=Permission.CONTROL,
    status_code=200,
    media_type="text/plain",
    summary="Clear the log of exports",
)
async def clear_exports(request: Asked) -> Response[bytes]:
    """Empty the log; numbers go on."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    await archive.index.write(lambda writer: writer.clear_exports())
    return text_answer("")


def _number(text: str | None, default: int) -> int:
    """A whole number of at least 0; like Orthanc, anything else is the default."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        return default
    return int(text)


def _page(name: str, shown: Sequence[dict[str, Any]], done: bool, newest: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        name: shown,
        "Done": done,
        "Last": shown[-1]["Seq"] if shown else newest,
    }
    if shown and name == "Changes":
        answer["First"] = shown[0]["Seq"]
    return answer


def _change(change: Change) -> dict[str, Any]:
    return {
        "ChangeType": change.type,
        "Date": change.date,
        "ID": change.public_id,
        "Path": f"/{change.level.plural}/{change.public_id}",
        "ResourceType": change.level.word,
        "Seq": change.seq,
    }


def _export(export: Export) -> dict[str, Any]:
    answer = {
        "Date": export.date,
        "ID": export.public_id,
        "Path": f"/{export.level.plural}/{export.public_id}",
        "PatientID": export.patient_id,
        "RemoteModality": export.modality,
        "ResourceType": export.level.word,
        "Seq": export.seq,
        "SOPInstanceUID": export.sop_uid,
        "SeriesInstanceUID": export.series_uid,
        "StudyInstanceUID": export.study_uid,
    }
    return {name: value for name, value in answer.items() if value != ""}


ROUTES = (changes, clear_changes, exports, clear_exports)
