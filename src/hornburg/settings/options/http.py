"""The HTTP server and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.sections import flag, freeze, overlay_of, read_addresses
from hornburg.settings.values import StorageAccessOnFind

__all__ = ["HttpOptions", "RestOptions"]

_WARNINGS = freeze(
    {
        "W001_TagsBeingReadFromStorage": True,
        "W002_InconsistentDicomTagsInDb": True,
        "W003_DecoderFailure": True,
        "W004_NoMainDicomTagsSignature": True,
        "W005_RequestingTagFromLowerResourceLevel": True,
        "W006_RequestingTagFromMetaHeader": True,
        "W007_MissingRequestedTagsNotReadFromDisk": True,
    }
)


@dataclass(frozen=True, kw_only=True)
class HttpOptions:
    """Where the HTTP server listens and how it treats connections."""

    http_server_enabled: Annotated[
        bool, Row("HttpServerEnabled", "Whether the HTTP server runs at all.")
    ] = True
    http_port: Annotated[
        int,
        Row(
            "HttpPort",
            "Port of the HTTP server; 0 lets the system choose a free one.",
            unit="TCP port",
            least=0,
            most=65535,
        ),
    ] = 8042
    http_bind_addresses: Annotated[
        tuple[str, ...] | None,
        Row(
            "HttpBindAddresses",
            "Addresses the HTTP server listens on; empty or null means all of them, or only the "
            "loopback while RemoteAccessAllowed is false.",
            read=read_addresses,
            allowed="a list of at most 64 IPv4 or IPv6 addresses",
        ),
    ] = None
    http_request_timeout: Annotated[
        int,
        Row(
            "HttpRequestTimeout",
            "How long a client may stay silent in the middle of a request or an answer.",
            unit="seconds",
            least=1,
            most=86400,
        ),
    ] = 30
    # Half of all connections, so that one machine can't shut out the others.
    http_maximum_connections_per_address: Annotated[
        int,
        Row(
            "HttpMaximumConnectionsPerAddress",
            "Connections of one address (IPv6: /64) at the same time, TrustedProxies apart; 0 "
            "means no limit of its own.",
            unit="connections",
            least=0,
            most=100_000,
            ours=True,
        ),
    ] = 500
    http_threads_count: Annotated[
        int,
        Row(
            "HttpThreadsCount",
            "Threads that read and write files for requests.",
            unit="threads",
            least=1,
            most=1024,
        ),
    ] = 50
    keep_alive: Annotated[
        bool, Row("KeepAlive", "Whether a connection may carry several requests.")
    ] = True
    keep_alive_timeout: Annotated[
        int,
        Row(
            "KeepAliveTimeout",
            "How long an idle connection stays open for the next request.",
            unit="seconds",
            least=0,
            most=86400,
        ),
    ] = 1
    tcp_no_delay: Annotated[
        bool,
        Row("TcpNoDelay", "Whether small packets leave at once (Nagle's algorithm is off)."),
    ] = True
    http_compression_enabled: Annotated[
        bool, Row("HttpCompressionEnabled", "Whether answers are compressed for clients that ask.")
    ] = False
    http_describe_errors: Annotated[
        bool, Row("HttpDescribeErrors", "Whether an error is answered with a JSON description.")
    ] = True
    maximum_request_body_size_mb: Annotated[
        int,
        Row(
            "MaximumRequestBodySizeMB",
            "Largest body of a request; 0 means no limit.",
            unit="MB",
            least=0,
            most=1 << 30,
        ),
    ] = 8192
    web_dav_enabled: Annotated[
        bool,
        Row(
            "WebDavEnabled",
            "Whether the archive is offered as a WebDAV share.",
            supported=False,
            feature="WebDAV share",
        ),
    ] = True
    web_dav_delete_allowed: Annotated[
        bool,
        Row("WebDavDeleteAllowed", "Whether the WebDAV share may delete.", supported=False),
    ] = False
    web_dav_upload_allowed: Annotated[
        bool,
        Row("WebDavUploadAllowed", "Whether the WebDAV share takes uploads.", supported=False),
    ] = True
    orthanc_explorer_enabled: Annotated[
        bool,
        Row(
            "OrthancExplorerEnabled",
            "Whether the web interface is served; of it there is the page at / so far.",
            supported=False,
            feature="web interface",
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class RestOptions:
    """What the REST API shows and allows."""

    name: Annotated[str, Row("Name", "Name of this server, shown in /system.")] = "MyOrthanc"
    read_only: Annotated[
        bool, Row("ReadOnly", "Whether all that would change the archive is refused.")
    ] = False
    check_revisions: Annotated[
        bool,
        Row(
            "CheckRevisions",
            "Whether changing metadata and attachments needs the current revision (If-Match).",
        ),
    ] = False
    limit_find_results: Annotated[
        int,
        Row(
            "LimitFindResults",
            "Most patients, studies or series one find answers; 0 means no limit.",
            unit="results",
            least=0,
            most=1 << 31,
        ),
    ] = 0
    limit_find_instances: Annotated[
        int,
        Row(
            "LimitFindInstances",
            "Most instances one find answers; 0 means no limit.",
            unit="results",
            least=0,
            most=1 << 31,
        ),
    ] = 0
    storage_access_on_find: Annotated[
        StorageAccessOnFind,
        Row(
            "StorageAccessOnFind",
            "Whether a find may open files for tags that the index doesn't hold.",
        ),
    ] = StorageAccessOnFind.ALWAYS
    case_sensitive_pn: Annotated[
        bool, Row("CaseSensitivePN", "Whether finds tell upper from lower case in person names.")
    ] = False
    patient_level_enabled: Annotated[
        bool,
        Row("PatientLevelEnabled", "Whether patients are a level of their own.", supported=False),
    ] = True
    log_exported_resources: Annotated[
        bool,
        Row(
            "LogExportedResources",
            "Whether /exports lists what was sent elsewhere.",
        ),
    ] = False
    metrics_enabled: Annotated[
        bool, Row("MetricsEnabled", "Whether figures for Prometheus are collected.")
    ] = True
    warnings: Annotated[
        Mapping[str, bool],
        Row(
            "Warnings",
            "Which warnings are written to the log.",
            read=overlay_of(_WARNINGS, flag),
            allowed="an object of known warnings, each true or false",
            supported=False,
        ),
    ] = field(default_factory=lambda: _WARNINGS)
    rest_api_write_to_file_system_enabled: Annotated[
        bool,
        Row(
            "RestApiWriteToFileSystemEnabled",
            "Whether REST calls may write files on the server (ExportDirectories).",
        ),
    ] = False
    synchronous_zip_stream: Annotated[
        bool,
        Row(
            "SynchronousZipStream",
            "Whether ZIP archives are sent while they are made.",
            supported=False,
        ),
    ] = True
    zip_use_utf8: Annotated[
        bool,
        Row("ZipUseUtf8", "Whether file names inside ZIP archives are UTF-8.", supported=False),
    ] = False
    deidentify_logs: Annotated[
        bool, Row("DeidentifyLogs", "Whether the log leaves out what identifies patients.")
    ] = True
    deidentify_logs_dicom_version: Annotated[
        str,
        Row(
            "DeidentifyLogsDicomVersion",
            "Edition of DICOM whose list of identifying attributes the log follows.",
            supported=False,
        ),
    ] = "2023b"
