"""C-GET (PS3.4 C.4.3): instances go back over the association that asked for them."""

from __future__ import annotations

import logging

from hornburg.archive.outgoing import Outgoing
from hornburg.dimse.commands import Command, CommandField
from hornburg.errors import HornburgError
from hornburg.net.errors import AssociationLostError
from hornburg.net.prepare import Offers
from hornburg.net.scp.ahead import Ahead
from hornburg.net.scp.request import Request
from hornburg.net.scp.retrieve import Tally, wanted

__all__ = ["serve_get"]

log = logging.getLogger("hornburg.dicom")

_CANNOT_SEND = 0xC000


async def serve_get(request: Request) -> None:
    """C-GET: what can't be sent is counted as failed, and the others follow.

    Raises:
        IdentifierError: the identifier does not say what is wanted (0xA900).
    """
    instances = await wanted(request)
    tally = Tally(len(instances))
    offers = Offers.of(request.association.contexts)
    may_transcode = request.parts.archive.settings.transcode_dicom_protocol and (
        request.parts.rules.may_transcode(request.caller)
    )
    async with Ahead(request, instances, offers, may_transcode=may_transcode) as ahead:
        for number, one in enumerate(instances):
            if request.cancelled:
                await tally.finish(request, cancelled=True)
                return
            tally.count(one, await _send(request, one, ahead, number % 0xFFFF + 1))
            await tally.pending(request)
    await tally.finish(request)


async def _send(request: Request, one: Outgoing, ahead: Ahead, message_id: int) -> int:
    association = request.association
    try:
        ready, stack = await ahead.take()
    except HornburgError as error:
        ahead.begin()
        log.warning("C-GET of %s: %s can't be sent: %s", request.caller.aet, one.public_id, error)
        return _CANNOT_SEND
    async with stack:
        command = Command(
            field=CommandField.C_STORE_RQ,
            message_id=message_id,
            sop_class_uid=one.sop_class,
            sop_instance_uid=one.sop_instance,
            has_dataset=True,
        )
        await association.send(ready.context, command, ready.dataset)
    ahead.begin()
    answer = await association.inbox.next()
    is_answer = answer.command.field == CommandField.C_STORE_RSP
    if not is_answer or answer.command.responded_to != message_id:
        association.abort("something else than the answer to a C-STORE")
        raise AssociationLostError("something else than the answer to a C-STORE was sent")
    return _CANNOT_SEND if answer.command.status is None else answer.command.status
