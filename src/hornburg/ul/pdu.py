"""The seven protocol data units: their types, and the shape of their heads (PS3.8 9.3)."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

__all__ = ["DATA_HEAD", "FIXED_SIZE", "HEAD", "HEAD_SIZE", "LEAST_ASSOCIATE", "PDV_HEAD", "PduType"]


class PduType(IntEnum):
    """The first byte of a PDU."""

    ASSOCIATE_REQUEST = 1
    ASSOCIATE_ACCEPT = 2
    ASSOCIATE_REJECT = 3
    DATA = 4
    RELEASE_REQUEST = 5
    RELEASE_REPLY = 6
    ABORT = 7


HEAD = Struct(">BxI")
"""Type, and the number of bytes that follow."""

HEAD_SIZE = HEAD.size

PDV_HEAD = Struct(">IBB")
"""Of one presentation data value: the bytes that follow the first 4, context ID, control header."""

DATA_HEAD = Struct(">BxIIBB")
"""``HEAD`` and ``PDV_HEAD``: how nearly every P-DATA-TF starts."""

LEAST_ASSOCIATE = 68
"""The fixed part of A-ASSOCIATE-RQ and -AC: version, titles, reserved bytes."""

FIXED_SIZE = 4
"""The length of A-ASSOCIATE-RJ, A-RELEASE-RQ and -RP, A-ABORT."""
