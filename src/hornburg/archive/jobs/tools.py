"""What the kinds of jobs that talk to other servers work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hornburg.archive.commitments import Commitments
from hornburg.archive.parts import Archive
from hornburg.archive.peer_port import PeerPort, PeerTarget
from hornburg.archive.remote import Remote
from hornburg.settings import Modality

__all__ = ["Peering", "Tools"]


@dataclass(frozen=True, slots=True)
class Peering:
    """The way to peers; ``peers`` gives those that are known now."""

    peers: Callable[[], Mapping[str, PeerTarget]]
    port: PeerPort


@dataclass(frozen=True, slots=True)
class Tools:
    """The archive and its surroundings; ``modalities`` gives those that are known now, and
    ``peering`` is there where jobs for peers are made."""

    archive: Archive
    remote: Remote
    commitments: Commitments
    modalities: Callable[[], Mapping[str, Modality]]
    peering: Peering | None = None
