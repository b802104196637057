"""``/system``, ``/statistics`` and the figures for Prometheus."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, put

from hornburg import __version__
from hornburg.archive.seen import is_narrowed
from hornburg.dicom.levels import Level
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import json_answer, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission
from hornburg.settings import OverwriteInstances

__all__ = ["ROUTES", "read_boolean"]

Asked = Request[Any, Any, Any]

#: The version of Orthanc's REST API that ours follows: what ``ApiVersion`` says in its 1.12.11.
_API_VERSION = 30

#: The release of Orthanc whose REST API ours follows. Clients compare it with what they need, so
#: ``Version`` has to say this one; our own stands beside it.
_ORTHANC_VERSION = "1.12.11"

#: The number that Orthanc gives to the layout of its own SQLite index; clients look at it only to
#: know that it is there.
_DATABASE_VERSION = 6


@get("/system", permission=Permission.ANYONE, summary="What this server is")
async def system(request: Asked) -> Response[bytes]:
    """Version, name, and the options that clients adapt to."""
    archive = archive_of(request)
    settings = archive.settings
    identifier = settings.database_server_identifier or await archive.index.look(
        lambda reader: reader.property("server-identifier")
    )
    return json_answer(
        {
            "ApiVersion": _API_VERSION,
            "Capabilities": {
                "HasExtendedChanges": True,
                "HasExtendedFind": True,
                "HasKeyValueStores": False,
                "HasQueues": False,
                "HasReserveQueueValue": False,
            },
            "CheckRevisions": settings.check_revisions,
            "DatabaseBackendPlugin": None,
            "DatabaseServerIdentifier": identifier,
            "DatabaseVersion": _DATABASE_VERSION,
            "DicomAet": settings.dicom_aet,
            "DicomDefaultRetrieveMethod": settings.dicom_default_retrieve_method.value,
            "DicomPort": settings.dicom_port,
            "HasLabels": True,
            "HornburgVersion": __version__,
            "HttpPort": settings.http_port,
            "IngestTranscoding": settings.ingest_transcoding or "",
            "IsHttpServerSecure": settings.is_http_server_secure,
            "MainDicomTags": {level.word: archive.main_tags.signature(level) for level in Level},
            "MaximumPatientCount": settings.maximum_patient_count,
            "MaximumStorageMode": settings.maximum_storage_mode.value,
            "MaximumStorageSize": settings.maximum_storage_size,
            "Name": settings.name,
            "OverwriteInstances": settings.overwrite_instances is not OverwriteInstances.NEVER,
            "PatientLevelEnabled": settings.patient_level_enabled,
            "PluginsEnabled": True,
            "ReadOnly": settings.read_only,
            "StorageAreaPlugin": None,
            "StorageCompression": settings.storage_compression,
            "UserMetadata": dict(settings.user_metadata),
            "Version": _ORTHANC_VERSION,
        }
    )


@get("/statistics", permission=Permission.VIEW, summary="What the archive holds")
async def statistics(request: Asked) -> Response[bytes]:
    """Counts and sizes, kept up to date rather than counted."""
    archive = archive_of(request)
    run = archive.index.read if is_narrowed(archive) else archive.index.look
    totals = await run(lambda reader: reader.statistics())
    return json_answer(
        {
            "CountInstances": totals.instances,
            "CountPatients": totals.patients,
            "CountSeries": totals.series,
            "CountStudies": totals.studies,
            "TotalDiskSize": str(totals.disk_size),
            "TotalDiskSizeMB": totals.disk_size >> 20,
            "TotalUncompressedSize": str(totals.uncompressed_size),
            "TotalUncompressedSizeMB": totals.uncompressed_size >> 20,
        }
    )


@get(
    "/tools/metrics",
    permission=Permission.METRICS,
    media_type="text/plain",
    summary="Whether figures are collected",
)
async def metrics(request: Asked) -> Response[bytes]:
    """``1`` or ``0``."""
    return text_answer("1" if archive_of(request).metrics.enabled else "0")


@put(
    "/tools/metrics",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Collect figures, or stop it",
)
async def set_metrics(request: Asked) -> Response[bytes]:
    """The body is ``1`` or ``0``; the configuration is not changed."""
    archive_of(request).metrics.enabled = read_boolean(await read_body(request, 64))
    return text_answer("")


@get(
    "/tools/metrics-prometheus",
    permission=Permission.METRICS,
    media_type="text/plain",
    summary="Figures for Prometheus",
)
async def metrics_prometheus(request: Asked) -> Response[bytes]:
    """All figures in Prometheus' text format; nothing when they are switched off."""
    archive = archive_of(request)
    text = b""
    if archive.metrics.enabled:
        totals, last = await archive.index.look(
            lambda reader: (reader.statistics(), reader.last_change())
        )
        text = archive.metrics.text(totals, last)
    return Response(text, media_type="text/plain; version=0.0.4")


def read_boolean(body: bytes) -> bool:
    """A body that is ``0``, ``1``, ``true`` or ``false``.

    Raises:
        BadFileFormatError: it is something else.
    """
    word = body.strip().lower()
    if word not in (b"0", b"1", b"true", b"false"):
        raise BadFileFormatError("Boolean value expected: 0, 1, true or false")
    return word in (b"1", b"true")


ROUTES = (system, statistics, metrics, set_metrics, metrics_prometheus)
