"""What uvicorn's protocol leaves open to a client that means harm, or only asks for HTTP/2.

* A request may ask for another protocol and have a body (RFC 9110 7.8: a server may go on with
  HTTP/1.1). The parser takes that body for the other protocol: it would be lost, and its second
  packet would be read as requests.
* Trailers (RFC 9112 7.1.2) are not merged with headers, and the bytes between the bytes of a body
  (sizes of chunks, their extensions, trailers) are bounded.
* A target in absolute form names the host that is asked, whatever the header says.
* A client that doesn't take its answer, or sends on after it, does not hold the connection; one
  that sends requests faster than it takes answers is not read from meanwhile.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Sized
from contextlib import suppress
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["StrictProtocol"]

#: Bytes that are no content since the last content of a body.
_MOST_FRAMING = 1 << 20

#: Bytes of framing for each byte of content: the smallest chunk has six.
_FRAMING_OF_A_BYTE = 8

#: Seconds for the rest of a body that nobody read (RFC 9112 9.6: closing at once could destroy
#: the answer on its way).
_LINGER = 5

#: Where tcpi_bytes_acked is in the tcp_info of Linux (include/uapi/linux/tcp.h, since 4.1).
_BYTES_ACKED = 120

#: Seconds after which a connection that closes should have nothing left to send.
_SOON = 0.2

#: Characters of a scheme and what follows it, in a target in absolute form.
_LONGEST_SCHEME = 16

_FRAMING = (b"content-length", b"transfer-encoding")


class _Flow(FlowControl):
    """Reads no more while requests wait for their turn. uvicorn's would read on with each answer,
    and each look at the socket brings thousands of them."""

    def __init__(self, transport: Any, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class StrictProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which goes on where an upgrade is asked for, and bounds what has no end.

    A subclass tells ``in_head`` and returns at once from ``on_headers_complete`` when
    ``resuming``, and from ``on_message_complete`` when ``body_to_come``.
    """

    patience = 30
    in_head: bool
    resuming = False
    body_to_come = False

    _content = 0
    _framing = 0
    _reader: asyncio.TimerHandle | None = None
    _leaving = False
    _rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._reader, self._rest):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        in_body = not self.in_head
        self._content = 0
        try:
            self._feed(data)
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)
            return
        if in_body and not self.in_head:
            more = len(data) - _FRAMING_OF_A_BYTE * self._content
            self._framing = max(0, self._framing + more)
            if self._framing > _MOST_FRAMING:
                self.transport.close()
        else:
            self._framing = 0

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as stop:
                data = data[stop.args[0] :]
            if self.body_to_come:
                self._resume()

    def _resume(self) -> None:
        """Bring the parser, which is ready for a new request, into the body of this one."""
        lines = [b"%b: %b\r\n" % line for line in self.headers if line[0] in _FRAMING]
        self.body_to_come = False
        self.resuming = True
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")
        finally:
            self.resuming = False

    def on_message_begin(self) -> None:
        if not self.resuming:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self.resuming:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        # RFC 9110 6.5.1: trailers must not be merged into the headers.
        if self.in_head and not self.resuming:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self.body_to_come = any(
                name in _FRAMING and value != b"0" for name, value in self.headers
            )
        if b"://" in self.url[:_LONGEST_SCHEME]:
            self._heed_target()
        super().on_headers_complete()

    def _heed_target(self) -> None:
        """RFC 9112 3.2.2: the host of a target in absolute form counts, and not the header."""
        authority = self.url.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
        others = [line for line in self.headers if line[0] != b"host"]
        self.headers[:] = [(b"host", authority.rpartition(b"@")[2]), *others]

    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        self.take(body)

    def take(self, body: bytes) -> None:
        """A piece of the body, for the request that is under way."""
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        unread = not self.in_head and self.cycle is not None and self.cycle.response_complete
        if unread and self._rest is None and not self.transport.is_closing():
            self._rest = self.loop.call_later(_LINGER, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reader is None:
            self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reader is not None and not self._leaving:
            self._reader.cancel()
            self._reader = None

    def leave(self) -> None:
        """The transport was told to close, and may have much to send before it does."""
        self._leaving = True
        if self._reader is not None:
            self._reader.cancel()
        self._reader = self.loop.call_later(_SOON, self._look_at_rest)

    def _look_at_rest(self) -> None:
        self._reader = None
        if _queued(self.transport):
            self._wait_for_reader()
        else:
            # RFC 8446 6.1: under TLS we have said goodbye, and it need not be answered.
            self.transport.abort()

    def _wait_for_reader(self) -> None:
        taken = _taken(self.transport)
        self._reader = self.loop.call_later(self.patience, self._look_at_reader, taken)

    def _look_at_reader(self, before: int) -> None:
        self._reader = None
        if _taken(self.transport) > before:
            self._wait_for_reader()
        else:
            self.transport.abort()


def _taken(transport: Any) -> int:
    """How much of the answer the other side has taken: a number that grows."""
    connection = transport.get_extra_info("socket")
    with suppress(OSError):
        # Under TLS the buffers between here and the kernel can't be seen.
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
        if len(told) == _BYTES_ACKED + 8:
            (acknowledged,) = struct.unpack_from("=Q", told, _BYTES_ACKED)
            if acknowledged:
                return int(acknowledged)
    return -_queued(transport)


def _queued(transport: Any) -> int:
    """Bytes that the other side has not taken yet, the kernel's included."""
    queued = array.array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
    return int(transport.get_write_buffer_size()) + queued[0]
