"""The commands of DIMSE by number (PS3.7 table E.1-1)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["RESPONSE", "CommandField", "is_response"]

#: The bit that makes a response of a request.
RESPONSE = 0x8000


class CommandField(IntEnum):
    """Command Field (0000,0100). The response of a request is its number with ``0x8000``."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF


def is_response(field: int) -> bool:
    """Whether a Command Field, known or not, is the number of a response."""
    return bool(field & RESPONSE)
