"""Instances to a peer, a server with the same REST API, all on one connection.

Source: Orthanc Book, users/rest, "Sending One Resource"; the members of ``Content`` are those of
Orthanc 1.10, without the values of headers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from hornburg.archive.gzip_form import gzip_into
from hornburg.archive.jobs.sending import Resource, SendingJob, resources_of_saved
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.outgoing import Outgoing, content_of
from hornburg.archive.peer_port import PeerError, PeerGoneError, PeerSender, PeerTarget
from hornburg.archive.spool import Spool
from hornburg.archive.transcoding import TranscodingError
from hornburg.dicom.buffer import Buffer
from hornburg.errors import (
    CorruptedError,
    InexistentItemError,
    UnavailableError,
    UnknownResourceError,
)
from hornburg.settings import Peer
from hornburg.settings.peers import shown_peer

__all__ = ["PeerStoreJob", "PeerStoreRequest"]


@dataclass(frozen=True, slots=True)
class PeerStoreRequest:
    """What is to be sent where.

    ``compress`` sends each instance as gzip; ``transcode`` is a transfer syntax, empty to send
    instances as they are.
    """

    target: PeerTarget
    resources: tuple[Resource, ...]
    permissive: bool = False
    compress: bool = False
    transcode: str = ""
    description: str = "REST API"


class PeerStoreJob(SendingJob):
    """``OrthancPeerStore``: one instance a step."""

    type: ClassVar[str] = "OrthancPeerStore"

    FAILURES = (
        PeerError,
        CorruptedError,
        TranscodingError,
        UnavailableError,
        UnknownResourceError,
    )

    def __init__(self, tools: Tools, request: PeerStoreRequest) -> None:
        if tools.peering is None:
            raise ValueError("there is no way to peers here")
        super().__init__(
            tools,
            request.resources,
            permissive=request.permissive,
            receiver=request.target.name,
            described=request.target.described,
        )
        self._peering = tools.peering
        self._request = request
        self._shown = _shown(request.target)
        self._url = request.target.peer.url
        self._size = 0
        self._session: AsyncExitStack | None = None
        self._sender: PeerSender | None = None

    @classmethod
    async def prepared(cls, tools: Tools, request: PeerStoreRequest) -> PeerStoreJob:
        """A job that knows what it has to send.

        Raises:
            UnknownResourceError: one of the resources is not there.
        """
        job = cls(tools, request)
        await job._resolve()
        return job

    async def _send(self, one: Outgoing) -> None:
        sender = await self._opened()
        async with self._content(one) as (content, compressed):
            try:
                await sender.store(content, compressed=compressed)
            except PeerGoneError:
                self._refusals += 1
                raise
            size = len(content)
        self._refusals = 0
        self._size += size

    @asynccontextmanager
    async def _content(self, one: Outgoing) -> AsyncGenerator[tuple[Buffer, bool], None]:
        """The bytes of an instance as they go over the wire, and whether these are gzip."""
        archive, request = self._tools.archive, self._request
        async with content_of(archive, one.attachment) as stored:
            content: Buffer = stored
            if request.transcode and request.transcode != one.transfer_syntax:
                content = await archive.transcoder.transcode(
                    stored, request.transcode, key=one.attachment.uuid
                )
            if not request.compress:
                yield content, False
                return
            with Spool(archive.storage) as spool:
                await archive.work(gzip_into, spool, content)
                yield spool.buffer(), True

    async def _opened(self) -> PeerSender:
        if self._sender is None:
            target = self._known()
            session = AsyncExitStack()
            self._sender = await session.enter_async_context(self._peering.port.sender(target))
            self._session = session
        return self._sender

    def _known(self) -> PeerTarget:
        """The peer as it is known now: its secrets are not saved with the job.

        Raises:
            InexistentItemError: it isn't known any more, or is elsewhere.
        """
        name = self._request.target.name
        now = self._peering.peers().get(name)
        if now is None or now.peer.url != self._url:
            raise InexistentItemError(
                f"The peer {name}, to which this job sends, is not known any more, or has another "
                "URL now"
            )
        return now

    def _is_broken(self) -> bool:
        # A new request opens a new connection where that is needed.
        return False

    async def _let_go(self) -> None:
        session, self._session, self._sender = self._session, None, None
        if session is not None:
            await session.aclose()

    def content(self) -> dict[str, Any]:
        """As Orthanc shows it."""
        request = self._request
        content: dict[str, Any] = {
            "Compress": request.compress,
            "Description": request.description,
            **super().content(),
            "Peer": self._shown,
            "Size": str(self._size),
            "SizeMB": self._size >> 20,
        }
        if request.transcode:
            content["Transcode"] = request.transcode
        return content

    def state(self) -> dict[str, Any]:
        """Which peer and how, and what is done. No secrets: the peer is looked up again."""
        request = self._request
        return {
            **super().state(),
            "Peer": request.target.name,
            "Url": self._url,
            "Shown": self._shown,
            "Compress": request.compress,
            "Transcode": request.transcode,
            "Description": request.description,
            "Size": self._size,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> PeerStoreJob:
        """Go on with what is not done yet."""
        name, url = str(state["Peer"]), str(state["Url"])
        request = PeerStoreRequest(
            PeerTarget(name, Peer(url=url), True),
            resources_of_saved(state),
            bool(state["Permissive"]),
            bool(state["Compress"]),
            str(state["Transcode"]),
            str(state["Description"]),
        )
        job = cls(tools, request)
        job._restore(state)
        job._shown = state["Shown"]
        job._size = int(state["Size"])
        return job

    def restart(self) -> None:
        """Send everything again."""
        super().restart()
        self._size = 0


def _shown(target: PeerTarget) -> list[str] | dict[str, Any]:
    """The two forms of the configuration, as Orthanc shows them in jobs: passwords and the values
    of headers are empty."""
    peer = target.peer
    special = peer.http_headers or peer.certificate_file or peer.timeout or peer.properties
    if not special:
        return [peer.url, peer.username, ""] if peer.username else [peer.url]
    shown = shown_peer(peer)
    shown["HttpHeaders"] = dict.fromkeys(shown["HttpHeaders"], "")
    return {name: value for name, value in shown.items() if value is not None}
