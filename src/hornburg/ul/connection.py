"""One association, without a socket and without a clock: bytes in, events and bytes out.

The caller moves bytes. What it receives goes into :meth:`Connection.receive`, which returns
events; after each call it sends what :meth:`Connection.outgoing` holds. What it wants to say goes
through :meth:`Connection.send` and :meth:`Connection.data`, which return bytes to send. Whenever
``timer`` is true the ARTIM timer runs, and :meth:`Connection.timed_out` tells that it expired.
When ``wants_close`` is true the transport is closed, once everything is sent.

Two things differ from the letter of PS3.8 9.2. An A-ABORT for something wrong in the first PDU
(AA-1 in Sta2) names the service provider and the reason, as AA-8 does, and is told to the caller,
who has to log it. After something that is no PDU the bounds between PDUs are lost, and after a
second A-ABORT (AA-7) enough was said: whatever else comes then is thrown away.
"""

from __future__ import annotations

from hornburg.ul.errors import LocalProtocolError, RefusedRequestError, RemoteProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Closed,
    Event,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.incoming import Incoming
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import AcceptedContext, agreed, check_answer
from hornburg.ul.pdu import DATA_HEAD, HEAD_SIZE, PduType
from hornburg.ul.readers import READERS, read_data, read_plain_data
from hornburg.ul.rejections import AbortReason, AbortSource
from hornburg.ul.state import EFFECTS, TABLE, Action, State, Trigger
from hornburg.ul.writers import (
    RELEASE_REPLY,
    RELEASE_REQUEST,
    write_abort,
    write_accept,
    write_reject,
    write_request,
)

__all__ = ["Connection", "Sendable"]

Sendable = (
    AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseReply | Abort
)
"""What :meth:`Connection.send` takes."""

_ASKED = {
    AssociateRequest: Trigger.REQUEST_ASKED,
    AssociateAccept: Trigger.ACCEPT_ASKED,
    AssociateReject: Trigger.REJECT_ASKED,
    ReleaseRequest: Trigger.RELEASE_ASKED,
    ReleaseReply: Trigger.RELEASE_REPLY_ASKED,
    Abort: Trigger.ABORT_ASKED,
}

_CAME = {
    PduType.ASSOCIATE_REQUEST: Trigger.REQUEST_CAME,
    PduType.ASSOCIATE_ACCEPT: Trigger.ACCEPT_CAME,
    PduType.ASSOCIATE_REJECT: Trigger.REJECT_CAME,
    PduType.DATA: Trigger.DATA_CAME,
    PduType.RELEASE_REQUEST: Trigger.RELEASE_CAME,
    PduType.RELEASE_REPLY: Trigger.RELEASE_REPLY_CAME,
    PduType.ABORT: Trigger.ABORT_CAME,
}

# The states in which data arrives, and those in which nothing that arrives means anything.
_TAKES_DATA = {State.ESTABLISHED, State.AWAITING_RELEASE_REPLY}
_NO_TRANSPORT = {State.IDLE, State.CONNECTING}
_ARTIM = {State.AWAITING_REQUEST, State.AWAITING_CLOSE}
_WRONG = {Action.SEND_ABORT, Action.ABORT_AND_TELL, Action.ABORT_AGAIN}

_EVEN = ~1
_DEFAULT_LIMITS = Limits()
_ABORT = Abort(AbortSource.USER, AbortReason.NOT_SPECIFIED)


class Connection:
    """The upper layer of one association.

    Args:
        requestor: whether we ask for the association. An acceptor is made when the peer has
            connected, a requestor before or after its transport is open.
        limits: how much the peer may ask of us.

    ``state`` is where the association is. ``wants_close`` tells that the transport is to be
    closed as soon as everything is sent. ``contexts`` holds the presentation contexts in use
    once there is an association. ``maximum_fragment`` is the size in bytes of the largest
    fragment that :meth:`data` takes; it is even (PS3.8 annex E.1), and 0 before there is an
    association. ``request`` and ``accept`` are what was said, none before it was.
    """

    __slots__ = (
        "_deaf",
        "_held_request",
        "_incoming",
        "_opened",
        "_outgoing",
        "accept",
        "contexts",
        "limits",
        "maximum_fragment",
        "request",
        "requestor",
        "state",
        "wants_close",
    )

    def __init__(self, *, requestor: bool, limits: Limits = _DEFAULT_LIMITS) -> None:
        self.requestor = requestor
        self.limits = limits
        self.state = State.IDLE
        self.wants_close = False
        self.contexts: dict[int, AcceptedContext] = {}
        self.maximum_fragment = 0
        self.request: AssociateRequest | None = None
        self.accept: AssociateAccept | None = None
        self._opened = not requestor
        self._held_request = b""
        self._outgoing: list[bytes] = []
        self._incoming = Incoming(limits)
        self._deaf = False
        if not requestor:
            self._step(Trigger.TRANSPORT_ACCEPTED)

    @property
    def timer(self) -> bool:
        """Whether the ARTIM timer runs (PS3.8 9.1.5). It starts anew when ``state`` changes."""
        return self.state in _ARTIM

    # What our own side says.

    def connected(self) -> None:
        """The requestor's transport is open. A request that waited for it is now in ``outgoing``.

        Raises:
            LocalProtocolError: it was open already.
        """
        if self._opened:
            raise LocalProtocolError("The transport is open already")
        self._opened = True
        if self.state is State.CONNECTING:
            self._outgoing.append(self._send_held_request())

    def timed_out(self) -> None:
        """The ARTIM timer expired. Nothing happens when it wasn't running."""
        if self.timer:
            self._step(Trigger.TIMER_EXPIRED)

    def may_send(self, kind: type[Sendable]) -> bool:
        """Whether an event of this kind can be sent in the present state."""
        return not self.wants_close and self.state in TABLE[_ASKED[kind]]

    def send(self, event: Sendable) -> bytes:
        """Say something to the peer.

        Returns:
            The bytes to send. They are empty for a request before :meth:`connected`, and for an
            abort then, which only gives up.

        Raises:
            LocalProtocolError: not in this state, or not with these values.
        """
        trigger = _ASKED.get(type(event))
        if trigger is None:
            raise LocalProtocolError(f"{type(event).__name__} can't be sent")
        if not self.may_send(type(event)):
            raise LocalProtocolError(
                f"{type(event).__name__} can't be sent in the state {self.state.name}"
            )
        if isinstance(event, AssociateRequest):
            return self._send_request(event)
        if isinstance(event, AssociateAccept):
            return self._send_accept(event)
        if isinstance(event, AssociateReject):
            written = write_reject(event)
        elif isinstance(event, ReleaseRequest):
            written = RELEASE_REQUEST
        elif isinstance(event, ReleaseReply):
            written = RELEASE_REPLY
        else:
            written = write_abort(event)
        action = self._step(trigger)
        return b"" if action is Action.CLOSE_TRANSPORT else written

    def abort(self, event: Abort = _ABORT) -> bytes:
        """End it, whatever the state.

        Returns:
            The A-ABORT to send; empty when there is nothing to abort, and then ``wants_close``
            is true. Before a request came and after an association the standard knows no abort
            of our own (Evt15), only a transport that is closed.
        """
        if self.may_send(Abort):
            return self.send(event)
        self._move(Action.CLOSE_TRANSPORT)
        return b""

    def data(
        self,
        context_id: int,
        is_command: bool,
        fragment: bytes | bytearray | memoryview,
        is_last: bool,
    ) -> bytes:
        """A P-DATA-TF with one presentation data value.

        Raises:
            LocalProtocolError: as for :meth:`data_head`.
        """
        return self.data_head(context_id, is_command, len(fragment), is_last) + fragment

    def data_head(self, context_id: int, is_command: bool, size: int, is_last: bool) -> bytes:
        """The 12 bytes of a P-DATA-TF before a fragment of ``size`` bytes.

        For callers that send the fragment beside it, without a copy.

        Raises:
            LocalProtocolError: there is no association, the context is not in use, or the
                fragment is longer than ``maximum_fragment``, or empty and not the last.
        """
        if self.state not in TABLE[Trigger.DATA_ASKED]:
            raise LocalProtocolError(f"Data can't be sent in the state {self.state.name}")
        if context_id not in self.contexts:
            raise LocalProtocolError(f"Presentation context {context_id} is not in use")
        if size > self.maximum_fragment or (size == 0 and not is_last):
            raise LocalProtocolError(
                f"A fragment of {size} bytes; the peer takes 1 to {self.maximum_fragment}"
            )
        return DATA_HEAD.pack(
            PduType.DATA, size + 6, size + 2, context_id, is_command | is_last << 1
        )

    def outgoing(self) -> bytes:
        """What the state machine itself wants sent; it is taken away."""
        if not self._outgoing:
            return b""
        written = b"".join(self._outgoing)
        self._outgoing.clear()
        return written

    # What the peer says.

    def receive(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Take what has arrived; ``b""`` says that the peer closed its side.

        It raises nothing, whatever arrives: a peer that breaks the protocol is answered in
        :meth:`outgoing`, and the events end with an :class:`~hornburg.ul.events.Abort` that says
        what was wrong. ``data`` may be used again for other bytes as soon as the events have
        been dealt with; only the beginning of a PDU that is not complete is copied.
        """
        events: list[Event] = []
        size = len(data)
        if size == 0:
            self._transport_closed(events)
            return events
        if self._deaf or self.state in _NO_TRANSPORT:
            return events
        try:
            self._read(memoryview(data), size, events)
        except RemoteProtocolError as error:
            self._invalid(str(error), error.reason, events)
        except LocalProtocolError as error:
            # An event did not agree to be built from what the peer sent.
            self._invalid(str(error), AbortReason.INVALID_PARAMETER, events)
        return events

    def _transport_closed(self, events: list[Event]) -> None:
        if self.state is not State.IDLE and self._step(Trigger.TRANSPORT_CLOSED) is (
            Action.TELL_CLOSED
        ):
            events.append(Closed())
        self._incoming.forget()

    def _read(self, view: memoryview, size: int, events: list[Event]) -> None:
        """Deal with every whole PDU, and keep what is left."""
        incoming = self._incoming
        position = 0
        if incoming.waiting:
            pdu, position = incoming.complete(view)
            if pdu is not None:
                self._take(pdu, events)
        while not self._deaf and self.state not in _NO_TRANSPORT:
            if self.state in _TAKES_DATA:
                position = read_plain_data(
                    view, position, self.contexts, incoming.maximum_length, events
                )
            left = size - position
            total = incoming.size_of(view, position) if left >= HEAD_SIZE else 0
            if total == 0 or total > left:
                if left:
                    incoming.keep(view[position:])
                return
            self._take(view[position : position + total], events)
            position += total

    def _take(self, pdu: memoryview, events: list[Event]) -> None:
        """Deal with one whole PDU."""
        kind = PduType(pdu[0])
        trigger = _CAME[kind]
        action = TABLE[trigger][self.state]
        if action in _WRONG:
            self._wrong(trigger, f"{kind.name} in {self.state.name}", events)
            return
        if action is Action.IGNORE:
            return
        try:
            if kind is PduType.DATA:
                events += read_data(pdu[HEAD_SIZE:], self.contexts)
            elif action is not Action.CLOSE_TRANSPORT:
                self._tell(READERS[kind](bytes(pdu[HEAD_SIZE:]), self.limits), events)
            self._step(trigger)
        except RefusedRequestError as refused:
            self._move(Action.REFUSE_REQUEST)
            self._outgoing.append(write_reject(refused.reject))
            events.append(refused.reject)

    def _tell(self, event: Event, events: list[Event]) -> None:
        """Keep what a message of the peer means for the association, and tell it."""
        if isinstance(event, AssociateRequest):
            self.request = event
        elif isinstance(event, AssociateAccept):
            self._take_accept(event)
        events.append(event)

    def _take_accept(self, accept: AssociateAccept) -> None:
        request = self.request
        proposed = {context.context_id for context in request.contexts} if request else set()
        for result in accept.contexts:
            if result.context_id not in proposed:
                raise RemoteProtocolError(
                    f"Presentation context {result.context_id} was not proposed"
                )
        if request is not None:
            self._settle(request, accept, accept.maximum_length)

    def _invalid(self, fault: str, reason: AbortReason, events: list[Event]) -> None:
        """What arrived is no PDU, or not a sound one (Evt19)."""
        self._wrong(Trigger.INVALID_CAME, fault, events, reason)
        self._deaf = True
        self._incoming.forget()

    def _wrong(
        self,
        trigger: Trigger,
        fault: str,
        events: list[Event],
        reason: AbortReason = AbortReason.UNEXPECTED_PDU,
    ) -> None:
        """Abort for something that the peer did (AA-1, AA-7 and AA-8)."""
        action = self._step(trigger)
        abort = Abort(AbortSource.PROVIDER, reason, fault)
        self._outgoing.append(write_abort(abort))
        if action is Action.ABORT_AGAIN:
            self._deaf = True
        else:
            events.append(abort)

    # Inner parts.

    def _step(self, trigger: Trigger) -> Action:
        """Do what the table says; the trigger must be one of the state."""
        action = TABLE[trigger][self.state]
        self._move(action)
        return action

    def _move(self, action: Action) -> None:
        effect = EFFECTS[action]
        self.state = effect.requestor if self.requestor else effect.acceptor
        # An association is made once: whoever gets back to the start has ended.
        self.wants_close = self.state is State.IDLE

    def _check_announced(self, maximum_length: int) -> None:
        most = self.limits.maximum_length
        if not self.limits.least_length <= maximum_length <= most:
            raise LocalProtocolError(
                f"The maximum length {maximum_length}: we may announce "
                f"{self.limits.least_length} to {most}"
            )

    def _settle(self, request: AssociateRequest, accept: AssociateAccept, peer_length: int) -> None:
        """There is an association."""
        self.request, self.accept = request, accept
        self.contexts = agreed(request, accept, self.requestor)
        longest = self.limits.sent_length
        length = min(peer_length, longest) if peer_length else longest
        self.maximum_fragment = length - 6 & _EVEN

    def _send_request(self, event: AssociateRequest) -> bytes:
        self._check_announced(event.maximum_length)
        self._held_request = write_request(event)
        self.request = event
        self._incoming.announce(event.maximum_length)
        self._step(Trigger.REQUEST_ASKED)
        return self._send_held_request() if self._opened else b""

    def _send_held_request(self) -> bytes:
        written, self._held_request = self._held_request, b""
        self._step(Trigger.TRANSPORT_OPENED)
        return written

    def _send_accept(self, event: AssociateAccept) -> bytes:
        request = self.request
        if request is None:
            raise LocalProtocolError("There is no request to accept")
        self._check_announced(event.maximum_length)
        check_answer(request, event)
        written = write_accept(event, request.application_context)
        self._settle(request, event, request.maximum_length)
        self._incoming.announce(event.maximum_length)
        self._step(Trigger.ACCEPT_ASKED)
        return written
