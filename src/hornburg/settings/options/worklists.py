"""Modality worklists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.worklists import WORKLISTS_ALLOWED, WorklistSettings, read_worklists

__all__ = ["WorklistOptions"]


@dataclass(frozen=True, kw_only=True)
class WorklistOptions:
    """The worklist server."""

    worklists: Annotated[
        WorklistSettings | None,
        Row(
            "Worklists",
            "The worklist server, with the members of Orthanc's worklist plug-ins.",
            read=read_worklists,
            allowed=WORKLISTS_ALLOWED,
        ),
    ] = None
