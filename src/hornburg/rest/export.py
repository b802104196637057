"""``/instances/{id}/export``: a stored file written to the server's own disk."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post

from hornburg.archive.export import export
from hornburg.errors import BadRequestError
from hornburg.rest.answers import json_answer
from hornburg.rest.body import read_body
from hornburg.rest.paths import PublicId
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

_LONGEST_BODY = 16 << 10


@post(
    "/instances/{public_id:str}/export",
    status_code=200,
    summary="Write a DICOM file to the server's disk",
    tags=["Instances"],
    permission=Permission.SCRIPTS,
)
async def export_instance(request: Request[Any, Any, Any], public_id: PublicId) -> Response[bytes]:
    """The body is the path of a new file inside of ``ExportDirectories``; 403 unless
    ``RestApiWriteToFileSystemEnabled``."""
    body = await read_body(request, _LONGEST_BODY)
    try:
        path = body.decode()
    except UnicodeDecodeError:
        raise BadRequestError("The path is no UTF-8") from None
    await export(archive_of(request), public_id, path)
    return json_answer({})


ROUTES = (export_instance,)
