"""Messages to a syslog server: RFC 5424 over TCP (RFC 6587, octet counting) or TLS (RFC 5425).

The server that is told may be away: messages wait in memory, bounded, the connection is tried
again with growing pauses, and what there was no room for is counted and said. Syslog acknowledges
nothing, so what was on its way when a connection broke may be lost; the trail in the files has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time

from hornburg.security.trail.events import Identity
from hornburg.security.trail.files import time_text
from hornburg.security.trail.grouping import Entry
from hornburg.settings import SettingsError
from hornburg.settings.trail import SyslogSettings

__all__ = ["Syslog", "framed", "syslog_context"]

log = logging.getLogger("hornburg.trail")

#: Messages that wait for a connection.
_MOST_WAITING = 20_000

#: Facility 10 (security/authorization), severity 5 (notice): RFC 5424 section 6.2.1.
_PRIORITY = 10 * 8 + 5

#: PS3.15 A.6 names the content by MSGID.
_MESSAGE_ID = "DICOM+RFC3881"

_BOM = b"\xef\xbb\xbf"

#: Seconds.
_CONNECT = 10.0
_SEND = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LAST_GRACE = 3.0

Messages = Callable[[Sequence[Entry], Mapping[tuple[int, str], "Identity | None"]], Iterable[bytes]]


def framed(content: bytes, seconds: float, host: str, process: int) -> bytes:
    """A message as RFC 5424 writes it, with its length in front."""
    head = (
        f"<{_PRIORITY}>1 {time_text(seconds)} {host} hornburg {process} {_MESSAGE_ID} - "
    ).encode("ascii", "replace")
    message = head + _BOM + content
    return b"%d %b" % (len(message), message)


def syslog_context(settings: SyslogSettings) -> ssl.SSLContext | None:
    """TLS to the syslog server; ``None`` with plain TCP.

    Raises:
        SettingsError: a file can't be used.
    """
    if settings.protocol != "tls":
        return None
    option = "AuditTrail.Syslog"
    try:
        context = ssl.create_default_context(cafile=settings.ca_certificates)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.private_key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError("configuration", words, option=option) from None
    return context


class Syslog:
    """Sends messages, in order, as long as somebody listens.

    Called on the thread of the trail with what was written; everything else is on the loop.

    Args:
        host, port: of the server.
        context: TLS, or ``None``.
        messages: makes messages of what was written.
    """

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, messages: Messages
    ) -> None:
        self.host = host
        self.port = port
        self._context = context
        self._messages = messages
        self._waiting: deque[bytes] = deque()
        self._lost = 0
        self._name = _ascii_name(socket.gethostname())
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_away = False
        self.on_lost: Callable[[int], None] = lambda _: None
        """Told how many messages there was no room for."""

    def open(self) -> None:
        """Begin to send."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())

    async def close(self) -> None:
        """Give what waits a moment to go."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_GRACE if not self._is_away else 0.1):
                await self._none.wait()
        self._task.cancel()
        await asyncio.wait((self._task,))
        left = len(self._waiting) + self._lost
        if left:
            log.error("%d audit messages were not sent to %s", left, self._place)

    def __call__(
        self, entries: Sequence[Entry], known: Mapping[tuple[int, str], Identity | None]
    ) -> None:
        """Take what was written."""
        now, process = time(), os.getpid()
        made = [framed(one, now, self._name, process) for one in self._messages(entries, known)]
        if made and self._loop is not None:
            self._loop.call_soon_threadsafe(self._add, made)

    @property
    def _place(self) -> str:
        return f"{self.host}:{self.port}"

    def _add(self, made: Sequence[bytes]) -> None:
        room = max(0, _MOST_WAITING - len(self._waiting))
        self._waiting.extend(made[:room])
        self._lost += len(made) - min(room, len(made))
        self._none.clear()
        self._some.set()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._some.wait()
            try:
                await self._send_all()
                pause = _FIRST_PAUSE
            except (OSError, EOFError, UnicodeError) as error:  # the latter: no name of a host
                self._tell(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _send_all(self) -> None:
        """Connect, and send until the connection breaks."""
        async with asyncio.timeout(_CONNECT):
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self._context)
        if self._is_away:
            log.warning("the syslog server %s is back", self._place)
        self._is_away = False
        # What was drained has left us.
        writer.transport.set_write_buffer_limits(0)
        # Nobody answers, but the end of the stream says that nobody listens.
        gone = asyncio.ensure_future(reader.read(1))
        try:
            while True:
                await self._send_waiting(writer, gone)
                self._some.clear()
                some = asyncio.ensure_future(self._some.wait())
                try:
                    await asyncio.wait({some, gone}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    some.cancel()
        finally:
            gone.cancel()
            writer.close()

    async def _send_waiting(
        self, writer: asyncio.StreamWriter, gone: asyncio.Future[bytes]
    ) -> None:
        while self._waiting:
            if gone.done():
                raise ConnectionResetError("the connection was closed")
            writer.write(self._waiting[0])
            async with asyncio.timeout(_SEND):
                await writer.drain()
            self._waiting.popleft()
            if self._lost and len(self._waiting) < _MOST_WAITING:
                log.error("%d audit messages for %s are lost", self._lost, self._place)
                self.on_lost(self._lost)
                self._lost = 0
        self._none.set()
        if gone.done():
            raise ConnectionResetError("the connection was closed")

    def _tell(self, error: Exception) -> None:
        if not self._is_away:
            words = getattr(error, "strerror", None) or str(error) or "it takes too long"
            log.error("the syslog server %s can't be reached: %s", self._place, words)
        self._is_away = True


def _ascii_name(name: str) -> str:
    """RFC 5424 section 6.2.4: printable ASCII, at most 255."""
    kept = "".join(letter for letter in name if "!" <= letter <= "~")
    return kept[:255] or "-"
