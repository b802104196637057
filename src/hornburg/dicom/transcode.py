"""A DICOM file in another transfer syntax.

What needs no codec is a walk over the data set: heads and byte order change, values stay. Codecs
are native libraries: what needs one should run in a process of its own (see
:func:`plan`), and frames pass through it one by one.

Compression with loss makes a new instance, with a new SOP Instance UID, whose data set says what
was done and from which instance it comes (PS3.3 C.7.6.1.1.3, C.7.6.1.1.5, C.12.4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from struct import Struct
from typing import NamedTuple

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.codecs.derived import derived_from
from hornburg.dicom.codecs.errors import TranscodingError
from hornburg.dicom.codecs.frames import encoded_frames, native_frames
from hornburg.dicom.codecs.image import Image, image_of
from hornburg.dicom.codecs.syntaxes import (
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    FORMS,
    IMPLICIT_LITTLE,
    LOSSLESS,
    LOSSY,
    NATIVE,
    READABLE,
    WRITABLE,
)
from hornburg.dicom.head import file_head
from hornburg.dicom.pixel_data import PIXEL_DATA_TAGS, PixelData
from hornburg.dicom.reader import DicomFile, read
from hornburg.dicom.reencode import Change, Form, Pixels, deflated, reencoded
from hornburg.dicom.uids import generate_uid

__all__ = [
    "Plan",
    "TranscodingError",
    "choose",
    "is_lossy",
    "is_target",
    "pieces",
    "plan",
    "transcode",
    "without_codecs",
]

_PIXEL_DATA = PIXEL_DATA_TAGS[0]
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002)
_SOP_CLASS, _SOP_INSTANCE, _SOURCE = 0x00080016, 0x00080018, 0x00020016
_TABLE_LIMIT = 0xFFFFFFFF
_ITEM = Struct("<HHI").pack
_PREFERRED = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, *LOSSLESS, DEFLATED, EXPLICIT_BIG)

_Changes = dict[int, Change | Pixels | None]


class Plan(NamedTuple):
    """What a transcoding takes.

    ``same`` tells that there is nothing to do. ``codecs`` tells that native libraries are
    needed. ``size`` is about how many bytes come out, at the most. ``pixels`` tells that there
    are any, and ``compressed`` that they are compressed now.
    """

    same: bool
    codecs: bool
    size: int
    pixels: bool
    compressed: bool


def is_target(syntax: str) -> bool:
    """Whether a file can be written in a transfer syntax, if its image allows it."""
    return syntax in WRITABLE


def is_lossy(syntax: str) -> bool:
    """Whether compression to a transfer syntax makes a new instance."""
    return syntax in LOSSY


def choose(source_syntax: str, accepted: Sequence[str]) -> str | None:
    """The transfer syntax in which to send a file to somebody who takes only some.

    None when no transcoding helps. Pixels are never changed: lossy ones are no choice.
    """
    if source_syntax in accepted:
        return source_syntax
    if source_syntax not in READABLE:
        return None
    return next((syntax for syntax in _PREFERRED if syntax in accepted), None)


def plan(content: Buffer, target: str) -> Plan:
    """Look at the header, and refuse at once what can't be done.

    Raises:
        TranscodingError: the file, or the target, isn't one that this version can transcode.
        DicomFormatError: the bytes are no DICOM file.
    """
    return _plan(read(content), target)


def _plan(file: DicomFile, target: str) -> Plan:
    if target not in WRITABLE:
        raise TranscodingError(f"Cannot transcode to transfer syntax: {target[:64]}")
    source, pixels = file.transfer_syntax, file.pixel_data
    native = pixels is None or not pixels.encapsulated
    if source == target:
        return Plan(True, False, file.size, pixels is not None, not native)
    if source not in READABLE and pixels is not None:
        # Private ones may look native and have other bytes, such as GE's big endian pixels.
        raise TranscodingError(f"Cannot transcode from transfer syntax: {source[:64]}")
    size = max(file.size, len(file.dataset.buffer))
    if pixels is None or (native and target in NATIVE):
        # Elements grow by 4 bytes at the most when their VR is written.
        return Plan(False, False, size * 2, pixels is not None, False)
    if pixels.tag != _PIXEL_DATA:
        raise TranscodingError("Pixels that are floating point numbers can't be compressed")
    image = image_of(file.dataset)
    if native and image.photometric == "YBR_FULL_422":
        raise TranscodingError("Half of the colours are left out; such pixels can't be compressed")
    size += image.frame_size * image.frames
    return Plan(False, True, size, True, not native)


def transcode(content: Buffer, target: str, *, lossy_quality: int = 90) -> bytes:
    """The same DICOM file in another transfer syntax.

    Args:
        content: a whole file.
        lossy_quality: from 1 to 100, for targets with loss.

    Raises:
        TranscodingError: the image can't be written so.
        DicomFormatError: the bytes are no DICOM file.
    """
    file = read(content)
    if file.transfer_syntax == target:
        return bytes(content)
    return b"".join(pieces(file, target, lossy_quality=lossy_quality))


def without_codecs(content: Buffer, target: str) -> bytes | Plan:
    """The same, or the plan when it takes codecs.

    Raises:
        TranscodingError: the file, or the target, isn't one that this version can transcode.
        DicomFormatError: the bytes are no DICOM file.
    """
    file = read(content)
    what = _plan(file, target)
    if what.same:
        return bytes(content)
    return what if what.codecs else b"".join(pieces(file, target))


def pieces(file: DicomFile, target: str, *, lossy_quality: int = 90) -> Iterator[Buffer]:
    """The same in pieces, so that no more than a frame is in memory when pixels are decoded.

    Raises:
        TranscodingError: the image can't be written so; perhaps not before the last piece.
    """
    what = _plan(file, target)
    changes: _Changes = {}
    instance = file.dataset.text(_SOP_INSTANCE) or file.meta.text(0x00020003) or ""
    if what.codecs:
        changes = _new_pixels(file, target, lossy_quality)
        if target in LOSSY:
            instance = generate_uid()
            changes |= derived_from(
                file.dataset,
                file.sop_class_uid,
                instance,
                LOSSY[target],
                lossy_quality,
                _ratio(file, changes),
            )
    yield file_head(file.sop_class_uid, instance, target, file.meta.text(_SOURCE) or "")
    body = reencoded(file, FORMS.get(target, Form()), changes)
    yield from deflated(body) if target == DEFLATED else body


def _new_pixels(file: DicomFile, target: str, quality: int) -> _Changes:
    """The pixel data in its new form, and the elements that describe it."""
    pixels = file.pixel_data
    if pixels is None:
        raise TranscodingError("There is no pixel data")
    image = image_of(file.dataset)
    frames, after = _decoded(file, pixels, image)
    changes: _Changes = dict.fromkeys(set(_OFFSET_TABLES) & set(file.dataset.entries))
    if target in NATIVE:
        length = after.frame_size * after.frames
        vr = "OW" if FORMS[target].implicit or after.allocated > 8 else "OB"
        changes[_PIXEL_DATA] = Pixels(vr, length, frames)
    else:
        after, items = _encoded(frames, after, target, quality)
        changes[_PIXEL_DATA] = Pixels("OB", None, items)
    if after.photometric != image.photometric:
        value = after.photometric.encode()
        changes[0x00280004] = Change("CS", value + b" " * (len(value) % 2))
    if after.samples > 1:
        changes[0x00280006] = Change("US", bytes((int(after.planar), 0)))
    return changes


def _ratio(file: DicomFile, changes: _Changes) -> float:
    image, pixels = image_of(file.dataset), changes[_PIXEL_DATA]
    if not isinstance(pixels, Pixels):
        raise TranscodingError("There is no pixel data")
    return image.frame_size * image.frames / sum(map(len, pixels.pieces))


def _decoded(file: DicomFile, pixels: PixelData, image: Image) -> tuple[Iterable[bytes], Image]:
    # The codecs are loaded here, in the process that uses them.
    from hornburg.dicom.codecs.decode import decode, decoded_image, interleaved

    if not pixels.encapsulated:
        frames = native_frames(file, pixels, image)
        if not image.planar:
            return frames, image
        return (interleaved(frame, image) for frame in frames), replace(image, planar=False)
    syntax = file.transfer_syntax
    streams = encoded_frames(file, pixels, image)
    return (decode(data, syntax, image) for data in streams), decoded_image(image, syntax)


def _encoded(
    frames: Iterable[bytes], image: Image, target: str, quality: int
) -> tuple[Image, list[bytes]]:
    """The items of encapsulated pixel data, one for each frame, after a Basic Offset Table."""
    from hornburg.dicom.codecs.encode import encode, encoded_image

    after = encoded_image(image, target)
    items, offsets, place = [b""], [], 0
    for frame in frames:
        data = encode(frame, target, image, quality)
        data += b"\0" * (len(data) % 2)
        offsets.append(place)
        items += (_ITEM(0xFFFE, 0xE000, len(data)), data)
        place += 8 + len(data)
    # A table that doesn't fit its 32 bits is left empty (PS3.5 A.4).
    table = b"" if place > _TABLE_LIMIT else b"".join(n.to_bytes(4, "little") for n in offsets)
    items[0] = _ITEM(0xFFFE, 0xE000, len(table)) + table
    return after, items
