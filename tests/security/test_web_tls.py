"""HTTPS: what stops the start, what gets through a handshake, and whom a certificate names."""

from __future__ import annotations

import datetime
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.security.certificates import make, whole
from tests.security.test_dicom_tls import TLS_1_3, client_of, handshake

from hornburg.security.certificates import certificate_findings
from hornburg.security.web_tls import (
    ClientCertificate,
    client_certificate,
    server_context,
    server_files,
    user_of,
)
from hornburg.settings import Settings, SettingsError

ORIGIN = "c.json line 7"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder):
    return make(folder, "ours")


@pytest.fixture(scope="module")
def alice(folder):
    return make(
        folder, "alice", subject="/O=Hospital/CN=alice", names="email:alice@Hospital.example"
    )


@pytest.fixture(scope="module")
def stranger(folder):
    return make(folder, "stranger")


def settings(mine, trusted=None, **options):
    options = {"ssl_private_key": mine.key, **options}
    return Settings(
        ssl_enabled=True,
        ssl_certificate=mine.certificate,
        ssl_verify_peers=trusted is not None,
        **({"ssl_trusted_client_certificates": trusted} if trusted else {}),
        origins={"SslCertificate": ORIGIN},
        **options,
    )


def stops(given_, option, *texts):
    with pytest.raises(SettingsError) as caught:
        server_context(given_)
    assert caught.value.option == option
    for text in texts:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


# ---- the server ----


def test_without_tls_there_is_no_context():
    assert server_context(Settings()) is None
    assert server_files(Settings()) == ()


def test_key_and_certificate_in_one_file_or_two(folder, ours):
    one = settings(ours, ssl_private_key=None)
    stops(one, "SslCertificate", "holds no private key", str(ours.certificate), ORIGIN)
    together = whole(folder / "together.pem", ours)
    for given_ in (Settings(ssl_enabled=True, ssl_certificate=together), settings(ours)):
        server = server_context(given_)
        assert handshake(server, client_of(None, ours))[0] == "TLSv1.3"
    assert server_files(settings(ours)) == (ours.certificate, ours.key)


def test_the_default_is_tls_1_2_with_forward_secrecy_and_aead(ours):
    server = server_context(settings(ours))
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    for one in server.get_ciphers():
        assert one["aead"], one["name"]
        assert one["protocol"] == "TLSv1.3" or one["name"].startswith("ECDHE-"), one["name"]
    assert handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2))[0] == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2, "ECDHE+AES:!AESGCM"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_turned_away(ours):
    server = server_context(settings(ours))
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"))


def test_tls_1_3_alone(ours):
    server = server_context(settings(ours, ssl_minimum_protocol_version=5))
    assert handshake(server, client_of(None, ours))[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_older_versions_stop_the_start(ours, number):
    given_ = settings(ours, ssl_minimum_protocol_version=number)
    stops(given_, "SslMinimumProtocolVersion", f"is {number}", "RFC 8996")


def test_ciphers_of_a_configuration_for_orthanc(ours):
    """The list holds suites before TLS 1.3; those of TLS 1.3 stay, as with OpenSSL's lists."""
    names = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA")
    server = server_context(settings(ours, ssl_ciphers_accepted=names))
    assert handshake(server, client_of(None, ours))[0] == "TLSv1.3"
    older = handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2))
    assert older == ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        other = "ECDHE-ECDSA-AES256-GCM-SHA384"
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2, other))
    newer = server_context(settings(ours, ssl_ciphers_accepted=TLS_1_3[:1]))
    assert newer.minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("names", "option", "text"),
    [
        (["nonsense"], "SslCiphersAccepted", "'nonsense'"),
        (["ALL"], "SslCiphersAccepted", "'ALL'"),
        (["AECDH-NULL-SHA"], "SslCiphersAccepted", "safe"),
        (["RC4-SHA"], "SslCiphersAccepted", "safe"),
        (["ECDHE-ECDSA-AES128-GCM-SHA256", "a\nb"], "SslCiphersAccepted", "a\\nb"),
    ],
)
def test_ciphers_that_stop_the_start(ours, names, option, text):
    stops(settings(ours, ssl_ciphers_accepted=tuple(names)), option, text)


def test_a_cipher_that_does_not_go_with_the_key(folder):
    rsa = make(folder, "rsa", kind="rsa")
    given_ = settings(
        rsa, ssl_ciphers_accepted=("ECDHE-ECDSA-AES128-GCM-SHA256",), ssl_minimum_protocol_version=4
    )
    server_context(given_)  # TLS 1.3 goes with every key


def test_nothing_lets_a_recorded_connection_be_opened_later(ours):
    """No tickets, whose key would; no compression, no renegotiation."""
    server = server_context(settings(ours))
    for wanted in (ssl.OP_NO_TICKET, ssl.OP_NO_COMPRESSION, ssl.OP_NO_RENEGOTIATION):
        assert server.options & wanted
    assert server.num_tickets == 0


def test_files_that_stop_the_start_are_found_fatal(folder, ours, stranger):
    """What certificate_findings calls fatal is what the server can't work with, and no more."""
    old = make(folder, "old", days=0)
    locked = make(folder, "locked", passphrase="geheim")
    gone = type(ours)(folder / "gone.crt", ours.key)
    crossed = type(ours)(ours.certificate, stranger.key)
    keyless = type(ours)(ours.certificate, ours.certificate)
    for bad in (old, locked, gone, crossed, keyless):
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
        assert any(one.fatal for one in certificate_findings(bad.certificate, bad.key, now))
        with pytest.raises(SettingsError):
            server_context(settings(bad))
    server_context(settings(ours))


# ---- certificates of clients ----


def test_who_has_no_trusted_certificate_stays_outside(ours, alice, stranger):
    server = server_context(settings(ours, alice.certificate))
    handshake(server, client_of(alice, ours))
    for other in (None, stranger):
        with pytest.raises(ssl.SSLError):
            handshake(server, client_of(other, ours))
    assert server_files(settings(ours, alice.certificate))[-1] == alice.certificate


def test_without_verify_peers_nobody_is_asked(ours, stranger):
    server = server_context(settings(ours))
    assert server.verify_mode is ssl.CERT_NONE
    handshake(server, client_of(stranger, ours))


def test_a_certificate_for_servers_is_none_of_a_client(folder, ours):
    authority = make(folder, "authority")
    server = server_context(settings(ours, authority.certificate))
    good = make(folder, "client", issuer=authority, authority=False, purpose="clientAuth")
    handshake(server, client_of(good, ours))
    other = make(folder, "server", issuer=authority, authority=False, purpose="serverAuth")
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        handshake(server, client_of(other, ours))


def test_options_that_contradict_each_other(ours, alice):
    stops(Settings(ssl_verify_peers=True), "SslVerifyPeers", "SslEnabled")
    users = {"CN=alice": "alice"}
    stops(Settings(ssl_certificate_users=users), "SslCertificateUsers", "SslVerifyPeers")
    stops(settings(ours, ssl_certificate_users=users), "SslCertificateUsers", "SslVerifyPeers")
    given_ = settings(ours, alice.certificate, ssl_certificate_users={"cn alice": "x"})
    stops(given_, "SslCertificateUsers", "'cn alice'")
    server_context(settings(ours, alice.certificate, ssl_certificate_users=users))


def test_the_trusted_file_is_missing(folder, ours):
    given_ = settings(ours, folder / "gone.pem")
    stops(given_, "SslTrustedClientCertificates", "No such file")


# ---- names ----


def read(certified):
    return client_certificate(ssl.PEM_cert_to_DER_cert(certified.certificate.read_text()))


def test_what_a_certificate_says(alice):
    found = read(alice)
    assert found.subject == "CN=alice,O=Hospital"
    assert found.names == ("CN=alice,O=Hospital", "CN=alice", "email:alice@hospital.example")


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("CN=alice", "a"),
        ("CN=alice,O=Hospital", "a"),
        ("email:alice@HOSPITAL.example", "a"),
        ("2.5.4.3=alice", "a"),
        ("CN=Alice", None),
        ("O=Hospital", None),
        ("email:Alice@hospital.example", None),
        ("DNS:alice", None),
        ("CN=alice,O=Other", None),
        ("CN=alice\\,O=Hospital", None),
    ],
)
def test_a_name_and_its_user(alice, name, user):
    assert user_of(read(alice), {name: "a", "CN=other": "b"}) == user


def test_alternative_names(folder):
    names = "DNS:Work.Hospital.example,URI:spiffe://hospital/reader,IP:192.0.2.1"
    found = read(make(folder, "station", names=names))
    assert found.names == (
        "CN=station",
        "DNS:work.hospital.example",
        "URI:spiffe://hospital/reader",
    )
    assert user_of(found, {"DNS:WORK.hospital.example": "w"}) == "w"


def test_who_could_be_two_is_nobody(alice):
    both = {"CN=alice": "a", "email:alice@hospital.example": "b"}
    assert user_of(read(alice), both) is None
    assert user_of(read(alice), {**both, "email:alice@hospital.example": "a"}) == "a"
    assert user_of(read(alice), {"CN=alice": "a", "2.5.4.3=alice": "b"}) is None


def test_a_name_with_the_marks_of_names_in_it(folder):
    """An authority may sign for whatever somebody calls himself."""
    sly = read(make(folder, "sly", subject="/CN=x,CN=alice"))
    assert user_of(sly, {"CN=alice": "a", "CN=x,CN=alice": "b"}) is None
    assert user_of(sly, {"CN=x\\,CN=alice": "c"}) == "c"


def test_nobody(alice):
    assert user_of(None, {"CN=alice": "a"}) is None
    assert user_of(read(alice), {}) is None
    assert user_of(ClientCertificate("", ()), {"CN=alice": "a"}) is None


@given(st.binary(max_size=500))
def test_rubbish_names_nobody(der):
    assert client_certificate(der) is None


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_certificate_that_is_damaged(alice):
    der = ssl.PEM_cert_to_DER_cert(alice.certificate.read_text())
    for at in range(len(der)):
        for bit in (1, 0x80):
            damaged = bytearray(der)
            damaged[at] ^= bit
            found = client_certificate(bytes(damaged))
            assert found is None or len(found.names) <= 100
