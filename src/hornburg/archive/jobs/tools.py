"""What the kinds of jobs that talk to other application entities work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hornburg.archive.commitments import Commitments
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Remote
from hornburg.settings import Modality

__all__ = ["Tools"]


@dataclass(frozen=True, slots=True)
class Tools:
    """The archive and its surroundings; ``modalities`` gives those that are known now."""

    archive: Archive
    remote: Remote
    commitments: Commitments
    modalities: Callable[[], Mapping[str, Modality]]
