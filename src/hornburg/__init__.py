"""Hornburg: a DICOM server for medical imaging, a drop-in for Orthanc."""

__version__ = "0.1.0"

#: Who wrote a file or opened an association (PS3.7 D.3.3.2): a UID of the root 2.25 for all
#: releases, and a name of at most 16 characters that tells them apart.
IMPLEMENTATION_CLASS_UID = "2.25.9490550243511787048651183893980645391"
IMPLEMENTATION_VERSION_NAME = f"HORNBURG_{__version__}"[:16]

__all__ = ["IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME", "__version__"]
