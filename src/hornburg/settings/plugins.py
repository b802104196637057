"""Sections of Orthanc's plug-ins, which stand in many configurations and have no effect yet."""

from __future__ import annotations

__all__ = ["DATABASE_SECTIONS", "GUARDING_SECTIONS", "NATIVE_SUFFIXES", "PLUGIN_SECTIONS"]

NATIVE_SUFFIXES = (".so", ".dll", ".dylib")
"""What plug-ins of Orthanc end with: machine code for another program."""

PLUGIN_SECTIONS = frozenset(
    [
        "AdvancedStorage",
        "Authorization",
        "AwsS3Storage",
        "AzureBlobStorage",
        "ConnectivityChecks",
        "DelayedDeletion",
        "DicomWeb",
        "Education",
        "Gdcm",
        "GoogleCloudStorage",
        "Housekeeper",
        "Indexer",
        "Java",
        "ModalityWorklists",
        "MultitenantDicom",
        "MySQL",
        "Neuro",
        "OHIF",
        "Odbc",
        "OrthancExplorer2",
        "PostgreSQL",
        "Python",
        "PythonScript",
        "PythonVerbose",
        "ServeFolders",
        "StoneWebViewer",
        "Tcia",
        "TransfersAccelerator",
        "Transfers",
        "VolView",
        "WebViewer",
        "WholeSlideImaging",
        "Worklist",
        "WsiDicomizer",
    ]
)

GUARDING_SECTIONS = frozenset({"Authorization"})
"""Sections that keep people out: a server that ignores them would let everybody in."""

DATABASE_SECTIONS = frozenset({"MySQL", "Odbc", "PostgreSQL"})
"""Sections of another database: a server that ignores one that is switched on would show an empty
archive."""
