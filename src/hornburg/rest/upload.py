"""``POST /instances``: files, ZIP archives, forms."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from litestar import Request, Response, post

from hornburg.archive.ingest import Received, store
from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.archive.unpack import is_zip, store_zip
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import json_answer
from hornburg.rest.body import spool_body
from hornburg.rest.forms import parts_of_form
from hornburg.rest.requests import archive_of, origin_of

__all__ = ["upload"]


@post("/instances", status_code=200, summary="Store DICOM instances")
async def upload(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Store a DICOM file, all of those in a ZIP archive, or the files of a form.

    Answers an object for a file, and a list for an archive or a form. The Content-Type matters
    only for ``multipart/form-data``.
    """
    archive = archive_of(request)
    origin = origin_of(request)
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("multipart/form-data") and "boundary=" in content_type:
        stored: list[dict[str, str]] = []
        async for spool in parts_of_form(request, archive):
            with spool:
                answer = await _store_any(archive, spool, origin)
            stored += answer if isinstance(answer, list) else [answer]
        return json_answer(stored)
    with await spool_body(request, archive) as spool:
        return json_answer(await _store_any(archive, spool, origin))


async def _store_any(
    archive: Archive, spool: Spool, origin: Origin
) -> dict[str, str] | list[dict[str, str]]:
    if not spool.size:
        raise BadFileFormatError("Received an empty DICOM file")
    start = bytes(memoryview(spool.buffer())[:4])
    if is_zip(start):
        body = spool.scratch or BytesIO(spool.buffer())
        return [_answer(one) async for one in store_zip(archive, body, origin)]
    return _answer(await store(archive, spool, origin))


def _answer(received: Received) -> dict[str, str]:
    patient, study, series, instance = received.public_ids
    return {
        "ID": instance,
        "ParentPatient": patient,
        "ParentSeries": series,
        "ParentStudy": study,
        "Path": f"/instances/{instance}",
        "Status": received.status.value,
    }
