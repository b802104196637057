"""Bytes that were used lately, in memory (``MaximumStorageCacheSize``).

What is kept belongs to a file by its UUID. Files never change, so nothing here becomes wrong;
what is no longer in the index is no longer asked for, and falls out.
"""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Cache"]

#: What an entry takes besides its bytes.
_OVERHEAD = 200

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
        self._entries: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def get(self, uuid: str, kind: str) -> bytes | None:
        """What was kept of a file, if it still is."""
        key = (uuid, kind)
        content = self._entries.get(key)
        if content is not None:
            self._entries.move_to_end(key)
        return content

    def put(self, uuid: str, kind: str, content: bytes) -> None:
        """Keep something of a file; what was not used for longest goes."""
        size = len(content) + _OVERHEAD
        if size * _SHARE > self._capacity:
            return
        key = (uuid, kind)
        old = self._entries.pop(key, None)
        if old is not None:
            self._size -= len(old) + _OVERHEAD
        self._entries[key] = content
        self._size += size
        while self._size > self._capacity:
            _, gone = self._entries.popitem(last=False)
            self._size -= len(gone) + _OVERHEAD
