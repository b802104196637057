"""Peers without a network, for tests."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hornburg.archive.peer_port import PeerPort, PeerSender, PeerTarget
from hornburg.dicom.buffer import Buffer

__all__ = ["FakePeers", "Received"]


@dataclass(frozen=True, slots=True)
class Received:
    """An instance that a peer took: its bytes, and how many went over the wire."""

    target: PeerTarget
    content: bytes
    size: int
    compressed: bool


@dataclass
class FakePeers(PeerPort):
    """Takes everything; ``before`` is called with the number of each instance from 0, and may raise
    what a peer does."""

    before: Callable[[int], None] = lambda number: None
    received: list[Received] = field(default_factory=list)
    asked: int = 0
    open_connections: int = 0

    async def system(self, target: PeerTarget) -> bytes:
        """A name."""
        return b'{"Name":"Fake"}'

    @asynccontextmanager
    async def sender(self, target: PeerTarget) -> AsyncIterator[PeerSender]:
        """Counts as an open connection."""
        self.open_connections += 1
        try:
            yield _Sender(self, target)
        finally:
            self.open_connections -= 1


class _Sender(PeerSender):
    def __init__(self, peers: FakePeers, target: PeerTarget) -> None:
        self._peers = peers
        self._target = target

    async def store(self, content: Buffer, *, compressed: bool = False) -> bytes:
        peers, body = self._peers, bytes(content)
        peers.asked += 1
        peers.before(peers.asked - 1)
        plain = zlib.decompress(body, 31) if compressed else body
        peers.received.append(Received(self._target, plain, len(body), compressed))
        return b'{"Status":"Success"}'
