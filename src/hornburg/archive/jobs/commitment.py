"""Storage commitment as its provider: look whether instances are safe here, and report it.

Source: PS3.4 J.3; PS3.3 C.14 (failure reasons); Orthanc Book, users/storage-commitment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from hornburg.archive.commitments import CONFLICT, MISSING
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Failed, Reference, Target
from hornburg.archive.seen import is_narrowed
from hornburg.archive.targets import saved_target, target_of_saved
from hornburg.dicom.levels import Level
from hornburg.errors import CorruptedError
from hornburg.index.base import Attachment, Condition, Match, Query, Reader
from hornburg.jobs.job import CONTINUE, SUCCESS, Job, Step

__all__ = ["CommitmentJob", "judge"]

#: Instances that are looked up in one step.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Seen:
    sop_class: str
    file: Attachment | None


class CommitmentJob(Job):
    """``StorageCommitmentScp``: answers an N-ACTION by an N-EVENT-REPORT.

    Args:
        tools: the archive and the way back.
        target: who asked; ``local_aet`` is the title that they called us by.
        transaction_uid: theirs.
        references: SOP class and instance UIDs, as asked.
        hidden: SOP instance UIDs that are not there for who asks (:func:`unseen`).
    """

    type: ClassVar[str] = "StorageCommitmentScp"

    def __init__(
        self,
        tools: Tools,
        target: Target,
        transaction_uid: str,
        references: Sequence[Reference],
        hidden: Iterable[str] = (),
    ) -> None:
        self._tools = tools
        self._target = target
        self._transaction = transaction_uid
        self._references = tuple(references)
        self._hidden = frozenset(hidden)
        self._success: list[Reference] = []
        self._failed: list[Failed] = []

    @property
    def _next(self) -> int:
        return len(self._success) + len(self._failed)

    async def step(self) -> Step:
        """Look up some instances; report when all are known."""
        at = self._next
        if at < len(self._references):
            batch = self._references[at : at + _AT_ONCE]
            seen = [one for one in batch if one[1] not in self._hidden]
            success, failed = await judge(self._tools.archive, seen)
            self._success += success
            self._failed += failed
            self._failed += [(*one, MISSING) for one in batch if one[1] in self._hidden]
            return CONTINUE
        await self._tools.remote.report_commitment(
            self._target, self._transaction, self._success, self._failed
        )
        return SUCCESS

    @property
    def progress(self) -> float:
        """Instances that were looked up, of all; the report is one more."""
        return self._next / (len(self._references) + 1)

    def content(self) -> dict[str, Any]:
        """As Orthanc shows it."""
        return {
            "CalledAet": self._target.local_aet,
            "Description": "",
            "RemoteAet": self._target.modality.aet,
            "TransactionUid": self._transaction,
        }

    def state(self) -> dict[str, Any]:
        """The request; it is looked up again."""
        return {
            "Target": saved_target(self._target),
            "Transaction": self._transaction,
            "References": [list(one) for one in self._references],
            "Hidden": sorted(self._hidden),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> CommitmentJob:
        """Begin with the look-up."""
        return cls(
            tools,
            target_of_saved(state["Target"], tools.modalities()),
            str(state["Transaction"]),
            [(str(sop_class), str(instance)) for sop_class, instance in state["References"]],
            map(str, state.get("Hidden", ())),
        )

    def restart(self) -> None:
        """Look everything up again."""
        self._success.clear()
        self._failed.clear()


async def unseen(archive: Archive, references: Sequence[Reference]) -> set[str]:
    """The SOP instance UIDs that a narrowed archive does not show: the job works with the whole
    one, and must not tell of them."""
    if not is_narrowed(archive):
        return set()
    hidden: set[str] = set()
    for at in range(0, len(references), _AT_ONCE):
        batch = references[at : at + _AT_ONCE]
        found = await archive.index.read(partial(_each_seen, batch))
        hidden.update(
            instance for (_, instance), seen in zip(batch, found, strict=True) if not seen
        )
    return hidden


def _each_seen(references: Sequence[Reference], reader: Reader) -> list[list[_Seen]]:
    return [_seen(reader, instance) for _, instance in references]


async def judge(
    archive: Archive, references: Sequence[Reference]
) -> tuple[list[Reference], list[Failed]]:
    """Which of some instances are safe here: in the index under this SOP class, and their file
    in the storage at its full size."""

    found = await archive.index.read(partial(_each_seen, references))
    success: list[Reference] = []
    failed: list[Failed] = []
    for reference, seen in zip(references, found, strict=True):
        fitting = [one for one in seen if one.sop_class == reference[0]]
        if any([await _is_whole(archive, one.file) for one in fitting]):
            success.append(reference)
        else:
            failed.append((*reference, CONFLICT if seen and not fitting else MISSING))
    return success, failed


def _seen(reader: Reader, sop_instance: str) -> list[_Seen]:
    if not sop_instance:
        return []
    condition = Condition(Level.INSTANCE, "SOPInstanceUID", Match.EQUAL, (sop_instance,))
    return [
        _Seen(
            resource.metadata.get("SopClassUid", ""),
            resource.attachments[0] if resource.attachments else None,
        )
        for resource in reader.find(Query(Level.INSTANCE, (condition,), limit=16))
    ]


async def _is_whole(archive: Archive, file: Attachment | None) -> bool:
    if file is None:
        return False
    try:
        return await archive.work(archive.storage.size, file.uuid) == file.compressed_size
    except CorruptedError:
        return False
