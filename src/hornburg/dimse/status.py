"""Statuses of responses (PS3.7 annex C, PS3.4 B.2.3, C.4.1 to C.4.3, J.3, K.4.1)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from hornburg.dimse.command_fields import RESPONSE, CommandField

__all__ = [
    "ATTRIBUTE_LIST_ERROR",
    "ATTRIBUTE_VALUE_OUT_OF_RANGE",
    "CANCEL",
    "CANNOT_UNDERSTAND",
    "CLASS_INSTANCE_CONFLICT",
    "COERCION_OF_DATA_ELEMENTS",
    "DATA_SET_DOES_NOT_MATCH_SOP_CLASS",
    "DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING",
    "DUPLICATE_INVOCATION",
    "DUPLICATE_SOP_INSTANCE",
    "DUPLICATE_TRANSACTION_UID",
    "ELEMENTS_DISCARDED",
    "IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS",
    "INVALID_ARGUMENT_VALUE",
    "INVALID_ATTRIBUTE_VALUE",
    "INVALID_OBJECT_INSTANCE",
    "MISSING_ATTRIBUTE",
    "MISSING_ATTRIBUTE_VALUE",
    "MISTYPED_ARGUMENT",
    "MOVE_DESTINATION_UNKNOWN",
    "NOT_AUTHORIZED",
    "NO_SUCH_ACTION_TYPE",
    "NO_SUCH_ARGUMENT",
    "NO_SUCH_ATTRIBUTE",
    "NO_SUCH_EVENT_TYPE",
    "NO_SUCH_SOP_CLASS",
    "NO_SUCH_SOP_INSTANCE",
    "OPTIONAL_ATTRIBUTES_NOT_SUPPORTED",
    "OUT_OF_RESOURCES",
    "OUT_OF_RESOURCES_MATCHES",
    "OUT_OF_RESOURCES_SUBOPERATIONS",
    "PENDING",
    "PENDING_OPTIONAL_KEYS_NOT_SUPPORTED",
    "PROCESSING_FAILURE",
    "RESOURCE_LIMITATION",
    "SOP_CLASS_NOT_SUPPORTED",
    "SUBOPERATIONS_WITH_FAILURES",
    "SUCCESS",
    "UNABLE_TO_PROCESS",
    "UNRECOGNIZED_OPERATION",
    "Category",
    "Service",
    "category",
    "sentence",
    "service_of",
]

# PS3.7 annex C: of all services.
SUCCESS: Final = 0x0000
OPTIONAL_ATTRIBUTES_NOT_SUPPORTED: Final = 0x0001
NO_SUCH_ATTRIBUTE: Final = 0x0105
INVALID_ATTRIBUTE_VALUE: Final = 0x0106
ATTRIBUTE_LIST_ERROR: Final = 0x0107
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
NO_SUCH_SOP_INSTANCE: Final = 0x0112
NO_SUCH_EVENT_TYPE: Final = 0x0113
NO_SUCH_ARGUMENT: Final = 0x0114
INVALID_ARGUMENT_VALUE: Final = 0x0115
ATTRIBUTE_VALUE_OUT_OF_RANGE: Final = 0x0116
INVALID_OBJECT_INSTANCE: Final = 0x0117
NO_SUCH_SOP_CLASS: Final = 0x0118
CLASS_INSTANCE_CONFLICT: Final = 0x0119
MISSING_ATTRIBUTE: Final = 0x0120
MISSING_ATTRIBUTE_VALUE: Final = 0x0121
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
NO_SUCH_ACTION_TYPE: Final = 0x0123
NOT_AUTHORIZED: Final = 0x0124
DUPLICATE_INVOCATION: Final = 0x0210
UNRECOGNIZED_OPERATION: Final = 0x0211
MISTYPED_ARGUMENT: Final = 0x0212
RESOURCE_LIMITATION: Final = 0x0213
CANCEL: Final = 0xFE00
PENDING: Final = 0xFF00

# PS3.4 B.2.3: C-STORE. 0xA7xx, 0xA9xx and 0xCxxx are whole ranges.
OUT_OF_RESOURCES: Final = 0xA700
DATA_SET_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
COERCION_OF_DATA_ELEMENTS: Final = 0xB000
ELEMENTS_DISCARDED: Final = 0xB006
DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING: Final = 0xB007

# PS3.4 C.4.1 and K.4.1: C-FIND. C.4.2 and C.4.3: C-MOVE and C-GET.
OUT_OF_RESOURCES_MATCHES: Final = 0xA701
OUT_OF_RESOURCES_SUBOPERATIONS: Final = 0xA702
MOVE_DESTINATION_UNKNOWN: Final = 0xA801
IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
SUBOPERATIONS_WITH_FAILURES: Final = 0xB000
UNABLE_TO_PROCESS: Final = 0xC000
PENDING_OPTIONAL_KEYS_NOT_SUPPORTED: Final = 0xFF01

# PS3.3 C.14.1.1: a failure reason of storage commitment (PS3.4 J.3).
DUPLICATE_TRANSACTION_UID: Final = 0x0131


class Category(Enum):
    """What a status means for the operation (PS3.7 C.1 to C.5)."""

    SUCCESS = "Success"
    PENDING = "Pending"
    WARNING = "Warning"
    FAILURE = "Failure"
    CANCEL = "Cancel"


class Service(Enum):
    """The services whose statuses have a meaning of their own."""

    VERIFICATION = "Verification"
    STORAGE = "Storage"
    FIND = "Find"
    MOVE = "Move"
    GET = "Get"
    NORMALIZED = "Normalized"


_WARNINGS = frozenset(
    {OPTIONAL_ATTRIBUTES_NOT_SUPPORTED, ATTRIBUTE_LIST_ERROR, ATTRIBUTE_VALUE_OUT_OF_RANGE}
)


def category(status: int) -> Category:
    """The category of a status; what the standard doesn't know is a failure."""
    if status == SUCCESS:
        return Category.SUCCESS
    if status in (PENDING, PENDING_OPTIONAL_KEYS_NOT_SUPPORTED):
        return Category.PENDING
    if status == CANCEL:
        return Category.CANCEL
    if status in _WARNINGS or status >> 12 == 0xB:
        return Category.WARNING
    return Category.FAILURE


_SERVICES = {
    CommandField.C_ECHO_RQ: Service.VERIFICATION,
    CommandField.C_STORE_RQ: Service.STORAGE,
    CommandField.C_FIND_RQ: Service.FIND,
    CommandField.C_MOVE_RQ: Service.MOVE,
    CommandField.C_GET_RQ: Service.GET,
}


def service_of(field: int) -> Service:
    """The service of a request or of a response, by its Command Field."""
    for request, service in _SERVICES.items():
        if field & ~RESPONSE == request:
            return service
    return Service.NORMALIZED


_GENERAL = {
    SUCCESS: "Success",
    OPTIONAL_ATTRIBUTES_NOT_SUPPORTED: "Requested optional attributes are not supported",
    NO_SUCH_ATTRIBUTE: "No such attribute",
    INVALID_ATTRIBUTE_VALUE: "Invalid attribute value",
    ATTRIBUTE_LIST_ERROR: "Attribute list error",
    PROCESSING_FAILURE: "Processing failure",
    DUPLICATE_SOP_INSTANCE: "Duplicate SOP instance",
    NO_SUCH_SOP_INSTANCE: "No such SOP instance",
    NO_SUCH_EVENT_TYPE: "No such event type",
    NO_SUCH_ARGUMENT: "No such argument",
    INVALID_ARGUMENT_VALUE: "Invalid argument value",
    ATTRIBUTE_VALUE_OUT_OF_RANGE: "Attribute value out of range",
    INVALID_OBJECT_INSTANCE: "Invalid object instance",
    NO_SUCH_SOP_CLASS: "No such SOP class",
    CLASS_INSTANCE_CONFLICT: "Class-instance conflict",
    MISSING_ATTRIBUTE: "Missing attribute",
    MISSING_ATTRIBUTE_VALUE: "Missing attribute value",
    SOP_CLASS_NOT_SUPPORTED: "SOP class not supported",
    NO_SUCH_ACTION_TYPE: "No such action type",
    NOT_AUTHORIZED: "Not authorized",
    DUPLICATE_TRANSACTION_UID: "Duplicate transaction UID",
    DUPLICATE_INVOCATION: "Duplicate invocation",
    UNRECOGNIZED_OPERATION: "Unrecognized operation",
    MISTYPED_ARGUMENT: "Mistyped argument",
    RESOURCE_LIMITATION: "Resource limitation",
    CANCEL: "Cancelled",
    PENDING: "Pending",
}

_OUT_OF_RESOURCES = "Out of resources"

_RETRIEVE = {
    OUT_OF_RESOURCES_MATCHES: f"{_OUT_OF_RESOURCES}: unable to calculate the number of matches",
    OUT_OF_RESOURCES_SUBOPERATIONS: f"{_OUT_OF_RESOURCES}: unable to perform sub-operations",
    MOVE_DESTINATION_UNKNOWN: "Move destination unknown",
    IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: "Identifier does not match SOP class",
    0xAA00: "None of the frames requested were found in the SOP instance",
    0xAA01: "Unable to create new object for this SOP class",
    0xAA02: "Unable to extract frames",
    0xAA03: "Time-based request received for a SOP instance that is not time-based",
    0xAA04: "Invalid request",
    SUBOPERATIONS_WITH_FAILURES: "Sub-operations complete, one or more failures or warnings",
    CANCEL: "Sub-operations terminated due to Cancel indication",
    PENDING: "Sub-operations are continuing",
}

_OWN: dict[Service, dict[int, str]] = {
    Service.STORAGE: {
        COERCION_OF_DATA_ELEMENTS: "Coercion of data elements",
        ELEMENTS_DISCARDED: "Elements discarded",
        DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING: "Data set does not match SOP class",
    },
    Service.FIND: {
        IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: "Identifier does not match SOP class",
        CANCEL: "Matching terminated due to Cancel request",
        PENDING: "Matches are continuing",
        PENDING_OPTIONAL_KEYS_NOT_SUPPORTED: (
            "Matches are continuing, one or more optional keys were not supported"
        ),
    },
    Service.MOVE: _RETRIEVE,
    Service.GET: _RETRIEVE,
}

# 0xCxxx, by service.
_RANGES = {
    Service.STORAGE: "Cannot understand",
    Service.FIND: "Unable to process",
    Service.MOVE: "Unable to process",
    Service.GET: "Unable to process",
}


def sentence(service: Service, status: int) -> str:
    """The status in the words of the standard, with its number: ``0x0124: Not authorized``."""
    text = _OWN.get(service, {}).get(status) or _GENERAL.get(status)
    if text is None and status >> 8 == 0xA7:
        # Of storage alone is the whole range; retrieving archives answer 0xA700 all the same.
        text = _OUT_OF_RESOURCES
    if text is None and status >> 8 == 0xA9 and service is Service.STORAGE:
        text = "Data set does not match SOP class"
    if text is None and status >> 12 == 0xC:
        text = _RANGES.get(service)
    return f"0x{status:04X}: {text or category(status).value}"
