"""The log of what was sent elsewhere (Orthanc Book, users/rest, "Log of exported resources")."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hornburg.archive.parts import Archive, stamp
from hornburg.archive.touched import touch_all
from hornburg.dicom.levels import Level
from hornburg.index.base import Export, Reader, Writer

__all__ = ["log_exports"]

_NAMES = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.INSTANCE: "SOPInstanceUID",
}
_tags = msgspec.json.Decoder(dict[str, str]).decode


async def log_exports(
    archive: Archive, modality: str, resources: Sequence[tuple[Level, str]]
) -> None:
    """Note that resources were sent to a modality, when ``LogExportedResources`` wants it.

    What has been removed in the meantime is left out.
    """
    touch_all(archive, "send", resources)
    if not archive.settings.log_exported_resources or not resources:
        return
    date = stamp(archive.clock())

    def write(writer: Writer) -> None:
        for level, public_id in resources:
            export = _export(writer, modality, date, level, public_id)
            if export is not None:
                writer.log_export(export)

    await archive.index.write(write)


def _export(
    reader: Reader, modality: str, date: str, level: Level, public_id: str
) -> Export | None:
    identifiers = dict.fromkeys(Level, "")
    at: Level | None = level
    current: str | None = public_id
    while at is not None and current is not None:
        resource = reader.resource(at, current)
        if resource is None:
            return None
        identifiers[at] = _tags(resource.main_tags).get(_NAMES[at], "")
        at, current = at.parent, resource.parent_id
    return Export(0, level, public_id, modality, date, *identifiers.values())
