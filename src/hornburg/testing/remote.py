"""Other application entities without a network, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from hornburg.archive.origin import Origin
from hornburg.archive.remote import (
    Failed,
    Keep,
    Model,
    Reference,
    Remote,
    RemoteError,
    Sender,
    Suboperations,
    Target,
)
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, decode, encode
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.reader import read
from hornburg.storage.base import Storage

__all__ = ["GONE", "UNWANTED", "Call", "FakeRemote", "Sent"]

GONE = -1
"""Among ``statuses``: the association breaks off."""

UNWANTED = -2
"""Among ``statuses``: the other side has no use for the instance."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that was asked for; ``destination`` of a C-MOVE, ``references`` of storage
    commitment."""

    service: str
    target: Target
    model: Model | None = None
    identifier: Elements = field(default_factory=dict)
    destination: str = ""
    references: tuple[Reference, ...] = ()
    failed: tuple[Failed, ...] = ()
    transaction_uid: str = ""
    sop_classes: tuple[str, ...] = ()
    offers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """An instance that was sent."""

    content: bytes
    sop_class: str
    sop_instance: str
    transfer_syntax: str
    originator: tuple[str, int] | None


class FakeRemote(Remote):
    """Answers what a test wants, and remembers what it was asked.

    Attributes:
        calls: what was asked, in order.
        sent: the instances that were sent.
        answers: what a C-FIND answers.
        progress: what a C-MOVE or C-GET tells.
        statuses: of the next C-STOREs; success when there are none left.
        failures: raised by the next operations, one each; ``None`` lets one pass.
        files: what a C-GET brings.
        kept: what became of them, as statuses.
        cancelled: queries and retrievals that were not read to their end.
        open_associations: those of senders that were not closed.
        gate: while it is not set, C-STORE and C-MOVE wait in the middle.
    """

    def __init__(self, storage: Storage | None = None) -> None:
        self.calls: list[Call] = []
        self.sent: list[Sent] = []
        self.answers: list[Elements] = []
        self.progress: list[Suboperations] = [Suboperations(0x0000, completed=1)]
        self.statuses: list[int] = []
        self.kept: list[int] = []
        self.failures: list[RemoteError | None] = []
        self.files: list[bytes] = []
        self.open_associations = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._storage = storage

    def _called(self, call: Call) -> None:
        self.calls.append(call)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure

    async def echo(self, target: Target) -> None:
        """Note it."""
        self._called(Call("C-ECHO", target))

    async def find(
        self, target: Target, model: Model, identifier: Elements
    ) -> AsyncGenerator[DataSet, None]:
        """Give ``answers``."""
        self._called(Call("C-FIND", target, model, identifier))
        done = False
        try:
            for answer in self.answers:
                yield decode(encode(answer))
            done = True
        finally:
            self.cancelled += not done

    async def move(
        self, target: Target, model: Model, identifier: Elements, destination: str
    ) -> AsyncGenerator[Suboperations, None]:
        """Give ``progress``."""
        self._called(Call("C-MOVE", target, model, identifier, destination))
        done = False
        try:
            for each in self.progress:
                yield each
                await self.gate.wait()
            done = True
        finally:
            self.cancelled += not done

    async def get(
        self,
        target: Target,
        model: Model,
        identifier: Elements,
        keep: Keep,
        sop_classes: Sequence[str] = (),
    ) -> AsyncGenerator[Suboperations, None]:
        """Bring ``files``, then give ``progress``."""
        self._called(Call("C-GET", target, model, identifier, sop_classes=tuple(sop_classes)))
        for file in self.files:
            if self._storage is None:
                raise ValueError("A fake that brings files needs the storage for its spools")
            with Spool(self._storage) as spool:
                spool.write(file)
                origin = Origin("DicomProtocol", remote_aet=target.modality.aet)
                self.kept.append(await keep(spool, origin, _claim(file)))
        for each in self.progress:
            yield each

    def sender(
        self, target: Target, offers: Sequence[tuple[str, str]]
    ) -> AbstractAsyncContextManager[Sender]:
        """An association whose instances go to ``sent``."""
        return self._sender(target, offers)

    @asynccontextmanager
    async def _sender(
        self, target: Target, offers: Iterable[tuple[str, str]]
    ) -> AsyncIterator[Sender]:
        self._called(Call("C-STORE", target, offers=tuple(offers)))
        self.open_associations += 1
        try:
            yield _FakeSender(self)
        finally:
            self.open_associations -= 1

    async def request_commitment(
        self, target: Target, transaction_uid: str, references: Sequence[Reference]
    ) -> None:
        """Note it."""
        self._called(
            Call("N-ACTION", target, references=tuple(references), transaction_uid=transaction_uid)
        )

    async def report_commitment(
        self,
        target: Target,
        transaction_uid: str,
        success: Sequence[Reference],
        failed: Sequence[Failed],
    ) -> None:
        """Note it."""
        self._called(
            Call(
                "N-EVENT-REPORT",
                target,
                references=tuple(success),
                failed=tuple(failed),
                transaction_uid=transaction_uid,
            )
        )


class _FakeSender(Sender):
    def __init__(self, remote: FakeRemote) -> None:
        self._remote = remote
        self._alive = True

    @property
    def alive(self) -> bool:
        return self._alive

    async def store(
        self,
        content: Buffer,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
        *,
        originator: tuple[str, int] | None = None,
    ) -> int:
        remote = self._remote
        await remote.gate.wait()
        status = remote.statuses.pop(0) if remote.statuses else 0x0000
        if status < 0:
            self._alive = status != GONE
            raise RemoteError("Gone" if status == GONE else "Nobody takes the SOP class")
        remote.sent.append(
            Sent(bytes(content), sop_class, sop_instance, transfer_syntax, originator)
        )
        return status


def _claim(content: bytes) -> Reference:
    """What an honest C-STORE says of a file; nothing of what is none."""
    try:
        file = read(content)
    except DicomFormatError:
        return "", ""
    return file.sop_class_uid, file.text(0x00080018) or ""
