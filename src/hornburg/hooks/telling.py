"""The index of an archive whose plug-ins want to know what happens in it.

What is new stands in the log of changes, so it is read from there, in the transaction that wrote
it; what is deleted is in no log, so it is looked at before it goes. Plug-ins are told when the
transaction is durable. Where nobody listens the index is not wrapped at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from hornburg.dicom.levels import Level
from hornburg.hooks.manager import Hooks
from hornburg.hooks.specs import EVENTS, Event
from hornburg.index.base import Change, Deletion, Index, NewInstance, Reader, Stored, Writer

__all__ = ["TellingIndex"]

T = TypeVar("T")


class TellingIndex(Index):
    """An index that tells plug-ins what changes.

    Args:
        index: the index itself.
        hooks: who is told.
    """

    def __init__(self, index: Index, hooks: Hooks) -> None:
        self._index = index
        self._hooks = hooks
        self._telling: set[asyncio.Task[Any]] = set()

    @property
    def generation(self) -> int | None:  # type: ignore[override]
        """That of the index itself."""
        return self._index.generation

    async def open(self) -> None:
        await self._index.open()

    async def close(self) -> None:
        await self._index.close()

    async def look(self, work: Callable[[Reader], T]) -> T:
        return await self._index.look(work)

    def look_now(self, work: Callable[[Reader], T | None]) -> T | None:
        return self._index.look_now(work)

    async def read(self, work: Callable[[Reader], T]) -> T:
        return await self._index.read(work)

    async def write(
        self, work: Callable[[Writer], T], *, needs: str | None = None, quick: bool = False
    ) -> T:
        """The change goes on when its caller is cancelled, and is told then, too."""
        task = asyncio.ensure_future(self._write(work, needs, quick))
        self._telling.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._telling.discard(task)
        if not task.cancelled():
            task.exception()  # its caller has it, or is gone and doesn't want it

    async def _write(self, work: Callable[[Writer], T], needs: str | None, quick: bool) -> T:
        events: list[Event] = []

        def watched(writer: Writer) -> T:
            # It may be run again: then what it did before was undone.
            events.clear()
            before = writer.last_change()
            answer = work(_watch(writer, events))
            logged = writer.changes(before, None, 0, (), False)
            events.extend(_event(writer, change) for change in logged if change.type in EVENTS)
            return answer

        answer = await self._index.write(watched, needs=needs, quick=quick)
        self._hooks.tell(*events)
        return answer


def _event(reader: Reader, change: Change) -> Event:
    metadata: dict[str, str] = {}
    if change.type == "NewInstance":
        found = reader.metadata(Level.INSTANCE, change.public_id) or {}
        metadata = {name: value.value for name, value in found.items()}
    return Event(change.type, change.level.word, change.public_id, metadata, change.date)


def _watch(writer: Writer, events: list[Event]) -> Writer:
    return cast("Writer", _Watched(writer, events))


class _Watched:
    """A writer whose deletions are noted; everything else is the writer's own."""

    def __init__(self, writer: Writer, events: list[Event]) -> None:
        self._writer = writer
        self._events = events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    @property
    def whole(self) -> Writer:
        """Of the whole archive, as this is."""
        return cast("Writer", self)

    def delete(self, level: Level, public_id: str) -> Deletion | None:
        doomed = _doomed(self._writer, level, public_id)
        deletion = self._writer.delete(level, public_id)
        if deletion is not None:
            self._events += doomed
        return deletion

    def store(self, new: NewInstance) -> Stored:
        doomed: list[Event] = []
        public_id = new.public_ids[Level.INSTANCE]
        if self._writer.resource(Level.INSTANCE, public_id) is not None:
            doomed = _doomed(self._writer, Level.INSTANCE, public_id)
        stored = self._writer.store(new)
        if stored.is_new:
            self._events += doomed
        return stored


def _doomed(reader: Reader, level: Level, public_id: str) -> list[Event]:
    """What goes when a resource is deleted: all below it, then itself, then what is left empty
    above it."""
    resource = reader.resource(level, public_id)
    if resource is None:
        return []
    rows = [[public_id]]
    for at in range(level, Level.INSTANCE):
        above = [reader.resource(Level(at), one) for one in rows[-1]]
        rows.append([child for one in above if one is not None for child in one.children])
    named = [(Level(level + depth), one) for depth, row in enumerate(rows) for one in row]
    named.reverse()
    while level.parent is not None and resource.parent_id is not None:
        parent = reader.resource(level.parent, resource.parent_id)
        if parent is None or len(parent.children) > 1:
            break
        level, resource = level.parent, parent
        named.append((level, parent.public_id))
    return [Event(f"Deleted{at.word}", at.word, one) for at, one in named]
