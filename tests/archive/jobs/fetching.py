"""What tests of jobs that talk to other application entities begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.archive.making import holding

from hornburg.archive.commitments import Commitments
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Target
from hornburg.archive.targets import target_of
from hornburg.jobs.job import Job, Outcome, Why
from hornburg.settings import Modality
from hornburg.testing.remote import FakeRemote

PACS = Modality(aet="PACS", host="127.0.0.1", port=104)


@dataclass
class Scene:
    """An archive, another application entity, and what jobs need of both."""

    archive: Archive
    remote: FakeRemote
    tools: Tools

    @property
    def target(self) -> Target:
        return target_of(self.archive.settings, "pacs", PACS)

    async def ids(self, level: Any) -> list[str]:
        from hornburg.index.base import Query

        return await self.archive.index.read(lambda reader: reader.find_ids(Query(level)))


@asynccontextmanager
async def scene(folder: Path, *files: bytes, **options: Any) -> AsyncIterator[Scene]:
    async with holding(folder, files, **options) as archive:
        remote = FakeRemote(archive.storage)
        tools = Tools(archive, remote, Commitments(100), lambda: {"pacs": PACS})
        yield Scene(archive, remote, tools)


async def run(job: Job) -> int:
    """Run a job to its end as the engine does; answers the number of steps."""
    steps = 0
    why = Why.FAILURE
    try:
        while True:
            steps += 1
            if (await job.step()).outcome is Outcome.SUCCESS:
                why = Why.SUCCESS
                return steps
    finally:
        await job.stop(why)
