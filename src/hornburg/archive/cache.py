"""Bytes that were used lately, in memory (``MaximumStorageCacheSize``)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Cache"]

#: What an entry takes besides its bytes.
_OVERHEAD = 300

#: One entry takes at most this share of all.
_SHARE = 16


class Cache:
    """Keeps the newest entries that fit; used by the event loop alone.

    Args:
        capacity: bytes; 0 keeps nothing.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """What was kept under a key, if it still is."""
        content = self._entries.get(key)
        if content is not None:
            self._entries.move_to_end(key)
        return content

    def put(self, key: Hashable, content: bytes) -> None:
        """Keep something; what was not used for longest goes."""
        size = len(content) + _OVERHEAD
        if size * _SHARE > self._capacity:
            return
        old = self._entries.pop(key, None)
        if old is not None:
            self._size -= len(old) + _OVERHEAD
        self._entries[key] = content
        self._size += size
        while self._size > self._capacity:
            _, gone = self._entries.popitem(last=False)
            self._size -= len(gone) + _OVERHEAD

    def clear(self) -> None:
        """Keep nothing of what was."""
        self._entries.clear()
        self._size = 0
