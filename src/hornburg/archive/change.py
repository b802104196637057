"""Changing what belongs to a resource: its metadata and its labels.

What is there is looked at, compared and changed inside one transaction of the index, so that of
two clients that change the same value at the same time, one learns that it was late.
"""

from __future__ import annotations

import re

from hornburg.archive.parts import Archive, stamp
from hornburg.archive.revisions import Revision, check
from hornburg.archive.verbatim import from_text, to_text
from hornburg.dicom.levels import Level
from hornburg.errors import (
    ParameterOutOfRangeError,
    RevisionError,
    TooLargeError,
    UnknownResourceError,
)
from hornburg.index.base import MetadataValue, Reader, Writer

__all__ = [
    "LONGEST_VALUE",
    "delete_metadata",
    "metadata_of",
    "set_label",
    "set_metadata",
    "value_of",
]

#: The Orthanc Book advises to keep metadata under 1 KB, and to use attachments beyond.
LONGEST_VALUE = 1 << 20

#: All metadata of a resource lie in its row, which is read with it.
_LONGEST_TOGETHER = 4 << 20

#: Orthanc Book, "Labels": alphanumeric characters, ``_`` and ``-``, at most 64.
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def metadata_of(reader: Reader, level: Level, public_id: str) -> dict[str, MetadataValue]:
    """All metadata of a resource, by name.

    Raises:
        UnknownResourceError: no such resource.
    """
    found = reader.metadata(level, public_id)
    if found is None:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    return found


def value_of(metadata: MetadataValue) -> tuple[bytes, Revision]:
    """The bytes of a metadata, and its revision."""
    content = from_text(metadata.value)
    return content, Revision.of_value(metadata.revision, content)


async def set_metadata(
    archive: Archive,
    level: Level,
    public_id: str,
    number: int,
    content: bytes,
    expected: Revision | None = None,
) -> Revision:
    """Set a metadata of the user's; answers its revision.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource.
        TooLargeError: the value, or all values of the resource together, are too long.
        RevisionError: what is there is not what the client expects.
    """
    archive.refuse_if_read_only()
    if len(content) > LONGEST_VALUE:
        raise TooLargeError(f"A metadata has at most {LONGEST_VALUE >> 10} KB")
    text, name = to_text(content), archive.names.metadata_name(number)
    required = archive.settings.check_revisions
    date = stamp(archive.clock())

    def work(writer: Writer) -> int:
        known = metadata_of(writer, level, public_id)
        there = known.pop(name, None)
        check(None if there is None else value_of(there)[1], expected, required=required)
        if sum(len(other.value) for other in known.values()) + len(text) > _LONGEST_TOGETHER:
            raise TooLargeError(
                f"All metadata of a resource together have at most {_LONGEST_TOGETHER >> 20} MB"
            )
        revision = writer.set_metadata(level, public_id, number, text)
        assert revision is not None  # the resource was seen above, in the same transaction
        writer.log_change("UpdatedMetadata", level, public_id, date)
        return revision

    return Revision.of_value(await archive.index.write(work), content)


async def delete_metadata(
    archive: Archive, level: Level, public_id: str, number: int, expected: Revision | None = None
) -> None:
    """Remove a metadata of the user's.

    Raises:
        ForbiddenError: the archive is read-only.
        UnknownResourceError: no such resource, or it has no such metadata.
        RevisionError: what is there is not what the client expects.
    """
    archive.refuse_if_read_only()
    name, required = archive.names.metadata_name(number), archive.settings.check_revisions
    if required and expected is None:
        raise RevisionError("The revision of what is to be deleted must be given in If-Match")
    date = stamp(archive.clock())

    def work(writer: Writer) -> None:
        there = metadata_of(writer, level, public_id).get(name)
        if there is None:
            raise UnknownResourceError(f"The resource has no metadata {name}")
        check(value_of(there)[1], expected, required=required)
        writer.delete_metadata(level, public_id, number)
        writer.log_change("UpdatedMetadata", level, public_id, date)

    await archive.index.write(work)


async def set_label(
    archive: Archive, level: Level, public_id: str, label: str, present: bool
) -> None:
    """Put a label on a resource, or take it off; what is so already stays so.

    Raises:
        ForbiddenError: the archive is read-only.
        ParameterOutOfRangeError: no label may look like this.
        UnknownResourceError: no such resource.
    """
    archive.refuse_if_read_only()
    if _LABEL.fullmatch(label) is None:
        raise ParameterOutOfRangeError(
            "A label has 1 to 64 characters, and may hold letters, digits, '_' and '-'"
        )
    if not await archive.index.write(
        lambda writer: writer.set_label(level, public_id, label, present)
    ):
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
