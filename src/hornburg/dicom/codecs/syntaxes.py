"""The transfer syntaxes that can be read and written (PS3.6 table A-1)."""

from __future__ import annotations

from hornburg.dicom.reencode import Form

__all__ = [
    "BASELINE",
    "DEFLATED",
    "EXTENDED",
    "FORMS",
    "JPEG",
    "JPEG_2000",
    "JPEG_2000_LOSSLESS",
    "JPEG_2000_LOSSY",
    "JPEG_LOSSLESS",
    "JPEG_LS",
    "JPEG_LS_LOSSLESS",
    "JPEG_LS_NEAR",
    "LOSSLESS",
    "LOSSY",
    "NATIVE",
    "READABLE",
    "RLE",
    "WRITABLE",
]

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"
_PROCESS_14 = "1.2.840.10008.1.2.4.57"
_PROCESS_14_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000_LOSSY = "1.2.840.10008.1.2.4.91"
_HIGH_THROUGHPUT = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203))
RLE = "1.2.840.10008.1.2.5"

FORMS = {
    IMPLICIT_LITTLE: Form(implicit=True),
    EXPLICIT_LITTLE: Form(),
    DEFLATED: Form(),
    EXPLICIT_BIG: Form(big=True),
}
"""How the data set is written; everything that isn't here is explicit little endian."""

NATIVE = tuple(FORMS)
"""Without compression of pixels."""

JPEG_LOSSLESS = (_PROCESS_14, _PROCESS_14_SV1)
JPEG = (BASELINE, EXTENDED, *JPEG_LOSSLESS)
JPEG_LS = (JPEG_LS_LOSSLESS, JPEG_LS_NEAR)
JPEG_2000 = (JPEG_2000_LOSSLESS, JPEG_2000_LOSSY, *_HIGH_THROUGHPUT)

LOSSLESS = (_PROCESS_14_SV1, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, RLE, _PROCESS_14)
"""Compressed, and the pixels come back as they were; the usual ones first."""

LOSSY = {
    BASELINE: "ISO_10918_1",
    EXTENDED: "ISO_10918_1",
    JPEG_LS_NEAR: "ISO_14495_1",
    JPEG_2000_LOSSY: "ISO_15444_1",
}
"""Compressed with loss: what Lossy Image Compression Method says (PS3.3 C.7.6.1.1.5.1)."""

READABLE = frozenset((*NATIVE, *JPEG, *JPEG_LS, *JPEG_2000, RLE))
"""What can be decoded."""

WRITABLE = frozenset((*NATIVE, *LOSSLESS, *LOSSY))
"""What can be a target."""
