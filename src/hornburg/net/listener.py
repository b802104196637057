"""The DICOM server: sockets, bounds on associations, and one task for each of them."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from typing import cast

from hornburg.net.association import ARTIM, Association
from hornburg.net.negotiate import answer_to
from hornburg.net.parts import Parts
from hornburg.net.scp.dispatch import serve_association
from hornburg.security.dicom_rules import Caller
from hornburg.ul.events import AssociateReject, AssociateRequest
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import agreed
from hornburg.ul.rejections import RejectResult, RejectSource

__all__ = ["DicomServer"]

log = logging.getLogger("hornburg.dicom")

#: Connections for each association that is allowed: those that have not said yet what they want
#: (they have ARTIM seconds to do so) must not keep out those that have.
_CONNECTIONS = 4

#: PS3.8 table 9-21, source 3.
_LOCAL_LIMIT_EXCEEDED = 2

#: Seconds that running operations have to finish when the server stops.
_GRACE = 4


class DicomServer:
    """Accepts associations on sockets that are open already.

    Args:
        tls: for every connection, when it is set.
    """

    def __init__(self, parts: Parts, tls: ssl.SSLContext | None = None) -> None:
        settings = parts.archive.settings
        self._parts = parts
        self._tls = tls
        self._settings = settings
        self._limits = Limits(maximum_length=settings.maximum_pdu_length)
        self._most = settings.dicom_maximum_associations
        self._most_per_address = settings.dicom_maximum_associations_per_address
        self._open: set[Association] = set()
        self._addresses: dict[Association, str] = {}
        self._tasks: dict[Association, asyncio.Task[None]] = {}
        self._callers: Counter[str] = Counter()
        self._starting: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._stopping = False

    async def start(self, sockets: Sequence[socket.socket], backlog: int) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        for listener in sockets:
            # TLS begins after the connection was counted: a handshake costs more than a connection.
            server = await loop.create_server(self._door, sock=listener, backlog=backlog)
            self._servers.append(server)

    async def close(self) -> None:
        """Accept no more, let running operations finish for a moment, end what is left."""
        self._stopping = True
        for server in self._servers:
            server.close()
        for association in tuple(self._open):
            if association not in self._tasks or association.inbox.waits:
                association.abort("the server stops")
        running = set(self._tasks.values())
        if running:
            await asyncio.wait(running, timeout=_GRACE)
        for association in tuple(self._open):
            association.abort("the server stops")
        for task in self._tasks.values():
            task.cancel()
        if running:
            await asyncio.wait(running)

    @property
    def associations(self) -> int:
        """How many are served at this moment."""
        return len(self._tasks)

    # -- connections ----------------------------------------------------------------------------

    def _door(self) -> asyncio.Protocol:
        if self._tls is None:
            return self._association()
        return _Handshake(self)

    def _association(self) -> Association:
        return Association(
            requestor=False,
            limits=self._limits,
            timeout=self._settings.dicom_scp_timeout,
            artim=min(ARTIM, self._settings.dicom_scp_timeout or ARTIM),
            on_open=self._opened,
            on_request=self._requested,
            on_end=self._ended,
        )

    def admits(self, address: str) -> bool:
        """Whether one more connection of this address may come in at all."""
        mine = sum(known == address for known in self._addresses.values())
        full = len(self._open) + len(self._starting) >= self._most * _CONNECTIONS
        most = self._most_per_address
        if self._stopping or full or (most and mine >= most * _CONNECTIONS):
            log.warning("refused a connection of %s: too many of them", address)
            return False
        return True

    def start_tls(self, transport: asyncio.Transport, handshake: asyncio.Protocol) -> None:
        """Go on as an association when the handshake is done."""
        task = asyncio.ensure_future(self._shake_hands(transport, handshake))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _shake_hands(self, transport: asyncio.Transport, handshake: asyncio.Protocol) -> None:
        address = _address(transport)
        association = self._association()
        assert self._tls is not None
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                association,
                self._tls,
                server_side=True,
                ssl_handshake_timeout=ARTIM,
            )
        except (OSError, ssl.SSLError, ConnectionError) as error:
            log.warning("refused a connection of %s: TLS: %s", address, _words(error))
            transport.abort()
            return
        if secure is None:
            transport.abort()
            return
        association.connection_made(secure)

    def _opened(self, association: Association) -> None:
        address = association.remote
        if self._tls is None and not self.admits(address):
            association.abort("too many connections")
            return
        self._open.add(association)
        self._addresses[association] = address

    # -- associations ---------------------------------------------------------------------------

    def _requested(self, association: Association, request: AssociateRequest) -> None:
        caller = Caller(
            aet=request.calling_aet.strip(" "),
            called_aet=request.called_aet.strip(" "),
            address=association.remote,
            certificate=_subject(association),
        )
        full = self._no_room(caller.address)
        if full:
            log.warning("rejected %s at %s: %s", _shown(caller.aet), caller.address, full)
            association.reject(
                AssociateReject(
                    RejectResult.TRANSIENT,
                    RejectSource.PROVIDER_PRESENTATION,
                    _LOCAL_LIMIT_EXCEEDED,
                )
            )
            return
        rejection = self._parts.rules.admit(caller)
        if rejection is not None:
            log.warning(
                "rejected %s at %s: %s", _shown(caller.aet), caller.address, rejection.sentence
            )
            association.reject(
                AssociateReject(rejection.result, rejection.source, rejection.reason)
            )
            return
        accept, reasons = answer_to(
            request,
            caller,
            self._parts.rules,
            self._parts.accepted,
            self._settings.maximum_pdu_length,
        )
        for reason in reasons:
            log.warning("not accepted from %s at %s: %s", caller.aet, caller.address, reason)
        association.accept(accept, agreed(request, accept, we_are_requestor=False))
        task = asyncio.ensure_future(serve_association(self._parts, association, caller))
        self._tasks[association] = task
        self._callers[caller.address] += 1
        task.add_done_callback(lambda _: self._served(association, caller.address))
        log.debug("association with %s at %s", caller.aet, caller.address)

    def _no_room(self, address: str) -> str:
        if self._stopping:
            return "the server stops"
        if self._most and len(self._tasks) >= self._most:
            return f"{self._most} associations are open (DicomMaximumAssociations)"
        most = self._most_per_address
        if most and self._callers[address] >= most:
            return f"{most} associations of this address (DicomMaximumAssociationsPerAddress)"
        return ""

    def _served(self, association: Association, address: str) -> None:
        task = self._tasks.pop(association)
        self._callers[address] -= 1
        if not self._callers[address]:
            del self._callers[address]
        if not task.cancelled() and task.exception() is not None:
            log.error("an association ended with an error", exc_info=task.exception())
            association.abort("internal error")

    def _ended(self, association: Association) -> None:
        self._open.discard(association)
        self._addresses.pop(association, None)


class _Handshake(asyncio.Protocol):
    """A connection before TLS: counted, and refused when there are too many."""

    def __init__(self, server: DicomServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        if self._server.admits(_address(stream)):
            self._server.start_tls(stream, self)
        else:
            stream.abort()


def _address(transport: asyncio.BaseTransport) -> str:
    name = transport.get_extra_info("peername")
    return str(name[0]) if name else "?"


def _subject(association: Association) -> str:
    """The subject of the certificate that the other side has shown, as ``CN=…,O=…``."""
    certificate = association.certificate() or {}
    parts = [pair for group in certificate.get("subject", ()) for pair in group]
    return ",".join(f"{name}={value}" for name, value in parts)


def _shown(title: str) -> str:
    """A title that may hold anything, for the log."""
    return repr(title[:32])


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else type(error).__name__
