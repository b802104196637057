"""One association: asyncio round the upper layer (PS3.8) and DIMSE messages (PS3.7).

The protocol object owns the transport; whoever serves or uses the association awaits its
messages and sends through it. Time-outs live here, the rules of the protocol in ``hornburg.ul``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from hornburg.dicom.buffer import Buffer
from hornburg.dimse.commands import Command
from hornburg.dimse.errors import DimseError
from hornburg.dimse.messages import pieces, repeated
from hornburg.net.errors import AssociationLostError
from hornburg.net.inbox import Inbox
from hornburg.net.patience import Patience, Valve
from hornburg.ul.connection import Connection
from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Closed,
    DataReceived,
    Event,
    ReleaseReply,
    ReleaseRequest,
)
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import AcceptedContext
from hornburg.ul.rejections import AbortSource, abort_sentence, reject_sentence
from hornburg.ul.state import State

__all__ = ["ARTIM", "Association"]

log = logging.getLogger("hornburg.dicom")

#: Seconds that the other side has to say what it wants, and to close when all is said (the ARTIM
#: timer of PS3.8 section 9.1.5).
ARTIM = 30.0

#: Most toolkits send a message in two parts and leave Nagle's algorithm on: the second part waits
#: until the first is acknowledged, which takes 40 ms unless it is done at once (Linux, tcp(7)).
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)

#: Bytes that are handed to the system by one call.
_AT_ONCE = 256 << 10

#: Bytes that may wait to be sent before a sender waits for the other side to read.
_HIGH_WATER = 1 << 20

#: Fragments in what was read at once, after which others have their turn. Images come in some 20;
#: a loop that goes on reading as long as there is something would serve nobody else.
_MANY = 100


class Association(asyncio.Protocol):
    """An association, for either role.

    Args:
        requestor: whether this side opens it.
        timeout: seconds without progress of the other side after which it is aborted; 0 for none.
        on_request: called with the request of the other side (acceptor only); it answers by
            :meth:`accept` or :meth:`reject`, at once or later.
        on_end: called once when the transport is gone.
        connection: the socket of the transport, where that is at hand.
    """

    def __init__(
        self,
        *,
        requestor: bool,
        limits: Limits,
        timeout: float,
        artim: float = ARTIM,
        on_request: Callable[[Association, AssociateRequest], None] | None = None,
        on_end: Callable[[Association], None] | None = None,
        connection: socket.socket | None = None,
    ) -> None:
        self._connection = Connection(requestor=requestor, limits=limits)
        self._requestor = requestor
        self._artim_seconds = artim
        self._on_request = on_request
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._socket: Any = connection
        self._artim: asyncio.TimerHandle | None = None
        self._artim_state: State | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self._answer: asyncio.Future[AssociateAccept | AssociateReject] | None = None
        self._released: asyncio.Future[None] | None = None
        self._patience = Patience(
            timeout,
            lambda: self.inbox.waits or self._writable is not None,
            lambda: self.abort(f"nothing came for {timeout:g} seconds"),
        )
        self._valve = Valve(lambda: self._transport)
        self.inbox = Inbox(self._valve.hold, self._patience.start)
        self.contexts: dict[int, AcceptedContext] = {}
        self.peer_released = False
        #: Whether this side ends the association after the message that it serves.
        self.leaving = False
        self.ended = self._loop.create_future()
        self.why = ""

    # -- what asyncio calls ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has a transport class of its own.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        if self._socket is None:
            self._socket = transport.get_extra_info("socket")
        self._acknowledge_at_once()
        if self._requestor:
            self._connection.connected()
        self._settle()

    def data_received(self, data: bytes) -> None:
        if self._patience.count(len(data)):
            self._heard()
        events = self._connection.receive(data)
        for event in events:
            self._take(event)
        if self.inbox.unfinished:
            # The answer to a whole message acknowledges it; the rest of this one is still to come.
            self._acknowledge_at_once()
        self._settle()
        if len(events) > _MANY or self.why:
            self._valve.rest()

    def _acknowledge_at_once(self) -> None:
        if _QUICK_ACK is not None and self._socket is not None:
            # The kernel forgets it with each packet.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def eof_received(self) -> bool:
        for event in self._connection.receive(b""):
            self._take(event)
        self._settle()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        for event in self._connection.receive(b""):
            self._take(event)
        self._end("the connection was closed" if error is None else "the connection broke")
        self._patience.stop()
        if self._artim is not None:
            self._artim.cancel()
        self._transport = self._socket = None
        self.resume_writing()
        if not self.ended.done():
            self.ended.set_result(None)
            if self._on_end is not None:
                self._on_end(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake_sender()

    def _wake_sender(self) -> None:
        waiter, self._writable = self._writable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # -- what arrives ---------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            if self.why:
                # What follows a fault in the same read means nothing any more.
                return
            try:
                if self.inbox.put(event):
                    self._heard()
            except DimseError as error:
                log.warning("%s: aborted: %s", self.remote, error)
                self.abort(str(error))
        elif isinstance(event, AssociateRequest):
            if self._on_request is not None:
                self._on_request(self, event)
        elif isinstance(event, AssociateAccept | AssociateReject):
            if not self._requestor and isinstance(event, AssociateReject):
                words = reject_sentence(event.result, event.source, event.reason)
                log.warning("%s: rejected: %s", self.remote, words)
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(event)
        elif isinstance(event, ReleaseRequest):
            self.peer_released = True
            self.inbox.close("released by the other side")
            if self._released is not None:
                self._answer_collision()
        elif isinstance(event, ReleaseReply):
            if self.peer_released:
                self._answer_collision()
            self._end("released")
            if self._released is not None and not self._released.done():
                self._released.set_result(None)
        elif isinstance(event, Abort):
            if event.fault:
                log.warning("%s: aborted: %s", self.remote, event.fault)
            self._end(event.fault or f"aborted {abort_sentence(event.source, event.reason)}")
        elif isinstance(event, Closed):
            self._end("the connection was closed")

    def _end(self, why: str) -> None:
        self.why = self.why or why
        self.inbox.close(self.why)
        for future in (self._answer, self._released):
            if future is not None and not future.done():
                future.set_exception(AssociationLostError(self.why))
                # Nobody may be left to look at it.
                future.exception()
        self._wake_sender()

    def _settle(self) -> None:
        """Send what the protocol wants sent, start or stop its timer, close when it is over."""
        transport, connection = self._transport, self._connection
        if transport is None:
            return
        outgoing = connection.outgoing()
        if outgoing:
            transport.write(outgoing)
        if self._artim is not None and connection.state is not self._artim_state:
            # PS3.8 table 9-10: actions that enter a state with the timer start it anew.
            self._artim.cancel()
            self._artim = None
        if connection.timer and self._artim is None:
            self._artim_state = connection.state
            self._artim = self._loop.call_later(self._artim_seconds, self._artim_expired)
        if connection.wants_close:
            self._end("aborted")
            transport.close()
            # Closing waits until all is written; a peer that never reads must not hold it.
            self._loop.call_later(self._artim_seconds, transport.abort)

    def _artim_expired(self) -> None:
        self._artim = None
        self._end("the other side did not answer in time")
        self._connection.timed_out()
        self._settle()

    def _heard(self) -> None:
        """The other side has said something. While it should read, that is no progress."""
        if self._writable is None:
            self._patience.start()

    # -- what is sent ---------------------------------------------------------------------------

    @property
    def remote(self) -> str:
        """The address of the other side."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else "?"

    def certificate(self) -> dict[str, Any] | None:
        """The certificate that the other side has shown, as :mod:`ssl` gives it."""
        return self._transport.get_extra_info("peercert") if self._transport else None

    def accept(self, accept: AssociateAccept, contexts: dict[int, AcceptedContext]) -> None:
        """Accept what was requested, unless the other side has gone since."""
        if not self._connection.may_send(AssociateAccept):
            return
        self.contexts = contexts
        self._write(self._connection.send(accept))

    def reject(self, reject: AssociateReject) -> None:
        """Reject what was requested; the connection closes."""
        if not self._connection.may_send(AssociateReject):
            return
        self._write(self._connection.send(reject))
        self._settle()

    async def request(self, request: AssociateRequest) -> AssociateAccept | AssociateReject:
        """Ask for an association.

        Raises:
            AssociationLostError: there was no answer.
        """
        self._answer = self._loop.create_future()
        if self.why:
            raise AssociationLostError(self.why)
        self._write(self._connection.send(request))
        self._settle()
        return await self._answer

    async def send(
        self,
        context_id: int,
        command: Command,
        dataset: Buffer | Iterable[Buffer] | None = None,
    ) -> None:
        """Send a message, and wait while the other side does not read.

        Raises:
            AssociationLostError: the association has ended.
        """
        await self._send(pieces(self._connection, context_id, command, dataset))

    async def send_each(self, context_id: int, command: Command, datasets: Sequence[bytes]) -> None:
        """Send a message with the same command for each data set; waits as :meth:`send`.

        Raises:
            AssociationLostError: the association has ended.
        """
        await self._send(repeated(self._connection, context_id, command, datasets))

    async def _send(self, pdus: Iterator[bytes]) -> None:
        if self.why:
            raise AssociationLostError(self.why)
        try:
            waiting: list[bytes] = []
            size = 0
            for piece in pdus:
                waiting.append(piece)
                size += len(piece)
                if size >= _AT_ONCE:
                    self._write(*waiting)
                    waiting, size = [], 0
                    if self._paused:
                        await self._drain()
            if waiting:
                self._write(*waiting)
            if self._paused:
                await self._drain()
        except LocalProtocolError:
            # The other side has released meanwhile, and takes no more.
            raise AssociationLostError(self.why or "released by the other side") from None

    def _write(self, *data: bytes) -> None:
        if self._transport is None:
            raise AssociationLostError(self.why or "the connection was closed")
        self._transport.writelines(data)

    async def _drain(self) -> None:
        while self._paused and not self.why:
            self._patience.start()
            self._writable = self._loop.create_future()
            await self._writable
        if self.why:
            raise AssociationLostError(self.why)

    async def release(self) -> None:
        """End the association in good order, or abort it when the other side does not answer."""
        if self.why or self._transport is None:
            return
        if not self._connection.may_send(ReleaseRequest):
            # The other side was quicker (PS3.8 section 7.2).
            self.confirm_release()
            return
        self._released = self._loop.create_future()
        self._write(self._connection.send(ReleaseRequest()))
        self._settle()
        try:
            await asyncio.wait_for(self._released, self._artim_seconds)
        except TimeoutError:
            self.abort("no answer to the release")
        except AssociationLostError:
            pass
        if self._transport is not None:
            self._transport.close()

    def confirm_release(self) -> None:
        """Answer the release of the other side."""
        if self.why or self._transport is None:
            return
        if not self._connection.may_send(ReleaseReply):
            self.abort("a release out of order")
        else:
            self._end("released by the other side")
            self._write(self._connection.send(ReleaseReply()))
            self._settle()

    def _answer_collision(self) -> None:
        """Both sides release at once: the requestor answers first (PS3.8 section 7.2.2)."""
        if self._connection.may_send(ReleaseReply):
            self._write(self._connection.send(ReleaseReply()))

    def abort(self, why: str, source: int = AbortSource.USER, reason: int = 0) -> None:
        """End the association at once (PS3.8 section 7.3)."""
        if self._transport is None or self.why:
            return
        self._end(why)
        self._write(self._connection.abort(Abort(source, reason)))
        self._settle()
        if self._paused and self._transport is not None:
            # Nobody reads: what waits to be sent would keep the connection until ARTIM expires.
            self._transport.abort()

    def drop(self, why: str) -> None:
        """End the connection at once, and wait for nothing."""
        self.abort(why)
        if self._transport is not None:
            self._transport.abort()
