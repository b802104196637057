"""Files that are changed to another transfer syntax while they are asked for."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.response.base import ASGIResponse

from hornburg.archive.outgoing import content_of
from hornburg.archive.revisions import Revision
from hornburg.dicom.sop_classes import TRANSFER_SYNTAXES
from hornburg.dicom.transcode import is_lossy
from hornburg.errors import ParameterOutOfRangeError
from hornburg.index.base import Attachment
from hornburg.rest.disposition import disposition
from hornburg.rest.files import Answer, unchanged
from hornburg.rest.requests import archive_of, transcoder_of
from hornburg.rest.revisions import etag, is_unchanged

__all__ = ["refuse_if_impossible", "transcoded_answer"]

Asked = Request[Any, Any, Any]


def refuse_if_impossible(syntax: str | None, quality: int | None) -> None:
    """Check what is asked for, as Orthanc does for ``Transcode`` of ``/modify``.

    Raises:
        ParameterOutOfRangeError: there is no such transfer syntax, or no such quality.
    """
    if syntax is not None and syntax not in TRANSFER_SYNTAXES:
        raise ParameterOutOfRangeError(f"Unknown transfer syntax: {syntax[:64]}")
    if quality is not None and not 1 <= quality <= 100:
        raise ParameterOutOfRangeError(f"lossy-quality: from 1 to 100, not {quality}")


async def transcoded_answer(
    request: Asked, attachment: Attachment, syntax: str, quality: int | None, name: str
) -> ASGIResponse:
    """The whole file in another transfer syntax; 304 when the client has it.

    A range makes no sense of a file that is made while it is asked for. What was compressed with
    loss is a new instance each time, so it has no entity tag.

    Raises:
        TranscodingError: it can't be.
        CorruptedError: the file is missing or damaged.
        UnavailableError: too many files wait to be transcoded.
    """
    headers = [
        (b"content-type", b"application/dicom"),
        (b"content-disposition", disposition(name).encode()),
    ]
    if not is_lossy(syntax):
        # Other bytes than the file, so another tag (RFC 9110, 8.8.3.3).
        tag = etag(Revision.of_attachment(attachment)).removesuffix('"') + f'-{syntax}"'
        if is_unchanged(request, tag):
            return unchanged(tag)
        headers.append((b"etag", tag.encode()))
    async with content_of(archive_of(request), attachment) as content:
        body = await transcoder_of(request).transcode(
            content, syntax, lossy_quality=quality, key=attachment.uuid
        )
    return Answer(body, headers)
