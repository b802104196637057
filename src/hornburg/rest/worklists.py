"""``/worklists``: create, list, show, change and delete worklists.

Source: Orthanc Book, plugins/worklists-plugin-new. The Book does not show what the lists and
single worklists look like: here each is an object with ``ID`` and ``Tags``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.params import PathParameter

from hornburg.archive.worklists import Worklist, Worklists
from hornburg.dicom.elements import Elements
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.errors import (
    BadRequestError,
    ParameterOutOfRangeError,
    TooLargeError,
    UnknownResourceError,
)
from hornburg.rest.answers import done, json_answer, raw_json
from hornburg.rest.fields import read_fields
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
WorklistId = Annotated[str, PathParameter(description="Identifier of the worklist")]

#: Bytes of a list; the archive holds at most 10,000 worklists.
_LONGEST_LIST = 256 << 20

_FORMS: Mapping[str, Form] = {"simplify": "simplify", "short": "short", "full": "full"}


@dataclass
class WorklistOperation(Operation):
    """A body with the tags of a worklist."""

    def __post_init__(self) -> None:
        tags = Schema(
            type=OpenAPIType.OBJECT,
            description="Values by name or gggg,eeee; sequences are lists of such objects",
        )
        schema = Schema(type=OpenAPIType.OBJECT, properties={"Tags": tags}, required=["Tags"])
        content = {"application/json": OpenAPIMediaType(schema=schema)}
        self.request_body = RequestBody(content=content, required=True)


@dataclass
class ShownOperation(Operation):
    """The form of tags in an answer."""

    def __post_init__(self) -> None:
        self.parameters = [
            *(self.parameters or ()),
            Parameter(
                name="format",
                param_in="query",
                required=False,
                description="Simplify (default), Short or Full",
                schema=Schema(type=OpenAPIType.STRING),
            ),
        ]


def _worklists(request: Asked) -> Worklists:
    """The worklists of this server.

    Raises:
        UnknownResourceError: there are none.
    """
    found = request.app.state.get("worklists")
    if found is None:
        raise UnknownResourceError("Worklists are not switched on (Worklists, Enable)")
    return cast("Worklists", found)


def _form(request: Asked) -> Form:
    word = request.query_params.get("format", "Simplify")
    form = _FORMS.get(word.lower())
    if form is None:
        raise ParameterOutOfRangeError(f"format: {word[:64]!r} is none of Simplify, Short, Full")
    return form


async def _tags(request: Asked) -> Elements:
    tags = (await read_fields(request)).get("Tags")
    if not isinstance(tags, dict):
        raise BadRequestError('Field "Tags" is missing, or should be a JSON object')
    return elements_of_json(tags, archive_of(request).dictionary)


def _shown(worklist: Worklist, form: Form) -> bytes:
    # Identifiers come from names of files, so they may hold anything but a slash.
    name = msgspec.json.encode(worklist.id.encode("utf-8", "replace").decode())
    return b'{"ID":%b,"Tags":%b}' % (name, encode(worklist.file, form, max_length=0))


def _listed(worklists: Worklists, form: Form) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for worklist in worklists.all():
        pieces.append(_shown(worklist, form))
        size += len(pieces[-1])
        if size > _LONGEST_LIST:
            raise TooLargeError(f"The list has more than {_LONGEST_LIST} bytes")
    return b"[" + b",".join(pieces) + b"]"


def _path(public_id: str) -> Response[bytes]:
    return json_answer({"ID": public_id, "Path": f"/worklists/{public_id}"})


@get(
    "/worklists",
    permission=Permission.WORKLISTS,
    summary="List all worklists",
    tags=["Worklists"],
    operation_class=ShownOperation,
)
async def list_worklists(request: Asked) -> Response[bytes]:
    """Every worklist with its identifier and its tags; damaged files are left out."""
    worklists, form = _worklists(request), _form(request)
    return raw_json(await archive_of(request).work(_listed, worklists, form))


@post(
    "/worklists/create",
    permission=Permission.WORKLISTS,
    status_code=200,
    summary="Create a worklist",
    tags=["Worklists"],
    operation_class=WorklistOperation,
)
async def create_worklist(request: Asked) -> Response[bytes]:
    """Keep a new worklist; a StudyInstanceUID is added when there is none
    (``SetStudyInstanceUidIfMissing``)."""
    archive, worklists = archive_of(request), _worklists(request)
    archive.refuse_if_read_only()
    elements = await _tags(request)
    return _path(await archive.work(worklists.create, elements))


@get(
    "/worklists/{worklist_id:str}",
    permission=Permission.WORKLISTS,
    summary="Show a worklist",
    tags=["Worklists"],
    operation_class=ShownOperation,
)
async def show_worklist(request: Asked, worklist_id: WorklistId) -> Response[bytes]:
    """One worklist with its identifier and its tags."""
    worklists, form = _worklists(request), _form(request)
    worklist = await archive_of(request).work(worklists.get, worklist_id)
    return raw_json(_shown(worklist, form))


@put(
    "/worklists/{worklist_id:str}",
    permission=Permission.WORKLISTS,
    status_code=200,
    summary="Change a worklist",
    tags=["Worklists"],
    operation_class=WorklistOperation,
)
async def change_worklist(request: Asked, worklist_id: WorklistId) -> Response[bytes]:
    """Put other tags in the place of all tags of a worklist. It keeps its StudyInstanceUID unless
    a new one is given."""
    archive, worklists = archive_of(request), _worklists(request)
    archive.refuse_if_read_only()
    elements = await _tags(request)
    await archive.work(worklists.replace, worklist_id, elements)
    return _path(worklist_id)


@delete(
    "/worklists/{worklist_id:str}",
    permission=Permission.WORKLISTS,
    status_code=200,
    summary="Delete a worklist",
    tags=["Worklists"],
)
async def delete_worklist(request: Asked, worklist_id: WorklistId) -> Response[bytes]:
    """Remove a worklist."""
    archive, worklists = archive_of(request), _worklists(request)
    archive.refuse_if_read_only()
    await archive.work(worklists.delete, worklist_id)
    return done()


ROUTES = (list_worklists, create_worklist, show_worklist, change_worklist, delete_worklist)
