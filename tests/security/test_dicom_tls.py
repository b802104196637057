"""TLS of the DICOM network: what is refused at the start, and what gets through a handshake."""

from __future__ import annotations

import ssl

import pytest
from tests.security.certificates import joined, make

from hornburg.security.dicom_tls import check_clients, client_context, server_context
from hornburg.settings import Modality, Settings, SettingsError

ORIGIN = "c.json line 7"
TLS_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
PEER = Modality(aet="PACS", host="192.0.2.1", port=2762, use_dicom_tls=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder):
    return make(folder, "ours")


@pytest.fixture(scope="module")
def theirs(folder):
    return make(folder, "theirs")


@pytest.fixture(scope="module")
def stranger(folder):
    return make(folder, "stranger")


@pytest.fixture(scope="module")
def trusted(folder, theirs):
    return joined(folder / "trusted.crt", theirs)


def settings(mine=None, trusted=None, **options):
    given = {
        "dicom_tls_enabled": True,
        "dicom_tls_certificate": mine and mine.certificate,
        "dicom_tls_private_key": mine and mine.key,
        "dicom_tls_trusted_certificates": trusted,
        "origins": {
            "DicomTlsCertificate": ORIGIN,
            "DicomTlsPrivateKey": ORIGIN,
            "DicomTlsTrustedCertificates": ORIGIN,
        },
    }
    return Settings(**{**given, **options})


def handshake(server, client):
    """The protocol and the cipher that both agree on, after an answer in each direction."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    answering = server.wrap_bio(there, back, server_side=True)
    waiting = [asking, answering]
    for _ in range(10):
        for side in tuple(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            break
    assert not waiting
    # In TLS 1.3 a client learns only then that its certificate was refused.
    answering.write(b"x")
    assert asking.read(1) == b"x"
    return asking.version(), asking.cipher()[0]


def client_of(certified, trusted, version=None, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(trusted.certificate)
    if certified is not None:
        context.load_cert_chain(certified.certificate, certified.key)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


# ---- the server ----


def test_without_tls_there_is_no_context():
    assert server_context(Settings()) is None


def test_a_trusted_modality_comes_in(ours, theirs, trusted):
    server = server_context(settings(ours, trusted))
    assert handshake(server, client_of(theirs, ours))[0] == "TLSv1.3"


def test_nobody_else_comes_in(ours, theirs, stranger, trusted):
    server = server_context(settings(ours, trusted))
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours))
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(stranger, ours))


def test_without_a_required_certificate_everybody_comes_in_and_nobody_is_asked(
    ours, stranger, trusted
):
    for file in (None, trusted):
        server = server_context(settings(ours, file, dicom_tls_remote_certificate_required=False))
        assert server.verify_mode is ssl.CERT_NONE
        handshake(server, client_of(None, ours))
        handshake(server, client_of(stranger, ours))


def test_an_authority_or_one_of_its_modalities_may_be_trusted(folder, ours):
    authority = make(folder, "authority")
    leaf = make(folder, "leaf", issuer=authority, authority=False)
    other = make(folder, "other", issuer=authority, authority=False)
    by_authority = server_context(settings(ours, authority.certificate))
    handshake(by_authority, client_of(leaf, ours))
    handshake(by_authority, client_of(other, ours))
    only_one = server_context(settings(ours, leaf.certificate))
    handshake(only_one, client_of(leaf, ours))
    with pytest.raises(ssl.SSLError):
        handshake(only_one, client_of(other, ours))


def test_an_expired_modality_stays_outside(folder, ours):
    old = make(folder, "old", days=0)
    server = server_context(settings(ours, old.certificate))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(server, client_of(old, ours))


# ---- versions and ciphers ----


def test_bcp_195_is_tls_1_2_with_forward_secrecy_and_aead(ours):
    server = server_context(settings(ours, dicom_tls_remote_certificate_required=False))
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    for one in server.get_ciphers():
        assert one["aead"], one["name"]
        assert one["protocol"] == "TLSv1.3" or one["name"].startswith("ECDHE-"), one["name"]
        assert "PSK" not in one["name"]
    assert server.options & ssl.OP_NO_RENEGOTIATION
    assert server.options & ssl.OP_NO_COMPRESSION
    older = client_of(None, ours, ssl.TLSVersion.TLSv1_2)
    assert handshake(server, older)[0] == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2, "ECDHE+AES:!AESGCM"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_turned_away(ours):
    server = server_context(settings(ours, dicom_tls_remote_certificate_required=False))
    client = client_of(None, ours, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        handshake(server, client)


def with_version(mine, number, *ciphers):
    return settings(
        mine,
        dicom_tls_remote_certificate_required=False,
        dicom_tls_minimum_protocol_version=number,
        dicom_tls_ciphers_accepted=ciphers or None,
    )


@pytest.mark.parametrize(
    "name", ["ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
)
def test_ciphers_of_tls_1_2_by_both_names(ours, name):
    server = server_context(with_version(ours, 4, name))
    # What isn't named isn't spoken: so no TLS 1.3 either.
    assert handshake(server, client_of(None, ours)) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
    with pytest.raises(ssl.SSLError):
        handshake(
            server, client_of(None, ours, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256")
        )


def test_tls_1_3(ours):
    server = server_context(with_version(ours, 5, *TLS_1_3))
    assert handshake(server, client_of(None, ours))[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        handshake(server, client_of(None, ours, ssl.TLSVersion.TLSv1_2))
    also = server_context(with_version(ours, 4, *TLS_1_3))
    with pytest.raises(ssl.SSLError):
        handshake(also, client_of(None, ours, ssl.TLSVersion.TLSv1_2))
    both = server_context(with_version(ours, 4, *TLS_1_3, "ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert handshake(both, client_of(None, ours))[0] == "TLSv1.3"
    assert handshake(both, client_of(None, ours, ssl.TLSVersion.TLSv1_2))[0] == "TLSv1.2"


@pytest.mark.parametrize(
    ("number", "ciphers", "option", "text"),
    [
        (1, ["x"], "DicomTlsMinimumProtocolVersion", "RFC 8996"),
        (2, ["x"], "DicomTlsMinimumProtocolVersion", "RFC 8996"),
        (3, ["x"], "DicomTlsMinimumProtocolVersion", "RFC 8996"),
        (4, [], "DicomTlsCiphersAccepted", "needed"),
        (5, [], "DicomTlsCiphersAccepted", "needed"),
        (0, ["ECDHE-ECDSA-AES256-GCM-SHA384"], "DicomTlsCiphersAccepted", "BCP 195"),
        (4, ["nonsense"], "DicomTlsCiphersAccepted", "'nonsense'"),
        (4, ["ALL"], "DicomTlsCiphersAccepted", "'ALL'"),
        (4, ["AECDH-NULL-SHA"], "DicomTlsCiphersAccepted", "safe"),
        (4, ["TLS_RSA_WITH_NULL_SHA"], "DicomTlsCiphersAccepted", "safe"),
        (4, ["a\nb"], "DicomTlsCiphersAccepted", "a\\nb"),
        (5, ["ECDHE-ECDSA-AES256-GCM-SHA384"], "DicomTlsCiphersAccepted", "no suite of TLS 1.3"),
        (5, TLS_1_3[:1], "DicomTlsCiphersAccepted", "together"),
        # The key of the certificate is one of elliptic curves.
        (4, ["ECDHE-RSA-AES256-GCM-SHA384"], "DicomTlsCertificate", "none of the accepted"),
    ],
)
def test_versions_and_ciphers_that_stop_the_start(ours, number, ciphers, option, text):
    with pytest.raises(SettingsError) as caught:
        server_context(with_version(ours, number, *ciphers))
    assert caught.value.option == option
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- files ----


def stops(given, option, *texts):
    with pytest.raises(SettingsError) as caught:
        server_context(given)
    assert caught.value.option == option
    assert caught.value.where == ("configuration" if option not in given.origins else ORIGIN)
    for text in texts:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


def test_options_that_are_missing(ours, trusted):
    stops(settings(None, trusted), "DicomTlsCertificate", "needs it")
    stops(settings(ours, trusted, dicom_tls_private_key=None), "DicomTlsPrivateKey")
    stops(settings(ours, trusted, dicom_tls_certificate=None), "DicomTlsCertificate")
    stops(settings(ours), "DicomTlsTrustedCertificates", "DicomTlsRemoteCertificateRequired")


@pytest.mark.parametrize(
    "name", ["dicom_tls_certificate", "dicom_tls_private_key", "dicom_tls_trusted_certificates"]
)
def test_files_that_are_none(tmp_path, ours, trusted, name):
    option = "DicomTls" + "".join(part.title() for part in name.split("_")[2:])
    gone = tmp_path / "gone.pem"
    stops(settings(ours, trusted, **{name: gone}), option, str(gone), "No such file")
    stops(settings(ours, trusted, **{name: tmp_path}), option, str(tmp_path), "directory")
    other = tmp_path / "other.pem"
    for content in (b"", b"\0" * 100, b"-----BEGIN NONSENSE-----\n"):
        other.write_bytes(content)
        stops(settings(ours, trusted, **{name: other}), option, str(other), "in PEM form")


def test_files_that_are_damaged(tmp_path, ours, trusted):
    for name, file, option in (
        ("dicom_tls_certificate", ours.certificate, "DicomTlsCertificate"),
        ("dicom_tls_private_key", ours.key, "DicomTlsCertificate"),
        ("dicom_tls_trusted_certificates", trusted, "DicomTlsTrustedCertificates"),
    ):
        damaged = tmp_path / file.name
        damaged.write_bytes(file.read_bytes()[:150] + b"\n")
        stops(settings(ours, trusted, **{name: damaged}), option, str(damaged), "can't be used")


def test_a_key_of_another_certificate(ours, theirs, trusted):
    stops(
        settings(ours, trusted, dicom_tls_private_key=theirs.key),
        "DicomTlsPrivateKey",
        "is not the key",
    )


def test_a_key_with_a_passphrase_is_not_asked_for_on_the_terminal(folder, trusted):
    locked = make(folder, "locked", passphrase="geheim")
    stops(settings(locked, trusted), "DicomTlsPrivateKey", "passphrase")


def test_an_expired_certificate_of_ours(folder, trusted):
    old = make(folder, "past", days=0)
    stops(settings(old, trusted), "DicomTlsCertificate", "has expired")


def test_a_certificate_by_an_authority_and_one_with_an_rsa_key(folder, ours, theirs, trusted):
    authority = make(folder, "root")
    leaf = make(folder, "signed", issuer=authority, authority=False, kind="rsa")
    server = server_context(settings(leaf, trusted))
    handshake(server, client_of(theirs, authority))


# ---- the client ----


def server_of(certified, trusted=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified.certificate, certified.key)
    if trusted is not None:
        context.load_verify_locations(trusted.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize("required", [True, False])
def test_a_modality_must_show_a_trusted_certificate(ours, theirs, stranger, trusted, required):
    given = settings(ours, trusted, dicom_tls_remote_certificate_required=required)
    client = client_context(given, PEER)
    assert not client.check_hostname
    handshake(server_of(theirs, ours), client)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_of(stranger), client)


def test_our_own_certificate_is_not_needed_as_a_client(theirs, ours, trusted):
    client = client_context(settings(None, trusted, dicom_tls_enabled=False), PEER)
    handshake(server_of(theirs), client)
    with pytest.raises(ssl.SSLError):
        handshake(server_of(theirs, ours), client)


def test_without_anybody_to_trust_there_is_no_client(ours):
    for required in (True, False):
        given = settings(ours, dicom_tls_remote_certificate_required=required)
        with pytest.raises(SettingsError, match="PACS") as caught:
            client_context(given, PEER)
        assert caught.value.option == "DicomTlsTrustedCertificates"


def test_modalities_with_tls_are_looked_at_when_the_server_starts(ours, trusted):
    plain = Modality(aet="CT", host="192.0.2.2", port=104)
    check_clients(settings(ours), [plain])
    check_clients(settings(ours, trusted), [plain, PEER])
    with pytest.raises(SettingsError, match="PACS"):
        check_clients(settings(ours), [plain, PEER])


def test_a_key_without_its_certificate_as_a_client(ours, trusted):
    given = settings(ours, trusted, dicom_tls_certificate=None)
    with pytest.raises(SettingsError) as caught:
        client_context(given, PEER)
    assert caught.value.option == "DicomTlsCertificate"


def test_both_ends_of_ours_speak_with_each_other(folder, ours, theirs, trusted):
    server = server_context(settings(theirs, ours.certificate))
    assert handshake(server, client_context(settings(ours, trusted), PEER))[0] == "TLSv1.3"
