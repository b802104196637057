"""``/tools/lookup`` and the bulk routes: resources by identifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Request, Response, post

from hornburg.archive import remove
from hornburg.archive.parts import Archive
from hornburg.archive.touched import touch_all
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError, ParameterOutOfRangeError, TooLargeError
from hornburg.index.base import Condition, Match, Query, Reader, Resource
from hornburg.rest.answers import json_answer, raw_json, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.fields import Fields, read_fields
from hornburg.rest.find import form_of, level_field
from hornburg.rest.operations import BulkContentOperation, BulkDeleteOperation
from hornburg.rest.requests import archive_of
from hornburg.rest.resource_json import USUAL, ResourceWriter
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

#: An identifier has 64 characters (PS3.5 table 6.2-1); whatever is much longer is none.
_LONGEST = 4096

#: Identifiers in one bulk request.
_MOST_IDS = 100_000

#: Bytes of one answer: metadata may be of a megabyte, and a resource asked for many times.
_MOST_ANSWER = 256 << 20

#: Deletions that share a commit.
_TOGETHER = 50

_IDENTIFIERS = (
    (Level.PATIENT, "PatientID", "0010,0020"),
    (Level.STUDY, "StudyInstanceUID", "0020,000d"),
    (Level.SERIES, "SeriesInstanceUID", "0020,000e"),
    (Level.INSTANCE, "SOPInstanceUID", "0008,0018"),
)


@post(
    "/tools/lookup",
    permission=Permission.VIEW,
    status_code=200,
    summary="Find resources by a DICOM identifier",
)
async def lookup(request: Asked) -> Response[bytes]:
    """The body is a PatientID, StudyInstanceUID, SeriesInstanceUID or SOPInstanceUID."""
    value = (await read_body(request, _LONGEST)).decode("utf-8", "replace").strip()
    if "*" in value or "?" in value:
        raise ParameterOutOfRangeError(f"Wildcards are not allowed on tag {_IDENTIFIERS[0][2]}")
    found = []
    if value:
        found = await archive_of(request).index.look(lambda reader: _identified(reader, value))
    return json_answer(
        [
            {"ID": public_id, "Path": f"/{level.plural}/{public_id}", "Type": level.word}
            for level, public_id in found
        ]
    )


def _identified(reader: Reader, value: str) -> list[tuple[Level, str]]:
    return [
        (level, public_id)
        for level, name, _tag in _IDENTIFIERS
        for public_id in reader.find_ids(
            Query(level, (Condition(level, name, Match.EQUAL, (value,)),))
        )
    ]


def _ids(fields: Fields) -> tuple[str, ...]:
    ids = fields.texts("Resources", required=True)
    if len(ids) > _MOST_IDS:
        raise BadRequestError(f"Resources: {len(ids)} identifiers, at most {_MOST_IDS} are allowed")
    return ids


@post(
    "/tools/bulk-content",
    permission=Permission.VIEW,
    status_code=200,
    summary="Get many resources",
    operation_class=BulkContentOperation,
)
async def bulk_content(request: Asked) -> Response[bytes]:
    """Resources by their identifiers, in that order; unknown ones are left out.

    With ``Level``, what is at that level above or below them, each once, by identifier.
    """
    archive = archive_of(request)
    fields = await read_fields(request)
    ids = _ids(fields)
    level = level_field(fields) if "Level" in fields else None
    contents = USUAL | {"Metadata"} if fields.boolean("Metadata", default=True) else USUAL
    write = ResourceWriter(archive, form_of(fields), contents)

    shown: dict[tuple[Level, str], None] = {}

    def each(reader: Reader, one: Resource) -> bytes:
        shown[one.level, one.public_id] = None
        return write(reader, one)

    def work(reader: Reader) -> bytes:
        resources = _listed(reader, ids) if level is None else _at_level(reader, ids, level)
        return b"[" + b",".join(_bounded(each(reader, one) for one in resources)) + b"]"

    content = await archive.index.read(work)
    touch_all(archive, "", shown)
    return raw_json(content)


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of an answer that is made in memory.

    Raises:
        TooLargeError: together they are too large.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _MOST_ANSWER:
            raise TooLargeError(
                f"The answer would be larger than {_MOST_ANSWER >> 20} MB: ask for fewer Resources"
            )
        yield piece


def _listed(reader: Reader, ids: tuple[str, ...]) -> Iterator[Resource]:
    for public_id in ids:
        level = reader.level_of(public_id)
        resource = None if level is None else reader.resource(level, public_id)
        if resource is not None:
            yield resource


def _at_level(reader: Reader, ids: tuple[str, ...], level: Level) -> Iterator[Resource]:
    wanted: set[str] = set()
    for found in _listed(reader, tuple(dict.fromkeys(ids))):
        if found.level < level:
            ancestor = (found.level, found.public_id)
            wanted.update(reader.find_ids(Query(level, ancestor=ancestor)))
            continue
        resource: Resource | None = found
        while resource is not None and resource.level > level:
            resource = reader.resource(Level(resource.level - 1), resource.parent_id or "")
        if resource is not None:
            wanted.add(resource.public_id)
    for public_id in sorted(wanted):
        resource = reader.resource(level, public_id)
        if resource is not None:
            yield resource


@post(
    "/tools/bulk-delete",
    permission=Permission.DELETE,
    status_code=200,
    media_type="text/plain",
    summary="Delete many resources",
    operation_class=BulkDeleteOperation,
)
async def bulk_delete(request: Asked) -> Response[bytes]:
    """Delete resources by their identifiers; unknown ones are passed over."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    ids = tuple(dict.fromkeys(_ids(await read_fields(request))))
    for at in range(0, len(ids), _TOGETHER):
        await asyncio.gather(*(_delete(archive, one) for one in ids[at : at + _TOGETHER]))
    return text_answer("")


async def _delete(archive: Archive, public_id: str) -> None:
    level = await archive.index.look(lambda reader: reader.level_of(public_id))
    if level is not None:
        await remove.delete(archive, level, public_id)


ROUTES = (lookup, bulk_content, bulk_delete)
