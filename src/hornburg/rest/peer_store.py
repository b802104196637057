"""``/peers/{name}/store`` and ``store-straight``: instances to peers.

Source: Orthanc Book, users/rest, "Sending One Resource"; bodies, answers and errors were watched on
Orthanc 1.10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Request, Response, post

from hornburg.archive.jobs.store_to_peer import PeerStoreJob, PeerStoreRequest
from hornburg.archive.seen import narrowed
from hornburg.dicom.sop_classes import TRANSFER_SYNTAXES
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import raw_json
from hornburg.rest.body import read_body, spool_body
from hornburg.rest.fields import Fields
from hornburg.rest.job_submit import answer_job, job_options
from hornburg.rest.modality_store import resources_of, store_fields
from hornburg.rest.peer_operations import PeerStoreOperation
from hornburg.rest.peers import PeerName
from hornburg.rest.requests import Incoming, archive_of, peering_of, peers_of
from hornburg.rest.scu import MOST_JSON, boolean, texts_of, tools_of, word
from hornburg.rest.scu_operations import StoreStraightOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]


@post(
    "/peers/{name:str}/store",
    permission=Permission.SEND,
    status_code=200,
    summary="Send resources to a peer",
    tags=_TAGS,
    operation_class=PeerStoreOperation,
)
async def store(request: Asked, name: PeerName) -> Response[bytes]:
    """Resources of any level, instance by instance, to ``POST /instances`` of the peer.

    The body is an identifier, a list of them, or an object.
    """
    target = peers_of(request).get(name)
    fields = store_fields(await read_body(request, MOST_JSON))
    options = job_options(fields)
    ids = texts_of(
        fields.get("Resources"), 'JSON field "Resources" must contain an array of strings'
    )
    compress, transcode = boolean(fields, "Compress"), _transcode(fields)
    wanted = PeerStoreRequest(
        target,
        # The job may go on after a restart, when nobody is there to ask what was seen.
        tuple(await narrowed(archive_of(request), await resources_of(request, ids))),
        options.permissive,
        compress,
        transcode,
    )
    tools = replace(tools_of(request), peering=peering_of(request))
    return await answer_job(request, await PeerStoreJob.prepared(tools, wanted), options)


def _transcode(fields: Fields) -> str:
    if "Transcode" not in fields:
        return ""
    syntax = word(fields, "Transcode")
    if syntax not in TRANSFER_SYNTAXES:
        raise BadFileFormatError(f"Unknown transfer syntax UID: {syntax[:64]}")
    return syntax


@post(
    "/peers/{name:str}/store-straight",
    permission=Permission.SEND,
    status_code=200,
    summary="Send the body to a peer",
    tags=_TAGS,
    operation_class=StoreStraightOperation,
)
async def store_straight(request: Asked, name: PeerName) -> Response[bytes]:
    """A DICOM file that is not stored here; answers what the peer says of it."""
    target = peers_of(request).get(name)
    with await spool_body(Incoming.of(request)) as spool:
        async with peering_of(request).port.sender(target) as sender:
            return raw_json(await sender.store(spool.buffer()))


ROUTES = (store, store_straight)
