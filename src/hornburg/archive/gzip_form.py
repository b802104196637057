"""Instances as gzip, for the way to a peer."""

from __future__ import annotations

import zlib

from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer

__all__ = ["gzip_into"]

#: Bytes that are compressed at once.
_CHUNK = 1 << 20

#: Of zlib.compressobj: a gzip header without name and time (RFC 1952, 2.3), the largest window.
_GZIP = 31


def gzip_into(spool: Spool, content: Buffer) -> None:
    """Compress a file into a spool. Blocks.

    Raises:
        StorageFullError: no room for the scratch file.
    """
    compress = zlib.compressobj(wbits=_GZIP)
    with memoryview(content) as view:
        for start in range(0, len(view), _CHUNK):
            spool.write(compress.compress(view[start : start + _CHUNK]))
    spool.write(compress.flush())
