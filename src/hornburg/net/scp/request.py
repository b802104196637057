"""A request of another application entity, as a service sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from hornburg.archive.parts import Archive
from hornburg.archive.seen import seen_by
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import decode, elements_of
from hornburg.dimse.commands import Command, response
from hornburg.errors import TooLargeError
from hornburg.hooks.specs import RemoteEntity
from hornburg.net.association import Association
from hornburg.net.inbox import Message
from hornburg.net.parts import Parts
from hornburg.security.dicom_rules import Caller
from hornburg.security.policy import Access
from hornburg.security.principals import Kind, Permission, Principal
from hornburg.security.redaction import describe
from hornburg.ul.negotiation import AcceptedContext

__all__ = ["IDENTIFIER_LIMIT", "Request"]

log = logging.getLogger("hornburg.dicom")

#: Bytes of an identifier. Lists of UIDs are the longest: 10,000 of them are 650 KB.
IDENTIFIER_LIMIT = 1 << 20

#: Bytes of a data set that is decoded in less than some milliseconds, whatever it holds.
_QUICK = 16 << 10

#: Answers before others have their turn, and a C-CANCEL can be read: so many, or so many bytes.
_IN_A_ROW = 20
_BYTES_IN_A_ROW = 256 << 10

T = TypeVar("T")


class Request:
    """One request, and the way to answer it."""

    __slots__ = ("association", "caller", "context", "message", "modality", "parts", "status")

    def __init__(
        self,
        parts: Parts,
        association: Association,
        caller: Caller,
        context: AcceptedContext,
        message: Message,
    ) -> None:
        self.parts = parts
        self.association = association
        self.caller = caller
        self.context = context
        self.message = message
        #: The name of the caller in ``DicomModalities``, once the rules were asked.
        self.modality: str | None = None
        #: The status that was answered last.
        self.status: int | None = None

    @property
    def command(self) -> Command:
        """What is asked."""
        return self.message.command

    def remote(self) -> RemoteEntity:
        """Who asks, as plug-ins see it."""
        caller = self.caller
        return RemoteEntity(caller.aet, caller.called_aet, caller.address, self.modality or "")

    def access(self) -> Access:
        """What the caller may do besides what ``DicomModalities`` says (``AccessRules``)."""
        caller = self.caller
        return self.parts.policy.access(
            Principal(
                self.modality or "", Kind.AET, address=caller.address, detail=caller.certificate
            )
        )

    def needs(self, permission: Permission) -> None:
        """What is not about resources.

        Raises:
            ForbiddenError: rules name the caller, and none grants it (0x0124).
        """
        self.access().scope(permission)

    def seen(self, permission: Permission) -> Archive:
        """The archive as the caller may see it.

        Raises:
            ForbiddenError: rules name the caller, and none grants the permission (0x0124).
        """
        if not self.parts.policy.has_rules:
            return self.parts.archive
        return seen_by(self.parts.archive, self.access(), permission)

    @property
    def cancelled(self) -> bool:
        """Whether the other side has sent a C-CANCEL for this request."""
        return self.command.message_id in self.association.inbox.cancelled

    async def dataset(self, limit: int = IDENTIFIER_LIMIT) -> bytes:
        """The whole data set of the request.

        Raises:
            TooLargeError: it is over the limit, in bytes; all of it was read.
            AssociationLostError: it never came to its end.
        """
        parts: list[bytes] = []
        size = 0
        while arrived := await self.association.inbox.parts(self.message):
            size += sum(map(len, arrived))
            if size <= limit:
                # Joined at once: fragments of two bytes would take many times their own memory.
                parts.append(b"".join(arrived))
            else:
                parts.clear()
        if size > limit:
            raise TooLargeError(f"The data set has {size} bytes, at most {limit} are allowed")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def note(self, identifier: DataSet) -> None:
        """Tell the log, when it is verbose, what is asked for (``DeidentifyLogs``)."""
        if log.isEnabledFor(logging.DEBUG):
            settings = self.parts.archive.settings
            words = describe(elements_of(identifier), deidentify=settings.deidentify_logs)
            log.debug("%s of %s: %s", self.command.name, self.caller.aet, words)

    async def identifier(self, read: Callable[[DataSet], T], limit: int = IDENTIFIER_LIMIT) -> T:
        """The data set of the request, decoded, and what ``read`` makes of it: of a large one on
        a thread, since it may have as many elements as there is room for.

        Raises:
            DicomFormatError: it can't be read.
            TooLargeError, AssociationLostError: as for :meth:`dataset`.
        """
        raw = await self.dataset(limit)
        archive = self.parts.archive

        def decoded() -> T:
            identifier = decode(
                raw,
                self.context.transfer_syntax,
                default_charset=archive.runtime.default_encoding,
                dictionary=archive.dictionary,
            )
            self.note(identifier)
            return read(identifier)

        return await archive.work(decoded) if len(raw) > _QUICK else decoded()

    async def drop(self) -> None:
        """Read what has not been read yet of the data set, and forget it."""
        while await self.association.inbox.parts(self.message):
            pass

    async def answer(
        self,
        status: int,
        dataset: Buffer | Iterable[Buffer] | None = None,
        **fields: Any,
    ) -> None:
        """Send a response; waits while the other side does not read.

        Raises:
            AssociationLostError: nobody is there to hear it.
        """
        self.status = status
        answer = response(self.command, status, has_dataset=dataset is not None, **fields)
        await self.association.send(self.context.context_id, answer, dataset)

    async def answer_each(self, status: int, datasets: Sequence[bytes]) -> int:
        """Send a response with each data set, until the other side cancels; waits as
        :meth:`answer`, and tells how many were sent.

        Raises:
            AssociationLostError: nobody is there to hear it.
        """
        answer = response(self.command, status, has_dataset=True)
        sent = 0
        while sent < len(datasets) and not self.cancelled:
            first, size = sent, 0
            while sent < len(datasets) and sent < first + _IN_A_ROW and size < _BYTES_IN_A_ROW:
                size += len(datasets[sent])
                sent += 1
            await self.association.send_each(self.context.context_id, answer, datasets[first:sent])
            await asyncio.sleep(0)
        return sent
