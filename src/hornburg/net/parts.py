"""What the DICOM server works with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hornburg.archive.commitments import Commitments
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.modalities import Modalities
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Remote
from hornburg.archive.worklists import Worklists
from hornburg.jobs.engine import Jobs
from hornburg.net.pledges import Pledges
from hornburg.security.accepted import Accepted
from hornburg.security.dicom_rules import DicomRules
from hornburg.security.policy import Policy

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The archive and its surroundings.

    ``worklists`` is none without the section ``Worklists``. ``turns`` bounds the queries and
    retrievals that run at the same time (``DicomThreadsCount``), ``pledges`` what others have
    asked storage commitment for. ``policy`` follows from the settings, so that nobody can leave
    it out.
    """

    archive: Archive
    rules: DicomRules
    accepted: Accepted
    modalities: Modalities
    jobs: Jobs
    remote: Remote
    commitments: Commitments
    worklists: Worklists | None = None
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    pledges: Pledges = field(default_factory=Pledges)
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", Policy(self.archive.settings))

    @property
    def tools(self) -> Tools:
        """What jobs work with."""
        return Tools(self.archive, self.remote, self.commitments, self.modalities.all)
