"""The port to peers, servers with the same REST API: what the archive asks of them.

``hornburg.http_client`` fills it. Nothing here knows of sockets or HTTP messages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus

from hornburg.dicom.buffer import Buffer
from hornburg.errors import HornburgError, Outside
from hornburg.settings import Peer

__all__ = [
    "PeerError",
    "PeerGoneError",
    "PeerPort",
    "PeerSender",
    "PeerStatusError",
    "PeerTarget",
]


class PeerError(HornburgError):
    """A peer can't be reached, is not who it should be, or answers what is no answer."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 9, "Error in the network protocol", 0xC000)


class PeerGoneError(PeerError):
    """Nobody answers at all: it makes no sense to try the next instance at once."""


class PeerStatusError(PeerError):
    """A peer answers the status of an error to what was only a question."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        2005,
        "This HTTP status is not allowed in a REST API",
        0xC000,
    )


@dataclass(frozen=True, slots=True)
class PeerTarget:
    """A peer that is known.

    Attributes:
        name: in ``OrthancPeers``.
        added: by the REST API, and so only where ``AllowedPeerHosts`` lets it be.
    """

    name: str
    peer: Peer
    added: bool = False

    @property
    def described(self) -> str:
        """Which it is, in errors and logs: ``peer backup (http://10.0.0.5:8042/)``."""
        return f"peer {self.name} ({self.peer.url})"


class PeerSender(ABC):
    """A connection on which instances are sent to a peer."""

    @abstractmethod
    async def store(self, content: Buffer, *, compressed: bool = False) -> bytes:
        """Send one instance.

        Args:
            content: a DICOM file; with ``compressed`` the gzip form of one.

        Returns:
            what the peer says of it, a JSON object.

        Raises:
            PeerError: it has not taken it.
            ForbiddenError: no peer may be where this one is.
        """


class PeerPort(ABC):
    """What is asked of peers. All raise :class:`PeerError`, and ``ForbiddenError`` where no peer
    may be."""

    @abstractmethod
    async def system(self, target: PeerTarget) -> bytes:
        """What a peer says of itself, a JSON object (``GET /system``)."""

    @abstractmethod
    def sender(self, target: PeerTarget) -> AbstractAsyncContextManager[PeerSender]:
        """A connection for as long as instances are sent."""
