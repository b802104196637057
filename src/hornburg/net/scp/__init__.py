"""The services of the DICOM server, one module for each."""
