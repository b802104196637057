"""C-STORE from DCMTK and pynetdicom: what arrives is what was sent, and says where it comes from."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage
from pynetdicom import _config, build_role
from tests.wire.dicom_files import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    dataset_of,
    identity,
    image,
    made,
    stored,
)
from tests.wire.dicom_peers import Peers, associate, entity, run
from tests.wire.dicom_raw import RawPeer, store_command

from hornburg.dicom.sop_classes import STORAGE_CLASSES, TRANSFER_SYNTAXES

#: storescu's options, and the transfer syntax of the file that it sends as it is.
STORESCU = {
    "-xe": EXPLICIT,
    "-xb": BIG,
    "-x=": EXPLICIT,
    "-xi": IMPLICIT,
    "-xs": "1.2.840.10008.1.2.4.70",
    "-xy": "1.2.840.10008.1.2.4.50",
    "-xx": "1.2.840.10008.1.2.4.51",
    "-xv": "1.2.840.10008.1.2.4.90",
    "-xw": "1.2.840.10008.1.2.4.91",
    "-xt": "1.2.840.10008.1.2.4.80",
    "-xu": "1.2.840.10008.1.2.4.81",
    "-xm": "1.2.840.10008.1.2.4.100",
    "-xh": "1.2.840.10008.1.2.4.101",
    "-xn": "1.2.840.10008.1.2.4.102",
    "-xl": "1.2.840.10008.1.2.4.103",
    "-x2": "1.2.840.10008.1.2.4.104",
    "-x3": "1.2.840.10008.1.2.4.105",
    "-xo": "1.2.840.10008.1.2.4.106",
    "-x4": "1.2.840.10008.1.2.4.107",
    "-x5": "1.2.840.10008.1.2.4.108",
    "-xr": "1.2.840.10008.1.2.5",
    "-xd": DEFLATED,
}


@pytest.fixture(scope="module")
def running(module_server: Any) -> Any:
    return module_server(OverwriteInstances="Always")


@pytest.fixture(scope="module")
def reference(module_peers: Peers) -> Any:
    return module_peers.store_scp("+xa", "-pm")


def metadata(server: Any, public_id: str) -> dict[str, str]:
    found = server.client.get(f"/instances/{public_id}/metadata?expand").json()
    return dict(found)


@pytest.mark.parametrize("option", STORESCU)
def test_storescu(
    running: Any,
    reference: Any,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    option: str,
) -> None:
    """The data set is the same, byte by byte, as DCMTK's own server gets it."""
    syntax = STORESCU[option]
    folder = tmp_path_factory.getbasetemp() / "images"
    folder.mkdir(exist_ok=True)
    content = image(syntax, folder)
    file = tmp_path / "sent.dcm"
    file.write_bytes(content)
    for port in (reference.port, running.dicom_port):
        outcome = run(
            "storescu", "-v", "-R", option, "-aet", "SCANNER", "-aec", "ORTHANC",
            "127.0.0.1", port, file,
        )  # fmt: skip
        assert outcome.status == 0, outcome
    public_id, dataset = stored(running, content)
    (received,) = [one for one in reference.received() if identity(one)[1] == identity(content)[1]]
    for path in reference.inbox.iterdir():
        path.unlink()
    assert identity(received)[2] == syntax
    assert dataset == dataset_of(received)
    assert metadata(running, public_id)["TransferSyntax"] == syntax


@pytest.fixture
def chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    """pynetdicom sends the data set of a file as it is."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)


def send_all(server: Any, folder: Path, contents: list[bytes]) -> None:
    """Send over one association, in contexts of one syntax each; each is looked at in the server
    before the next one, which may be the same instance in another syntax, takes its place."""
    sender = entity("PYNETDICOM")
    for sop_class, _, syntax in dict.fromkeys(map(identity_but_instance, contents)):
        sender.add_requested_context(sop_class, syntax)
    association = associate(sender, server.dicom_port)
    assert association.is_established
    refused = [context.abstract_syntax for context in association.rejected_contexts]
    assert not refused
    for content in contents:
        path = folder / f"{identity(content)[1]}.dcm"
        path.write_bytes(content)
        assert association.send_c_store(path).Status == 0x0000, identity(content)
        check(server, content)
    association.release()


def identity_but_instance(content: bytes) -> tuple[str, str, str]:
    sop_class, _, syntax = identity(content)
    return sop_class, "", syntax


def check(server: Any, content: bytes) -> None:
    public_id, dataset = stored(server, content)
    assert dataset == dataset_of(content)
    values = metadata(server, public_id)
    assert values["TransferSyntax"] == identity(content)[2]
    assert values["SopClassUid"] == identity(content)[0]
    assert values["Origin"] == "DicomProtocol"
    assert values["RemoteAET"] == "PYNETDICOM"
    assert values["CalledAET"] == "ORTHANC"
    assert values["RemoteIP"] == "127.0.0.1"


@pytest.mark.parametrize("start", range(0, len(STORAGE_CLASSES), 128))
def test_every_storage_class(running: Any, tmp_path: Path, chunked: None, start: int) -> None:
    contents = [made(uid) for uid in STORAGE_CLASSES[start : start + 128]]
    send_all(running, tmp_path, contents)


@pytest.mark.filterwarnings("ignore:Expected explicit VR")
def test_every_transfer_syntax(running: Any, tmp_path: Path, chunked: None) -> None:
    contents = [image(uid, tmp_path) for uid in TRANSFER_SYNTAXES]
    send_all(running, tmp_path, contents)


def test_the_file_head_is_ours(running: Any, tmp_path: Path, chunked: None) -> None:
    """PS3.10 7.1: who wrote the file, and whom it came from."""
    content = made()
    send_all(running, tmp_path, [content])
    public_id, _ = stored(running, content)
    whole = dcmread(io.BytesIO(running.client.get(f"/instances/{public_id}/file").content))
    assert whole.file_meta.SourceApplicationEntityTitle == "PYNETDICOM"
    assert str(whole.file_meta.ImplementationVersionName).startswith("HORNBURG")


# -- statuses -----------------------------------------------------------------------------------

CT = ((CTImageStorage, (EXPLICIT,)),)


def status_of(server: Any, sop_class: str, sop_instance: str, dataset: bytes) -> int | None:
    with RawPeer(server.dicom_port) as peer:
        assert peer.associate(*CT)[0] == 2
        peer.message(1, store_command(sop_class, sop_instance), dataset)
        answer = peer.answer()
        assert answer.sop_instance_uid == sop_instance
        peer.release()
        return answer.status


def count(server: Any) -> int:
    return int(server.client.get("/statistics").json()["CountInstances"])


def test_another_instance_than_the_command_says(running: Any) -> None:
    before = count(running)
    content = made()
    assert status_of(running, CTImageStorage, "1.2.3.4", dataset_of(content)) == 0xA900
    other = made(SecondaryCaptureImageStorage)
    uid = identity(other)[1]
    assert status_of(running, CTImageStorage, uid, dataset_of(other)) == 0xA900
    assert count(running) == before


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\0" * 10, b"\xff" * 1000, b"\x08\0\x18\0UI\xff\xff1.2.3", bytes(range(256)) * 100],
)
def test_what_is_no_data_set(running: Any, garbage: bytes) -> None:
    before = count(running)
    assert status_of(running, CTImageStorage, "1.2.3.4", garbage) == 0xC000
    assert count(running) == before


def test_no_data_set_at_all(running: Any) -> None:
    """The command says that nothing follows; the association lives on."""
    command = store_command(CTImageStorage, "1.2.3.4")
    with RawPeer(running.dicom_port) as peer:
        peer.associate(*CT)
        peer.command(1, type(command)(**{**fields(command), "has_dataset": False}))
        status = peer.answer().status
        assert status is not None and status >= 0xA000
        content = made()
        peer.message(1, store_command(*identity(content)[:2]), dataset_of(content))
        assert peer.answer().status == 0x0000
        peer.release()


def fields(command: Any) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__dataclass_fields__}


def test_full(server: Any) -> None:
    running = server(MaximumStorageMode="Reject", MaximumStorageSize=1)
    statuses = []
    for number in range(4):
        content = made(PixelData=bytes(400_000))
        sop_class, uid, _ = identity(content)
        statuses.append(status_of(running, sop_class, uid, dataset_of(content)))
        assert count(running) == min(number + 1, 2)
    assert statuses == [0, 0, 0xA700, 0xA700]
    assert len(running.files()) == 2


def test_larger_than_allowed(server: Any) -> None:
    """The rest of it is read and dropped; the association lives on."""
    running = server(MaximumRequestBodySizeMB=1)
    content = made(PixelData=bytes(3_000_000))
    small = made()
    with RawPeer(running.dicom_port) as peer:
        peer.associate(*CT)
        peer.message(1, store_command(*identity(content)[:2]), dataset_of(content))
        assert peer.answer().status == 0xA700
        peer.message(1, store_command(*identity(small)[:2], message_id=2), dataset_of(small))
        answer = peer.answer()
        assert (answer.status, answer.responded_to) == (0, 2)
        peer.release()
    assert count(running) == 1


def test_read_only(server: Any) -> None:
    running = server(ReadOnly=True)
    content = made()
    sop_class, uid, _ = identity(content)
    assert status_of(running, sop_class, uid, dataset_of(content)) == 0x0124
    assert count(running) == 0


def test_twice(running: Any) -> None:
    content = made()
    sop_class, uid, _ = identity(content)
    for _ in range(2):
        assert status_of(running, sop_class, uid, dataset_of(content)) == 0x0000
    assert stored(running, content)[1] == dataset_of(content)


def test_offers_of_many_syntaxes_in_one_context(running: Any) -> None:
    """Explicit VR little endian is taken where there is a choice, as by Orthanc."""
    jpeg = "1.2.840.10008.1.2.4.70"
    with RawPeer(running.dicom_port) as peer:
        peer.associate(
            (CTImageStorage, (jpeg, EXPLICIT)),
            (CTImageStorage, (IMPLICIT, EXPLICIT, jpeg)),
            (CTImageStorage, (IMPLICIT,)),
            (CTImageStorage, ("1.2.3.4",)),
            ("1.2.840.10008.9999", (IMPLICIT,)),
        )
        assert peer.results[1] == (0, EXPLICIT)
        assert peer.results[3] == (0, EXPLICIT)
        assert peer.results[5] == (0, IMPLICIT)
        assert peer.results[7][0] == 4
        assert peer.results[9][0] == 3
        peer.release()


def test_roles_of_storage(running: Any) -> None:
    """The requestor may propose to be provider; without C-GET it gets nothing."""
    sender = entity("PYNETDICOM")
    sender.add_requested_context(CTImageStorage, EXPLICIT)
    role = build_role(CTImageStorage, scu_role=True, scp_role=True)
    association = associate(sender, running.dicom_port, "ORTHANC", role)
    assert association.is_established
    (context,) = association.accepted_contexts
    assert context.as_scu and not context.as_scp
    association.release()
