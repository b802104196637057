"""Instances to another application entity by C-STORE, all on one association.

Source: Orthanc Book, users/rest, "Sending One Resource", and users/advanced-rest, "Jobs"; the
members of ``Content`` are those of Orthanc 1.10.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

from hornburg.archive.ask_commitment import ask_for_commitment, refuse_too_many
from hornburg.archive.jobs.sending import Resource, SendingJob, resources_of_saved
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.outgoing import Outgoing, content_of
from hornburg.archive.remote import RemoteError, Sender, Target
from hornburg.archive.send import refuse_failure
from hornburg.archive.targets import saved_target, target_of_saved
from hornburg.dicom.uids import generate_uid
from hornburg.errors import CorruptedError, HornburgError, UnknownResourceError

__all__ = ["StoreJob", "StoreRequest"]

log = logging.getLogger("hornburg.archive")

#: Pairs of SOP class and transfer syntax that one association is asked to take: it has room for
#: 128 presentation contexts (PS3.8 9.3.2.2), and a pair may need two.
_MOST_OFFERS = 60

Originator = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """What is to be sent where.

    ``originator`` is the title and message number of the C-MOVE that the C-STORE claims to belong
    to; ``commitment`` asks for storage commitment afterwards.
    """

    target: Target
    resources: tuple[Resource, ...]
    permissive: bool = False
    commitment: bool = False
    originator: Originator | None = None
    description: str = "REST API"


class StoreJob(SendingJob):
    """``DicomModalityStore``: one instance a step."""

    type: ClassVar[str] = "DicomModalityStore"

    FAILURES = (RemoteError, CorruptedError, UnknownResourceError)

    def __init__(self, tools: Tools, request: StoreRequest) -> None:
        super().__init__(
            tools,
            request.resources,
            permissive=request.permissive,
            receiver=request.target.name,
            described=request.target.described,
        )
        self._request = request
        self._transaction = generate_uid() if request.commitment else ""
        self._session: AsyncExitStack | None = None
        self._sender: Sender | None = None
        self._offered: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    async def prepared(cls, tools: Tools, request: StoreRequest) -> StoreJob:
        """A job that knows what it has to send.

        Raises:
            UnknownResourceError: one of the resources is not there.
            TooLargeError: storage commitment can't be asked for so many instances.
        """
        job = cls(tools, request)
        instances = await job._resolve()
        if request.commitment:
            refuse_too_many(len(instances))
        return job

    def _is_broken(self) -> bool:
        return self._sender is not None and not self._sender.alive

    async def _send(self, one: Outgoing) -> None:
        sender = await self._opened(one)
        async with content_of(self._tools.archive, one.attachment) as content:
            status = await sender.store(
                content,
                one.sop_class,
                one.sop_instance,
                one.transfer_syntax,
                originator=self._request.originator,
            )
        refuse_failure(self._request.target, one.sop_instance, status)

    async def _opened(self, one: Outgoing) -> Sender:
        """The association; another one when this one was not asked to take the instance."""
        if self._sender is not None:
            if (one.sop_class, one.transfer_syntax) in self._offered:
                return self._sender
            await self._let_go()
        offers = self._offers()
        session = AsyncExitStack()
        try:
            sender = await session.enter_async_context(
                self._tools.remote.sender(self._request.target, offers)
            )
        except HornburgError:
            self._refusals += 1
            raise
        self._refusals = 0
        self._session, self._sender, self._offered = session, sender, frozenset(offers)
        return sender

    def _offers(self) -> list[tuple[str, str]]:
        offers: dict[tuple[str, str], None] = {}
        for one in (self._instances or [])[self._next :]:
            offers[one.sop_class, one.transfer_syntax] = None
            if len(offers) == _MOST_OFFERS:
                break
        return list(offers)

    async def _finish(self, instances: Sequence[Outgoing]) -> None:
        """Ask for storage commitment."""
        references = [
            (one.sop_class, one.sop_instance) for one in instances if one.public_id in self._done
        ]
        if not self._transaction or not references:
            return
        tools, target = self._tools, self._request.target
        try:
            await ask_for_commitment(
                tools.commitments, tools.remote, target, self._transaction, references
            )
        except RemoteError as error:
            if not self._request.permissive:
                raise
            log.warning("storage commitment was not asked for: %s", error)

    async def _let_go(self) -> None:
        session, self._session, self._sender = self._session, None, None
        if session is not None:
            try:
                await session.aclose()
            except RemoteError as error:
                # All that was sent is answered for; how the other side says goodbye changes nothing.
                log.info("the release of an association failed: %s", error)

    def content(self) -> dict[str, Any]:
        """As Orthanc shows it."""
        request = self._request
        content: dict[str, Any] = {
            "Description": request.description,
            **super().content(),
            "LocalAet": request.target.local_aet,
            "RemoteAet": request.target.modality.aet,
        }
        if request.originator is not None:
            content["MoveOriginatorAET"], content["MoveOriginatorID"] = request.originator
        if self._transaction:
            content["StorageCommitmentTransactionUID"] = self._transaction
        return content

    def state(self) -> dict[str, Any]:
        """Whom to send to and as whom, and what is done."""
        request = self._request
        return {
            **super().state(),
            "Target": saved_target(request.target),
            "Originator": list(request.originator) if request.originator else None,
            "Description": request.description,
            "Transaction": self._transaction,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> StoreJob:
        """Go on with what is not done yet."""
        given = state["Originator"]
        request = StoreRequest(
            target_of_saved(state["Target"], tools.modalities()),
            resources_of_saved(state),
            bool(state["Permissive"]),
            bool(state["Transaction"]),
            (str(given[0]), int(given[1])) if given else None,
            str(state["Description"]),
        )
        job = cls(tools, request)
        job._transaction = str(state["Transaction"])
        job._restore(state)
        return job

    def restart(self) -> None:
        """Send everything again."""
        super().restart()
        if self._transaction:
            self._transaction = generate_uid()
