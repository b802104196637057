"""What goes wrong in the upper layer, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hornburg.errors import HornburgError
from hornburg.ul.rejections import AbortReason

if TYPE_CHECKING:
    from hornburg.ul.events import AssociateReject

__all__ = ["LocalProtocolError", "RefusedRequestError", "RemoteProtocolError", "UpperLayerError"]


class UpperLayerError(HornburgError):
    """Root of the errors of this room."""


class LocalProtocolError(UpperLayerError):
    """Our own side asked for something that the protocol does not allow now, or ever."""


class RemoteProtocolError(UpperLayerError):
    """The peer broke the protocol. ``reason`` goes into the A-ABORT that answers it.

    :meth:`hornburg.ul.connection.Connection.receive` catches it; it never comes out of there.
    """

    def __init__(self, what: str, reason: AbortReason = AbortReason.INVALID_PARAMETER) -> None:
        self.reason = reason
        super().__init__(what)


class RefusedRequestError(UpperLayerError):
    """An A-ASSOCIATE-RQ that the service provider answers with ``reject`` (PS3.8 action AE-6)."""

    def __init__(self, what: str, reject: AssociateReject) -> None:
        self.reject = reject
        super().__init__(what)
