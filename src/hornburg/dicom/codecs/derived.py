"""What a data set says of an image that was compressed with loss."""

from __future__ import annotations

from hornburg.dicom.dataset import DataSet
from hornburg.dicom.reencode import Change

__all__ = ["derived_from"]

_TITLES = {
    "ISO_10918_1": "JPEG",
    "ISO_14495_1": "JPEG-LS near-lossless",
    "ISO_15444_1": "JPEG 2000",
}
_MOST_TEXT = 1024  # PS3.5 table 6.2-1: ST.


def derived_from(
    dataset: DataSet, sop_class: str, new_instance: str, method: str, quality: int, ratio: float
) -> dict[int, Change]:
    """The elements of the new instance that tell of the compression, in explicit little endian.

    PS3.3 C.7.6.1.1.2 (Image Type), C.7.6.1.1.3 (derivation), C.7.6.1.1.5 (Lossy Image
    Compression, whose values tell of one compression after the other).

    Args:
        method: a term of Lossy Image Compression Method.
        ratio: how many times smaller the pixels became.
    """
    words = f"Lossy compression with {_TITLES[method]}, quality {quality}, ratio {ratio:.3f}"
    old = dataset.text(0x00080018) or ""
    changes = {
        0x00080008: _image_type(dataset),
        0x00080018: _text("UI", new_instance.encode()),
        0x00082111: _with_old(dataset, 0x00082111, words),
        0x00282110: _text("CS", b"01"),
        0x00282112: _one_more(dataset, 0x00282112, "DS", f"{ratio:.6g}"),
        0x00282114: _one_more(dataset, 0x00282114, "CS", method),
    }
    if 0x00082112 not in dataset and old and sop_class:
        # 121320: the instance from which the other was made by compression (PS3.16 CID 7202).
        purpose = _sequence(0x0040A170, _code("121320", "Uncompressed predecessor"))
        item = _element(0x00081150, "UI", sop_class) + _element(0x00081155, "UI", old) + purpose
        changes[0x00082112] = Change("SQ", _item(item))
    if 0x00089215 not in dataset:
        changes[0x00089215] = Change("SQ", _item(_code("113040", "Lossy Compression")))
    return changes


def _text(vr: str, raw: bytes) -> Change:
    return Change(vr, raw + (b"\0" if vr == "UI" else b" ") * (len(raw) % 2))


def _raw(dataset: DataSet, tag: int) -> bytes:
    element = dataset.get(tag)
    return b"" if element is None or element.is_sequence else element.raw.strip(b" \0")


def _image_type(dataset: DataSet) -> Change:
    values = _raw(dataset, 0x00080008).split(b"\\")
    return _text("CS", b"\\".join((b"DERIVED", *(values[1:] or [b"SECONDARY"]))))


def _with_old(dataset: DataSet, tag: int, words: str) -> Change:
    old, new = _raw(dataset, tag), words.encode()
    both = new + b", " + old
    return _text("ST", both if old and len(both) <= _MOST_TEXT else new)


def _one_more(dataset: DataSet, tag: int, vr: str, value: str) -> Change:
    old = _raw(dataset, tag)
    return _text(vr, old + b"\\" * bool(old) + value.encode())


def _head(tag: int, vr: bytes, length: int) -> bytes:
    size = length.to_bytes(2, "little") if vr != b"SQ" else b"\0\0" + length.to_bytes(4, "little")
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr + size


def _element(tag: int, vr: str, value: str) -> bytes:
    raw = _text(vr, value.encode()).value
    return _head(tag, vr.encode(), len(raw)) + raw


def _item(content: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content


def _sequence(tag: int, content: bytes) -> bytes:
    item = _item(content)
    return _head(tag, b"SQ", len(item)) + item


def _code(value: str, meaning: str) -> bytes:
    return (
        _element(0x00080100, "SH", value)
        + _element(0x00080102, "SH", "DCM")
        + _element(0x00080104, "LO", meaning)
    )
