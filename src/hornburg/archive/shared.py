"""What the instances of a resource have in common."""

from __future__ import annotations

import msgspec

from hornburg.archive.parts import Archive
from hornburg.archive.read import dicom_of, look_into
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.dicom.reader import DicomFile
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Attachment, Reader
from hornburg.index.names import DICOM

__all__ = ["first_dicom", "locations", "shared_tags"]

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


async def locations(archive: Archive, level: Level, public_id: str) -> list[tuple[str, Attachment]]:
    """(instance, its DICOM file) for every instance of a resource, by identifier.

    Raises:
        UnknownResourceError: no such resource.
    """
    found = await archive.index.read(lambda reader: reader.dicom_locations(level, public_id))
    if not found:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    return sorted(found, key=lambda one: one[0])


async def first_dicom(archive: Archive, level: Level, public_id: str) -> Attachment:
    """The DICOM file of one instance of a resource, of which the others are taken to say the same.

    Raises:
        UnknownResourceError: no such resource.
    """
    if level is Level.INSTANCE:
        return await dicom_of(archive, public_id)
    found = await archive.index.read(lambda reader: _first(reader, level, public_id))
    if found is None:
        raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
    return found


def _first(reader: Reader, level: Level, public_id: str) -> Attachment | None:
    child = level.child
    while child is not None:
        found = reader.resource(level, public_id)
        if found is None or not found.children:
            return None
        level, public_id, child = child, found.children[0], child.child
    return reader.attachment(level, public_id, DICOM)


async def shared_tags(archive: Archive, level: Level, public_id: str, form: Form) -> bytes:
    """The JSON of the tags whose text is the same in all instances of a resource.

    Like Orthanc's, without sequences, binary values, and values that are too long to be shown.

    Raises:
        UnknownResourceError: no such resource.
        CorruptedError: a file is missing or damaged.
    """
    found = await locations(archive, level, public_id)
    shared: dict[str, bytes] | None = None
    for _, attachment in found:
        texts = await look_into(archive, attachment, _texts)
        if shared is None:
            shared = texts
        else:
            shared = {tag: text for tag, text in shared.items() if texts.get(tag) == text}
    only = [int(tag[:4] + tag[5:], 16) for tag in shared or ()]
    return await look_into(archive, found[0][1], lambda file: encode(file, form, only=only))


def _texts(file: DicomFile) -> dict[str, bytes]:
    """The values that are texts, by tag."""
    values = {tag: bytes(value) for tag, value in _decode(encode(file, "short")).items()}
    return {tag: value for tag, value in values.items() if value.startswith(b'"')}
