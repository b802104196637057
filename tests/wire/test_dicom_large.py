"""An instance of 2 GB over C-STORE: memory is bounded, and the bytes are the same."""

from __future__ import annotations

import contextlib
import http.client
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pydicom.uid import CTImageStorage
from tests.wire.dicom_files import EXPLICIT, dataset_of, identity, made
from tests.wire.dicom_raw import ACCEPT, RawPeer, data_pdu, store_command

from hornburg.dimse.commands import encode_command

#: What the server may grow by. Its files are mapped here and there; their pages, which the system
#: drops when it needs room, are not its own.
ROOM = 64 << 20

#: PDUs that are sent at once.
BURST = 16


def own_memory(server: Any) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) << 10


def _got_back(running: Any, uid: str, before: int) -> int:
    """Bytes that C-GET brings, while the memory of the server is watched."""
    there = ["-aec", "ORTHANC", "127.0.0.1", str(running.dicom_port)]
    keys = ["-k", "QueryRetrieveLevel=IMAGE", "-k", f"SOPInstanceUID={uid}"]
    with tempfile.TemporaryDirectory() as folder:
        command = ["getscu", "-S", "+B", "-od", folder, *keys, *there]
        client = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        most = before
        while client.poll() is None:
            most = max(most, own_memory(running))
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(0.05)
        assert client.returncode == 0
        assert most - before < ROOM
        (file,) = Path(folder).iterdir()
        return file.stat().st_size


def test_two_gigabytes(server: Any) -> None:
    running = server(
        MaximumPduLength=131072, MaximumRequestBodySizeMB=4096, DicomAlwaysAllowGet=True
    )
    running.client.get("/system")
    before = most = own_memory(running)
    small = made(PixelData=b"")
    sop_class, uid, _ = identity(small)
    with RawPeer(running.dicom_port) as peer:
        assert peer.associate((CTImageStorage, (EXPLICIT,)))[0] == ACCEPT
        piece = (bytes(range(256)) * 512)[: peer.maximum - 6]
        bursts = (2000 << 20) // (len(piece) * BURST)
        size = bursts * BURST * len(piece)
        head = dataset_of(small)[:-12] + b"\xe0\x7f\x10\0OW\0\0" + struct.pack("<I", size)
        command = encode_command(store_command(sop_class, uid))
        peer.send(data_pdu(1, command, command=True, last=True) + data_pdu(1, head))
        burst = data_pdu(1, piece) * BURST
        for number in range(bursts):
            peer.send(burst)
            if number % 50 == 0:
                most = max(most, own_memory(running))
        peer.send(data_pdu(1, b"", last=True))
        assert peer.answer().status == 0x0000
        most = max(most, own_memory(running))
        peer.release()
    assert most - before < ROOM
    (public_id,) = running.client.get("/instances").json()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", f"/instances/{public_id}/file")
    response = connection.getresponse()
    start = response.length - size - len(head)  # type: ignore[operator]
    assert response.read(start + len(head))[start:] == head
    for _ in range(bursts * BURST):
        assert response.read(len(piece)) == piece
    assert response.read() == b""
    connection.close()
    assert own_memory(running) - before < ROOM
    # The client writes a head of its own.
    assert 128 < _got_back(running, uid, before) - len(head) - size < 1024
    assert running.client.delete(f"/instances/{public_id}").status_code == 200
    assert running.files() == set()
