"""Orthanc's compressed form of an attachment: the size in 8 bytes, little endian, then zlib.

Seen in what Orthanc answers at ``/attachments/dicom/compressed-data`` with ``StorageCompression``
on. An empty attachment is an empty file. The size is only a claim: it is compared with what comes
out, and never decides how much memory is taken.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from hornburg.dicom.buffer import Buffer
from hornburg.errors import CorruptedError

__all__ = ["PREFIX", "Packed", "claimed_size", "decompress", "pack", "pack_pieces", "pack_stream"]

#: Bytes before the zlib stream.
PREFIX = 8

_STEP = 1 << 18

#: "the maximum compression factor is in the vicinity of 1030:1" (zlib technical details).
_MOST_FACTOR = 1032


class Packed(NamedTuple):
    """What :func:`pack_stream` wrote and read, in bytes."""

    size: int
    compressed_size: int


def pack_pieces(view: memoryview, level: int = 6) -> Iterator[bytes]:
    """The compressed form of what is in memory or mapped, piece by piece."""
    if not view:
        return
    engine = zlib.compressobj(level)
    yield struct.pack("<Q", len(view))
    for at in range(0, len(view), _STEP):
        if piece := engine.compress(view[at : at + _STEP]):
            yield piece
    yield engine.flush()


def pack(content: Buffer, level: int = 6) -> bytes:
    """The compressed form of what is in memory, at once."""
    with memoryview(content) as view:
        return b"".join(pack_pieces(view, level))


def pack_stream(source: BinaryIO, target: BinaryIO, level: int = 6) -> Packed:
    """Write the compressed form of ``source``, from where it stands, to the empty ``target``."""
    target.write(bytes(PREFIX))
    engine = zlib.compressobj(level)
    size = 0
    while part := source.read(_STEP):
        size += len(part)
        target.write(engine.compress(part))
    if not size:
        target.seek(0)
        target.truncate()
        return Packed(0, 0)
    target.write(engine.flush())
    compressed_size = target.tell()
    target.seek(0)
    target.write(struct.pack("<Q", size))
    target.seek(compressed_size)
    return Packed(size, compressed_size)


def claimed_size(head: bytes, compressed_size: int) -> int:
    """The size in the first bytes of a compressed attachment.

    Raises:
        CorruptedError: no deflate stream of this length can hold so much.
    """
    if not compressed_size:
        return 0
    if len(head) < PREFIX:
        raise CorruptedError("A compressed attachment is cut off in its first 8 bytes")
    size = int(struct.unpack_from("<Q", head)[0])
    if size > (compressed_size - PREFIX) * _MOST_FACTOR:
        raise CorruptedError(f"A compressed attachment claims {size} bytes, more than it can hold")
    return size


def decompress(parts: Iterable[bytes], size: int, step: int = _STEP) -> Iterator[bytes]:
    """The bytes of a zlib stream (without the prefix) in pieces of at most ``step``.

    Raises:
        CorruptedError: the stream is damaged, or does not hold ``size`` bytes.
    """
    engine = zlib.decompressobj()
    left = size
    try:
        for part in parts:
            rest = part
            while rest:
                piece = engine.decompress(rest, step)
                rest = engine.unconsumed_tail
                left -= len(piece)
                if left < 0 or engine.unused_data:
                    raise CorruptedError(f"A compressed attachment holds more than {size} bytes")
                if piece:
                    yield piece
        while piece := engine.decompress(b"", step):
            left -= len(piece)
            if left < 0:
                raise CorruptedError(f"A compressed attachment holds more than {size} bytes")
            yield piece
    except zlib.error:
        raise CorruptedError("A compressed attachment is damaged") from None
    if left or not engine.eof:
        raise CorruptedError(f"A compressed attachment holds fewer than {size} bytes")
