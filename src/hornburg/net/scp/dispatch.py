"""From an accepted association to the service that each message asks for.

The rules are asked again for every message: what was not allowed in the negotiation is refused
with the status of the standard if it is sent all the same, and what was allowed then may have been
taken back since.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

from hornburg.archive.touched import collect
from hornburg.dimse.commands import CommandField
from hornburg.errors import HornburgError
from hornburg.net.association import Association
from hornburg.net.errors import AssociationLostError
from hornburg.net.noting import note_message
from hornburg.net.parts import Parts
from hornburg.net.scp.commitment import serve_action, serve_event_report
from hornburg.net.scp.echo import serve_echo
from hornburg.net.scp.find import serve_find
from hornburg.net.scp.get import serve_get
from hornburg.net.scp.move import serve_move
from hornburg.net.scp.request import Request
from hornburg.net.scp.store import serve_store
from hornburg.net.scp.worklist import serve_worklist
from hornburg.net.services import act_of
from hornburg.security.dicom_rules import Act, Caller
from hornburg.security.redaction import without_values

__all__ = ["serve_association"]

log = logging.getLogger("hornburg.dicom")

Service = Callable[[Request], Awaitable[None]]

_SERVICES: dict[int, tuple[Service, frozenset[Act]]] = {
    CommandField.C_ECHO_RQ: (serve_echo, frozenset((Act.ECHO,))),
    CommandField.C_STORE_RQ: (serve_store, frozenset((Act.STORE,))),
    CommandField.C_FIND_RQ: (serve_find, frozenset((Act.FIND, Act.FIND_WORKLIST))),
    CommandField.C_MOVE_RQ: (serve_move, frozenset((Act.MOVE,))),
    CommandField.C_GET_RQ: (serve_get, frozenset((Act.GET,))),
    CommandField.N_ACTION_RQ: (serve_action, frozenset((Act.STORAGE_COMMITMENT,))),
    CommandField.N_EVENT_REPORT_RQ: (serve_event_report, frozenset((Act.EVENT_REPORT,))),
}

#: Queries and retrievals, which ``DicomThreadsCount`` bounds.
_IN_TURN = frozenset((CommandField.C_FIND_RQ, CommandField.C_MOVE_RQ, CommandField.C_GET_RQ))

_NOT_AUTHORIZED = 0x0124
_UNRECOGNIZED_OPERATION = 0x0211
_SOP_CLASS_NOT_SUPPORTED = 0x0122
_PROCESSING_FAILURE = 0x0110
#: PS3.7 annex C: Error Comment is an LO.
_COMMENT = 64


async def serve_association(parts: Parts, association: Association, caller: Caller) -> None:
    """Serve messages until the other side releases, aborts or goes silent."""
    served: Counter[str] = Counter()
    try:
        while True:
            message = await association.inbox.next()
            context = association.contexts.get(message.context_id)
            if context is None:
                association.abort("a message on a presentation context that was not accepted")
                return
            served[_name(message.command.field)] += 1
            await _serve(Request(parts, association, caller, context, message))
            if association.leaving:
                association.abort("the server stops")
                _tell(caller, served, "the server stops")
                return
            if not association.inbox.idle:
                # Thousands may be here already, and some are served without waiting for anything.
                await asyncio.sleep(0)
    except AssociationLostError as lost:
        end = str(lost)
        if association.peer_released:
            association.confirm_release()
            end = "released"
        _tell(caller, served, end)


def _tell(caller: Caller, served: Counter[str], end: str) -> None:
    """One line for each association; what failed has lines of its own."""
    words = ", ".join(f"{count} {name}" for name, count in served.items()) or "nothing asked"
    log.info("association with %s at %s: %s; %s", caller.aet, caller.address, words, end)


async def _serve(request: Request) -> None:
    """Serve one message; whatever goes wrong becomes its answer."""
    command = request.command
    if command.field & 0x8000:
        request.association.abort("a response that nobody asked for")
        return
    touched, act = collect(), None
    try:
        service, acts = _SERVICES.get(command.field, (None, frozenset()))
        if service is None:
            await _refuse(request, _UNRECOGNIZED_OPERATION, "this operation is not supported")
            return
        act = act_of(request.context.abstract_syntax) or Act.STORE
        if command.field == CommandField.N_EVENT_REPORT_RQ and act is Act.STORAGE_COMMITMENT:
            act = Act.EVENT_REPORT
        if act not in acts:
            await _refuse(
                request, _SOP_CLASS_NOT_SUPPORTED, "not an operation of this presentation context"
            )
            return
        decision = request.parts.rules.may(request.caller, act)
        if not decision.allowed:
            await _refuse(request, _NOT_AUTHORIZED, decision.reason)
            return
        request.modality = decision.modality
        if act is not Act.ECHO:
            request.parts.archive.trail.check()
        if act is Act.FIND_WORKLIST:
            service = serve_worklist
        if command.field in _IN_TURN:
            async with request.parts.turns:
                await service(request)
        else:
            await service(request)
    except AssociationLostError:
        raise
    except HornburgError as error:
        log.warning(
            "%s from %s at %s failed: %s",
            _name(command.field),
            request.caller.aet,
            request.caller.address,
            without_values(str(error), deidentify=request.parts.archive.settings.deidentify_logs),
        )
        await _fail(request, error.outside.dimse, str(error))
    except Exception:
        number = uuid.uuid4().hex[:8]
        log.exception(
            "%s from %s failed, number %s", _name(command.field), request.caller.aet, number
        )
        await _fail(request, _PROCESSING_FAILURE, f"Internal error, number {number} in the log")
    finally:
        request.association.inbox.cancelled.discard(command.message_id)
        note_message(request, act, touched)


async def _refuse(request: Request, status: int, reason: str) -> None:
    log.warning(
        "refused %s from %s at %s: %s",
        _name(request.command.field),
        request.caller.aet,
        request.caller.address,
        reason,
    )
    await _fail(request, status, reason)


async def _fail(request: Request, status: int, comment: str) -> None:
    await request.drop()
    if status == _NOT_AUTHORIZED:
        # The reason is for our log: it names what the configuration knows.
        comment = "Not authorized"
    ascii_only = comment.encode("ascii", "replace").decode("ascii")
    await request.answer(status, error_comment=ascii_only[:_COMMENT])


def _name(field: int) -> str:
    try:
        return CommandField(field).name.removesuffix("_RQ").replace("_", "-", 1)
    except ValueError:
        return f"command {field:04x}H"
