"""The DICOM front door: asyncio round the upper layer and DIMSE."""
