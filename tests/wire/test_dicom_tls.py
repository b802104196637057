"""DICOM over TLS, with DCMTK and Python's ssl on the other side."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import CTImageStorage
from pynetdicom.sop_class import Verification
from tests.security.certificates import Certified, make
from tests.wire.dicom_files import EXPLICIT, IMPLICIT, dataset_of, made, stored
from tests.wire.dicom_peers import Peers, run
from tests.wire.dicom_raw import ABORT, RawPeer

ECHO = str(Verification)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Certified:
    return make(folder, "ours")


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Certified:
    return make(folder, "theirs")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Certified:
    return make(folder, "stranger")


def options(ours: Certified, trusted: Certified, **more: Any) -> dict[str, Any]:
    return {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(ours.certificate),
        "DicomTlsPrivateKey": str(ours.key),
        "DicomTlsTrustedCertificates": str(trusted.certificate),
        **more,
    }


@pytest.fixture(scope="module")
def mutual(module_server: Any, ours: Certified, theirs: Certified) -> Any:
    """Callers must show a certificate."""
    return module_server(**options(ours, theirs, DicomScpTimeout=1))


@pytest.fixture(scope="module")
def anonymous(module_server: Any, ours: Certified, theirs: Certified) -> Any:
    """Callers may be anybody."""
    return module_server(
        **options(ours, theirs, DicomTlsRemoteCertificateRequired=False, DicomScpTimeout=1)
    )


def echoscu(server: Any, *tls: object) -> Any:
    return run("echoscu", "-v", "-to", 20, "-ta", 20, *tls, "127.0.0.1", server.dicom_port)


def with_certificate(mine: Certified, trusted: Certified) -> tuple[object, ...]:
    return ("+tls", mine.key, mine.certificate, "+cf", trusted.certificate)


def test_with_a_certificate(mutual: Any, ours: Certified, theirs: Certified) -> None:
    outcome = echoscu(mutual, *with_certificate(theirs, ours))
    assert outcome.status == 0, outcome
    assert "Received Echo Response (Success)" in outcome.said


def test_without_a_certificate(mutual: Any, ours: Certified) -> None:
    before = len(mutual.lines)
    outcome = echoscu(mutual, "+tla", "+cf", ours.certificate)
    assert outcome.status != 0
    line = mutual.said("TLS", before)
    assert "127.0.0.1" in line


def test_with_the_certificate_of_a_stranger(
    mutual: Any, ours: Certified, stranger: Certified
) -> None:
    before = len(mutual.lines)
    outcome = echoscu(mutual, *with_certificate(stranger, ours))
    assert outcome.status != 0
    mutual.said("TLS", before)


def test_nobody_is_asked_for_one(anonymous: Any, ours: Certified, stranger: Certified) -> None:
    for tls in (("+tla", "+cf", ours.certificate), with_certificate(stranger, ours)):
        outcome = echoscu(anonymous, *tls)
        assert outcome.status == 0, outcome


@pytest.mark.parametrize("profile", ["+py", "+px", "+pz"])
def test_the_profiles_of_the_standard(
    mutual: Any, ours: Certified, theirs: Certified, profile: str
) -> None:
    """PS3.15 B.9 to B.12: BCP 195, its form without downgrades, its extended form."""
    outcome = echoscu(mutual, *with_certificate(theirs, ours), profile)
    assert outcome.status == 0, outcome


@pytest.mark.parametrize("profile", ["+pa", "+pn"])
def test_retired_profiles(mutual: Any, ours: Certified, theirs: Certified, profile: str) -> None:
    """TLS with 3DES or AES-CBC of 2000, and TLS without encryption."""
    assert echoscu(mutual, *with_certificate(theirs, ours), profile).status != 0


def test_plain_on_the_port_for_tls(mutual: Any) -> None:
    before = len(mutual.lines)
    assert echoscu(mutual).status != 0
    mutual.said("TLS", before)


def test_silence_on_the_port_for_tls(mutual: Any) -> None:
    """A handshake has no more time than a request."""
    before = len(mutual.lines)
    silent = socket.create_connection(("127.0.0.1", mutual.dicom_port), timeout=60)
    with silent, contextlib.suppress(ConnectionError):
        assert silent.recv(100) == b""
    mutual.said("TLS", before)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions(anonymous: Any, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", anonymous.dicom_port), timeout=60) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_end_of_the_handshake_and_the_request_together(
    anonymous: Any, version: ssl.TLSVersion
) -> None:
    """Data may come with the last message of the handshake; then idle time counts as ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    for _ in range(10):
        with RawPeer(anonymous.dicom_port) as peer:
            peer.socket = context.wrap_socket(peer.socket)
            assert peer.associate((ECHO, (IMPLICIT,)))[0] == 2
            peer.release()
    with RawPeer(anonymous.dicom_port) as peer:
        peer.socket = context.wrap_socket(peer.socket)
        peer.associate((ECHO, (IMPLICIT,)))
        assert peer.pdu()[0] == ABORT


def test_an_image_over_tls(mutual: Any, ours: Certified, theirs: Certified, tmp_path: Path) -> None:
    content = made(CTImageStorage, EXPLICIT, PixelData=bytes(5_000_000))
    file = tmp_path / "sent.dcm"
    file.write_bytes(content)
    outcome = run(
        "storescu", "-R", "-xe", *with_certificate(theirs, ours), "127.0.0.1",
        mutual.dicom_port, file,
    )  # fmt: skip
    assert outcome.status == 0, outcome
    assert stored(mutual, content)[1] == dataset_of(content)


# -- we call ------------------------------------------------------------------------------------


def test_we_call_over_tls(
    server: Any, peers: Peers, ours: Certified, theirs: Certified, stranger: Certified
) -> None:
    """The modality shows a trusted certificate and asks for ours."""
    tls = ("+tls", theirs.key, theirs.certificate, "+cf", ours.certificate, "+xa")
    good = peers.store_scp(*tls)
    false = peers.store_scp(
        "+tls", stranger.key, stranger.certificate, "+cf", ours.certificate, aet="FALSE"
    )
    running = server(
        **options(
            ours,
            theirs,
            DicomModalities={
                name: {"AET": name.upper(), "Host": "127.0.0.1", "Port": port, "UseDicomTls": tls}
                for name, port, tls in (
                    ("storescp", good.port, True),
                    ("false", false.port, True),
                    ("plain", good.port, False),
                )
            },
        )
    )
    content = made()
    running.client.post("/instances", content=content).raise_for_status()
    public_id, _ = stored(running, content)
    assert running.client.post("/modalities/storescp/echo", json={}).status_code == 200
    answer = running.client.post("/modalities/storescp/store", content=public_id)
    assert answer.status_code == 200, answer.text
    (received,) = good.received()
    assert dataset_of(received) == dataset_of(content)
    for name in ("false", "plain"):
        answer = running.client.post(f"/modalities/{name}/echo", json={"Timeout": 5})
        assert answer.status_code == 500
