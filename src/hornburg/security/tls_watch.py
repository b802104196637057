"""Certificates that change on disk are taken up while the server runs.

A listener asks for the context anew with each connection. Connections that are open keep the one
that they began with, and nothing is dropped.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from hornburg.errors import HornburgError
from hornburg.security.certificates import certificate_findings

__all__ = ["FreshTls", "watch"]

log = logging.getLogger("hornburg.security")

#: Seconds between two looks at the files.
_EVERY = 5.0

#: How often the end of a certificate is spoken of while the server runs.
_SPEAK_EVERY = datetime.timedelta(days=1)

Signature = tuple[tuple[int, ...], ...]


class FreshTls:
    """The TLS of one server, made of files that may change.

    Args:
        name: of the server, for the log: ``HTTPS``, ``DICOM TLS``.
        make: reads the files, and raises a :class:`HornburgError` that names the option when they
            can't be used.
        files: all that ``make`` reads; the certificate first.
        key: the file of the private key, ``None`` when the certificate's holds it.

    Raises:
        HornburgError: as ``make``.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], ssl.SSLContext],
        files: Sequence[Path],
        key: Path | None,
    ) -> None:
        self.name = name
        self._make = make
        self._files = tuple(files)
        self._key = key
        #: What the files looked like when they were read last, and when they were seen last.
        self._read = self._seen = self._signature()
        self._spoken = datetime.datetime.now(datetime.UTC)
        self.context = make()
        """For the next connection."""

    def findings(self) -> list[str]:
        """What the operator should know of the certificate now."""
        now = datetime.datetime.now(datetime.UTC)
        self._spoken = now
        return [one.text for one in certificate_findings(self._files[0], self._key, now)]

    def look(self) -> None:
        """Take up the files when they have changed, and are no longer being written: they look
        the same twice. Blocks for some milliseconds."""
        now = self._signature()
        settled, self._seen = now == self._seen, now
        if settled and now != self._read:
            self.renew()
        if datetime.datetime.now(datetime.UTC) - self._spoken > _SPEAK_EVERY:
            for text in self.findings():
                log.warning("%s: %s", self.name, text)

    def renew(self) -> None:
        """Take up the files as they are. When they can't be used the log says why, and what was
        there before stays. Blocks for some milliseconds."""
        # Before the files are read: what changes meanwhile is seen at the next look.
        self._read = self._seen = self._signature()
        try:
            self.context = self._make()
        except HornburgError as error:
            log.error("%s keeps the certificate that it has: %s", self.name, error)
            return
        except Exception:
            log.exception("%s keeps the certificate that it has", self.name)
            return
        log.warning("%s has taken up %s", self.name, self._files[0])
        for text in self.findings():
            log.warning("%s: %s", self.name, text)

    def _signature(self) -> Signature:
        return tuple(map(_signature, self._files))


def _signature(path: Path) -> tuple[int, ...]:
    try:
        # The file that a symbolic link leads to: certbot moves links.
        found = path.stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


async def watch(
    servers: Sequence[FreshTls],
    stop: asyncio.Event,
    now: asyncio.Event,
    *,
    every: float = _EVERY,
) -> None:
    """Look at the files until ``stop``; at once, whether they have changed or not, when ``now``
    is set, which is cleared then."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            asked = asyncio.ensure_future(now.wait())
            await asyncio.wait(
                {stopping, asked}, timeout=every, return_when=asyncio.FIRST_COMPLETED
            )
            asked.cancel()
            if stop.is_set():
                return
            at_once = now.is_set()
            now.clear()
            for server in servers:
                await asyncio.to_thread(server.renew if at_once else server.look)
    finally:
        stopping.cancel()
