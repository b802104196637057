"""Bodies of requests, read as they come and bounded."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request

from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.errors import BadFileFormatError, BadJsonError, BadRequestError, TooLargeError
from hornburg.rest.requests import Incoming

__all__ = ["fill", "read_body", "read_object", "spool_body", "stream"]

#: JSON is kept in memory. The largest that makes sense has 100,000 identifiers of 44 characters.
_MOST_JSON = 8 << 20

#: Members of one gzip stream. Programs that look into the middle of a file (bgzip) make one for
#: every 64 KB; each costs more than the bytes it takes.
_MOST_MEMBERS = 100_000

#: Members between which others have their turn.
_AT_ONCE = 256

#: Bytes of a gzip stream that are looked at together.
_SLICE = 16 << 10

#: Pieces that an inflater gives at once.
_PIECE = 256 << 10

Asked = Request[Any, Any, Any]


async def stream(incoming: Incoming) -> AsyncIterator[bytes]:
    """The chunks of a body as they come.

    Raises:
        TooLargeError: over ``MaximumRequestBodySizeMB``; a body without a Content-Length is
            counted too.
        BadRequestError: the client hung up, or was silent for ``HttpRequestTimeout``.
    """
    most = incoming.archive.settings.maximum_request_body_size_mb << 20
    size = 0
    while True:
        event = await incoming.receive()
        if event["type"] != "http.request":
            raise BadRequestError("The body broke off")
        size += len(event["body"])
        if most and size > most:
            raise TooLargeError(
                f"The body is larger than {most >> 20} MB, which is the most allowed "
                "(MaximumRequestBodySizeMB)"
            )
        if event["body"]:
            yield event["body"]
        if not event["more_body"]:
            return


async def read_body(request: Asked, most: int) -> bytes:
    """The whole body, of at most ``most`` bytes.

    Raises:
        TooLargeError: there is more.
    """
    parts: list[bytes] = []
    size = 0
    async for chunk in stream(Incoming.of(request)):
        size += len(chunk)
        if size > most:
            raise TooLargeError(f"The body is larger than {most >> 10} KB, which is the most here")
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_object(request: Asked) -> dict[str, msgspec.Raw]:
    """The members of the JSON object in the body, whatever its Content-Type, as in Orthanc.

    They are left as text until somebody asks: an array of empty arrays takes twenty times its
    size in memory.

    Raises:
        BadRequestError: it is no object.
        BadJsonError: it is no JSON.
    """
    body = await read_body(request, _MOST_JSON)
    if not body:
        raise BadJsonError("The body is empty: a JSON object is needed")
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BadRequestError("The body must contain a JSON object") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadJsonError(f"The body is no JSON document: {error}") from error


async def spool_body(incoming: Incoming) -> Spool:
    """The body, unpacked if it came with ``Content-Encoding: gzip``; the caller closes it.

    Raises:
        TooLargeError: what is unpacked is over ``MaximumFileSizeInArchiveMB``.
        BadFileFormatError: the gzip stream is damaged.
    """
    archive = incoming.archive
    chunks = stream(incoming)
    most = 0
    if incoming.header(b"content-encoding").strip().lower() == "gzip":
        most = archive.settings.maximum_file_size_in_archive_mb << 20
        chunks = _inflate(chunks)
    spool = Spool(archive.storage, most, "unpacked body")
    try:
        await fill(spool, archive, chunks)
    except BaseException:
        spool.close()
        raise
    return spool


async def fill(spool: Spool, archive: Archive, chunks: AsyncIterator[bytes]) -> None:
    """Write chunks to a spool, on a thread when they go to the disk."""
    async for chunk in chunks:
        if spool.would_block(len(chunk)):
            await archive.work(spool.write, chunk)
        else:
            spool.write(chunk)


async def _slices(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same in smaller pieces: what is left of one is copied for each member that ends in it."""
    async for chunk in chunks:
        for at in range(0, len(chunk), _SLICE):
            yield chunk[at : at + _SLICE]


async def _inflate(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A gzip stream (RFC 1952) in pieces of bounded size, whatever it claims to hold."""
    inflater = zlib.decompressobj(wbits=31)
    members = 1
    try:
        async for left in _slices(chunks):
            while left:
                if inflater.eof:
                    # Several members in a row are one stream (RFC 1952 2.2), padding may follow.
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    members += 1
                    if members > _MOST_MEMBERS:
                        raise TooLargeError(
                            f"The gzip stream has more than {_MOST_MEMBERS} members"
                        )
                    if members % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                    inflater = zlib.decompressobj(wbits=31)
                yield inflater.decompress(left, _PIECE)
                left = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error as error:
        raise BadFileFormatError("The body is no valid gzip stream") from error
    if not inflater.eof:
        raise BadFileFormatError("The gzip stream of the body ends too early")
