"""What is known by name, such as modalities and peers: from the configuration, or in the index.

Without the option that keeps them in the index changes last until the server stops, as in Orthanc;
with it they are durable, and those of the configuration aren't looked at.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec

from hornburg.errors import DatabaseError, ForbiddenError, TooLargeError
from hornburg.index.base import Index, Writer
from hornburg.settings.errors import Refused

__all__ = ["Registry"]

T = TypeVar("T")

#: Far more than any site has; all of them are one value of the index.
_MOST = 10_000


class Registry(ABC, Generic[T]):
    """Names and what they stand for.

    Args:
        index: where they are kept when ``in_index``.
        configured: those of the configuration.
        words: how errors call them, and the property of the index that holds them.
        read_only: whether the index may not be changed.
    """

    def __init__(
        self,
        index: Index,
        configured: Mapping[str, T],
        words: str,
        *,
        in_index: bool,
        read_only: bool,
    ) -> None:
        self._index = index
        self._words = words
        self._in_index = in_index
        self._read_only = read_only
        self._known = _frozen({} if in_index else configured)
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        #: Called after each change.
        self.on_change: Callable[[], None] = lambda: None

    @abstractmethod
    def _to_json(self, one: T) -> dict[str, Any]:
        """What the index keeps of one."""

    @abstractmethod
    def _from_json(self, form: object) -> Mapping[str, T]:
        """All of them as the index keeps them.

        Raises:
            Refused: they can't be.
        """

    def all(self) -> Mapping[str, T]:
        """All by name, sorted; the same object until something changes."""
        return self._known

    async def _kept(self) -> Mapping[str, T]:
        """What the index keeps, to be checked and given to :meth:`_take`.

        Raises:
            DatabaseError: it can't be read.
        """
        return self._decode(await self._index.look(lambda reader: reader.property(self._words)))

    def _take(self, known: Mapping[str, T]) -> None:
        self._known = _frozen(known)

    async def _set(self, name: str, one: T) -> None:
        """Add one or replace that of the name; when this returns, it holds.

        Raises:
            ForbiddenError: the index may not be changed (``ReadOnly``).
            TooLargeError: there are more than 10,000 already.
        """

        def change(known: dict[str, T]) -> None:
            if name not in known and len(known) >= _MOST:
                raise TooLargeError(f"There are {_MOST} {self._words}, and no room for more")
            known[name] = one

        await self._change(change)

    async def _change(self, change: Callable[[dict[str, T]], None]) -> None:
        if self._in_index and self._read_only:
            raise ForbiddenError("The archive is read-only (ReadOnly)")
        # The write goes on when its caller is gone, and what the index has must hold here too.
        task = asyncio.ensure_future(self._apply(change))
        self._running.add(task)
        task.add_done_callback(self._done)
        await asyncio.shield(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its caller has it, or is gone and doesn't want it

    async def _apply(self, change: Callable[[dict[str, T]], None]) -> None:
        async with self._turn:
            if not self._in_index:
                known = dict(self._known)
                change(known)
            else:

                def work(writer: Writer) -> dict[str, T]:
                    kept = self._decode(writer.property(self._words))
                    change(kept)
                    writer.set_property(self._words, self._encode(kept))
                    return kept

                known = await self._index.write(work)
            self._take(known)
        self.on_change()

    def _encode(self, known: Mapping[str, T]) -> str:
        return msgspec.json.encode(
            {name: self._to_json(one) for name, one in known.items()}
        ).decode()

    def _decode(self, text: str | None) -> dict[str, T]:
        if text is None:
            return {}
        try:
            return dict(self._from_json(msgspec.json.decode(text)))
        except Refused as no:
            why = f"{no.path.removeprefix('.')}: allowed is {no.allowed}"
        except msgspec.DecodeError:
            why = "no JSON"
        raise DatabaseError(f"The {self._words} in the index can't be read: {why}")


def _frozen(known: Mapping[str, T]) -> Mapping[str, T]:
    return MappingProxyType(dict(sorted(known.items())))
