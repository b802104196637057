"""Instances on their way out to another application entity: which, and their bytes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from hornburg.archive.parts import Archive
from hornburg.archive.read import at_hand, look_into, opened
from hornburg.archive.touched import touch_all
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.levels import Level
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Attachment, Reader

__all__ = ["Outgoing", "content_of", "outgoing"]

_SOP_INSTANCE_UID = 0x00080018


class _MainTags(msgspec.Struct):
    SOPInstanceUID: str = ""


_main_tags = msgspec.json.Decoder(_MainTags).decode


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An instance, and what a C-STORE must say of it before it is sent."""

    public_id: str
    attachment: Attachment
    sop_class: str
    sop_instance: str
    transfer_syntax: str


async def outgoing(archive: Archive, resources: Iterable[tuple[Level, str]]) -> list[Outgoing]:
    """All instances of some resources, each of them once, in the order of the resources.

    Raises:
        UnknownResourceError: one of the resources is not there.
        CorruptedError: what the index lacks can't be read from the file.
    """
    wanted = list(resources)
    touch_all(archive, "", wanted)
    found = await archive.index.read(lambda reader: _found(reader, wanted))
    for number, each in enumerate(found):
        if not (each.sop_class and each.sop_instance and each.transfer_syntax):
            found[number] = await _completed(archive, each)
    return found


def _found(reader: Reader, resources: list[tuple[Level, str]]) -> list[Outgoing]:
    instances: dict[str, Attachment] = {}
    for level, public_id in resources:
        locations = reader.dicom_locations(level, public_id)
        if not locations:
            raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
        instances.update(locations)
    found = []
    for public_id, attachment in instances.items():
        resource = reader.resource(Level.INSTANCE, public_id)
        if resource is None:
            continue
        metadata = resource.metadata
        found.append(
            Outgoing(
                public_id,
                attachment,
                metadata.get("SopClassUid", ""),
                _main_tags(resource.main_tags).SOPInstanceUID,
                metadata.get("TransferSyntax", ""),
            )
        )
    return found


async def _completed(archive: Archive, one: Outgoing) -> Outgoing:
    return await look_into(
        archive,
        one.attachment,
        lambda file: Outgoing(
            one.public_id,
            one.attachment,
            file.sop_class_uid,
            file.text(_SOP_INSTANCE_UID) or "",
            file.transfer_syntax,
        ),
    )


@asynccontextmanager
async def content_of(archive: Archive, attachment: Attachment) -> AsyncGenerator[Buffer, None]:
    """The bytes of an attachment, uncompressed; large ones are mapped, and unmapped at the end.

    Raises:
        CorruptedError: the file is missing, or is not what the index says.
    """
    content = at_hand(archive, attachment)
    if content is not None:
        yield content
        return
    with contextlib.ExitStack() as stack:
        yield await archive.work(lambda: stack.enter_context(opened(archive, attachment)))
