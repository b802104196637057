"""The REST API with other application entities that answer what a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from litestar.datastructures import State
from tests.rest.conftest import Served, settings_of

from hornburg.archive.commitments import Commitments
from hornburg.archive.modalities import Modalities
from hornburg.archive.queries import Queries
from hornburg.dicom.levels import Level
from hornburg.index.base import Query
from hornburg.jobs.engine import Jobs
from hornburg.jobs.limits import Limits
from hornburg.rest.app import build
from hornburg.security.accepted import Accepted
from hornburg.server import Control, open_archive
from hornburg.testing.remote import FakeRemote

PACS = {"AET": "PACS", "Host": "127.0.0.1", "Port": 104}


class Network(Served):
    """An archive, and those around it."""

    remote: FakeRemote
    jobs: Jobs
    commitments: Commitments
    modalities: Modalities

    async def get(self, path: str) -> Any:
        """The JSON of a GET that works."""
        response = await self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any = None) -> Any:
        """The JSON of a POST that works; a text is sent as it is."""
        response = await self.send(path, body)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, path: str, body: Any = None) -> httpx2.Response:
        """POST JSON, or a text as it is."""
        if isinstance(body, str | bytes):
            return await self.client.post(path, content=body)
        return await self.client.post(path, json=body)

    async def refusal(self, path: str, body: Any = None) -> tuple[int, int]:
        """The HTTP status and Orthanc's number of a POST that fails."""
        response = await self.send(path, body)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json()["OrthancStatus"]

    async def ids(self, level: Level) -> list[str]:
        """The identifiers of what is stored."""
        return await self.archive.index.read(lambda reader: reader.find_ids(Query(level)))


@asynccontextmanager
async def network(folder: Path, *files: bytes, **options: Any) -> AsyncIterator[Network]:
    """Serve an archive that knows the modality ``pacs``, unless the options say otherwise."""
    options = {"DicomModalities": {"pacs": PACS}, **options}
    control = Control()
    async with open_archive(settings_of(folder, **options)) as archive:
        settings = archive.settings
        remote = FakeRemote(archive.storage)
        jobs = Jobs(Limits.of(settings))
        modalities = Modalities(settings, archive.index)
        await modalities.open()
        commitments = Commitments(settings.storage_commitment_reports_size)
        await jobs.start()
        state = State(
            {
                "control": control,
                "remote": remote,
                "jobs": jobs,
                "modalities": modalities,
                "commitments": commitments,
                "accepted": Accepted(settings),
                "queries": Queries(settings.query_retrieve_size),
            }
        )
        transport = httpx2.ASGITransport(app=build(archive, state), client=("127.0.0.1", 40000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            at = Network(archive, client, control)
            at.remote, at.jobs = remote, jobs
            at.commitments, at.modalities = commitments, modalities
            await at.upload(*files)
            yield at
        await jobs.close()
