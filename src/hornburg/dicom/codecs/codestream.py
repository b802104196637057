"""What the head of a code stream says of its image, read without any codec."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from hornburg.dicom.codecs.errors import TranscodingError

__all__ = ["CodeStream", "jpeg_2000_head", "jpeg_head"]

_SIZ = Struct(">HHIIIIIIIIH").unpack_from
_MOST_SEGMENTS = 1000
# T.81 table B.1: frame headers are C0 to CF without DHT, JPG and DAC; T.87 adds F7.
_FRAME_MARKERS = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_NO_SEGMENT = frozenset((0x01, *range(0xD0, 0xD9)))


@dataclass(frozen=True, slots=True)
class CodeStream:
    """``marker`` is that of the frame (C0: baseline, C1: extended, C3: lossless, F7: JPEG-LS);
    ``names`` are the identifiers of the components; ``adobe`` is the transform of an Adobe
    segment, none without one."""

    marker: int
    precision: int
    rows: int
    columns: int
    samples: int
    signed: bool = False
    names: bytes = b""
    adobe: int | None = None
    jfif: bool = False


def jpeg_head(data: bytes) -> CodeStream:
    """The head of a JPEG or JPEG-LS code stream (ITU-T T.81 annex B, T.87 annex C).

    Raises:
        TranscodingError: it is none.
    """
    pos, adobe, jfif = 2, None, False
    if data[:2] != b"\xff\xd8":
        raise TranscodingError("A frame is no JPEG code stream: it has no start of image")
    for _ in range(_MOST_SEGMENTS):
        while data[pos : pos + 2] == b"\xff\xff":
            pos += 1
        if pos + 4 > len(data) or data[pos] != 0xFF:
            break
        marker, size = data[pos + 1], int.from_bytes(data[pos + 2 : pos + 4], "big")
        if marker in _NO_SEGMENT:
            pos += 2
            continue
        body = data[pos + 4 : pos + 2 + size]
        if marker in _FRAME_MARKERS:
            if len(body) < 6 or len(body) < 6 + 3 * body[5]:
                break
            return CodeStream(
                marker,
                precision=body[0],
                rows=int.from_bytes(body[1:3], "big"),
                columns=int.from_bytes(body[3:5], "big"),
                samples=body[5],
                names=body[6 : 6 + 3 * body[5] : 3],
                adobe=adobe,
                jfif=jfif,
            )
        if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        jfif = jfif or (marker == 0xE0 and body[:5] == b"JFIF\0")
        if marker == 0xDA:
            break
        pos += 2 + size
    raise TranscodingError("A frame is no JPEG code stream: it has no frame header")


def jpeg_2000_head(data: bytes) -> CodeStream:
    """The head of a JPEG 2000 code stream, bare or in a JP2 file (ITU-T T.800 A.5.1).

    Raises:
        TranscodingError: it is none, or its components differ.
    """
    start = 0 if data[:4] == b"\xff\x4f\xff\x51" else data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0 or start + 42 > len(data):
        raise TranscodingError("A frame is no JPEG 2000 code stream: it has no SIZ segment")
    (_, _, right, bottom, left, top, *_, samples) = _SIZ(data, start + 4)
    components = data[start + 42 : start + 42 + 3 * samples]
    if samples not in (1, 3) or components != components[:3] * samples or right < left:
        raise TranscodingError("A frame of JPEG 2000 has components that differ")
    if bottom < top or len(components) < 3 or components[1:3] != b"\1\1":
        raise TranscodingError("A frame of JPEG 2000 has components that differ")
    depth = components[0]
    return CodeStream(
        0x51,
        precision=(depth & 0x7F) + 1,
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        signed=bool(depth & 0x80),
    )
