"""The DICOM upper layer (PS3.8), sans-IO: bytes in, events and bytes out."""
