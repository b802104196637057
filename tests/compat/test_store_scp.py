"""C-STORE: statuses, and whether anything was stored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from tests.compat.exchange import Server
from tests.compat.samples import made
from tests.compat.servers import Pair, is_subject_orthanc, running
from tests.wire.dicom_raw import ACCEPT, RawPeer, store_command

_CT, _MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
_EXPLICIT = "1.2.840.10008.1.2.1"
_UID = "1.2.900.1.1"


def _body(**changes: Any) -> bytes:
    """A data set without its header; None takes an element away."""
    data = pydicom.dcmread(io.BytesIO(made("ST1", "S", "900", "900.1", 1)))
    for keyword, value in changes.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    output = DicomBytesIO()
    output.is_little_endian, output.is_implicit_VR = True, False
    write_dataset(output, data)
    return output.getvalue()


#: name -> SOP class and instance of the command, data set, and what ours answers where it differs.
#: What ends in the middle of an element makes Orthanc wait for more, and is left out.
_STORES: dict[str, tuple[str, str, bytes, tuple[int, int] | None]] = {
    "sound": (_CT, _UID, _body(), None),
    "another instance": (_CT, "1.2.9", _body(), None),
    "another class": (_MR, _UID, _body(), None),
    "no PatientID": (_CT, _UID, _body(PatientID=None), None),
    "an empty PatientID": (_CT, _UID, _body(PatientID=""), None),
    "no name": (_CT, _UID, _body(PatientName=None), None),
    # Orthanc says that it is full; it can't be understood (PS3.4 table B.2-1).
    "no study": (_CT, _UID, _body(StudyInstanceUID=None), (0xC000, 0)),
    "no series": (_CT, _UID, _body(SeriesInstanceUID=None), (0xC000, 0)),
    "no instance": (_CT, _UID, _body(SOPInstanceUID=None), None),
    # The command names it.
    "no class": (_CT, _UID, _body(SOPClassUID=None), (0x0000, 1)),
    "a UID that is none": (_CT, "1.2.abc", _body(SOPInstanceUID="1.2.abc"), None),
    "nothing": (_CT, _UID, b"", None),
    "zeros": (_CT, _UID, bytes(64), None),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An empty pair that takes what strangers send."""
    with running(tmp_path_factory.mktemp("stores"), DicomServerEnabled=True) as pair:
        yield pair


@pytest.mark.parametrize("name", _STORES)
def test_statuses(name: str, pair: Pair) -> None:
    sop_class, uid, body, differs = _STORES[name]
    theirs, ours = (_store(server, sop_class, uid, body) for server in pair)
    if differs is None or is_subject_orthanc():
        assert ours == theirs
    else:
        assert ours == differs != theirs


def test_the_same_again(pair: Pair) -> None:
    theirs, ours = (
        [_store(server, _CT, _UID, _body(), tidy=last) for last in (False, True)] for server in pair
    )
    assert ours == theirs == [(0, 1), (0, 1)]


def test_where_it_came_from(pair: Pair) -> None:
    paths = ("RemoteAET", "CalledAET", "Origin", "RemoteIP", "TransferSyntax", "SopClassUid")
    told = []
    for server in pair:
        _store(server, _CT, _UID, _body(), tidy=False)
        (instance,) = server.ask("GET", "/instances", None, {}).json()
        metadata = (f"/instances/{instance}/metadata/{name}" for name in paths)
        told.append([server.ask("GET", path, None, {}).body for path in metadata])
        _clear(server)
    assert told[0] == told[1]


def _store(
    server: Server, sop_class: str, uid: str, body: bytes, *, tidy: bool = True
) -> tuple[int | None, int]:
    """The status, and how many instances there are then."""
    with RawPeer(server.dicom_port) as peer:
        kind, _ = peer.associate((sop_class, [_EXPLICIT]), calling="SCANNER")
        assert kind == ACCEPT
        peer.message(1, store_command(sop_class, uid), body)
        status = peer.answer().status
        peer.release()
    stored = server.ask("GET", "/instances", None, {}).json()
    if tidy:
        _clear(server)
    return status, len(stored)


def _clear(server: Server) -> None:
    for instance in server.ask("GET", "/instances", None, {}).json():
        server.ask("DELETE", f"/instances/{instance}", None, {})
