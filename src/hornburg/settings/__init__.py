"""Every option of the server: typed, with default, unit and one sentence, in one place.

:func:`load` reads files and environment and gives a frozen :class:`Settings`, or raises a
:class:`SettingsError` of one line. The rows are in :mod:`hornburg.settings.options`.
"""

from __future__ import annotations

from hornburg.settings.errors import SettingsError
from hornburg.settings.loader import load
from hornburg.settings.options import (
    AccessOptions,
    DicomDataOptions,
    DicomNetworkOptions,
    DicomScuOptions,
    DicomTlsOptions,
    HttpOptions,
    IndexOptions,
    JobOptions,
    MemoryOptions,
    RemoteOptions,
    RestOptions,
    ScriptOptions,
    StorageOptions,
    TlsOptions,
    TranscodingOptions,
    WorklistOptions,
)
from hornburg.settings.render import render_configuration, render_table
from hornburg.settings.rows import Option, Row, Secret
from hornburg.settings.sections import ENCODINGS
from hornburg.settings.settings import OPTIONS, Settings, missing_features
from hornburg.settings.values import (
    ContentType,
    DictionaryEntry,
    Modality,
    OverwriteInstances,
    Peer,
    SecurityProfile,
    StorageAccessOnFind,
    StorageMode,
)
from hornburg.settings.worklists import WorklistSettings

__all__ = [
    "ENCODINGS",
    "OPTIONS",
    "AccessOptions",
    "ContentType",
    "DicomDataOptions",
    "DicomNetworkOptions",
    "DicomScuOptions",
    "DicomTlsOptions",
    "DictionaryEntry",
    "HttpOptions",
    "IndexOptions",
    "JobOptions",
    "MemoryOptions",
    "Modality",
    "Option",
    "OverwriteInstances",
    "Peer",
    "RemoteOptions",
    "RestOptions",
    "Row",
    "ScriptOptions",
    "Secret",
    "SecurityProfile",
    "Settings",
    "SettingsError",
    "StorageAccessOnFind",
    "StorageMode",
    "StorageOptions",
    "TlsOptions",
    "TranscodingOptions",
    "WorklistOptions",
    "WorklistSettings",
    "load",
    "missing_features",
    "render_configuration",
    "render_table",
]
