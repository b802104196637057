"""Two ends of an association, joined in memory."""

from __future__ import annotations

from hornburg.ul.connection import Connection, Sendable
from hornburg.ul.events import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    Event,
    PresentationContext,
)
from hornburg.ul.limits import Limits

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

REQUEST = AssociateRequest(
    "HORNBURG",
    "SCANNER",
    (
        PresentationContext(1, VERIFICATION, (IMPLICIT,)),
        PresentationContext(3, CT, (EXPLICIT, IMPLICIT)),
        PresentationContext(5, CT, ("1.2.840.10008.1.2.4.70",)),
    ),
)
ACCEPT = AssociateAccept(
    "HORNBURG",
    "SCANNER",
    (ContextResult(1, 0, IMPLICIT), ContextResult(3, 0, EXPLICIT), ContextResult(5, 4)),
)


class Pair:
    """``requestor`` and ``acceptor``, with an association between them unless told otherwise."""

    def __init__(
        self,
        request: AssociateRequest = REQUEST,
        accept: AssociateAccept = ACCEPT,
        *,
        limits: Limits | None = None,
        associate: bool = True,
    ) -> None:
        limits = limits or Limits()
        self.requestor = Connection(requestor=True, limits=limits)
        self.acceptor = Connection(requestor=False, limits=limits)
        self.requestor.connected()
        if associate:
            assert self.say(self.requestor, request) == [request]
            assert self.say(self.acceptor, accept) == [accept]

    def other(self, side: Connection) -> Connection:
        return self.acceptor if side is self.requestor else self.requestor

    def say(self, side: Connection, event: Sendable) -> list[Event]:
        """One side sends; what the other is told."""
        return self.other(side).receive(side.send(event))

    def flush(self, side: Connection) -> list[Event]:
        """What the state machine of a side wants sent goes to the other."""
        written = side.outgoing()
        return self.other(side).receive(written) if written else []
