"""``/modalities``: which application entities are known, and whether they answer.

Source: Orthanc Book, users/rest, "Performing C-Echo"; answers and errors were watched on Orthanc
1.10.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import QueryParameter

from hornburg.archive.modalities import modality_of_json, modality_to_json
from hornburg.archive.query_remote import check
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import done, json_answer, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.requests import archive_of, flag, modalities_of, needs, remote_of
from hornburg.rest.scu import ModalityName, boolean, object_body, target_for
from hornburg.rest.scu_operations import EchoOperation, ModalityOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "decoded"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

#: A modality is a handful of members.
_MOST = 64 << 10

_ACTIONS = (
    "configuration",
    "echo",
    "find",
    "find-instance",
    "find-patient",
    "find-series",
    "find-study",
    "find-worklist",
    "get",
    "move",
    "query",
    "storage-commitment",
    "store",
    "store-straight",
)

Expand = Annotated[
    str | None, QueryParameter(name="expand", description="Show the modalities, not their names")
]


@get("/modalities", permission=Permission.QUERY_REMOTE, summary="List modalities", tags=_TAGS)
async def list_modalities(request: Asked, expand: Expand = None) -> Response[bytes]:
    """The names of the modalities, sorted; or the modalities by their names."""
    known = modalities_of(request).all()
    if flag(request, "expand"):
        needs(request, Permission.SETTINGS)
        return json_answer({name: modality_to_json(one) for name, one in known.items()})
    return json_answer(list(known))


@get(
    "/modalities/{name:str}",
    permission=Permission.QUERY_REMOTE,
    summary="List what can be asked of a modality",
    tags=_TAGS,
)
async def list_actions(request: Asked, name: ModalityName) -> Response[bytes]:
    """The routes below."""
    modalities_of(request).get(name)
    return json_answer(_ACTIONS)


@get(
    "/modalities/{name:str}/configuration",
    permission=Permission.SETTINGS,
    summary="Get a modality",
    tags=_TAGS,
)
async def get_modality(request: Asked, name: ModalityName) -> Response[bytes]:
    """How the modality is configured."""
    return json_answer(modality_to_json(modalities_of(request).get(name)))


@put(
    "/modalities/{name:str}",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Add or change a modality",
    tags=_TAGS,
    operation_class=ModalityOperation,
)
async def put_modality(request: Asked, name: ModalityName) -> Response[bytes]:
    """An object, or an array of title, host, port and manufacturer.

    It is kept when DicomModalitiesInDatabase is set, and else until the server stops.
    """
    modality = modality_of_json(decoded(await read_body(request, _MOST)))
    await modalities_of(request).put(name, modality)
    return text_answer("")


@delete(
    "/modalities/{name:str}",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Remove a modality",
    tags=_TAGS,
)
async def delete_modality(request: Asked, name: ModalityName) -> Response[bytes]:
    """Until the server stops, when the modality stands in the configuration."""
    await modalities_of(request).remove(name)
    return text_answer("")


@post(
    "/modalities/{name:str}/echo",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Test a modality",
    tags=_TAGS,
    operation_class=EchoOperation,
)
async def echo(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-ECHO, and with CheckFind a C-FIND that finds nothing."""
    archive = archive_of(request)
    fields = await object_body(request, optional=True)
    with_find = boolean(fields, "CheckFind", archive.settings.dicom_echo_checks_find)
    target = target_for(request, name, fields)
    await check(archive, remote_of(request), target, with_find=with_find)
    return done()


def decoded(content: bytes) -> Any:
    """A small JSON document.

    Raises:
        BadFileFormatError: it is none.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadFileFormatError(f"Cannot parse the JSON body: {error}") from None


ROUTES = (
    list_modalities,
    list_actions,
    get_modality,
    put_modality,
    delete_modality,
    echo,
)
