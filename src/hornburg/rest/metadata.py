"""``/…/{id}/metadata``: small values that belong to a resource.

Source: Orthanc Book, faq/features, "Metadata & attachments".
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get, put
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from hornburg.archive.change import (
    LONGEST_VALUE,
    delete_metadata,
    metadata_of,
    set_metadata,
    value_of,
)
from hornburg.archive.kinds import known_metadata, user_metadata
from hornburg.archive.verbatim import from_text
from hornburg.errors import UnknownResourceError
from hornburg.rest.answers import json_answer, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.files import Answer, unchanged
from hornburg.rest.paths import IfMatch, IfNoneMatch, Name, PublicId, at_levels
from hornburg.rest.requests import archive_of, flag, level_of
from hornburg.rest.revisions import etag, expected_revision, is_unchanged
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

#: Values are the user's: never anything but plain text to a browser.
_TEXT = (b"content-type", b"text/plain; charset=utf-8")

Expand = Annotated[str | None, QueryParameter(name="expand", description="With the values")]
Numeric = Annotated[
    str | None, QueryParameter(name="numeric", description="Numbers in the place of names")
]


@get(
    at_levels("/metadata"),
    permission=Permission.VIEW,
    summary="List the metadata of a resource",
    tags=["Metadata"],
)
async def list_metadata(
    request: Asked, public_id: PublicId, expand: Expand = None, numeric: Numeric = None
) -> Response[bytes]:
    """The names of the metadata in the order of their numbers, or their values by name.

    Bytes of a value that are no UTF-8 are shown as U+FFFD here.
    """
    archive, level = archive_of(request), level_of(request)
    found = await archive.index.look(lambda reader: metadata_of(reader, level, public_id))
    numbers = {name: archive.names.metadata_number(name) or 0 for name in found}
    ordered = sorted(found, key=numbers.__getitem__)
    as_numbers = flag(request, "numeric")
    if flag(request, "expand"):
        return json_answer(
            {
                str(numbers[name]) if as_numbers else name: from_text(found[name].value).decode(
                    errors="replace"
                )
                for name in (ordered if as_numbers else sorted(ordered))
            }
        )
    return json_answer([numbers[name] for name in ordered] if as_numbers else ordered)


@get(
    at_levels("/metadata/{name:str}"),
    permission=Permission.VIEW,
    summary="Get a metadata",
    media_type="text/plain",
    tags=["Metadata"],
)
async def get_metadata(
    request: Asked, public_id: PublicId, name: Name, if_none_match: IfNoneMatch = None
) -> ASGIResponse:
    """The value of a metadata, by name or number."""
    archive, level = archive_of(request), level_of(request)
    number = known_metadata(archive.names, name)
    found = await archive.index.look(lambda reader: metadata_of(reader, level, public_id))
    metadata = found.get(archive.names.metadata_name(number))
    if metadata is None:
        raise UnknownResourceError(f"The resource has no metadata {name[:64]!r}")
    content, revision = value_of(metadata)
    tag = etag(revision)
    if is_unchanged(request, tag):
        return unchanged(tag)
    return Answer(content, [_TEXT, (b"etag", tag.encode())])


@put(
    at_levels("/metadata/{name:str}"),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Set a metadata",
    tags=["Metadata"],
)
async def put_metadata(
    request: Asked, public_id: PublicId, name: Name, if_match: IfMatch = None
) -> Response[bytes]:
    """Set a metadata of the user's (1024 to 65535) to the body, whatever its bytes are."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    number = user_metadata(archive.names, name)
    expected = expected_revision(request)
    content = await read_body(request, LONGEST_VALUE)
    revision = await set_metadata(archive, level_of(request), public_id, number, content, expected)
    return text_answer("", {"ETag": etag(revision)})


@delete(
    at_levels("/metadata/{name:str}"),
    permission=Permission.EDIT,
    status_code=200,
    media_type="text/plain",
    summary="Delete a metadata",
    tags=["Metadata"],
)
async def remove_metadata(
    request: Asked, public_id: PublicId, name: Name, if_match: IfMatch = None
) -> Response[bytes]:
    """Delete a metadata of the user's."""
    archive = archive_of(request)
    archive.refuse_if_read_only()
    number = user_metadata(archive.names, name)
    await delete_metadata(archive, level_of(request), public_id, number, expected_revision(request))
    return text_answer("")


ROUTES = (list_metadata, get_metadata, put_metadata, remove_metadata)
