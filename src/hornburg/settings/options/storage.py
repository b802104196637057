"""Where files and the index are, how safe they are written, and when it is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.sections import (
    freeze,
    read_extra_main_dicom_tags,
    read_overwrite,
    read_user_content_type,
    read_user_metadata,
)
from hornburg.settings.values import ContentType, OverwriteInstances, StorageMode

__all__ = ["IndexOptions", "StorageOptions"]


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """The files."""

    storage_directory: Annotated[
        Path,
        Row(
            "StorageDirectory",
            "Folder of the stored files; relative paths start at the folder of the "
            "configuration file.",
        ),
    ] = Path("OrthancStorage")
    temporary_directory: Annotated[
        Path | None,
        Row(
            "TemporaryDirectory",
            "Folder for large temporary files, which must exist; null means the system's own.",
        ),
    ] = None
    storage_compression: Annotated[
        bool, Row("StorageCompression", "Whether new files are stored compressed.")
    ] = False
    sync_storage_area: Annotated[
        bool,
        Row(
            "SyncStorageArea",
            "Whether a file is safely on the disk before its arrival is confirmed.",
        ),
    ] = True
    store_dicom: Annotated[
        bool,
        Row("StoreDicom", "Whether files are kept at all, or only indexed.", supported=False),
    ] = True
    store_md5_for_attachments: Annotated[
        bool,
        Row("StoreMD5ForAttachments", "Whether the MD5 of each file is kept to check it later."),
    ] = True
    maximum_storage_cache_size: Annotated[
        int,
        Row(
            "MaximumStorageCacheSize",
            "Memory for files that were used lately; 0 means none.",
            unit="MB",
            least=0,
            most=1 << 30,
        ),
    ] = 128
    storage_memory_capacity: Annotated[
        int,
        Row(
            "StorageMemoryCapacity",
            "Memory for files that are being read at the same time.",
            unit="MB",
            least=0,
            most=1 << 30,
            supported=False,
        ),
    ] = 512
    storage_loader_threads_count: Annotated[
        int,
        Row(
            "StorageLoaderThreadsCount",
            "Threads that fetch files for archives and transfers.",
            unit="threads",
            least=0,
            most=1024,
            supported=False,
        ),
    ] = 4
    maximum_file_size_in_archive_mb: Annotated[
        int,
        Row(
            "MaximumFileSizeInArchiveMB",
            "Largest unpacked size of one file in an uploaded ZIP or gzip; 0 means no limit.",
            unit="MB",
            least=0,
            most=1 << 30,
        ),
    ] = 4096


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """The index, what it keeps, and its quotas."""

    index_directory: Annotated[
        Path | None,
        Row("IndexDirectory", "Folder of the index; null means the StorageDirectory."),
    ] = None
    database_server_identifier: Annotated[
        str | None,
        Row(
            "DatabaseServerIdentifier",
            "Name of this server among those on the same database; null means one is made up.",
        ),
    ] = None
    maximum_storage_size: Annotated[
        int,
        Row(
            "MaximumStorageSize",
            "Most that the stored files may take; 0 means no limit.",
            unit="MB",
            least=0,
            most=1 << 40,
        ),
    ] = 0
    maximum_patient_count: Annotated[
        int,
        Row(
            "MaximumPatientCount",
            "Most patients that are kept; 0 means no limit.",
            unit="patients",
            least=0,
            most=1 << 31,
        ),
    ] = 0
    maximum_storage_mode: Annotated[
        StorageMode,
        Row(
            "MaximumStorageMode",
            "At a limit, drop the oldest patient that isn't protected, or refuse what arrives.",
        ),
    ] = StorageMode.RECYCLE
    overwrite_instances: Annotated[
        OverwriteInstances,
        Row(
            "OverwriteInstances",
            "Whether an instance that arrives again replaces the stored one.",
            read=read_overwrite,
            allowed='"Never", "Always", "IfChanged", false or true',
        ),
    ] = OverwriteInstances.NEVER
    stable_age: Annotated[
        int,
        Row(
            "StableAge",
            "How long nothing must arrive until a patient, study or series counts as stable.",
            unit="seconds",
            least=0,
            most=31_536_000,
        ),
    ] = 60
    extra_main_dicom_tags: Annotated[
        Mapping[str, tuple[str, ...]] | None,
        Row(
            "ExtraMainDicomTags",
            "Further tags that the index keeps for each level.",
            read=read_extra_main_dicom_tags,
            allowed="an object of Patient, Study, Series, Instance, each a list of tags",
        ),
    ] = None
    user_metadata: Annotated[
        Mapping[str, int],
        Row(
            "UserMetadata",
            "Metadata of the user's own: names and their numbers from 1024 to 65535.",
            read=read_user_metadata,
            allowed='an object { "name": number }',
        ),
    ] = field(default_factory=lambda: freeze({}))
    user_content_type: Annotated[
        Mapping[str, ContentType],
        Row(
            "UserContentType",
            "Attachments of the user's own: names, their numbers from 1024 to 65535, and "
            "optionally a MIME type.",
            read=read_user_content_type,
            allowed='an object { "name": number } or { "name": [number, "MIME type"] }',
        ),
    ] = field(default_factory=lambda: freeze({}))
