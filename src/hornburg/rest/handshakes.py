"""TLS connections for the HTTP server: accepted, counted and bounded before they speak HTTP."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence

from hornburg.security.complaints import Complaints, tls_words
from hornburg.security.tls_watch import FreshTls

__all__ = ["Handshakes"]

log = logging.getLogger("hornburg.rest")

#: Handshakes at the same time. One takes a few round trips; a thousand clients that say nothing
#: must not keep out one that does. The oldest goes, of the address that has the most.
_MOST = 256

#: Seconds that one may take.
_PATIENCE = 10

#: Seconds until a connection that closes is cut off, whatever it has left to send; who takes
#: nothing of it is left earlier, see rest.strict.
_FAREWELL = 86400

#: Seconds to wait before the next connection when one could not be accepted.
_PAUSE = 0.1


class Handshakes:
    """Accepts connections on sockets that listen, and hands on those that speak TLS.

    Args:
        tls: asked for its context with each connection.
        protocol: makes what speaks on the connection.
        is_full: whether there is no room for more connections; then one is closed at once.
        patience: seconds that a handshake may take at most.
    """

    def __init__(
        self,
        tls: FreshTls,
        protocol: Callable[[], asyncio.Protocol],
        is_full: Callable[[], bool],
        patience: float = _PATIENCE,
    ) -> None:
        self._tls = tls
        self._protocol = protocol
        self._is_full = is_full
        self._patience = min(patience, _PATIENCE)
        #: What runs, and the address that it is with, the oldest first.
        self._running: dict[asyncio.Task[None], str] = {}
        self._accepting: list[asyncio.Task[None]] = []
        self._complaints = Complaints(log)

    def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to accept."""
        for listener in sockets:
            self._accepting.append(asyncio.ensure_future(self._accept(listener)))

    async def close(self) -> None:
        """Accept no more, and end what has not become a connection yet."""
        ending = (*self._accepting, *self._running)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, name = await loop.sock_accept(listener)
            except OSError as error:
                # No file descriptors, or the connection was gone again: others may be waiting.
                log.error("can't accept a connection: %s", error.strerror)
                await asyncio.sleep(_PAUSE)
                continue
            address = str(name[0])
            if self._is_full():
                self._complaints.tell(address, "too many connections")
                connection.close()
                continue
            if len(self._running) >= _MOST:
                self._complaints.tell(self._make_room(), "too many handshakes")
            task = asyncio.ensure_future(self._begin(connection, address))
            self._running[task] = address
            task.add_done_callback(functools.partial(self._began, connection))

    async def _begin(self, connection: socket.socket, address: str) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._patience,
                ssl_shutdown_timeout=_FAREWELL,
            )
        except (OSError, ssl.SSLError) as error:
            self._complaints.tell(address, f"TLS: {tls_words(error)}")
            connection.close()
        except BaseException:
            connection.close()
            raise

    def _began(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if task.cancelled():
            # Perhaps before it could do anything.
            connection.close()
        elif task.exception() is not None:
            log.error("a handshake ended with an error", exc_info=task.exception())

    def _make_room(self) -> str:
        """End the oldest handshake of the address that has the most; answers which that is."""
        ((busiest, _),) = Counter(self._running.values()).most_common(1)
        victim = next(task for task, where in self._running.items() if where == busiest)
        del self._running[victim]
        victim.cancel()
        return busiest
