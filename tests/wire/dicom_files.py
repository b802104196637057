"""Instances for the wire: of any SOP class, in any transfer syntax, by several programs."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from tests.dicom.files import shipped
from tests.wire.dicom_peers import run

from hornburg.dicom.head import file_head

__all__ = ["BIG", "EXPLICIT", "IMPLICIT", "dataset_of", "identity", "image", "made", "stored"]

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
#: JPIP with a deflated data set (PS3.5 A.7), which pydicom doesn't write.
DEFLATED_JPIP = {"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}
NATIVE = {IMPLICIT, EXPLICIT, BIG, DEFLATED}

_numbers = count(1)


def made(
    sop_class: str = CTImageStorage,
    syntax: str = EXPLICIT,
    *,
    study: str = "1.2.826.0.1.3680043.8.498.1",
    **values: Any,
) -> bytes:
    """A small instance; compressed ones have one fragment that no decoder would take.

    ``values`` are keywords, and replace what is there.
    """
    if syntax in DEFLATED_JPIP:
        plain = made(sop_class, study=study, **values)
        packer = zlib.compressobj(wbits=-15)
        deflated = packer.compress(dataset_of(plain)) + packer.flush()
        return file_head(*identity(plain)[:2], syntax) + deflated + bytes(len(deflated) % 2)
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = study
    dataset.SeriesInstanceUID = f"{study}.1"
    dataset.PatientID = "WIRE"
    dataset.PatientName = "Wire^Test"
    dataset.Modality = "OT"
    dataset.InstanceNumber = next(_numbers)
    if syntax in NATIVE:
        dataset.add_new(0x7FE00010, "OW", bytes(range(256)) * 4)
    else:
        dataset.add_new(0x7FE00010, "OB", encapsulate([b"no image" * 40]))
        dataset["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


def dataset_of(file: bytes) -> bytes:
    """The data set of a file: past preamble, prefix, and group 2 with its length (PS3.10 7.1)."""
    assert file[128:144] == b"DICM\2\0\0\0UL\4\0" + file[140:144]
    return file[144 + struct.unpack("<I", file[140:144])[0] :]


def identity(file: bytes) -> tuple[str, str, str]:
    """SOP class, SOP instance and transfer syntax in the head of a file."""
    meta = dcmread(io.BytesIO(file), specific_tags=[0x00080018]).file_meta
    return (
        str(meta.MediaStorageSOPClassUID),
        str(meta.MediaStorageSOPInstanceUID),
        str(meta.TransferSyntaxUID),
    )


def stored(server: Any, file: bytes) -> tuple[str, bytes]:
    """Public identifier and data set of an instance that a server has by its SOP instance UID."""
    uid = identity(file)[1]
    found = server.client.post("/tools/lookup", content=uid).json()
    assert [one["Type"] for one in found] == ["Instance"], found
    public_id = found[0]["ID"]
    answer = server.client.get(f"/instances/{public_id}/file")
    assert answer.status_code == 200
    return public_id, dataset_of(answer.content)


#: What pydicom ships, or a program of DCMTK makes of it, in each transfer syntax with an encoder.
_SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    IMPLICIT: ("CT_small.dcm", ("dcmconv", "+ti")),
    EXPLICIT: ("CT_small.dcm", ()),
    BIG: ("CT_small.dcm", ("dcmconv", "+tb")),
    DEFLATED: ("CT_small.dcm", ("dcmconv", "+td")),
    "1.2.840.10008.1.2.4.50": ("examples_rgb_color.dcm", ("dcmcjpeg", "+eb")),
    "1.2.840.10008.1.2.4.51": ("JPGExtended.dcm", ()),
    "1.2.840.10008.1.2.4.57": ("CT_small.dcm", ("dcmcjpeg", "+el")),
    "1.2.840.10008.1.2.4.70": ("CT_small.dcm", ("dcmcjpeg", "+e1")),
    "1.2.840.10008.1.2.4.80": ("CT_small.dcm", ("dcmcjpls", "+el")),
    "1.2.840.10008.1.2.4.81": ("examples_rgb_color.dcm", ("dcmcjpls", "+en")),
    "1.2.840.10008.1.2.4.90": ("MR_small_jp2klossless.dcm", ()),
    "1.2.840.10008.1.2.4.91": ("JPEG2000.dcm", ()),
    "1.2.840.10008.1.2.5": ("CT_small.dcm", ("dcmcrle",)),
}


@lru_cache
def _source(syntax: str, folder: Path) -> bytes:
    name, command = _SOURCES[syntax]
    content = shipped(name)
    if not command:
        return content
    before, after = folder / f"{syntax}.source.dcm", folder / f"{syntax}.dcm"
    before.write_bytes(content)
    outcome = run(command[0], *command[1:], before, after)
    assert outcome.status == 0, outcome
    return after.read_bytes()


def image(syntax: str, folder: Path) -> bytes:
    """A real image in a transfer syntax, or a made-up one where nothing here can encode it."""
    if syntax in _SOURCES:
        return _source(syntax, folder)
    return made(SecondaryCaptureImageStorage, syntax)
