"""Answers that are files: whole or in part, from memory or piece by piece.

Small files are one read and one send. Large ones are read ahead of the client by one piece, so
that memory stays the same whatever their size.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from hornburg.archive.parts import Archive
from hornburg.archive.read import Pieces, pieces
from hornburg.archive.revisions import Revision
from hornburg.errors import BadRangeError
from hornburg.index.base import Attachment
from hornburg.rest.errors import describe
from hornburg.rest.express import file_headers
from hornburg.rest.ranges import asked_range
from hornburg.rest.revisions import etag, is_unchanged

__all__ = ["Answer", "PiecesAnswer", "StreamAnswer", "attachment_answer", "file_name", "unchanged"]

Asked = Request[Any, Any, Any]
_Headers = list[tuple[bytes, bytes]]


class Answer(ASGIResponse):
    """An answer that is ready. Leaner than the framework's own, for routes that are hot."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, body: bytes, headers: _Headers, status: int = 200) -> None:
        self._body = body
        self._headers = headers
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._headers
        if self._status != 304:
            headers = [*headers, (b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class PiecesAnswer(ASGIResponse):
    """A range of a file. A file that turns out to be damaged on the way breaks the connection
    off, before as many bytes as were announced are sent."""

    __slots__ = ("_headers", "_pieces", "_status")

    def __init__(self, source: Pieces, headers: _Headers, status: int = 200) -> None:
        self._pieces = source
        self._headers = headers
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = self._pieces
        headers = [*self._headers, (b"content-length", b"%d" % source.size)]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        piece, left = source.first, source.size
        if scope["state"].get("head"):
            # Only the head goes out (see the door): nothing more is read.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        async with _watching(receive) as gone:
            while len(piece) < left:
                left -= len(piece)
                ahead = asyncio.ensure_future(source.next())
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await ahead
                if gone.done():
                    return
        await send({"type": "http.response.body", "body": piece, "more_body": False})


class StreamAnswer(ASGIResponse):
    """An answer of unknown length, made while it is sent. ``first`` is made already."""

    __slots__ = ("_first", "_headers", "_rest")

    def __init__(self, first: bytes, rest: AsyncIterator[bytes], headers: _Headers) -> None:
        self._first = first
        self._rest = rest
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async with _watching(receive) as gone:
            async for piece in self._rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if gone.done():
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def _watching(receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
    """Done when the client has hung up: sending to nobody raises nothing."""
    gone = asyncio.ensure_future(_hung_up(receive))
    try:
        yield gone
    finally:
        gone.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def unchanged(tag: str) -> Answer:
    """304: the client has it already."""
    return Answer(b"", [(b"etag", tag.encode())], 304)


def file_name(request: Asked, usual: str) -> str:
    """The name under which a file is saved: argument ``filename``, or the usual one."""
    return request.query_params.get("filename") or usual


async def attachment_answer(
    request: Asked,
    archive: Archive,
    attachment: Attachment,
    *,
    mime: str,
    name: str | None,
    shown: bool = False,
    as_stored: bool = False,
) -> ASGIResponse:
    """An attachment, or the part of it that is asked for; 304 when the client has it.

    Args:
        mime: its type.
        name: under which a browser saves it; none is no ``Content-Disposition``.
        shown: whether a browser may show it instead.
        as_stored: as it lies in the storage, compressed or not.

    Raises:
        CorruptedError: the file is missing or damaged.
    """
    tag = etag(Revision.of_attachment(attachment))
    if is_unchanged(request, tag):
        return unchanged(tag)
    size = attachment.compressed_size if as_stored else attachment.size
    # The compressed form is other bytes under the same tag, so it can't be continued by it.
    try:
        part = asked_range(request, size, None if as_stored else tag)
    except BadRangeError as error:
        return _no_such_range(request, error, size)
    headers = file_headers(attachment, mime, name, shown)
    start, end = part or (0, size)
    source = await pieces(archive, attachment, start, end, as_stored=as_stored)
    status = 200
    if part is not None:
        status = 206
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    if source.whole:
        return Answer(source.first, headers, status)
    return PiecesAnswer(source, headers, status)


def _no_such_range(request: Asked, error: BadRangeError, size: int) -> Answer:
    """RFC 9110 15.5.17: a 416 says how large the file is."""
    body = b""
    if request.app.state.settings.http_describe_errors:
        body = describe(error.outside, str(error), request.method, request.scope["path"])
    headers = [
        (b"content-type", b"application/json"),
        (b"content-range", b"bytes */%d" % size),
    ]
    return Answer(body, headers, error.outside.http)
