"""The one road out: the bytes of an attachment, and what a stored DICOM file says.

What is damaged is found, where that can be known, before the first byte is answered: a file that
is missing or has another size than the index says is a :class:`CorruptedError` at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hornburg.archive.parts import Archive
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile, read
from hornburg.errors import CorruptedError, UnknownResourceError
from hornburg.index.base import Attachment, Compression
from hornburg.index.names import DICOM
from hornburg.storage.base import Storage
from hornburg.storage.compressed import CompressedStorage

__all__ = [
    "PIECE",
    "Pieces",
    "at_hand",
    "attachment_of",
    "dicom_of",
    "examine",
    "look_into",
    "opened",
    "pieces",
    "storage_of",
]

T = TypeVar("T")

#: Bytes that are read at once: most images of CT and MR are one piece. An answer takes the memory
#: of two, whatever the size of the file.
PIECE = 1 << 20

#: A file up to this size is read by one call, for values are taken out of bytes faster than out of
#: a map; a larger one is mapped, for its header is short.
_WHOLE = 1 << 20

#: A file up to this size is taken at once when it is in memory already: that takes less than to
#: hand it to a thread.
_AT_HAND = 256 << 10

#: A file up to this size is parsed at once when it is at hand, for the same reason.
_PARSED_AT_ONCE = 64 << 10

#: The start of a mapped file is read before it is looked at: reading lets other threads work,
#: while a page that is missing in a map stops all of them.
_WARM = 64 << 10


async def attachment_of(
    archive: Archive, level: Level, public_id: str, number: int = DICOM
) -> Attachment:
    """An attachment of a resource.

    Raises:
        UnknownResourceError: no such resource, or it has no such attachment.
    """
    found = await archive.index.look(lambda reader: reader.attachment(level, public_id, number))
    if found is None:
        raise UnknownResourceError(
            f"There is no {level.word.lower()} {public_id[:64]!r} with attachment "
            f"{archive.names.attachment_name(number)}"
        )
    return found


async def dicom_of(archive: Archive, public_id: str) -> Attachment:
    """The DICOM file of an instance.

    Raises:
        UnknownResourceError: no such instance.
    """
    found = await archive.index.look(
        lambda reader: reader.attachment(Level.INSTANCE, public_id, DICOM)
    )
    if found is None:
        raise UnknownResourceError(f"There is no instance {public_id[:64]!r}")
    return found


def storage_of(archive: Archive, attachment: Attachment) -> Storage:
    """The storage, or the layer of it, that gives the uncompressed bytes of an attachment."""
    if attachment.compression is Compression.NONE:
        return archive.storage
    return CompressedStorage(archive.storage)


class Pieces:
    """A range of an attachment: its first piece, read already, and the way to the others.

    Args:
        first: the piece at the start of the range; all of it when the range is small.
        size: bytes in the range.
        rest: the other pieces; the next one blocks.
    """

    __slots__ = ("_archive", "_rest", "first", "size")

    def __init__(self, archive: Archive, first: bytes, size: int, rest: Iterator[bytes]) -> None:
        self._archive = archive
        self.first = first
        self.size = size
        self._rest = rest

    @property
    def whole(self) -> bool:
        """Whether the first piece is the only one."""
        return len(self.first) == self.size

    async def next(self) -> bytes:
        """One more piece; empty at the end.

        Raises:
            CorruptedError: the file is damaged here.
        """
        return await self._archive.work(next, self._rest, b"")


async def pieces(
    archive: Archive,
    attachment: Attachment,
    start: int = 0,
    end: int | None = None,
    *,
    as_stored: bool = False,
) -> Pieces:
    """The bytes from ``start`` to before ``end``, which lies within the attachment.

    ``as_stored`` gives the bytes as they lie in the storage, compressed or not.

    Raises:
        CorruptedError: the file is missing, or is not what the index says.
    """
    if start == 0 and end in (None, attachment.size) and not as_stored:
        content = at_hand(archive, attachment)
        if content is not None:
            return Pieces(archive, content, len(content), iter(()))
    first, size, rest = await archive.work(_begin, archive, attachment, start, end, as_stored)
    return Pieces(archive, first, size, rest)


def at_hand(archive: Archive, attachment: Attachment, most: int = _AT_HAND) -> bytes | None:
    """The content of a small attachment if that needs no wait; damage is left to others to tell."""
    if attachment.size > most or attachment.compression is not Compression.NONE:
        return None
    content = archive.storage.read_at_hand(attachment.uuid, attachment.size)
    return content if content is not None and len(content) == attachment.size else None


def _begin(
    archive: Archive, attachment: Attachment, start: int, end: int | None, as_stored: bool
) -> tuple[bytes, int, Iterator[bytes]]:
    raw = as_stored or attachment.compression is Compression.NONE
    storage = archive.storage if raw else storage_of(archive, attachment)
    size = attachment.compressed_size if as_stored else attachment.size
    end = size if end is None else end
    if start == 0 and end == size and size <= PIECE:
        content = storage.read(attachment.uuid)
        _check(len(content), size)
        return content, size, iter(())
    _check(storage.size(attachment.uuid), size)
    rest = storage.chunks(attachment.uuid, start, end, PIECE)
    return next(rest, b""), end - start, rest


def _check(found: int, expected: int) -> None:
    if found != expected:
        raise CorruptedError(
            f"The file of an attachment has {found} bytes, the index says {expected}"
        )


@contextmanager
def opened(archive: Archive, attachment: Attachment) -> Iterator[Buffer]:
    """All bytes of an attachment, uncompressed, as a buffer; blocks.

    Raises:
        CorruptedError: the file is missing, or is not what the index says.
    """
    storage = storage_of(archive, attachment)
    if attachment.size <= _WHOLE:
        content = storage.read(attachment.uuid)
        _check(len(content), attachment.size)
        yield content
        return
    if storage is archive.storage:
        storage.read(attachment.uuid, 0, _WARM)
    with storage.map(attachment.uuid) as buffer:
        _check(len(buffer), attachment.size)
        yield buffer


async def look_into(archive: Archive, attachment: Attachment, work: Callable[[DicomFile], T]) -> T:
    """Open a stored DICOM file and answer what ``work`` finds in it, on a thread when it is large
    or must be waited for.

    ``work`` keeps nothing of the file: it may be unmapped afterwards.

    Raises:
        CorruptedError: the file is missing, or no longer the DICOM file that was stored.
    """
    content = at_hand(archive, attachment, _PARSED_AT_ONCE)
    if content is not None:
        return work(_parsed(archive, content))
    return await archive.work(examine, archive, attachment, work)


def examine(archive: Archive, attachment: Attachment, work: Callable[[DicomFile], T]) -> T:
    """The same for code that is on a thread; blocks."""
    with opened(archive, attachment) as buffer:
        return work(_parsed(archive, buffer))


def _parsed(archive: Archive, buffer: Buffer) -> DicomFile:
    try:
        return read(
            buffer,
            default_charset=archive.runtime.default_encoding,
            dictionary=archive.dictionary,
        )
    except DicomFormatError as error:
        raise CorruptedError(f"A stored DICOM file is damaged: {error}") from error
