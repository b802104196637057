"""Patients, studies, series and instances: lists, single ones, what is above and below them.

Source: Orthanc Book, users/rest, and Orthanc's own description of its routes.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, put

from hornburg.archive import remove
from hornburg.archive.find import Found, complete, find, find_ids
from hornburg.archive.parts import Archive
from hornburg.archive.search import Search
from hornburg.dicom.levels import Level
from hornburg.errors import BadFileFormatError, UnknownResourceError
from hornburg.index.base import Reader, Resource, ResourceStatistics
from hornburg.rest.answers import json_answer, raw_json, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.operations import ListOperation, ViewOperation
from hornburg.rest.paths import PublicId, at_levels
from hornburg.rest.ready import ReadyJson
from hornburg.rest.requests import archive_of, flag, level_of
from hornburg.rest.resource_json import usual
from hornburg.rest.view import View, is_expanded_list, number_of, view_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "found_answer", "unknown"]

Asked = Request[Any, Any, Any]

_EVERY = at_levels("")
_CHILDREN = [
    path
    for below in Level
    for path in at_levels(f"/{below.plural}", (level for level in Level if level < below))
]
_PARENTS = [
    path
    for above in Level
    for path in at_levels(f"/{above.word.lower()}", (level for level in Level if level > above))
]
#: Instances of a series that are looked at without handing the work to a thread.
_LARGE_SERIES = 50

_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}


def unknown(level: Level, public_id: str) -> UnknownResourceError:
    """There is no such resource."""
    return UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")


def found_answer(archive: Archive, level: Level, found: Found[Any]) -> Response[bytes]:
    """A list of identifiers or of resources that are JSON already."""
    answers = found.answers
    if answers and isinstance(answers[0], bytes):
        response = raw_json(b"[" + b",".join(answers) + b"]")
    else:
        response = json_answer(answers)
    if found.truncated:
        name = "LimitFindInstances" if level == Level.INSTANCE else "LimitFindResults"
        # RFC 9111 5.5: a client that doesn't look still has a list that is right as far as it goes.
        response.headers["Warning"] = (
            f'299 - "Only the first {len(answers)} are shown ({name}); use since for more"'
        )
    return response


@get(
    [f"/{level.plural}" for level in Level],
    permission=Permission.VIEW,
    summary="List resources",
    operation_class=ListOperation,
)
async def list_resources(request: Asked) -> Response[bytes]:
    """The identifiers of all resources of a level in the order of arrival, or with ``expand`` the
    resources themselves, from ``since`` and at most ``limit``."""
    archive, level = archive_of(request), level_of(request)
    view = view_of(request)
    since, limit = number_of(request, "since"), number_of(request, "limit")
    if limit == 0:
        return json_answer([])
    search = Search(
        level, since=since or 0, limit=limit or 0, requested=view.requested, form=view.form
    )
    if is_expanded_list(request):
        return found_answer(archive, level, await find(archive, search, view.writer(archive)))
    return found_answer(archive, level, await find_ids(archive, search))


@get(_EVERY, permission=Permission.VIEW, summary="Get a resource", operation_class=ViewOperation)
async def get_resource(request: Asked, public_id: PublicId) -> Response[bytes]:
    """A patient, study, series or instance with its main tags, parent and children."""
    archive, level = archive_of(request), level_of(request)
    if not request.scope["query_string"] and not archive.settings.extra_main_dicom_tags:
        content = await archive.index.look(lambda reader: _usual(reader, level, public_id))
        if content is None:
            raise unknown(level, public_id)
        if isinstance(content, Resource):
            large = content
            content = await archive.index.read(lambda reader: usual(reader, large))
        return ReadyJson(content)
    return await _one(archive, view_of(request), level, public_id, level)


def _usual(reader: Reader, level: Level, public_id: str) -> bytes | Resource | None:
    """The answer, or only the resource when the answer takes too long for the event loop."""
    resource = reader.resource(level, public_id)
    if resource is None:
        return None
    # Whether a series is complete stands in all of its instances.
    if level == Level.SERIES and len(resource.children) > _LARGE_SERIES:
        return resource
    return usual(reader, resource)


async def _one(
    archive: Archive, view: View, level: Level, public_id: str, shown: Level
) -> Response[bytes]:
    """The resource at level ``shown`` that is the given one, or above it."""
    requested = view.tags(archive, shown)
    resource = await archive.index.look(lambda reader: _above(reader, level, public_id, shown))
    if resource is None:
        raise unknown(level, public_id)
    await complete(archive, [resource], requested)
    write = view.writer(archive)
    run = archive.index.read if shown == Level.SERIES else archive.index.look
    return raw_json(await run(lambda reader: write(reader, resource)))


def _above(reader: Reader, level: Level, public_id: str, shown: Level) -> Resource | None:
    resource = reader.resource(level, public_id)
    while resource is not None and resource.level > shown:
        resource = reader.resource(Level(resource.level - 1), resource.parent_id or "")
    return resource


@get(
    _CHILDREN,
    permission=Permission.VIEW,
    summary="Get what is below a resource",
    operation_class=ViewOperation,
)
async def get_children(request: Asked, public_id: PublicId) -> Response[bytes]:
    """The resources of a level below, with ``expand=false`` their identifiers."""
    archive, level = archive_of(request), level_of(request)
    below = Level.from_word(request.scope["path"].rsplit("/", 1)[1])
    view = view_of(request)
    search = Search(
        below, ancestor=(level, public_id), requested=view.requested, form=view.form, capped=False
    )
    if await archive.index.look(lambda reader: reader.resource(level, public_id)) is None:
        raise unknown(level, public_id)
    if request.query_params.get("expand") is not None and not flag(request, "expand"):
        return found_answer(archive, below, await find_ids(archive, search))
    return found_answer(archive, below, await find(archive, search, view.writer(archive)))


@get(
    _PARENTS,
    permission=Permission.VIEW,
    summary="Get what is above a resource",
    operation_class=ViewOperation,
)
async def get_parent(request: Asked, public_id: PublicId) -> Response[bytes]:
    """The series, study or patient that a resource belongs to."""
    above = Level.from_word(request.scope["path"].rsplit("/", 1)[1])
    archive, level = archive_of(request), level_of(request)
    return await _one(archive, view_of(request), level, public_id, above)


@delete(_EVERY, permission=Permission.DELETE, status_code=200, summary="Delete a resource")
async def delete_resource(request: Asked, public_id: PublicId) -> Response[bytes]:
    """Delete a resource, all below it, and what is left empty above it.

    ``RemainingAncestor`` is the nearest resource above it that is still there.
    """
    archive, level = archive_of(request), level_of(request)
    deletion = await remove.delete(archive, level, public_id)
    if deletion is None:
        raise unknown(level, public_id)
    ancestor = None
    if deletion.remaining is not None:
        above, public_id = deletion.remaining
        ancestor = {"ID": public_id, "Path": f"/{above.plural}/{public_id}", "Type": above.word}
    return json_answer({"RemainingAncestor": ancestor})


@get(at_levels("/statistics"), permission=Permission.VIEW, summary="What a resource holds")
async def get_statistics(request: Asked, public_id: PublicId) -> Response[bytes]:
    """Numbers of studies, series and instances, and sizes in bytes and in units of 2^20 bytes."""
    archive, level = archive_of(request), level_of(request)
    found = await archive.index.read(lambda reader: reader.resource_statistics(level, public_id))
    if found is None:
        raise unknown(level, public_id)
    return json_answer(_statistics(level, found))


def _statistics(level: Level, found: ResourceStatistics) -> dict[str, Any]:
    counts = (
        ("CountInstances", Level.INSTANCE, found.instances),
        ("CountSeries", Level.SERIES, found.series),
        ("CountStudies", Level.STUDY, found.studies),
    )
    answer: dict[str, Any] = {name: number for name, below, number in counts if level < below}
    for name, size in (
        ("DicomDiskSize", found.dicom_disk_size),
        ("DicomUncompressedSize", found.dicom_uncompressed_size),
        ("DiskSize", found.disk_size),
        ("UncompressedSize", found.uncompressed_size),
    ):
        # JSON's numbers are exact up to 2^53 only, so sizes are texts.
        answer[name] = str(size)
        answer[f"{name}MB"] = size >> 20
    return answer


@get(
    at_levels("/protected", (Level.PATIENT,)),
    permission=Permission.VIEW,
    media_type="text/plain",
    summary="Is a patient safe from recycling?",
)
async def get_protected(request: Asked, public_id: PublicId) -> Response[bytes]:
    """``1`` when the patient is never deleted to make room, else ``0``."""
    archive = archive_of(request)
    patient = await archive.index.look(lambda reader: reader.resource(Level.PATIENT, public_id))
    if patient is None:
        raise unknown(Level.PATIENT, public_id)
    return text_answer("1" if patient.protected else "0")


@put(
    at_levels("/protected", (Level.PATIENT,)),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Protect a patient",
)
async def put_protected(request: Asked, public_id: PublicId) -> Response[bytes]:
    """The body is ``1`` or ``true`` to protect the patient from recycling, ``0`` or ``false``
    not to."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    text = (await read_body(request, 1024)).decode("latin-1").strip()
    protected = _BOOLEANS.get(text)
    if protected is None:
        raise BadFileFormatError("Boolean value expected: 0, 1, false or true")
    known = await archive.index.write(lambda writer: writer.set_protected(public_id, protected))
    if not known:
        raise unknown(Level.PATIENT, public_id)
    return text_answer("")


ROUTES = (
    list_resources,
    get_resource,
    get_children,
    get_parent,
    delete_resource,
    get_statistics,
    get_protected,
    put_protected,
)
