"""The head of a DICOM file (PS3.10 section 7.1), for data sets that came without one."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from hornburg import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.meta import read_meta

__all__ = ["dataset_start", "file_head"]

_SHORT = Struct("<HH2sH").pack
_LONG = Struct("<HH2s2xI").pack
_PREAMBLE = bytes(128) + b"DICM"


def _text(element: int, vr: bytes, value: str, pad: bytes) -> bytes:
    raw = value.encode("ascii", "replace")
    raw += pad * (len(raw) % 2)
    return _SHORT(0x0002, element, vr, len(raw)) + raw


@lru_cache(maxsize=1024)
def _before(sop_class: str) -> bytes:
    return _LONG(0x0002, 0x0001, b"OB", 2) + b"\0\1" + _text(0x0002, b"UI", sop_class, b"\0")


@lru_cache(maxsize=1024)
def _after(transfer_syntax: str, source: str) -> bytes:
    head = _text(0x0010, b"UI", transfer_syntax, b"\0")
    head += _text(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0")
    head += _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" ")
    return head + _text(0x0016, b"AE", source, b" ") if source else head


def file_head(sop_class: str, sop_instance: str, transfer_syntax: str, source: str = "") -> bytes:
    """Preamble, prefix and group 2 (PS3.10 table 7.1-1) for a data set that arrived by C-STORE.

    Args:
        source: title of the application entity that sent it; left out when empty.
    """
    rest = _text(0x0003, b"UI", sop_instance, b"\0") + _after(transfer_syntax, source)
    before = _before(sop_class)
    length = len(before) + len(rest)
    return b"%b%b%b%b" % (
        _PREAMBLE,
        _SHORT(0x0002, 0x0000, b"UL", 4) + length.to_bytes(4, "little"),
        before,
        rest,
    )


def dataset_start(buffer: Buffer) -> int:
    """Where the data set of a DICOM file begins: past preamble, prefix and group 2.

    Raises:
        DicomFormatError: an element of group 2 makes no sense.
    """
    return read_meta(buffer, len(buffer))[1]
