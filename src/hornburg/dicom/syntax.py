"""How a data set is encoded: by its transfer syntax, or by a look at its first element."""

from __future__ import annotations

from typing import NamedTuple

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.vrs import LONG, SHORT

__all__ = ["Encoding", "guess_encoding"]

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
# Deflated Explicit VR, JPIP Referenced Deflate, JPIP HTJ2K Referenced Deflate. Deflated Image Frame
# (8.1) deflates frames, not the data set.
_DEFLATED_DATA_SETS = frozenset(
    ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
)
_VRS = frozenset(vr.encode() for vr in SHORT | LONG)


class Encoding(NamedTuple):
    """What a walk over a data set must know."""

    transfer_syntax: str
    implicit: bool = False
    big: bool = False
    deflated: bool = False


def guess_encoding(
    buffer: Buffer,
    start: int,
    end: int,
    transfer_syntax: str,
    has_head: bool,
    inflated: bool = False,
) -> Encoding:
    """The encoding of the data set in ``buffer[start:end]``.

    The transfer syntax tells, unless the first element contradicts it: files that are labelled
    explicit and are implicit, or the other way round, are common enough to be read by every
    toolkit. Without a preamble or a meta header (``has_head`` false) the first element must look
    like the beginning of a data set, so that a text is not taken for one.

    Raises:
        DicomFormatError: nothing says that this is DICOM.
    """
    if transfer_syntax in _DEFLATED_DATA_SETS and not inflated:
        return Encoding(transfer_syntax, deflated=True)
    head = bytes(buffer[start : min(start + 8, end)])
    vr = head[4:6]
    # A VR of days to come is believed when the transfer syntax is explicit.
    named = transfer_syntax not in ("", IMPLICIT_LITTLE) and vr.isalpha() and vr.isupper()
    explicit = vr in _VRS or named
    if len(head) < 8:
        if not has_head:
            raise DicomFormatError("Not a DICOM file: too short", 0)
        explicit = transfer_syntax != IMPLICIT_LITTLE
        return _named(transfer_syntax, explicit, transfer_syntax == EXPLICIT_BIG)
    little = int.from_bytes(head[0:2], "little")
    other = int.from_bytes(head[0:2], "big")
    big = transfer_syntax == EXPLICIT_BIG
    if transfer_syntax in ("", EXPLICIT_BIG) and explicit:
        # The first group of a data set is small: 0008 read in the wrong order is 0800.
        big = other < little
    if not has_head and not _plausible(head, big, explicit):
        raise DicomFormatError("Not a DICOM file: no DICM prefix and no element at the start", 0)
    return _named(transfer_syntax, explicit, big and explicit)


def _named(transfer_syntax: str, explicit: bool, big: bool) -> Encoding:
    if not transfer_syntax:
        transfer_syntax = (
            (EXPLICIT_BIG if big else EXPLICIT_LITTLE) if explicit else IMPLICIT_LITTLE
        )
    return Encoding(transfer_syntax, not explicit, big)


def _plausible(head: bytes, big: bool, explicit: bool) -> bool:
    order = "big" if big else "little"
    group = int.from_bytes(head[0:2], order)  # type: ignore[arg-type]
    length = int.from_bytes(head[4:8], "little")
    return group in (0x0002, 0x0004, 0x0008, 0x0010) and (explicit or length <= 0xFFFF)
