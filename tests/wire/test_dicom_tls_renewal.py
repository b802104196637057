"""Certificates of the DICOM server that change while it runs, with DCMTK on the other side."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path
from typing import Any

import pytest
from pynetdicom.sop_class import Verification
from tests.security.certificates import Certified, make
from tests.wire.dicom_files import IMPLICIT
from tests.wire.dicom_peers import run
from tests.wire.dicom_raw import RawPeer
from tests.wire.https import put


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Certified]:
    return {name: make(tmp_path, name, days=100) for name in ("ours", "new", "theirs", "others")}


def test_a_new_certificate_and_a_new_modality(server: Any, tmp_path: Path, people: Any) -> None:
    place = Certified(tmp_path / "server.crt", tmp_path / "server.key")
    trusted = tmp_path / "trusted.pem"
    put(place.certificate, people["ours"].certificate)
    put(place.key, people["ours"].key)
    put(trusted, people["theirs"].certificate)
    running = server(
        DicomTlsEnabled=True,
        DicomTlsCertificate=str(place.certificate),
        DicomTlsPrivateKey=str(place.key),
        DicomTlsTrustedCertificates=str(trusted),
    )

    def echo(mine: str, known: str) -> bool:
        me = people[mine]
        tls = ("+tls", me.key, me.certificate, "+cf", people[known].certificate)
        call = run("echoscu", "-to", 20, "-ta", 20, *tls, "127.0.0.1", running.dicom_port)
        return bool(call.status == 0)

    assert echo("theirs", "ours")
    assert not echo("others", "ours")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(people["ours"].certificate)
    context.load_cert_chain(people["theirs"].certificate, people["theirs"].key)
    with RawPeer(running.dicom_port) as inside:
        inside.socket = context.wrap_socket(inside.socket)
        assert inside.associate((str(Verification), (IMPLICIT,)))[0] == 2
        put(place.key, people["new"].key)
        put(place.certificate, people["new"].certificate)
        put(trusted, people["others"].certificate)
        running.process.send_signal(signal.SIGHUP)
        running.said("DICOM TLS has taken up")
        assert echo("others", "new")
        assert not echo("theirs", "new")
        assert not echo("others", "ours")
        # Inside all the while, and still heard.
        inside.release()
    before = len(running.lines)
    place.key.write_bytes(b"nonsense")
    running.process.send_signal(signal.SIGHUP)
    assert "DicomTlsPrivateKey" in running.said("DICOM TLS keeps the certificate", before)
    assert echo("others", "new")
    assert running.stop() == 0


def test_without_tls_it_does_nothing(server: Any) -> None:
    running = server()
    running.process.send_signal(signal.SIGHUP)
    assert running.client.get("/system").status_code == 200
    assert running.stop() == 0
