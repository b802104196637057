"""``/…/{id}/attachments``: files that belong to a resource.

Source: Orthanc Book, faq/features, "Metadata & attachments", and Orthanc's OpenAPI.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from hornburg.archive.attach import (
    admit_attachment,
    change_compression,
    delete_attachment,
    put_attachment,
    verify_attachment,
)
from hornburg.archive.kinds import known_attachment, user_attachment
from hornburg.archive.parts import Archive
from hornburg.archive.read import attachment_of
from hornburg.archive.revisions import Revision
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Attachment, Compression
from hornburg.index.names import DICOM, DICOM_UNTIL_PIXEL_DATA
from hornburg.rest.answers import JSON, done, json_answer, text_answer
from hornburg.rest.body import spool_body
from hornburg.rest.disposition import OCTETS, harmless
from hornburg.rest.files import Answer, attachment_answer, file_name, unchanged
from hornburg.rest.paths import IfMatch, IfNoneMatch, IfRange, Name, PublicId, Range, at_levels
from hornburg.rest.requests import Incoming, archive_of, flag, level_of
from hornburg.rest.revisions import etag, expected_revision, is_unchanged
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Attachments"]
_ONE = "/attachments/{name:str}"

_OPERATIONS = (
    b'["compress","compressed-data","compressed-md5","compressed-size","data","info",'
    b'"is-compressed","md5","size","uncompress","uuid","verify-md5"]'
)

Full = Annotated[str | None, QueryParameter(name="full", description="With the numbers")]
FileName = Annotated[
    str | None, QueryParameter(name="filename", description="Name under which a browser saves it")
]


async def _found(request: Asked, public_id: str, name: str) -> tuple[Archive, Attachment]:
    archive = archive_of(request)
    number = known_attachment(archive.names, name)
    return archive, await attachment_of(archive, level_of(request), public_id, number)


@get(
    at_levels("/attachments"),
    permission=Permission.VIEW,
    summary="List the attachments of a resource",
    tags=_TAGS,
)
async def list_attachments(
    request: Asked, public_id: PublicId, full: Full = None
) -> Response[bytes]:
    """Names in the order of numbers, or an object from name to number."""
    archive, level = archive_of(request), level_of(request)
    found = await archive.index.look(lambda reader: reader.attachments(level, public_id))
    if found is None:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    if flag(request, "full"):
        return json_answer({one.name: one.number for one in found})
    return json_answer([one.name for one in found])


@get(
    at_levels(_ONE),
    permission=Permission.VIEW,
    summary="List what can be done with an attachment",
    tags=_TAGS,
)
async def list_operations(
    request: Asked, public_id: PublicId, name: Name, if_none_match: IfNoneMatch = None
) -> ASGIResponse:
    """The names of the routes below an attachment."""
    return await _fact(request, public_id, name, lambda _: _OPERATIONS, JSON)


async def _fact(
    request: Asked,
    public_id: str,
    name: str,
    show: Callable[[Attachment], bytes],
    mime: str = "text/plain; charset=utf-8",
) -> ASGIResponse:
    _, attachment = await _found(request, public_id, name)
    tag = etag(Revision.of_attachment(attachment))
    if is_unchanged(request, tag):
        return unchanged(tag)
    return Answer(show(attachment), [(b"content-type", mime.encode()), (b"etag", tag.encode())])


def _route_of_fact(
    operation: str, summary: str, show: Callable[[Attachment], bytes]
) -> HTTPRouteHandler:
    @get(
        at_levels(f"{_ONE}/{operation}"),
        permission=Permission.VIEW,
        summary=summary,
        media_type="text/plain",
        tags=_TAGS,
    )
    async def fact(
        request: Asked, public_id: PublicId, name: Name, if_none_match: IfNoneMatch = None
    ) -> ASGIResponse:
        return await _fact(request, public_id, name, show)

    return fact


def _md5(digest: str) -> bytes:
    if not digest:
        raise UnknownResourceError("No MD5 was kept (StoreMD5ForAttachments)")
    return digest.encode()


_FACTS = (
    _route_of_fact("size", "Size in bytes", lambda one: b"%d" % one.size),
    _route_of_fact(
        "compressed-size", "Size in the storage, in bytes", lambda one: b"%d" % one.compressed_size
    ),
    _route_of_fact("md5", "MD5 of the content", lambda one: _md5(one.md5)),
    _route_of_fact(
        "compressed-md5", "MD5 of the file in the storage", lambda one: _md5(one.compressed_md5)
    ),
    _route_of_fact(
        "is-compressed",
        "Whether it is kept compressed",
        lambda one: b"0" if one.compression is Compression.NONE else b"1",
    ),
    _route_of_fact("uuid", "Name of the file in the storage", lambda one: one.uuid.encode()),
)


@get(
    at_levels(f"{_ONE}/info"),
    permission=Permission.VIEW,
    summary="What the index knows of an attachment",
    tags=_TAGS,
)
async def attachment_info(
    request: Asked, public_id: PublicId, name: Name, if_none_match: IfNoneMatch = None
) -> Response[bytes]:
    """Sizes in bytes, MD5, number and identifier of an attachment."""
    _, one = await _found(request, public_id, name)
    tag = etag(Revision.of_attachment(one))
    if is_unchanged(request, tag):
        return Response(b"", status_code=304, headers={"ETag": tag})
    answer = json_answer(
        {
            "CompressedMD5": one.compressed_md5,
            "CompressedSize": one.compressed_size,
            "ContentType": one.number,
            "UncompressedMD5": one.md5,
            "UncompressedSize": one.size,
            "Uuid": one.uuid,
        }
    )
    answer.headers["ETag"] = tag
    return answer


@get(
    at_levels(f"{_ONE}/data"),
    permission=Permission.DOWNLOAD,
    summary="Get an attachment",
    media_type=OCTETS,
    tags=_TAGS,
    opt={"as_it_is": True},
)
async def get_data(
    request: Asked,
    public_id: PublicId,
    name: Name,
    filename: FileName = None,
    range_: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> ASGIResponse:
    """The content of an attachment, or a range of it.

    Types that a browser could execute are answered as ``application/octet-stream``.
    """
    archive, one = await _found(request, public_id, name)
    mime, shown, suffix = _mime(archive, one)
    usual = one.uuid + suffix
    return await attachment_answer(
        request, archive, one, mime=mime, name=file_name(request, usual), shown=shown
    )


def _mime(archive: Archive, attachment: Attachment) -> tuple[str, bool, str]:
    """Type, whether a browser may show it, and the end of the usual name."""
    if attachment.number == DICOM:
        return "application/dicom", False, ".dcm"
    if attachment.number == DICOM_UNTIL_PIXEL_DATA:
        return OCTETS, False, ".dcm"
    for kind in archive.settings.user_content_type.values():
        if kind.number == attachment.number:
            return (*harmless(kind.mime), "")
    return OCTETS, False, ""


@get(
    at_levels(f"{_ONE}/compressed-data"),
    permission=Permission.DOWNLOAD,
    summary="Get an attachment as it is stored",
    media_type=OCTETS,
    tags=_TAGS,
    opt={"as_it_is": True},
)
async def get_compressed_data(
    request: Asked,
    public_id: PublicId,
    name: Name,
    filename: FileName = None,
    range_: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> ASGIResponse:
    """The file as it lies in the storage, or a range of it. When compressed, it is the size in 8
    bytes (little endian), then a zlib stream."""
    archive, one = await _found(request, public_id, name)
    chosen = request.query_params.get("filename")
    return await attachment_answer(
        request, archive, one, mime=OCTETS, name=chosen or None, as_stored=True
    )


@put(
    at_levels(_ONE),
    permission=Permission.EDIT,
    status_code=200,
    summary="Put an attachment",
    tags=_TAGS,
)
async def put_data(
    request: Asked, public_id: PublicId, name: Name, if_match: IfMatch = None
) -> Response[bytes]:
    """Attach the body to a resource, under a name of ``UserContentType`` or 1024 to 65535."""
    archive, level = archive_of(request), level_of(request)
    archive.refuse_if_read_only()
    number = user_attachment(archive.names, name)
    expected = expected_revision(request)
    # Before the body is read, which may be large.
    await admit_attachment(archive, level, public_id, number, expected)
    with await spool_body(Incoming.of(request)) as content:
        revision = await put_attachment(archive, level, public_id, number, content, expected)
    return done({"ETag": etag(revision)})


@delete(
    at_levels(_ONE),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Delete an attachment",
    tags=_TAGS,
)
async def remove_data(
    request: Asked, public_id: PublicId, name: Name, if_match: IfMatch = None
) -> Response[bytes]:
    """Delete an attachment of the user's."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    number = user_attachment(archive.names, name)
    await delete_attachment(
        archive, level_of(request), public_id, number, expected_revision(request)
    )
    return text_answer("")


@post(
    at_levels(f"{_ONE}/compress"),
    permission=Permission.EDIT,
    status_code=200,
    summary="Compress",
    tags=_TAGS,
)
async def compress(request: Asked, public_id: PublicId, name: Name) -> Response[bytes]:
    """Keep an attachment compressed."""
    await _keep_as(request, public_id, name, Compression.ZLIB)
    return done()


@post(
    at_levels(f"{_ONE}/uncompress"),
    permission=Permission.EDIT,
    status_code=200,
    summary="Uncompress",
    tags=_TAGS,
)
async def uncompress(request: Asked, public_id: PublicId, name: Name) -> Response[bytes]:
    """Keep an attachment as it is."""
    await _keep_as(request, public_id, name, Compression.NONE)
    return done()


async def _keep_as(request: Asked, public_id: str, name: str, compression: Compression) -> None:
    archive = archive_of(request)
    number = known_attachment(archive.names, name)
    await change_compression(archive, level_of(request), public_id, number, compression)


@post(
    at_levels(f"{_ONE}/verify-md5"),
    permission=Permission.EDIT,
    status_code=200,
    summary="Verify an attachment",
    tags=_TAGS,
)
async def verify(request: Asked, public_id: PublicId, name: Name) -> Response[bytes]:
    """Read an attachment to its end and compare it with its MD5; 500 when it is damaged."""
    archive = archive_of(request)
    number = known_attachment(archive.names, name)
    await verify_attachment(archive, level_of(request), public_id, number)
    return done()


ROUTES = (
    list_attachments,
    list_operations,
    *_FACTS,
    attachment_info,
    get_data,
    get_compressed_data,
    put_data,
    remove_data,
    compress,
    uncompress,
    verify,
)
