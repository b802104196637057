"""``/…/{id}/labels`` and ``/tools/labels``.

Source: Orthanc Book, users/rest, "Labels".
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get, put
from litestar.params import PathParameter

from hornburg.archive.change import set_label
from hornburg.dicom.levels import Level
from hornburg.errors import UnknownResourceError
from hornburg.rest.answers import json_answer, text_answer
from hornburg.rest.paths import PublicId, at_levels
from hornburg.rest.requests import archive_of, level_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
Label = Annotated[str, PathParameter(description="Letters, digits, '_' and '-'")]


async def _labels(request: Asked, level: Level, public_id: str) -> tuple[str, ...]:
    found = await archive_of(request).index.look(lambda reader: reader.resource(level, public_id))
    if found is None:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    return found.labels


@get(
    at_levels("/labels"),
    permission=Permission.VIEW,
    summary="List the labels of a resource",
    tags=["Labels"],
)
async def list_labels(request: Asked, public_id: PublicId) -> Response[bytes]:
    """The labels of a resource, sorted."""
    return json_answer(sorted(await _labels(request, level_of(request), public_id)))


@get(
    at_levels("/labels/{label:str}"),
    permission=Permission.VIEW,
    summary="Test a label",
    media_type="text/plain",
    tags=["Labels"],
)
async def test_label(request: Asked, public_id: PublicId, label: Label) -> Response[bytes]:
    """An empty text when the resource has the label, 404 when not."""
    if label not in await _labels(request, level_of(request), public_id):
        raise UnknownResourceError(f"The resource has no label {label[:64]!r}")
    return text_answer("")


@put(
    at_levels("/labels/{label:str}"),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Add a label",
    tags=["Labels"],
)
async def add_label(request: Asked, public_id: PublicId, label: Label) -> Response[bytes]:
    """Put a label on a resource: 1 to 64 letters, digits, ``_`` and ``-``."""
    await set_label(archive_of(request), level_of(request), public_id, label, True)
    return text_answer("")


@delete(
    at_levels("/labels/{label:str}"),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Remove a label",
    tags=["Labels"],
)
async def remove_label(request: Asked, public_id: PublicId, label: Label) -> Response[bytes]:
    """Take a label off a resource; one that isn't there is no error."""
    await set_label(archive_of(request), level_of(request), public_id, label, False)
    return text_answer("")


@get("/tools/labels", permission=Permission.VIEW, summary="List all labels", tags=["Labels"])
async def all_labels(request: Asked) -> Response[bytes]:
    """Every label that any resource has, sorted."""
    return json_answer(await archive_of(request).index.read(lambda reader: reader.all_labels()))


ROUTES = (list_labels, test_label, add_label, remove_label, all_labels)
