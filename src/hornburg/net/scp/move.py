"""C-MOVE (PS3.4 C.4.2): instances go to a third application entity."""

from __future__ import annotations

import logging

from hornburg.archive.exports import log_exports
from hornburg.archive.jobs.store_to_modality import StoreJob, StoreRequest
from hornburg.archive.outgoing import Outgoing, content_of
from hornburg.archive.remote import RemoteError, Sender, Target
from hornburg.archive.targets import target_of
from hornburg.dicom.levels import Level
from hornburg.dimse.status import Category, category
from hornburg.errors import HornburgError, Outside
from hornburg.net.scp.request import Request
from hornburg.net.scp.retrieve import Tally, wanted
from hornburg.security.redaction import shown

__all__ = ["UnknownDestinationError", "serve_move"]

log = logging.getLogger("hornburg.dicom")

_CANNOT_SEND = 0xC000
#: Associations to the destination that one C-MOVE may open; each but the first because the one
#: before broke.
_MOST_ASSOCIATIONS = 4


class UnknownDestinationError(HornburgError):
    """No modality has the title of the move destination (PS3.4 table C.4-2: 0xA801)."""

    outside = Outside(HornburgError.outside.http, 17, "Unknown resource", 0xA801)


async def serve_move(request: Request) -> None:
    """C-MOVE: every sub-operation is tried; its counters say what became of them.

    Raises:
        UnknownDestinationError: nobody knows the destination (0xA801).
        IdentifierError: the identifier does not say what is wanted (0xA900).
    """
    parts = request.parts
    instances = await wanted(request)
    target = _destination(request)
    if not parts.archive.settings.synchronous_c_move:
        await _hand_over(request, target, instances)
        return
    tally = Tally(len(instances))
    waiting = list(reversed(instances))
    associations = 0
    while waiting and not request.cancelled and associations < _MOST_ASSOCIATIONS:
        associations += 1
        offers = [(one.sop_class, one.transfer_syntax) for one in waiting]
        try:
            async with parts.remote.sender(target, offers) as sender:
                await _send_all(request, target, sender, waiting, tally)
        except RemoteError as error:
            log.warning("C-MOVE of %s: %s", request.caller.aet, error)
            if not tally.completed:
                break
    if not request.cancelled:
        for one in reversed(waiting):
            tally.fail(one)
        tally.remaining = 0
    await tally.finish(request, cancelled=bool(waiting) and request.cancelled)


def _destination(request: Request) -> Target:
    title = request.command.move_destination
    parts = request.parts
    settings = parts.archive.settings
    for name, modality in parts.modalities.all().items():
        if parts.rules.same_title(modality.aet, title):
            return target_of(settings, name, modality)
    raise UnknownDestinationError(f"The move destination {shown(title)} is not in DicomModalities")


async def _hand_over(request: Request, target: Target, instances: list[Outgoing]) -> None:
    """``SynchronousCMove`` is off: a job sends the instances, and the answer does not wait."""
    tally = Tally(0)
    if instances:
        store = StoreRequest(
            target,
            tuple((Level.INSTANCE, one.public_id) for one in instances),
            permissive=True,
            originator=(request.caller.aet, request.command.message_id),
            description="C-MOVE",
        )
        await request.parts.jobs.submit(await StoreJob.prepared(request.parts.tools, store))
        tally.completed = len(instances)
    await tally.finish(request)


async def _send_all(
    request: Request, target: Target, sender: Sender, waiting: list[Outgoing], tally: Tally
) -> None:
    """Send until nothing waits; what is being sent when the association breaks has failed."""
    while waiting and not request.cancelled:
        one = waiting.pop()
        try:
            tally.count(one, await _send(request, target, sender, one))
        except RemoteError as error:
            tally.count(one, _CANNOT_SEND)
            log.warning("C-MOVE: %s can't be sent: %s", one.public_id, error)
            if not sender.alive:
                raise
        except HornburgError as error:
            tally.count(one, _CANNOT_SEND)
            log.warning("C-MOVE: %s can't be sent: %s", one.public_id, error)
        await tally.pending(request)


async def _send(request: Request, target: Target, sender: Sender, one: Outgoing) -> int:
    archive = request.parts.archive
    async with content_of(archive, one.attachment) as content:
        status = await sender.store(
            content,
            one.sop_class,
            one.sop_instance,
            one.transfer_syntax,
            originator=(request.caller.aet, request.command.message_id),
        )
    if category(status) in (Category.SUCCESS, Category.WARNING):
        await log_exports(archive, target.name, [(Level.INSTANCE, one.public_id)])
    return status
