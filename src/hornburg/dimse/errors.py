"""What is wrong with a DIMSE message."""

from __future__ import annotations

from http import HTTPStatus

from hornburg.errors import HornburgError, Outside

__all__ = ["CommandError", "DimseError", "MessageError"]


class DimseError(HornburgError):
    """The message breaks the rules of PS3.7. From a peer, it ends the association (A-ABORT)."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 9, "Error in the network protocol", 0x0110)


class CommandError(DimseError):
    """A command set that can't be decoded, or can't be encoded."""


class MessageError(DimseError):
    """Fragments that don't make a message, or a message that doesn't belong here."""
