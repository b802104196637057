"""``/modalities/{name}/store``, ``store-straight``, ``move`` and ``get``: instances out and in.

Source: Orthanc Book, users/rest, "Sending One Resource", "Bulk Store SCU", "Performing C-Move";
bodies, answers and errors were watched on Orthanc 1.10.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from litestar import Request, Response, post

from hornburg.archive.identifiers import wanted_of_keys
from hornburg.archive.jobs.get import GetJob
from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.retrieving import RetrieveRequest, Wanted
from hornburg.archive.jobs.store_to_modality import StoreJob, StoreRequest
from hornburg.archive.remote import Target
from hornburg.archive.seen import narrowed
from hornburg.archive.send import send_straight
from hornburg.archive.targets import check_title
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.levels import Level
from hornburg.errors import BadFileFormatError, ParameterOutOfRangeError, UnknownResourceError
from hornburg.index.base import Reader
from hornburg.rest.answers import json_answer
from hornburg.rest.body import read_body, spool_body
from hornburg.rest.fields import Fields
from hornburg.rest.job_submit import answer_job, job_options
from hornburg.rest.requests import Incoming, archive_of, needs, remote_of
from hornburg.rest.scu import (
    MOST_JSON,
    ModalityName,
    boolean,
    level_word,
    object_body,
    parsed,
    target_for,
    texts_of,
    tools_of,
    whole,
    word,
)
from hornburg.rest.scu_operations import (
    GetOperation,
    MoveOperation,
    StoreOperation,
    StoreStraightOperation,
)
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "resources_of", "store_fields"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")

#: Resources of one request; each of a C-MOVE is an operation of its own.
_MOST_RESOURCES = 100_000
_MOST_RETRIEVALS = 10_000


@post(
    "/modalities/{name:str}/store",
    permission=Permission.SEND,
    status_code=200,
    summary="Send resources to a modality",
    tags=_TAGS,
    operation_class=StoreOperation,
)
async def store(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-STORE of resources of any level, all on one association.

    The body is an identifier, a list of them, or an object.
    """
    fields = store_fields(await read_body(request, MOST_JSON))
    if "Host" in fields or "Port" in fields:
        # To somewhere else than the configuration says.
        needs(request, Permission.SETTINGS)
    target = _redirected(target_for(request, name, fields), fields)
    options = job_options(fields)
    ids = texts_of(
        fields.get("Resources"),
        "Resources to be exported must be specified as a JSON array of strings",
    )
    wanted = StoreRequest(
        target,
        # The job may go on after a restart, when nobody is there to ask what was seen.
        tuple(await narrowed(archive_of(request), await resources_of(request, ids))),
        options.permissive,
        boolean(fields, "StorageCommitment"),
        _originator(fields),
    )
    return await answer_job(request, await StoreJob.prepared(tools_of(request), wanted), options)


def store_fields(content: bytes) -> Fields:
    """The body of a request to send: an identifier, a list of them, or an object.

    Raises:
        BadFileFormatError: it is none of these.
    """
    plain = content.strip().decode("ascii", "replace")
    body = plain if _IDENTIFIER.fullmatch(plain) else parsed(content)
    if isinstance(body, str):
        return Fields({"Resources": [body]})
    if isinstance(body, list):
        return Fields({"Resources": body})
    if "Resources" not in body:
        raise BadFileFormatError('Missing field in JSON: "Resources"')
    return Fields(body)


async def resources_of(request: Asked, ids: list[str]) -> tuple[tuple[Level, str], ...]:
    """Resources by their identifiers, each once.

    Raises:
        BadFileFormatError: one is no identifier, or there are too many.
        UnknownResourceError: one is not there.
    """
    if len(ids) > _MOST_RESOURCES:
        raise BadFileFormatError(
            f"Resources: {len(ids)} identifiers, at most {_MOST_RESOURCES} are allowed"
        )
    for public_id in ids:
        if not _IDENTIFIER.fullmatch(public_id):
            raise BadFileFormatError(
                f"This string is not a valid Orthanc identifier: {public_id[:64]}"
            )
    unique = list(dict.fromkeys(ids))

    def look(reader: Reader) -> tuple[tuple[Level, str], ...]:
        found = []
        for public_id in unique:
            level = reader.level_of(public_id)
            if level is None:
                raise UnknownResourceError(f"There is no resource {public_id}")
            found.append((level, public_id))
        return tuple(found)

    return await archive_of(request).index.read(look)


def _redirected(target: Target, fields: Fields) -> Target:
    """``CalledAet``, ``Host`` and ``Port`` of the body, for this one call."""
    modality = target.modality
    if "CalledAet" in fields:
        modality = replace(modality, aet=check_title("CalledAet", word(fields, "CalledAet")))
    if "Host" in fields:
        host = word(fields, "Host")
        if not host or len(host) > 253 or not host.isprintable() or " " in host:
            raise BadFileFormatError("Host: an address or a name is needed")
        modality = replace(modality, host=host)
    if "Port" in fields:
        port = whole(fields, "Port", most=65535)
        if not port:
            raise ParameterOutOfRangeError("Port: a TCP port from 1 to 65535 is needed")
        modality = replace(modality, port=port)
    return replace(target, modality=modality)


def _originator(fields: Fields) -> tuple[str, int] | None:
    """``MoveOriginatorAet`` and ``MoveOriginatorID``; the former alone says nothing in Orthanc."""
    aet = word(fields, "MoveOriginatorAet", "")
    number = fields.get("MoveOriginatorID")
    if number is not None and (
        not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 0xFFFF
    ):
        raise ParameterOutOfRangeError("MoveOriginatorID: a number from 0 to 65535 is needed")
    if not aet and number is None:
        return None
    if not aet or number is None:
        raise BadFileFormatError("MoveOriginatorAet and MoveOriginatorID belong together")
    return check_title("MoveOriginatorAet", aet), number


@post(
    "/modalities/{name:str}/store-straight",
    permission=Permission.SEND,
    status_code=200,
    summary="Send the body to a modality",
    tags=_TAGS,
    operation_class=StoreStraightOperation,
)
async def store_straight(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-STORE of a DICOM file that is not stored here."""
    target = target_for(request, name, Fields({}))
    with await spool_body(Incoming.of(request)) as spool:
        sop_class, sop_instance = await send_straight(
            archive_of(request), remote_of(request), target, spool
        )
    return json_answer({"SOPClassUID": sop_class, "SOPInstanceUID": sop_instance})


@post(
    "/modalities/{name:str}/move",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Have a modality send resources",
    tags=_TAGS,
    operation_class=MoveOperation,
)
async def move(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-MOVE of resources that their unique keys name, one after the other."""
    fields = await object_body(request)
    settings = archive_of(request).settings
    target = target_for(request, name, fields)
    destination = check_title("TargetAet", word(fields, "TargetAet", settings.dicom_aet))
    options = job_options(fields)
    wanted = _wanted(request, fields)
    job = MoveJob(
        tools_of(request), RetrieveRequest(target, wanted, destination, options.permissive)
    )
    return await answer_job(request, job, options)


@post(
    "/modalities/{name:str}/get",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Fetch resources from a modality",
    tags=_TAGS,
    operation_class=GetOperation,
)
async def get_resources(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-GET of resources that their unique keys name, one after the other."""
    fields = await object_body(request)
    target = target_for(request, name, fields)
    options = job_options(fields)
    archive_of(request).refuse_if_read_only()
    wanted = _wanted(request, fields)
    job = GetJob(tools_of(request), RetrieveRequest(target, wanted, permissive=options.permissive))
    return await answer_job(request, job, options)


def _wanted(request: Asked, fields: Fields) -> tuple[Wanted, ...]:
    archive = archive_of(request)
    level = level_word(fields)
    given = fields.get("Resources")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadFileFormatError("Resources: a JSON array of objects is needed")
    if len(given) > _MOST_RETRIEVALS:
        raise BadFileFormatError(
            f"Resources: {len(given)} objects, at most {_MOST_RETRIEVALS} are allowed"
        )
    wanted = tuple(
        Wanted(level, *wanted_of_keys(level, elements_of_json(one, archive.dictionary)))
        for one in given
    )
    for one in wanted:
        one.identifier(archive.runtime.default_encoding)  # says what is missing
    return wanted


ROUTES = (store, store_straight, move, get_resources)
