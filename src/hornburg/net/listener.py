"""The DICOM server: sockets, bounds on associations, and one task for each of them."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Sequence

from hornburg.hooks.specs import AssociationRequest
from hornburg.net.association import ARTIM, Association
from hornburg.net.negotiate import answer_to
from hornburg.net.noting import note_association
from hornburg.net.parts import Parts
from hornburg.net.scp.dispatch import serve_association
from hornburg.security.complaints import Complaints, tls_words
from hornburg.security.dicom_rules import Caller
from hornburg.security.redaction import shown
from hornburg.security.tls_watch import FreshTls
from hornburg.ul.events import AssociateReject, AssociateRequest
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import agreed
from hornburg.ul.refusal import refusal
from hornburg.ul.rejections import RejectResult, RejectSource, UserReason

__all__ = ["DicomServer"]

log = logging.getLogger("hornburg.dicom")

#: Connections for each association that is allowed. Some have not said yet what they want, and
#: have ARTIM seconds to do so; others are rejected, and should close. When there is no more room,
#: the oldest of these goes: a thousand of them must not keep out one that says what it wants.
_CONNECTIONS = 4

#: Seconds to wait before the next connection when one could not be accepted.
_PAUSE = 0.1

#: PS3.8 table 9-21, source 3.
_LOCAL_LIMIT_EXCEEDED = 2

#: Seconds that running operations have to finish when the server stops.
_GRACE = 4


class DicomServer:
    """Accepts associations on sockets that are open already.

    Args:
        tls: for every connection, when it is set; asked for its context with each of them.
    """

    def __init__(self, parts: Parts, tls: FreshTls | None = None) -> None:
        settings = parts.archive.settings
        self._parts = parts
        self._tls = tls
        self._settings = settings
        self._limits = Limits(maximum_length=settings.maximum_pdu_length)
        self._artim = min(ARTIM, settings.dicom_scp_timeout or ARTIM)
        self._most = settings.dicom_maximum_associations
        self._most_per_address = settings.dicom_maximum_associations_per_address
        #: All connections and their addresses, the oldest first.
        self._open: dict[Association, str] = {}
        #: Connections, and associations, by address.
        self._addresses: Counter[str] = Counter()
        self._tasks: dict[Association, asyncio.Task[None]] = {}
        self._callers: Counter[str] = Counter()
        self._starting: dict[Association, asyncio.Task[None]] = {}
        self._accepting: list[asyncio.Task[None]] = []
        #: Those that plug-ins are asked about.
        self._asking: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._complaints = Complaints(log)

    def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to accept on sockets that listen."""
        for listener in sockets:
            self._accepting.append(asyncio.ensure_future(self._accept(listener)))

    async def close(self) -> None:
        """Accept no more, let running operations finish for a moment, end what is left."""
        self._stopping = True
        starting = (*self._accepting, *self._starting.values(), *self._asking)
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        for association in tuple(self._open):
            if association not in self._tasks or association.inbox.waits:
                association.abort("the server stops")
            association.leaving = True
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

    async def _accept(self, listener: socket.socket) -> None:
        """Accept connections for ever. Each is counted before anything is done for it: a TLS
        handshake costs more than a connection."""
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
            if not self._admits(address):
                connection.close()
                continue
            association = self._association(connection, address)
            task = asyncio.ensure_future(self._begin(association, connection, address))
            self._starting[association] = task
            task.add_done_callback(functools.partial(self._began, association, connection))

    async def _begin(
        self, association: Association, connection: socket.socket, address: str
    ) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: association,
                connection,
                ssl=self._tls.context if self._tls is not None else None,
                ssl_handshake_timeout=self._artim if self._tls is not None else None,
            )
        except (OSError, ssl.SSLError) as error:
            self._complaints.tell(address, f"TLS: {tls_words(error)}")
            connection.close()
            self._ended(association)
        except BaseException:
            connection.close()
            self._ended(association)
            raise

    def _began(
        self, association: Association, connection: socket.socket, task: asyncio.Task[None]
    ) -> None:
        del self._starting[association]
        if task.cancelled():
            # Perhaps before it could do anything.
            connection.close()

    def _association(self, connection: socket.socket, address: str) -> Association:
        association = Association(
            requestor=False,
            limits=self._limits,
            timeout=self._settings.dicom_scp_timeout,
            artim=self._artim,
            on_request=self._requested,
            connection=connection,
            on_end=self._ended,
        )
        self._open[association] = address
        self._addresses[address] += 1
        return association

    def _admits(self, address: str) -> bool:
        """Whether one more connection of this address may come in at all."""
        most = self._most_per_address
        if most and self._addresses[address] >= most * _CONNECTIONS:
            goes = self._make_room(address)
        elif self._addresses.total() >= self._most * _CONNECTIONS:
            goes = self._make_room()
        else:
            return True
        self._complaints.tell(goes or address, "too many connections")
        return bool(goes)

    def _make_room(self, address: str = "") -> str:
        """End the oldest connection without an association: of this address, or else of the
        address that has the most of them. Answers whose it was, "" when there is none."""
        idle = [
            (association, where)
            for association, where in self._open.items()
            if association not in self._tasks and address in ("", where)
        ]
        if not idle:
            return ""
        ((busiest, _),) = Counter(where for _, where in idle).most_common(1)
        victim = next(association for association, where in idle if where == busiest)
        starting = self._starting.get(victim)
        if starting is not None:
            starting.cancel()
        victim.drop("others wait")
        self._ended(victim)
        return busiest

    # -- associations ---------------------------------------------------------------------------

    def _requested(self, association: Association, request: AssociateRequest) -> None:
        caller = Caller(
            aet=request.calling_aet.strip(" "),
            called_aet=request.called_aet.strip(" "),
            address=association.remote,
            certificate=_subject(association),
        )
        refused = refusal(request)
        if refused is not None:
            reject, words = refused
            log.warning("rejected %s at %s: %s", shown(caller.aet), caller.address, words)
            note_association(self._parts.archive.trail, caller, words)
            association.reject(reject)
            return
        full = self._no_room(caller.address)
        if full:
            self._reject_for_now(association, caller, full)
            return
        rejection = self._parts.rules.admit(caller)
        if rejection is not None:
            log.warning(
                "rejected %s at %s: %s", shown(caller.aet), caller.address, rejection.sentence
            )
            note_association(self._parts.archive.trail, caller, rejection.sentence)
            association.reject(
                AssociateReject(rejection.result, rejection.source, rejection.reason)
            )
            return
        if self._parts.archive.hooks.has("filter_association"):
            task = asyncio.ensure_future(self._ask(association, request, caller))
            self._asking.add(task)
            task.add_done_callback(functools.partial(self._asked, association))
        else:
            self._welcome(association, request, caller)

    async def _ask(
        self, association: Association, request: AssociateRequest, caller: Caller
    ) -> None:
        """Accept an association if plug-ins do."""
        wanted = await self._parts.archive.hooks.filter_association(
            AssociationRequest(caller.aet, caller.called_aet, caller.address, caller.certificate)
        )
        if association.why:
            return  # gone meanwhile
        full = self._no_room(caller.address)
        if full:
            self._reject_for_now(association, caller, full)
        elif wanted:
            self._welcome(association, request, caller)
        else:
            words = "a plug-in does not accept the association"
            log.warning("rejected %s at %s: %s", shown(caller.aet), caller.address, words)
            note_association(self._parts.archive.trail, caller, words)
            association.reject(
                AssociateReject(RejectResult.PERMANENT, RejectSource.USER, UserReason.NO_REASON)
            )

    def _asked(self, association: Association, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an association was not answered", exc_info=task.exception())
            association.abort("internal error")

    def _reject_for_now(self, association: Association, caller: Caller, why: str) -> None:
        log.warning("rejected %s at %s: %s", shown(caller.aet), caller.address, why)
        note_association(self._parts.archive.trail, caller, why)
        association.reject(
            AssociateReject(
                RejectResult.TRANSIENT, RejectSource.PROVIDER_PRESENTATION, _LOCAL_LIMIT_EXCEEDED
            )
        )

    def _welcome(self, association: Association, request: AssociateRequest, caller: Caller) -> None:
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
        note_association(self._parts.archive.trail, caller)

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
        address = self._open.pop(association, None)
        if address is None:
            return
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]


def _subject(association: Association) -> str:
    """The subject of the certificate that the other side has shown, as ``CN=…,O=…``."""
    certificate = association.certificate() or {}
    parts = [pair for group in certificate.get("subject", ()) for pair in group]
    return ",".join(f"{name}={value}" for name, value in parts)
