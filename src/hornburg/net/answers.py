"""The answers of another application entity: awaited, checked, cancelled."""

from __future__ import annotations

import asyncio

from hornburg.archive.parts import Archive
from hornburg.archive.remote import RemoteError, Suboperations, Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, encode
from hornburg.dimse.commands import Command, CommandField
from hornburg.dimse.status import Category, category, sentence, service_of
from hornburg.net.association import Association
from hornburg.net.errors import AssociationLostError
from hornburg.net.inbox import Message
from hornburg.security.redaction import shown
from hornburg.ul.negotiation import AcceptedContext

__all__ = [
    "ask",
    "cancel",
    "check",
    "dataset_of",
    "failed_instances",
    "next_response",
    "progress_of",
]

#: Bytes of the data set of an answer; a list of 50,000 instances that failed is 3 MB.
_LIMIT = 4 << 20

#: Seconds in which a cancelled operation should end.
_PATIENCE = 5.0

_FAILED_LIST = 0x00080058


async def ask(
    archive: Archive,
    association: Association,
    context: AcceptedContext,
    field: CommandField,
    identifier: Elements,
    destination: str = "",
) -> Command:
    """Send a C-FIND, C-MOVE or C-GET with its identifier; answers the command.

    Raises:
        AssociationLostError: the association has ended.
    """
    command = Command(
        field=field,
        # An association has one operation.
        message_id=1,
        sop_class_uid=context.abstract_syntax,
        has_dataset=True,
        move_destination=destination,
    )
    raw = encode(
        identifier,
        transfer_syntax=context.transfer_syntax,
        charset=archive.runtime.default_encoding,
    )
    await association.send(context.context_id, command, raw)
    return command


async def next_response(
    association: Association, target: Target, expected: CommandField, message_id: int = 1
) -> Message:
    """The next response, to the request with this message identifier.

    Raises:
        RemoteError: the other side sends something else.
        AssociationLostError: it sends nothing more.
    """
    message = await association.inbox.next()
    if message.command.field != expected or message.command.responded_to != message_id:
        raise RemoteError(f"{target.described}: an answer to something else was sent")
    return message


async def dataset_of(association: Association, target: Target, message: Message) -> bytes:
    """The data set of a response.

    Raises:
        RemoteError: it is too large.
    """
    parts: list[bytes] = []
    size = 0
    while arrived := await association.inbox.parts(message):
        parts.append(b"".join(arrived))
        size += sum(map(len, arrived))
        if size > _LIMIT:
            raise RemoteError(f"{target.described}: an answer is larger than {_LIMIT >> 20} MB")
    return b"".join(parts)


def check(target: Target, answer: Command) -> None:
    """Go on after success and warnings; an answer without a status is a failure.

    Raises:
        RemoteError: the other side answered a failure.
    """
    status = 0xC000 if answer.status is None else answer.status
    if category(status) in (Category.SUCCESS, Category.WARNING):
        return
    words = sentence(service_of(answer.field), status)
    more = f" ({shown(answer.error_comment)})" if answer.error_comment else ""
    raise RemoteError(
        f"{target.described}: {_operation(answer.field)} failed: {words}{more}", status
    )


def _operation(field: int) -> str:
    """The name in the standard: ``N-EVENT-REPORT`` of ``N_EVENT_REPORT_RSP``."""
    return CommandField(field).name.removesuffix("_RSP").replace("_", "-")


async def cancel(
    association: Association, target: Target, context: AcceptedContext, request: Command
) -> None:
    """Ask the other side to stop, and wait a moment until it has (PS3.7 section 9.3.2.3)."""
    command = Command(field=CommandField.C_CANCEL_RQ, message_id=0, responded_to=request.message_id)
    try:
        async with asyncio.timeout(_PATIENCE):
            await association.send(context.context_id, command)
            while True:
                message = await association.inbox.next()
                while await association.inbox.parts(message):
                    pass
                status = message.command.status
                if status is not None and category(status) is not Category.PENDING:
                    return
    except TimeoutError:
        association.abort("a cancelled operation did not end")
    except AssociationLostError:
        # It ended in another way.
        return


def progress_of(command: Command, failed: tuple[str, ...] = ()) -> Suboperations:
    """How far the other side is."""
    return Suboperations(
        status=0xC000 if command.status is None else command.status,
        remaining=command.remaining or 0,
        completed=command.completed or 0,
        failed=command.failed or 0,
        warning=command.warning or 0,
        failed_instances=failed,
    )


def failed_instances(dataset: DataSet) -> tuple[str, ...]:
    """Failed SOP Instance UID List (0008,0058)."""
    text = dataset.text(_FAILED_LIST) or ""
    return tuple(uid.strip(" \0") for uid in text.split("\\") if uid.strip(" \0"))
