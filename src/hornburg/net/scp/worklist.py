"""C-FIND as SCP: modality worklists (PS3.4 annex K)."""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING

from hornburg.archive.asked import filtered
from hornburg.archive.worklist_match import worklist_query
from hornburg.dimse.status import (
    CANCEL,
    PENDING,
    PENDING_OPTIONAL_KEYS_NOT_SUPPORTED,
    SUCCESS,
)
from hornburg.security.principals import Permission

if TYPE_CHECKING:
    from hornburg.net.scp.request import Request

__all__ = ["serve_worklist"]

log = logging.getLogger("hornburg.dicom")

#: Answers that are made before they are sent.
_BATCH = 50


async def serve_worklist(request: Request) -> None:
    """Answer a query for worklists: one pending response for each match, then the final one.

    Without the section ``Worklists`` there is no worklist, and that is the answer. The final
    status is cancel (0xFE00) when the other side wanted no more or when ``LimitAnswers`` left
    something out.

    Raises:
        DicomFormatError: the identifier is no data set.
        BadRequestError: a key makes no sense.
        PluginFaultError: a filter failed, or refused.
        DatabaseError: the folder can't be read.
        AssociationLostError: nobody is there to hear the answer.
    """
    request.needs(Permission.WORKLISTS)
    archive, worklists = request.parts.archive, request.parts.worklists
    syntax = request.context.transfer_syntax
    identifier = await request.identifier(lambda dataset: dataset)
    if worklists is None:
        await request.answer(SUCCESS)
        return
    if archive.hooks.has("filter_worklist"):
        identifier = await filtered(
            archive, "filter_worklist", identifier, request.remote(), "WORKLIST"
        )
    query = worklist_query(
        identifier,
        calling_aet=request.caller.aet,
        filter_issuer=worklists.settings.filter_issuer_aet,
        default_encoding=archive.runtime.default_encoding,
        case_sensitive_pn=archive.settings.case_sensitive_pn,
    )
    pending = PENDING if query.supported else PENDING_OPTIONAL_KEYS_NOT_SUPPORTED
    limit = worklists.settings.limit
    answers = query.answers(worklists, syntax)
    count = 0
    while batch := await archive.work(lambda: list(islice(answers, _BATCH))):
        room = limit - count if limit else len(batch)
        sent = await request.answer_each(pending, batch[:room])
        count += sent
        if sent < min(room, len(batch)):
            log.info("C-FIND of worklists cancelled after %d answers", count)
            await request.answer(CANCEL)
            return
        if len(batch) > room:
            log.warning("more worklists than the %d of LimitAnswers", limit)
            await request.answer(CANCEL, error_comment=f"Only the first {limit} matches")
            return
    await request.answer(SUCCESS)
