"""The filters of plug-ins, which say whether an instance that has come is kept.

A plug-in that fails has decided nothing: the sender gets an error, and keeps the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.orthanc_json import encode
from hornburg.dicom.reader import DicomFile
from hornburg.hooks.specs import Action, ReceivedInstance

__all__ = ["changed", "refused", "wants_to_change", "wants_to_filter"]

_DICOM = "DicomProtocol"


def wants_to_change(archive: Archive) -> bool:
    """Whether plug-ins may give another file instead of one that came."""
    return archive.hooks.has("change_received")


def wants_to_filter(archive: Archive) -> bool:
    """Whether plug-ins may keep instances out."""
    return archive.hooks.has("filter_received") or archive.hooks.has("filter_cstore")


async def changed(
    archive: Archive, file: DicomFile, buffer: Buffer, origin: Origin
) -> Action | bytes:
    """What plug-ins want of an instance: keep it as it is, discard it, or the bytes to keep.

    Raises:
        PluginFaultError: one failed.
    """
    return await archive.hooks.change_received(_received(archive, file, buffer, origin))


async def refused(archive: Archive, file: DicomFile, buffer: Buffer, origin: Origin) -> int | None:
    """Whether plug-ins keep an instance out, and what its C-STORE is told then: 0x0000 when all is
    to seem well; ``None`` when they don't.

    Raises:
        PluginFaultError: one failed.
    """
    instance = _received(archive, file, buffer, origin)
    if not await archive.hooks.filter_received(instance):
        return 0x0000
    if origin.kind == _DICOM:
        return await archive.hooks.filter_cstore(instance) or None
    return None


def _received(
    archive: Archive, file: DicomFile, buffer: Buffer, origin: Origin
) -> ReceivedInstance:
    def tags() -> Mapping[str, Any]:
        found: Mapping[str, Any] = msgspec.json.decode(encode(file, "simplify"))
        return found

    info = {
        "HasPixelData": file.pixel_data is not None,
        "TransferSyntaxUID": file.transfer_syntax,
    }
    return ReceivedInstance(tags, buffer, origin.words(), info)
