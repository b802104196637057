"""The peers that are known: from the configuration, or kept in the index.

Source: Orthanc Book, users/advanced-rest; what is answered was watched on Orthanc 1.10. The index
keeps passwords as they are, for they have to be sent; its folder is readable by the server alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hornburg.archive.peer_port import PeerTarget
from hornburg.archive.registry import Registry
from hornburg.errors import (
    BadFileFormatError,
    ForbiddenError,
    HornburgError,
    InexistentItemError,
    Outside,
    UnknownResourceError,
)
from hornburg.index.base import Index
from hornburg.security.egress import PeerHosts
from hornburg.settings import Peer, Settings
from hornburg.settings.errors import Refused
from hornburg.settings.peers import peer_to_json, read_peer, read_peers
from hornburg.settings.remotes import MODALITY_NAME_ALLOWED, is_modality_name
from hornburg.settings.transport import crosses_in_clear

__all__ = ["InexistentFileError", "Peers", "peer_of_json"]

log = logging.getLogger("hornburg.archive")


class InexistentFileError(HornburgError):
    """A file that a peer names can't be read."""

    outside = Outside(HTTPStatus.NOT_FOUND, 13, "Inexistent file")


class Peers(Registry[PeerTarget]):
    """The registry. Call :meth:`open` once before anything else.

    Args:
        settings: ``OrthancPeers``, ``OrthancPeersInDatabase`` and ``AllowedPeerHosts``.
        index: where they are kept with ``OrthancPeersInDatabase``.
    """

    def __init__(self, settings: Settings, index: Index) -> None:
        self._hosts = PeerHosts(settings.allowed_peer_hosts)
        self._wants_tls = settings.is_demanded("OrthancPeers")
        configured = {name: PeerTarget(name, one) for name, one in settings.orthanc_peers.items()}
        super().__init__(
            index,
            configured,
            "peers",
            in_index=settings.orthanc_peers_in_database,
            read_only=settings.read_only,
        )

    def _to_json(self, one: PeerTarget) -> dict[str, Any]:
        return peer_to_json(one.peer)

    def _from_json(self, form: object) -> Mapping[str, PeerTarget]:
        return {name: PeerTarget(name, one, True) for name, one in read_peers(form).items()}

    async def open(self) -> None:
        """Load what the index keeps.

        Raises:
            DatabaseError: what it keeps can't be read.
        """
        if self._in_index:
            self._take(await self._kept())

    def get(self, name: str) -> PeerTarget:
        """The peer of that name.

        Raises:
            UnknownResourceError: there is none.
        """
        found = self.all().get(name)
        if found is None:
            raise UnknownResourceError(f"No peer with symbolic name: {name[:64]}")
        return found

    async def put(self, name: str, peer: Peer) -> None:
        """Add a peer or replace the one of that name; when this returns, it holds.

        Raises:
            BadFileFormatError: the name has a character that isn't allowed.
            InexistentFileError: a file that it names can't be read.
            ForbiddenError: no peer may be there (``AllowedPeerHosts``), it would be told in clear
                (``SecurityProfile`` Hardened), or the index may not be changed (``ReadOnly``).
            TooLargeError: there are more than 10,000 already.
        """
        if not is_modality_name(name):
            raise BadFileFormatError(f"The name of a peer is {MODALITY_NAME_ALLOWED}")
        self._hosts.check_host(urlsplit(peer.url).hostname or "")
        if self._wants_tls and crosses_in_clear(peer.url):
            raise ForbiddenError("Peers are asked over https:// (SecurityProfile is Hardened)")
        _check_files(peer)
        await self._set(name, PeerTarget(name, peer, True))
        log.info("peer %s is now %s", name, peer.url)

    async def remove(self, name: str) -> None:
        """Forget a peer; when this returns, it is gone.

        Raises:
            InexistentItemError: there is none of that name.
            ForbiddenError: the index may not be changed (``ReadOnly``).
        """

        def change(known: dict[str, PeerTarget]) -> None:
            if known.pop(name, None) is None:
                raise InexistentItemError(f"Unknown Orthanc peer: {name[:64]}")

        await self._change(change)
        log.info("peer %s is removed", name)


def _check_files(peer: Peer) -> None:
    """See now, and not at the first use, that the files are there; Orthanc does the same."""
    if not peer.certificate_file:
        return
    for what, path in (("certificate", peer.certificate_file), ("key", peer.certificate_key_file)):
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise InexistentFileError(f"Cannot open the {what} file of the peer")


def peer_of_json(form: object) -> Peer:
    """The peer in the body of ``PUT /peers/{id}``: an array or an object, as in the
    configuration.

    Raises:
        BadFileFormatError: a field is missing or of the wrong type. What stands in it is not
            repeated: it may be a secret.
    """
    try:
        return read_peer(form)
    except Refused as no:
        place = no.path.removeprefix(".")[:64] or "the peer"
        raise BadFileFormatError(f"{place}: allowed is {no.allowed}") from None
