"""What stands round the archive: jobs, modalities, the way to other application entities."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from hornburg.archive.commitments import Commitments
from hornburg.archive.job_store import IndexJobStore
from hornburg.archive.jobs.kinds import KINDS
from hornburg.archive.jobs.tools import Peering, Tools
from hornburg.archive.modalities import Modalities
from hornburg.archive.parts import Archive
from hornburg.archive.peers import Peers
from hornburg.archive.queries import Queries
from hornburg.archive.remote import Remote
from hornburg.archive.worklist_care import care_for
from hornburg.archive.worklists import Worklists
from hornburg.hooks.specs import Event
from hornburg.http_client.client import HttpClient
from hornburg.http_client.peers import HttpPeers
from hornburg.jobs.engine import Jobs
from hornburg.jobs.limits import Limits
from hornburg.net.parts import Parts
from hornburg.net.scu import Scu
from hornburg.security.accepted import Accepted
from hornburg.security.dicom_rules import DicomRules
from hornburg.security.dicom_tls import check_clients
from hornburg.security.egress import PeerHosts
from hornburg.server.identities import Provider, provider_of
from hornburg.server.scripting import scripts_of

__all__ = ["Surroundings", "open_surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that both front doors work with."""

    archive: Archive
    modalities: Modalities
    rules: DicomRules
    accepted: Accepted
    jobs: Jobs
    remote: Remote
    http_client: HttpClient
    provider: Provider | None
    peers: Peers
    peering: Peering
    commitments: Commitments
    queries: Queries
    worklists: Worklists | None

    def parts(self) -> Parts:
        """What the DICOM server is given."""
        return Parts(
            archive=self.archive,
            rules=self.rules,
            accepted=self.accepted,
            modalities=self.modalities,
            jobs=self.jobs,
            remote=self.remote,
            commitments=self.commitments,
            worklists=self.worklists,
            turns=asyncio.Semaphore(self.archive.settings.dicom_threads_count),
        )

    def state(self) -> dict[str, Any]:
        """What the handlers of the REST API find in the state of the application."""
        return {
            "modalities": self.modalities,
            "accepted": self.accepted,
            "jobs": self.jobs,
            "remote": self.remote,
            "http_client": self.http_client,
            "bearer": self.provider and self.provider.tokens,
            "openid": self.provider and self.provider.login,
            "peers": self.peers,
            "peering": self.peering,
            "commitments": self.commitments,
            "queries": self.queries,
            "worklists": self.worklists,
            "scripts": scripts_of(self.archive.hooks, self.archive.settings),
        }


@contextlib.asynccontextmanager
async def open_surroundings(archive: Archive) -> AsyncIterator[Surroundings]:
    """Start what works beside the archive, and stop it in the end.

    Raises:
        HornburgError: something can't start, with one line that says why.
    """
    settings = archive.settings
    modalities = Modalities(settings, archive.index)
    await modalities.open()
    modalities.on_change = lambda: archive.hooks.tell(Event("UpdatedModalities"))
    check_clients(settings, modalities.all().values())
    worklists = _worklists(archive)
    remote = Scu(archive)
    commitments = Commitments(settings.storage_commitment_reports_size)
    http_client = HttpClient(settings)
    await http_client.open()
    peers = Peers(settings, archive.index)
    await peers.open()
    peers.on_change = lambda: archive.hooks.tell(Event("UpdatedPeers"))
    hosts = PeerHosts(settings.allowed_peer_hosts)
    peering = Peering(peers.all, HttpPeers(http_client, hosts))
    tools = Tools(archive, remote, commitments, modalities.all, peering)
    caring = asyncio.ensure_future(care_for(archive, worklists)) if worklists else None
    jobs = Jobs(
        Limits.of(settings),
        IndexJobStore(archive.index) if settings.save_jobs else None,
        tell=lambda kind, job_id: archive.hooks.tell(Event(kind, public_id=job_id)),
    )
    try:
        await jobs.start({kind.type: partial(kind.load, tools=tools) for kind in KINDS})
        yield Surroundings(
            archive=archive,
            modalities=modalities,
            rules=DicomRules(settings, modalities.all),
            accepted=Accepted(settings),
            jobs=jobs,
            remote=remote,
            http_client=http_client,
            provider=provider_of(settings, http_client, archive.clock),
            peers=peers,
            peering=peering,
            commitments=commitments,
            queries=Queries(settings.query_retrieve_size),
            worklists=worklists,
        )
    finally:
        # What they hear of the end may make them ask for something.
        await archive.hooks.close()
        if caring is not None:
            caring.cancel()
            await asyncio.wait((caring,))
        await jobs.close()


def _worklists(archive: Archive) -> Worklists | None:
    """The worklists, when there are to be any.

    Raises:
        DatabaseError: their folder can't be used.
    """
    settings = archive.settings
    if settings.worklists is None or not settings.worklists.enabled:
        return None
    worklists = Worklists(
        settings.worklists,
        settings.index_folder / "worklists",
        archive.dictionary,
        lambda: archive.runtime.default_encoding,
    )
    worklists.open()
    return worklists
