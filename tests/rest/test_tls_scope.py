"""What requests tell of their TLS connection."""

from __future__ import annotations

import ssl

import pytest
from tests.security.certificates import make
from tests.security.test_dicom_tls import client_of

from hornburg.rest.tls_scope import tls_scope
from hornburg.security.web_tls import server_context
from hornburg.settings import Settings


def answering(server, client):
    """The server's end of a connection."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    found = server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (asking, found):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return found


@pytest.mark.parametrize(
    ("version", "number", "cipher"),
    [(ssl.TLSVersion.TLSv1_2, 0x0303, 0xC02B), (ssl.TLSVersion.TLSv1_3, 0x0304, 0x1302)],
)
def test_the_extension_of_asgi(tmp_path, version, number, cipher):
    ours = make(tmp_path, "ours")
    alice = make(tmp_path, "alice", subject="/O=Hospital/CN=alice")
    files = {"ssl_certificate": ours.certificate, "ssl_private_key": ours.key}
    open_to_all = Settings(ssl_enabled=True, **files)
    suite = "ECDHE-ECDSA-AES128-GCM-SHA256"
    extension, certificate = tls_scope(
        answering(server_context(open_to_all), client_of(alice, ours, version, suite))
    )
    assert certificate is None
    assert extension == {
        "server_cert": None,
        "client_cert_chain": (),
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": number,
        "cipher_suite": cipher,
    }
    mutual = Settings(
        ssl_enabled=True,
        ssl_verify_peers=True,
        ssl_trusted_client_certificates=alice.certificate,
        **files,
    )
    extension, certificate = tls_scope(
        answering(server_context(mutual), client_of(alice, ours, version, suite))
    )
    assert certificate.subject == extension["client_cert_name"] == "CN=alice,O=Hospital"
    assert extension["client_cert_chain"] == (alice.certificate.read_text(),)
