"""The HTTP server round the application: sockets, time-outs and bounds of uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from hornburg.rest.crowd import Crowd
from hornburg.rest.express import Express, Visitor
from hornburg.rest.handshakes import Handshakes
from hornburg.rest.headers import Headed, Usual
from hornburg.rest.strict import StrictProtocol
from hornburg.rest.tls_scope import tls_scope
from hornburg.security.tls_watch import FreshTls
from hornburg.settings import Settings

__all__ = ["HttpServer"]

log = logging.getLogger("hornburg.rest")

#: Request line and headers together; nginx takes 32 KB, Apache 8 KB a line.
_MOST_HEADER = 64 << 10

#: RFC 9110 15.6.6: what says that it is another version would be read as what it isn't.
_VERSIONS = frozenset({"1.0", "1.1"})

#: Bytes of a body that are read before somebody asks for them.
_READ_AHEAD = 1 << 20

#: Connections at the same time, answered 503 beyond.
_MOST_CONNECTIONS = 1000

#: TLS connections that are kept, those included that are answered 503.
_MOST_TLS_CONNECTIONS = 2 * _MOST_CONNECTIONS

#: Seconds that running requests have to finish when the server stops.
_GRACE = 4


class _Joined:
    """A transport that sends the head of an answer together with what follows.

    One packet and one system call for a small answer, where uvicorn has two of each.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_close: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._on_close = on_close
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            self._head, data = b"", self._head + data
        elif data.startswith(b"HTTP/1.") and data.endswith(b"\r\n\r\n"):
            self._head = data
            # What follows may be long in coming.
            self._loop.call_soon(self._flush)
            return
        # uvloop raises where asyncio only warns: whoever answers hears of the end a moment later.
        if not self._transport.is_closing():
            self._transport.write(data)

    def _flush(self) -> None:
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = b""

    def close(self) -> None:
        self._flush()
        if not self._transport.is_closing():
            self._transport.close()
            self._on_close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(StrictProtocol):
    """uvicorn's protocol with a bound on the size and the time of a request's head, and with the
    express way for plain requests."""

    express: Express | None = None
    no_delay = True
    usual: Usual
    crowd: Crowd

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        self._came_from = str(peer[0]) if isinstance(peer, tuple) else ""
        self._turned_away = not self.crowd.enter(self._came_from)
        if self._turned_away:
            transport.abort()
            return
        if not self.no_delay:
            # The event loop switches it on for every connection.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        super().connection_made(_Joined(transport, self.loop, self.leave))
        self._visitor: Visitor | None = None
        if self.express is not None:
            self._visitor = self.express.visitor(self.client[0] if self.client else "")
        self._secured: Mapping[str, Any] | None = None
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._secured, certificate = tls_scope(tls)
            # The state of each request begins as a copy of this.
            self.app_state = {**self.app_state, "certificate": certificate}
        self._head = 0
        self.in_head = True
        self._answered = False
        self._timer: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turned_away:
            return
        self.crowd.leave(self._came_from)
        self._unset_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.in_head:
            self._head += len(data)
        super().data_received(data)
        if not self.in_head or not self._head or self.transport.is_closing():
            return
        # What remains in the parser after this call is a head that isn't complete.
        if self._head > _MOST_HEADER:
            self._refuse(431, "Request Header Fields Too Large")
        elif self._timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._secured is not None:
            self.scope["extensions"] = {"tls": self._secured}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        if self.resuming:
            return
        if self._timer is not None:
            self._unset_timer()
        self.in_head = False
        received, self._head = self._head, 0
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            self._answered = True
            self._refuse(505, "HTTP Version Not Supported")
            return
        if received > _MOST_HEADER and self._head_size() > _MOST_HEADER:
            self._answered = True
            self._refuse(431, "Request Header Fields Too Large")
            return
        # Who does not take what was answered waits for more as others do, and is not read from.
        visitor = None if self.flow.write_paused or version != "1.1" else self._visitor
        if visitor is not None and self.parser.get_method() == b"GET":
            earlier = self.cycle
            if (earlier is None or earlier.response_complete) and self._answer_at_once(visitor):
                return
        if any(
            name == b"transfer-encoding" and not _is_chunked(value) for name, value in self.headers
        ):
            self._answered = True
            self._refuse(501, "Not Implemented")
            return
        super().on_headers_complete()
        self.cycle.transport = Headed(self.transport, self.usual)  # type: ignore[assignment]

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _answer_at_once(self, visitor: Visitor) -> bool:
        answer = visitor(self.url, self.headers)
        if answer is None:
            return False
        self._answered = True
        usual = b"".join(b"%b: %b\r\n" % each for each in self.server_state.default_headers)
        self.transport.write(b"HTTP/1.1 200 OK\r\n" + usual + answer)
        self.on_response_complete()
        return True

    def take(self, body: bytes) -> None:
        cycle = self.cycle
        if self._answered or cycle.response_complete:
            return
        # As uvicorn's own, which stops reading at 64 KB: an image would start and stop ten times.
        cycle.body += body
        if len(cycle.body) > _READ_AHEAD:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.body_to_come:
            return
        if self._answered:
            self._answered = False
        else:
            super().on_message_complete()
        self.in_head = True
        self._head = 0

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self.patience, self._head_is_late)

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._refuse(408, "Request Timeout")

    def _refuse(self, status: int, phrase: str) -> None:
        head = f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(self.usual.within(head.encode()))
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What can't be read as a request; ``msg`` is for the log."""
        self._refuse(400, "Bad Request")


def _is_chunked(value: bytes) -> bool:
    """RFC 9112 6.1: another coding would be stored as if it were what was meant."""
    return value.strip().lower() == b"chunked"


class HttpServer(uvicorn.Server):
    """uvicorn, told what the settings say. Signals are the business of the composition root.

    Args:
        app: answers requests.
        settings: what holds for connections.
        express: answers some of them at once.
        tls: for every connection, when it is set.
    """

    def __init__(
        self,
        app: Any,
        settings: Settings,
        express: Express | None = None,
        tls: FreshTls | None = None,
    ) -> None:
        class Protocol(BoundedProtocol):
            patience = settings.http_request_timeout
            no_delay = settings.tcp_no_delay
            usual = Usual(settings)
            crowd = Crowd(settings.http_maximum_connections_per_address, settings.trusted_proxies)

        # Kept as it is: a class would make a method of a function.
        Protocol.express = express if settings.keep_alive else None
        headers = [] if settings.keep_alive else [("Connection", "close")]
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                headers=headers,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=settings.keep_alive_timeout,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._handshakes: Handshakes | None = None
        if tls is not None:
            self._handshakes = Handshakes(
                tls, self._connection, self._is_full, settings.http_request_timeout
            )

    def _connection(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _is_full(self) -> bool:
        return len(self.server_state.connections) >= _MOST_TLS_CONNECTIONS

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._handshakes is None:
            await super().startup(sockets)
            return
        # uvicorn would have one context for all connections, and count none in a handshake.
        await self.lifespan.startup()
        self.servers = []
        self._handshakes.start(sockets or ())
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._handshakes is not None:
            await self._handshakes.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
