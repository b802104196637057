"""Storage (PS3.4 annex B): from a C-STORE to the one road in."""

from __future__ import annotations

from hornburg.archive import ingest
from hornburg.archive.origin import Origin
from hornburg.archive.spool import Spool
from hornburg.dicom.head import file_head
from hornburg.net.scp.request import Request
from hornburg.net.take import spool_message
from hornburg.security.principals import Permission

__all__ = ["serve_store"]


async def serve_store(request: Request) -> None:
    """C-STORE: success only when the instance is durable, or when a filter did not want it.

    Raises:
        BadFileFormatError: not DICOM, or without the identifiers of an instance (0xC000).
        MismatchError: the data set is another instance than the command says (0xA900).
        StorageFullError, TooLargeError: no room (0xA700).
        PluginFaultError: a filter failed (0xA700).
        ForbiddenError: rules name the caller, and none lets it upload this (0x0124).
    """
    archive, caller, command = request.seen(Permission.UPLOAD), request.caller, request.command
    head = file_head(
        command.sop_class_uid,
        command.sop_instance_uid,
        request.context.transfer_syntax,
        caller.aet,
    )
    limit = archive.settings.maximum_request_body_size_mb << 20
    with Spool(archive.storage, limit, "data set") as spool:
        await spool_message(archive, request.association.inbox, request.message, spool, head)
        origin = Origin(
            "DicomProtocol",
            remote_ip=caller.address,
            remote_aet=caller.aet,
            called_aet=caller.called_aet,
            may_displace=request.modality is not None,
        )
        received = await ingest.store(
            archive, spool, origin, claim=(command.sop_class_uid, command.sop_instance_uid)
        )
    await request.answer(received.dimse)
