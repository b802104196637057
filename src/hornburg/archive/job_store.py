"""Where jobs survive a restart: in properties of the index.

Each job has a property of its own, so that one more job costs one small write however many there
are. Properties can't be removed, so they are slots: one that becomes free is emptied and used
again. There are never more slots than jobs at one time, which the engine bounds.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from hornburg.errors import DatabaseError
from hornburg.index.base import Index, Reader, Writer
from hornburg.jobs.saver import Store

__all__ = ["IndexJobStore"]

#: The number of slots, and their names.
_COUNT = "JobSlots"
_SLOT = "Job.{}"


class IndexJobStore(Store):
    """Jobs in the index.

    Calls must not overlap, which the engine sees to.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._count = 0

    async def load(self) -> Mapping[str, str]:
        """All jobs that were saved.

        Raises:
            DatabaseError: the index can't be read, or doesn't hold what was written.
        """
        values = await self._index.read(_read)
        self._slots, self._free, self._count = {}, [], len(values)
        texts = {}
        for slot, value in enumerate(values):
            job_id, _, text = value.partition(" ")
            if job_id:
                self._slots[job_id] = slot
                texts[job_id] = text
            else:
                self._free.append(slot)
        return texts

    async def save(self, changed: Mapping[str, str | None]) -> None:
        """Replace what is saved of these jobs; errors as :meth:`Index.write`."""
        # A slot is taken before the write and given back after it: a write that fails, or that
        # nobody waits for any more, leaves no text that the next one doesn't know of.
        values = {
            self._slot(job_id): f"{job_id} {text}"
            for job_id, text in changed.items()
            if text is not None
        }
        gone = [job_id for job_id, text in changed.items() if text is None]
        values |= {self._slots[job_id]: "" for job_id in gone if job_id in self._slots}
        if not values:
            return
        await self._index.write(_Change(values, self._count))
        for job_id in gone:
            slot = self._slots.pop(job_id, None)
            if slot is not None:
                heapq.heappush(self._free, slot)

    def _slot(self, job_id: str) -> int:
        slot = self._slots.get(job_id)
        if slot is None:
            if self._free:
                slot = heapq.heappop(self._free)
            else:
                slot, self._count = self._count, self._count + 1
            self._slots[job_id] = slot
        return slot


class _Change:
    """The write; it may be run again."""

    def __init__(self, values: Mapping[int, str], count: int) -> None:
        self._values = values
        self._count = count

    def __call__(self, writer: Writer) -> None:
        for slot, value in self._values.items():
            writer.set_property(_SLOT.format(slot), value)
        writer.set_property(_COUNT, str(self._count))


def _read(reader: Reader) -> list[str]:
    count = reader.property(_COUNT) or "0"
    if not count.isdecimal():
        raise DatabaseError(f"The number of saved jobs in the index is {count[:20]!r}, no number")
    return [reader.property(_SLOT.format(slot)) or "" for slot in range(int(count))]
