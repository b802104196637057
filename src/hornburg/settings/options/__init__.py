"""The rows: one dataclass per concern, one field per option."""

from __future__ import annotations

from hornburg.settings.options.access import AccessOptions, TlsOptions
from hornburg.settings.options.browsers import BrowserOptions
from hornburg.settings.options.data import DicomDataOptions, TranscodingOptions
from hornburg.settings.options.dicom import DicomNetworkOptions, DicomScuOptions, DicomTlsOptions
from hornburg.settings.options.host import HostOptions
from hornburg.settings.options.http import HttpOptions, RestOptions
from hornburg.settings.options.identity import IdentityOptions
from hornburg.settings.options.jobs import JobOptions, MemoryOptions, ScriptOptions
from hornburg.settings.options.policy import PolicyOptions
from hornburg.settings.options.remote import RemoteOptions
from hornburg.settings.options.storage import IndexOptions, StorageOptions
from hornburg.settings.options.trail import TrailOptions
from hornburg.settings.options.worklists import WorklistOptions

__all__ = [
    "AccessOptions",
    "BrowserOptions",
    "DicomDataOptions",
    "DicomNetworkOptions",
    "DicomScuOptions",
    "DicomTlsOptions",
    "HostOptions",
    "HttpOptions",
    "IdentityOptions",
    "IndexOptions",
    "JobOptions",
    "MemoryOptions",
    "PolicyOptions",
    "RemoteOptions",
    "RestOptions",
    "ScriptOptions",
    "StorageOptions",
    "TlsOptions",
    "TrailOptions",
    "TranscodingOptions",
    "WorklistOptions",
]
