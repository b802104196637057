"""Resources from another application entity to us by C-GET.

Source: PS3.4 C.4.3; ``ReceivedInstancesIds`` as in Orthanc 1.12.6.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

from hornburg.archive.identifiers import model_of
from hornburg.archive.ingest import Status, store
from hornburg.archive.jobs.retrieving import RetrieveJob, RetrieveRequest, Wanted
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.origin import Origin
from hornburg.archive.remote import Reference, Suboperations
from hornburg.archive.spool import Spool
from hornburg.dicom.elements import Elements
from hornburg.dicom.levels import Level
from hornburg.errors import HornburgError

__all__ = ["GetJob"]

log = logging.getLogger("hornburg.archive")

#: Identifiers that a job keeps and shows; a study of more is whole all the same.
_MOST_IDS = 100_000


class GetJob(RetrieveJob):
    """``DicomGetScu``."""

    type: ClassVar[str] = "DicomGetScu"
    service: ClassVar[str] = "C-GET"

    def __init__(self, tools: Tools, request: RetrieveRequest) -> None:
        super().__init__(tools, request)
        self._received: dict[str, None] = {}

    def _suboperations(
        self, wanted: Wanted, identifier: Elements
    ) -> AsyncGenerator[Suboperations, None]:
        return self._tools.remote.get(
            self._request.target,
            model_of(wanted.level),
            identifier,
            self._keep,
            wanted.sop_classes,
        )

    async def _keep(self, content: Spool, origin: Origin, claim: Reference) -> int:
        """Store what arrived; success only when it is durable."""
        try:
            received = await store(self._tools.archive, content, origin, claim)
        except HornburgError as error:
            log.error("an instance that a C-GET brought was not stored: %s", error)
            return error.outside.dimse
        kept = received.status is not Status.FILTERED_OUT
        if kept and len(self._received) < _MOST_IDS:
            self._received[received.public_ids[Level.INSTANCE]] = None
        return received.dimse

    def content(self) -> dict[str, Any]:
        """With what came."""
        return {**super().content(), "ReceivedInstancesIds": list(self._received)}

    def state(self) -> dict[str, Any]:
        """With what came."""
        return {**super().state(), "Received": list(self._received)}

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> GetJob:
        """Go on with what is not done yet."""
        job = super().load(state, tools)
        if not isinstance(job, GetJob):
            raise TypeError("another kind of job")
        job._received = dict.fromkeys(map(str, state["Received"]))
        return job

    def restart(self) -> None:
        """Retrieve everything again."""
        super().restart()
        self._received.clear()
