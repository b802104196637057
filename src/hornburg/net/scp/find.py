"""C-FIND as SCP: queries of the archive (PS3.4 C.4.1.3)."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from hornburg.archive.asked import filtered
from hornburg.archive.query import query_of
from hornburg.dicom.levels import Level
from hornburg.dimse import uids
from hornburg.dimse.status import (
    CANCEL,
    PENDING,
    PENDING_OPTIONAL_KEYS_NOT_SUPPORTED,
    SUCCESS,
)
from hornburg.security.principals import Permission

if TYPE_CHECKING:
    from hornburg.net.scp.request import Request

__all__ = ["serve_find"]

log = logging.getLogger("hornburg.dicom")


async def serve_find(request: Request) -> None:
    """Answer a query: one pending response for each match, then the final one.

    The final status is success, or cancel (0xFE00) when the other side wanted no more or when
    ``LimitFindResults`` or ``LimitFindInstances`` left something out.

    Raises:
        DicomFormatError: the identifier is no data set.
        IdentifierError: it has no level of its information model.
        BadRequestError: a key makes no sense.
        PluginFaultError: a filter failed, or refused.
        ForbiddenError: rules name the caller, and none lets it view (0x0124).
        AssociationLostError: nobody is there to hear the answer.
    """
    archive, context = request.seen(Permission.VIEW), request.context
    only = context.abstract_syntax == uids.PATIENT_STUDY_ONLY_FIND
    lowest = Level.STUDY if only else Level.INSTANCE
    if archive.hooks.has("filter_find"):
        identifier = await request.identifier(lambda identifier: identifier)
        identifier = await filtered(archive, "filter_find", identifier, request.remote())
        query = query_of(archive, identifier, lowest)
    else:
        query = await request.identifier(lambda identifier: query_of(archive, identifier, lowest))
    pending = PENDING if query.supported else PENDING_OPTIONAL_KEYS_NOT_SUPPORTED
    count = 0
    async with aclosing(query.answers(context.transfer_syntax)) as batches:
        async for batch in batches:
            sent = await request.answer_each(pending, batch.datasets)
            count += sent
            if sent < len(batch.datasets):
                log.info("C-FIND cancelled after %d answers", count)
                await request.answer(CANCEL)
                return
            if batch.truncated:
                log.warning("C-FIND: more than the %d answers that the limits allow", count)
                await request.answer(CANCEL, error_comment=f"Only the first {count} matches")
                return
    await request.answer(SUCCESS)
