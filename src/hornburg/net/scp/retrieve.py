"""What C-MOVE and C-GET share: the identifier, the sub-operations, and the answers about them
(PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from hornburg.archive.outgoing import Outgoing, outgoing
from hornburg.archive.retrieve import wanted_resources
from hornburg.dicom.elements import Elements, Value, encode
from hornburg.dimse import status
from hornburg.dimse.status import Category, category
from hornburg.net.scp.request import Request
from hornburg.security.principals import Permission

__all__ = ["Tally", "wanted"]

log = logging.getLogger("hornburg.dicom")

_FAILED_LIST = 0x00080058
_ALL_FAILED, _SOME_FAILED = 0xA702, 0xB000

#: The counters are of 16 bits (PS3.7 table E.1-1, US).
_MOST_COUNTED = 0xFFFF
#: UIDs in the list of failed instances; what is beyond is only counted.
_MOST_FAILED = 10_000


async def wanted(request: Request) -> list[Outgoing]:
    """The instances that a request asks for.

    Raises:
        IdentifierError: the identifier does not say what is wanted.
        DicomFormatError: the identifier can't be read.
        ForbiddenError: rules name the caller, and none lets it download (0x0124).
    """
    archive = request.seen(Permission.DOWNLOAD)
    identifier = await request.identifier(lambda dataset: dataset)
    return await outgoing(archive, await wanted_resources(archive, identifier))


@dataclass(slots=True)
class Tally:
    """How far the sub-operations are."""

    remaining: int
    completed: int = 0
    warning: int = 0
    failed: int = 0
    failed_instances: list[str] = field(default_factory=list)

    def count(self, one: Outgoing, result: int) -> None:
        """One sub-operation ended with this status of a C-STORE."""
        self.remaining -= 1
        kind = category(result)
        if kind is Category.SUCCESS:
            self.completed += 1
        elif kind is Category.WARNING:
            self.warning += 1
        else:
            self.fail(one)

    def fail(self, one: Outgoing) -> None:
        """One sub-operation failed; ``remaining`` is up to the caller."""
        self.failed += 1
        if len(self.failed_instances) < _MOST_FAILED:
            self.failed_instances.append(one.sop_instance)

    async def pending(self, request: Request) -> None:
        """Tell how far it is."""
        remaining = min(self.remaining, _MOST_COUNTED)
        await request.answer(status.PENDING, None, remaining=remaining, **self._counts())

    async def finish(self, request: Request, *, cancelled: bool = False) -> None:
        """The final answer (PS3.4 tables C.4-2 and C.4-3)."""
        if cancelled:
            await self._final(request, status.CANCEL, remaining=min(self.remaining, _MOST_COUNTED))
        elif not self.failed:
            await self._final(request, status.SUCCESS)
        elif self.completed or self.warning:
            await self._final(request, _SOME_FAILED)
        else:
            await self._final(request, _ALL_FAILED)

    async def _final(self, request: Request, result: int, **more: int) -> None:
        dataset = None
        if self.failed_instances:
            elements: Elements = {_FAILED_LIST: Value("UI", "\\".join(self.failed_instances))}
            dataset = encode(elements, transfer_syntax=request.context.transfer_syntax)
        await request.answer(result, dataset, **more, **self._counts())

    def _counts(self) -> dict[str, int]:
        return {
            "completed": min(self.completed, _MOST_COUNTED),
            "failed": min(self.failed, _MOST_COUNTED),
            "warning": min(self.warning, _MOST_COUNTED),
        }
