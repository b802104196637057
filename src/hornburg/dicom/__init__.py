"""DICOM data alone: bytes in, values out. No socket, no file, no database."""
