"""One frame through GDCM: its JPEG codecs take 8, 12 and 16 bits, with and without loss."""

from __future__ import annotations

from typing import Any

import gdcm  # type: ignore[import-untyped]

from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.codecs.image import Image
from hornburg.dicom.codecs.syntaxes import EXPLICIT_LITTLE

__all__ = ["gdcm_decode", "gdcm_encode"]


def _fill(picture: Any, image: Image, precision: int, syntax: str, element: Any) -> None:
    picture.SetNumberOfDimensions(2)
    picture.SetDimensions((image.columns, image.rows, 1))
    # Only whether there is one sample or three matters to the codecs; with RGB none of them
    # changes the colours.
    kind = "MONOCHROME2" if image.samples == 1 else "RGB"
    interpretation = gdcm.PhotometricInterpretation
    picture.SetPhotometricInterpretation(interpretation(interpretation.GetPIType(kind)))
    picture.SetPixelFormat(
        gdcm.PixelFormat(
            image.samples, 8 if precision <= 8 else 16, precision, precision - 1, int(image.signed)
        )
    )
    if image.samples > 1:
        picture.SetPlanarConfiguration(0)
    picture.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    picture.SetDataElement(element)


def _bytes(text: str) -> bytes:
    # GDCM's bytes come as a text.
    return text.encode("utf-8", "surrogateescape")


def gdcm_decode(data: bytes, syntax: str, image: Image, precision: int) -> bytes:
    """Decode a code stream to samples of one or two bytes, colour by pixel.

    Raises:
        TranscodingError: GDCM can't.
    """
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    picture = gdcm.Image()
    _fill(picture, image, precision, syntax, element)
    pixels = picture.GetBuffer()
    if not isinstance(pixels, str):
        raise TranscodingError(f"A frame can't be decoded as {syntax}")
    return _bytes(pixels)


def gdcm_encode(data: bytes, syntax: str, image: Image, precision: int) -> bytes:
    """Encode samples of one or two bytes, colour by pixel, without loss.

    Raises:
        TranscodingError: GDCM can't.
    """
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetByteStringValue(data)
    # Only a writer makes such a picture, and it must outlive it.
    writer = gdcm.ImageWriter()
    _fill(writer.GetImage(), image, precision, EXPLICIT_LITTLE, element)
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    change.SetInput(writer.GetImage())
    fragments = change.GetOutput().GetDataElement() if change.Change() else None
    sequence = fragments.GetSequenceOfFragments() if fragments is not None else None
    if sequence is None or sequence.GetNumberOfFragments() != 1:
        raise TranscodingError(f"A frame can't be encoded as {syntax}")
    return _bytes(sequence.GetFragment(0).GetByteValue().GetBuffer())
