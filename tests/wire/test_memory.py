"""Large bodies cost no more memory than small ones."""

from __future__ import annotations

import http.client
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

LARGE = 256 << 20
#: What the server may grow by while it takes 256 MB.
ROOM = 48 << 20


def header(number: int) -> bytes:
    """A DICOM file up to the value of its pixel data, which is ``LARGE`` bytes long."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.1", "1.2.2"
    dataset.PatientID = "large"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    pixels = b"\xe0\x7f\x10\x00OW\0\0" + LARGE.to_bytes(4, "little")
    return written.getvalue() + pixels


def plain(number: int) -> Iterator[bytes]:
    yield header(number)
    for _ in range(LARGE >> 20):
        yield bytes(1 << 20)


def gzipped(number: int) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for piece in plain(number):
        yield packer.compress(piece)
    yield packer.flush()


def zipped(number: int) -> Iterator[bytes]:
    body = io.BytesIO()
    with (
        zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("large.dcm", "w") as member,
    ):
        for piece in plain(number):
            member.write(piece)
    yield body.getvalue()


def peak(server: Any) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


@pytest.mark.parametrize("compression", [False, True], ids=["plain", "compressed"])
def test_large_bodies(server: Any, compression: bool) -> None:
    running = server(StorageCompression=compression)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)
    ids = []
    before = 0
    # The first one is small, so that what comes with the first request of all doesn't count.
    running.client.post("/instances", content=b"no DICOM")
    before = peak(running)
    for number, (make, headers) in enumerate(
        [(plain, {}), (gzipped, {"Content-Encoding": "gzip"}), (zipped, {})]
    ):
        connection.request("POST", "/instances", make(number), headers, encode_chunked=True)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        ids.append(answer.split(b'"ID":"')[1][:44].decode())
        assert peak(running) - before < ROOM, make.__name__
    for public_id in ids:
        connection.request("GET", f"/instances/{public_id}/file")
        response = connection.getresponse()
        size = 0
        while piece := response.read(1 << 20):
            size += len(piece)
        assert size == LARGE + len(header(0))
    assert running.client.get(f"/instances/{ids[0]}/tags").status_code == 200
    assert peak(running) - before < ROOM
