"""``POST /instances``: files, ZIP archives, forms."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import msgspec
from litestar import Request, Response, post

from hornburg.archive.ingest import Received, store
from hornburg.archive.spool import Spool
from hornburg.archive.unpack import is_zip, store_zip
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import raw_json
from hornburg.rest.body import spool_body
from hornburg.rest.forms import parts_of_form
from hornburg.rest.requests import Incoming
from hornburg.security.principals import Permission

__all__ = ["take_upload", "upload"]

_encode = msgspec.json.Encoder().encode


@post("/instances", permission=Permission.UPLOAD, status_code=200, summary="Store DICOM instances")
async def upload(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Store a DICOM file, all of those in a ZIP archive, or the files of a form.

    Answers an object for a file, and a list for an archive or a form. The Content-Type matters
    only for ``multipart/form-data``.
    """
    return raw_json(await take_upload(Incoming.of(request)))


async def take_upload(incoming: Incoming) -> bytes:
    """The same without the framework, for the door to call: the answer as JSON.

    Raises:
        HornburgError: nothing, or with a form only a part of it, was stored.
    """
    content_type = incoming.header(b"content-type")
    if content_type.lower().startswith("multipart/form-data") and "boundary=" in content_type:
        stored: list[dict[str, str]] = []
        async for spool in parts_of_form(incoming):
            with spool:
                answer = await _store_any(incoming, spool)
            stored += answer if isinstance(answer, list) else [answer]
        return _encode(stored)
    with await spool_body(incoming) as spool:
        return _encode(await _store_any(incoming, spool))


async def _store_any(incoming: Incoming, spool: Spool) -> dict[str, str] | list[dict[str, str]]:
    archive, origin = incoming.archive, incoming.origin()
    if not spool.size:
        raise BadFileFormatError("Received an empty DICOM file")
    start = bytes(memoryview(spool.buffer())[:4])
    if is_zip(start):
        body = spool.scratch or BytesIO(spool.buffer())
        # As Orthanc does, what was left out is not in the answer.
        return [
            _answer(one)
            async for one in store_zip(archive, body, origin)
            if isinstance(one, Received)
        ]
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
