"""``multipart/form-data`` bodies (RFC 7578), part by part as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from hornburg.archive.spool import Spool
from hornburg.errors import BadFileFormatError
from hornburg.rest.body import stream
from hornburg.rest.requests import Incoming

__all__ = ["parts_of_form"]

#: Parts of one form. A browser that is given a folder of a large study sends one part a file.
_MOST_PARTS = 100_000


async def parts_of_form(incoming: Incoming) -> AsyncIterator[Spool]:
    """The content of each part that isn't empty; the caller closes it before the next one.

    Raises:
        BadFileFormatError: the body is no form, breaks off, or has too many parts.
        TooLargeError: a body over ``MaximumRequestBodySizeMB``.
    """
    archive = incoming.archive
    _, options = parse_options_header(incoming.header(b"content-type"))
    spool: Spool | None = None
    try:
        parser = PushMultipartParser(
            options.get("boundary", ""), max_segment_count=_MOST_PARTS, max_header_count=16
        )
        with parser:
            async for chunk in stream(incoming):
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment):
                        spool = Spool(archive.storage, what="part of the form")
                    elif event is not None and spool is not None:
                        if spool.would_block(len(event)):
                            await archive.work(spool.write, bytes(event))
                        else:
                            spool.write(bytes(event))
                    elif spool is not None:
                        if spool.size:
                            yield spool
                        spool.close()
                        spool = None
    except MultipartError as error:
        raise BadFileFormatError(f"The form can't be read: {error}") from error
    finally:
        if spool is not None:
            spool.close()
