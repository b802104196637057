"""Resources from another application entity to a third one, or to us, by C-MOVE.

Source: PS3.4 C.4.2; the members of ``Content`` are those of Orthanc.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from hornburg.archive.identifiers import model_of
from hornburg.archive.jobs.retrieving import RetrieveJob, Wanted
from hornburg.archive.remote import Suboperations
from hornburg.dicom.elements import Elements

__all__ = ["MoveJob"]


class MoveJob(RetrieveJob):
    """``DicomMoveScu``."""

    type: ClassVar[str] = "DicomMoveScu"
    service: ClassVar[str] = "C-MOVE"

    def _suboperations(
        self, wanted: Wanted, identifier: Elements
    ) -> AsyncGenerator[Suboperations, None]:
        request = self._request
        return self._tools.remote.move(
            request.target, model_of(wanted.level), identifier, request.destination
        )

    @property
    def _asked(self) -> str:
        request = self._request
        return f'{self.service} to AET "{request.destination}" of {request.target.described}'

    def content(self) -> dict[str, Any]:
        """With the one who gets the instances."""
        return {**super().content(), "TargetAet": self._request.destination}
