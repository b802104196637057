"""The data set of the deflated transfer syntax (PS3.5 A.5: RFC 1951, without a zlib head)."""

from __future__ import annotations

import zlib

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.limits import Limits

__all__ = ["inflate"]


def inflate(buffer: Buffer, start: int, limits: Limits) -> bytes:
    """The bytes that ``buffer[start:]`` inflates to.

    Raises:
        DicomFormatError: it is damaged, cut short, or inflates to more than the limits allow.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    by_ratio = max(limits.always_inflated, (len(buffer) - start) * limits.inflation)
    limit = min(limits.inflated, by_ratio)
    with memoryview(buffer) as whole, whole[start:] as part:
        try:
            data = inflater.decompress(part, limit + 1)
        except zlib.error:
            raise DicomFormatError("The deflated data set can't be inflated", start) from None
    if len(data) > limits.inflated:
        raise DicomFormatError(f"The data set inflates to more than {limits.inflated} bytes", start)
    if len(data) > limit:
        raise DicomFormatError(
            f"The data set inflates to more than {limits.inflation} times its size", start
        )
    if not inflater.eof:
        raise DicomFormatError("The deflated data set is cut short", len(buffer))
    return data
