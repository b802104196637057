"""``/peers``: which servers with the same REST API are known, and whether they answer.

Source: Orthanc Book, users/rest and users/advanced-rest; answers and errors were watched on
Orthanc 1.10.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get, put
from litestar.params import PathParameter, QueryParameter

from hornburg.archive.peers import peer_of_json
from hornburg.rest.answers import json_answer, raw_json, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.modalities import decoded
from hornburg.rest.peer_operations import PeerOperation
from hornburg.rest.requests import flag, needs, peering_of, peers_of
from hornburg.security.principals import Permission
from hornburg.settings.peers import shown_peer

__all__ = ["ROUTES", "PeerName"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

#: 64 headers and 256 properties fit.
_MOST = 1 << 20

_ACTIONS = ("configuration", "store", "store-straight", "system")

PeerName = Annotated[str, PathParameter(description="Symbolic name of the peer")]

Expand = Annotated[
    str | None, QueryParameter(name="expand", description="Show the peers, not their names")
]


@get("/peers", permission=Permission.SEND, summary="List peers", tags=_TAGS)
async def list_peers(request: Asked, expand: Expand = None) -> Response[bytes]:
    """The names of the peers, sorted; or the peers by their names, without secrets."""
    known = peers_of(request).all()
    if flag(request, "expand"):
        needs(request, Permission.SETTINGS)
        return json_answer({name: shown_peer(one.peer) for name, one in known.items()})
    return json_answer(list(known))


@get(
    "/peers/{name:str}",
    permission=Permission.SEND,
    summary="List what can be asked of a peer",
    tags=_TAGS,
)
async def list_actions(request: Asked, name: PeerName) -> Response[bytes]:
    """The routes below."""
    peers_of(request).get(name)
    return json_answer(_ACTIONS)


@get(
    "/peers/{name:str}/configuration",
    permission=Permission.SETTINGS,
    summary="Get a peer",
    tags=_TAGS,
)
async def get_peer(request: Asked, name: PeerName) -> Response[bytes]:
    """How the peer is configured. Passwords are null; of headers only the names are shown, and of
    properties whose name sounds secret no value."""
    return json_answer(shown_peer(peers_of(request).get(name).peer))


@put(
    "/peers/{name:str}",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Add or change a peer",
    tags=_TAGS,
    operation_class=PeerOperation,
)
async def put_peer(request: Asked, name: PeerName) -> Response[bytes]:
    """An object, or an array of URL, user name and password.

    It is kept when OrthancPeersInDatabase is set, and else until the server stops. It has to be
    where AllowedPeerHosts lets it be.
    """
    peer = peer_of_json(decoded(await read_body(request, _MOST)))
    await peers_of(request).put(name, peer)
    return text_answer("")


@delete(
    "/peers/{name:str}",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Remove a peer",
    tags=_TAGS,
)
async def delete_peer(request: Asked, name: PeerName) -> Response[bytes]:
    """Until the server stops, when the peer stands in the configuration."""
    await peers_of(request).remove(name)
    return text_answer("")


@get(
    "/peers/{name:str}/system",
    permission=Permission.QUERY_REMOTE,
    summary="Ask a peer what it is",
    tags=_TAGS,
)
async def peer_system(request: Asked, name: PeerName) -> Response[bytes]:
    """What the peer answers to ``GET /system``: the way to see whether it can be reached."""
    target = peers_of(request).get(name)
    return raw_json(await peering_of(request).port.system(target))


ROUTES = (list_peers, list_actions, get_peer, put_peer, delete_peer, peer_system)
