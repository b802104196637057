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
from hornburg.archive.exports import log_exports
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.outgoing import Outgoing, content_of, outgoing
from hornburg.archive.remote import RemoteError, Sender, Target
from hornburg.archive.send import refuse_failure
from hornburg.archive.targets import saved_target, target_of_saved
from hornburg.dicom.levels import Level
from hornburg.dicom.uids import generate_uid
from hornburg.errors import CorruptedError, HornburgError, UnknownResourceError
from hornburg.index.base import Reader
from hornburg.jobs.job import CONTINUE, SUCCESS, Job, Step, Why

__all__ = ["StoreJob", "StoreRequest"]

log = logging.getLogger("hornburg.archive")

#: Pairs of SOP class and transfer syntax that one association is asked to take: it has room for
#: 128 presentation contexts (PS3.8 9.3.2.2), and a pair may need two.
_MOST_OFFERS = 60

#: Associations in a row that could not be opened before a permissive job gives up on the rest.
_MOST_REFUSALS = 3

Resource = tuple[Level, str]
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


class StoreJob(Job):
    """``DicomModalityStore``: one instance a step."""

    type: ClassVar[str] = "DicomModalityStore"

    def __init__(self, tools: Tools, request: StoreRequest) -> None:
        self._tools = tools
        self._request = request
        self._transaction = generate_uid() if request.commitment else ""
        self._instances: list[Outgoing] | None = None
        self._owners: dict[str, tuple[int, ...]] = {}
        self._count = 0
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._exported: set[int] = set()
        self._next = 0
        self._refusals = 0
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

    async def _resolve(self) -> list[Outgoing]:
        archive, resources = self._tools.archive, self._request.resources
        instances = await outgoing(archive, resources)
        if archive.settings.log_exported_resources:
            self._owners = await archive.index.read(lambda reader: _owners(reader, resources))
        self._instances = instances
        self._count = len(instances)
        return instances

    async def step(self) -> Step:
        """Send the next instance; at the end ask for storage commitment."""
        instances = self._instances
        if instances is None:
            instances = await self._resolve()
        if self._refusals >= _MOST_REFUSALS:
            self._give_up(instances)
        while self._next < len(instances):
            one = instances[self._next]
            if one.public_id in self._done or one.public_id in self._failed:
                self._next += 1
                continue
            await self._send_or_note(one)
            self._next += 1
            return CONTINUE
        await self._let_go()
        await self._ask_for_commitment(instances)
        return SUCCESS

    def _give_up(self, instances: Sequence[Outgoing]) -> None:
        """What is left is not sent: nobody is there."""
        left = {one.public_id for one in instances[self._next :]} - self._done - self._failed
        self._next = len(instances)
        if left:
            log.warning(
                "%d more instances were not sent to %s: %d associations in a row could not be "
                "opened",
                len(left),
                self._request.target.described,
                _MOST_REFUSALS,
            )
        self._failed |= left

    async def _send_or_note(self, one: Outgoing) -> None:
        try:
            await self._send(one)
        except (RemoteError, CorruptedError, UnknownResourceError) as error:
            if self._sender is not None and not self._sender.alive:
                await self._let_go()
            if not self._request.permissive:
                raise
            log.warning("instance %s was not sent: %s", one.public_id, error)
            self._failed.add(one.public_id)
            return
        self._done.add(one.public_id)
        await self._log_export(one)

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

    async def _log_export(self, one: Outgoing) -> None:
        """The log names the resources that were asked for, with their first instance that goes."""
        owners = self._owners.get(one.public_id, ())
        new = [number for number in owners if number not in self._exported]
        if new:
            resources = [self._request.resources[number] for number in new]
            await log_exports(self._tools.archive, self._request.target.name, resources)
            self._exported.update(new)

    async def _ask_for_commitment(self, instances: Sequence[Outgoing]) -> None:
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

    async def stop(self, why: Why) -> None:
        """Release the association."""
        await self._let_go()

    async def _let_go(self) -> None:
        session, self._session, self._sender = self._session, None, None
        if session is not None:
            try:
                await session.aclose()
            except RemoteError as error:
                # All that was sent is answered for; how the other side says goodbye changes nothing.
                log.info("the release of an association failed: %s", error)

    @property
    def progress(self) -> float:
        """Instances that were sent or given up, of all."""
        done = len(self._done) + len(self._failed)
        return done / self._count if self._count else 0.0

    def content(self) -> dict[str, Any]:
        """As Orthanc shows it."""
        request = self._request
        content: dict[str, Any] = {
            "Description": request.description,
            "FailedInstancesCount": len(self._failed),
            "InstancesCount": self._count,
            "LocalAet": request.target.local_aet,
            "RemoteAet": request.target.modality.aet,
        }
        if request.originator is not None:
            content["MoveOriginatorAET"], content["MoveOriginatorID"] = request.originator
        if request.resources:
            content["ParentResources"] = sorted({each for _, each in request.resources})
        if self._transaction:
            content["StorageCommitmentTransactionUID"] = self._transaction
        return content

    def state(self) -> dict[str, Any]:
        """Which instances are done; the others are looked up again."""
        request = self._request
        return {
            "Target": saved_target(request.target),
            "Resources": [[level.word, public_id] for level, public_id in request.resources],
            "Permissive": request.permissive,
            "Originator": list(request.originator) if request.originator else None,
            "Description": request.description,
            "Transaction": self._transaction,
            "Count": self._count,
            "Done": sorted(self._done),
            "Failed": sorted(self._failed),
            "Exported": sorted(self._exported),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> StoreJob:
        """Go on with what is not done yet."""
        given = state["Originator"]
        request = StoreRequest(
            target_of_saved(state["Target"], tools.modalities()),
            tuple((Level.from_word(word), str(each)) for word, each in state["Resources"]),
            bool(state["Permissive"]),
            bool(state["Transaction"]),
            (str(given[0]), int(given[1])) if given else None,
            str(state["Description"]),
        )
        job = cls(tools, request)
        job._transaction = str(state["Transaction"])
        job._count = int(state["Count"])
        job._done = set(map(str, state["Done"]))
        job._failed = set(map(str, state["Failed"]))
        job._exported = set(map(int, state["Exported"]))
        return job

    def restart(self) -> None:
        """Send everything again."""
        self._instances = None
        self._done.clear()
        self._failed.clear()
        self._exported.clear()
        self._next = self._refusals = 0
        if self._transaction:
            self._transaction = generate_uid()


def _owners(reader: Reader, resources: Sequence[Resource]) -> dict[str, tuple[int, ...]]:
    """For each instance the numbers of the resources that it belongs to."""
    owners: dict[str, tuple[int, ...]] = {}
    for number, (level, public_id) in enumerate(resources):
        for instance, _ in reader.dicom_locations(level, public_id):
            owners[instance] = (*owners.get(instance, ()), number)
    return owners
