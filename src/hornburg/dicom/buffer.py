"""The type of what is read: bytes in memory, or a file mapped into it."""

from __future__ import annotations

import mmap

__all__ = ["Buffer"]

Buffer = bytes | bytearray | memoryview | mmap.mmap
