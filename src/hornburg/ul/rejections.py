"""The named results, sources and reasons of A-ASSOCIATE-RJ (PS3.8 table 9-21) and A-ABORT (9-26)."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "AbortReason",
    "AbortSource",
    "RejectResult",
    "RejectSource",
    "UserReason",
    "abort_sentence",
    "reject_sentence",
]


class RejectResult(IntEnum):
    """How long a rejection holds."""

    PERMANENT = 1
    TRANSIENT = 2


class RejectSource(IntEnum):
    """Who rejects."""

    USER = 1
    PROVIDER_ACSE = 2
    PROVIDER_PRESENTATION = 3


class UserReason(IntEnum):
    """Why the service user (source 1) rejects."""

    NO_REASON = 1
    APPLICATION_CONTEXT = 2
    CALLING_TITLE = 3
    CALLED_TITLE = 7


class AbortSource(IntEnum):
    """Who aborts. 1 is reserved."""

    USER = 0
    PROVIDER = 2


class AbortReason(IntEnum):
    """Why the service provider (source 2) aborts; 0 for the service user. 3 is reserved."""

    NOT_SPECIFIED = 0
    UNRECOGNISED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNISED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER = 6


_REJECTIONS = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling application entity title not recognised",
    (1, 7): "called application entity title not recognised",
    (2, 1): "no reason given by the service provider",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}

_ABORTS = {
    0: "reason not specified",
    1: "unrecognised PDU",
    2: "unexpected PDU",
    4: "unrecognised PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}


def reject_sentence(result: int, source: int, reason: int) -> str:
    """What an A-ASSOCIATE-RJ says, for logs: its words and its three numbers."""
    words = _REJECTIONS.get((source, reason), "reserved reason")
    kind = {1: "permanent", 2: "transient"}.get(result, "reserved result")
    return f"{words} ({kind}, {result}/{source}/{reason})"


def abort_sentence(source: int, reason: int) -> str:
    """What an A-ABORT says, for logs: its words and its two numbers."""
    if source == AbortSource.USER:
        return f"by the service user ({source}/{reason})"
    words = _ABORTS.get(reason, "reserved reason")
    return f"by the service provider: {words} ({source}/{reason})"
