"""The kinds of jobs that talk to other servers, for the job engine to load."""

from __future__ import annotations

from hornburg.archive.jobs.commitment import CommitmentJob
from hornburg.archive.jobs.get import GetJob
from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.store_to_modality import StoreJob
from hornburg.archive.jobs.store_to_peer import PeerStoreJob

__all__ = ["KINDS"]

KINDS = (StoreJob, PeerStoreJob, MoveJob, GetJob, CommitmentJob)
"""Each is loaded with :class:`hornburg.archive.jobs.tools.Tools`."""
