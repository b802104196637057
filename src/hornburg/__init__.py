"""Hornburg: a DICOM server for medical imaging, a drop-in for Orthanc."""

__version__ = "0.1.0"

__all__ = ["__version__"]
