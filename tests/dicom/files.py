"""The DICOM files that the packages pydicom and pydicom-data ship, and bytes made up by hand."""

import importlib.util
import struct
from pathlib import Path

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
_OTHER = {".py", ".pyc", ".json", ".zip", ".gz", ".tar", ".md", ".txt"}


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


FOLDERS = (_folder("pydicom"), _folder("data_store"))
FILES = sorted(
    path
    for folder in FOLDERS
    for path in folder.rglob("*")
    if path.is_file() and path.suffix not in _OTHER
)
# Packages on the network are fetched by pydicom on demand; what is here must be a fair part.
assert len(FILES) > 200


def shipped(name: str) -> bytes:
    """The one file of this name."""
    return next(path for path in FILES if path.as_posix().endswith("/" + name)).read_bytes()


def element(tag: int, vr: str, value: bytes, order: str = "<") -> bytes:
    """An explicit element; the value gets its padding."""
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG:
        return head + b"\0\0" + struct.pack(order + "I", len(value)) + value
    return head + struct.pack(order + "H", len(value)) + value


def implicit(tag: int, value: bytes) -> bytes:
    """An implicit little endian element; the value must be even."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def item(content: bytes) -> bytes:
    """An item of defined length."""
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content


def open_item(content: bytes) -> bytes:
    """An item of undefined length."""
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + content + b"\xfe\xff\x0d\xe0\0\0\0\0"


SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG = "1.2.840.10008.1.2.2"


def file(dataset: bytes, syntax: str = EXPLICIT) -> bytes:
    """A file with preamble and meta header."""
    meta = element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.7")
    meta += element(0x00020003, "UI", b"1.2.3.4")
    meta += element(0x00020010, "UI", syntax.encode())
    length = element(0x00020000, "UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + dataset


IDENTITY = {
    0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7"),
    0x00080018: ("UI", b"1.2.3.4"),
    0x00100020: ("LO", b"id"),
    0x0020000D: ("UI", b"1.2.3"),
    0x0020000E: ("UI", b"1.2.3.5"),
}


def dataset(*rows: tuple[int, str, bytes]) -> bytes:
    """Explicit little endian elements, in the order of tags, with identifiers."""
    known = {**IDENTITY, **{tag: (vr, value) for tag, vr, value in rows}}
    return b"".join(element(tag, *known[tag]) for tag in sorted(known))
