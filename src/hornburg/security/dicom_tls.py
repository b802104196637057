"""TLS on the DICOM network, from the ``DicomTls...`` options (Orthanc's Book, "Configuring DICOM
TLS").

What the other side shows is checked against ``DicomTlsTrustedCertificates`` alone: each
certificate in that file is trusted, whether it is an authority or a single modality. Host names
are not compared with certificates: modalities are known by address, and their certificates rarely
name it. Nobody but the holder of a trusted certificate's key gets through, so the file should
name modalities or an authority of the site's own, never a public authority.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path

from hornburg.security.addresses import dicom_addresses
from hornburg.security.tls_ciphers import choose_ciphers
from hornburg.security.tls_probe import Unfit, probe
from hornburg.settings import Modality, Settings, SettingsError

__all__ = ["check_clients", "client_context", "dicom_addresses", "server_context"]

#: DicomTlsMinimumProtocolVersion as Orthanc counts: 1 SSL 3, 2 TLS 1.0, 3 TLS 1.1, then these.
_VERSIONS = {4: ssl.TLSVersion.TLSv1_2, 5: ssl.TLSVersion.TLSv1_3}

#: A file of certificates of every modality in a large hospital; more is another kind of file.
_LARGEST_FILE = 16 << 20


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS of the DICOM server; ``None`` when it speaks without.

    Raises:
        SettingsError: an option is missing, or its file can't be used, with the option's name.
    """
    if not settings.dicom_tls_enabled:
        return None
    context = _context(settings, ssl.PROTOCOL_TLS_SERVER)
    if settings.dicom_tls_certificate is None:
        raise _error(settings, "DicomTlsCertificate", "a DICOM server with TLS needs it")
    _take_certificate(settings, context)
    if settings.dicom_tls_remote_certificate_required:
        if settings.dicom_tls_trusted_certificates is None:
            raise _error(
                settings,
                "DicomTlsTrustedCertificates",
                "needed to know whose certificates to let in, as long as "
                "DicomTlsRemoteCertificateRequired is true",
            )
        _take_trusted(settings, context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(settings: Settings, modality: Modality) -> ssl.SSLContext:
    """The TLS towards a modality with ``UseDicomTls``.

    The modality must show a trusted certificate, whatever ``DicomTlsRemoteCertificateRequired``
    says: without that, anybody could answer in its place. We show ours when there is one.

    Raises:
        SettingsError: an option is missing, or its file can't be used, with the option's name.
    """
    context = _context(settings, ssl.PROTOCOL_TLS_CLIENT)
    # Before CERT_REQUIRED, which it may not contradict; see the top of this module.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    if settings.dicom_tls_trusted_certificates is None:
        raise _error(
            settings,
            "DicomTlsTrustedCertificates",
            f"needed to recognise {modality.aet}, which has UseDicomTls",
        )
    _take_trusted(settings, context)
    if settings.dicom_tls_certificate is not None or settings.dicom_tls_private_key is not None:
        _take_certificate(settings, context)
    return context


def check_clients(settings: Settings, modalities: Iterable[Modality]) -> None:
    """See at the start, and not at the first call, that modalities with ``UseDicomTls`` can be
    called.

    Raises:
        SettingsError: as :func:`client_context`.
    """
    for modality in modalities:
        if modality.use_dicom_tls:
            client_context(settings, modality)
            return  # all of them share the options


def _context(settings: Settings, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    # RFC 9325 3.3 and 3.5: neither compression nor renegotiation.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # A single modality's certificate in the trusted file is trusted without its authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    number = settings.dicom_tls_minimum_protocol_version
    names = settings.dicom_tls_ciphers_accepted
    if 0 < number < min(_VERSIONS):
        raise _error(
            settings,
            "DicomTlsMinimumProtocolVersion",
            "versions before TLS 1.2 are broken and must not be used (RFC 8996); allowed is 0 "
            "(BCP 195), 4 (TLS 1.2) or 5 (TLS 1.3)",
            str(number),
        )
    context.minimum_version = _VERSIONS.get(number, ssl.TLSVersion.TLSv1_2)
    if number and not names:
        raise _error(
            settings,
            "DicomTlsCiphersAccepted",
            "needed when DicomTlsMinimumProtocolVersion is not 0",
        )
    if not number and names:
        raise _error(
            settings,
            "DicomTlsCiphersAccepted",
            "DicomTlsMinimumProtocolVersion 0 (BCP 195) has ciphers of its own; set it to 4 or 5",
        )
    try:
        choose_ciphers(context, names or ())
    except Unfit as no:
        raise _error(settings, "DicomTlsCiphersAccepted", str(no)) from None
    return context


def _take_certificate(settings: Settings, context: ssl.SSLContext) -> None:
    """Load our certificate and key, and see in a handshake with ourselves that they work."""
    certificate, key = settings.dicom_tls_certificate, settings.dicom_tls_private_key
    if certificate is None:
        raise _error(settings, "DicomTlsCertificate", "the certificate of DicomTlsPrivateKey")
    if key is None:
        raise _error(settings, "DicomTlsPrivateKey", "the key of DicomTlsCertificate, in PEM form")
    _readable(settings, "DicomTlsCertificate", certificate, (b"CERTIFICATE",))
    _readable(settings, "DicomTlsPrivateKey", key, (b"PRIVATE KEY",))
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except _LockedError:
        raise _error(
            settings, "DicomTlsPrivateKey", f"{key} has a passphrase: store it without one"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"{key} is not the key of the certificate in {certificate}"
            raise _error(settings, "DicomTlsPrivateKey", what) from None
        what = f"{certificate} or {key} can't be used: {_reason(error)}"
        raise _error(settings, "DicomTlsCertificate", what) from None
    try:
        probe(context, certificate, key)
    except Unfit as no:
        raise _error(settings, "DicomTlsCertificate", f"{certificate} {no}") from None


def _take_trusted(settings: Settings, context: ssl.SSLContext) -> None:
    option, path = "DicomTlsTrustedCertificates", settings.dicom_tls_trusted_certificates
    assert path is not None
    _readable(settings, option, path, (b"CERTIFICATE",))
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise _error(settings, option, f"{path} can't be used: {_reason(error)}") from None


class _LockedError(Exception):
    """OpenSSL asks for a passphrase; without us it would ask on the terminal."""


def _no_password() -> str:
    raise _LockedError


def _readable(settings: Settings, option: str, path: Path, words: Sequence[bytes]) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise _error(settings, option, f"can't read {path}: {error.strerror}") from None
    if len(head) > _LARGEST_FILE or not any(b"-----BEGIN" in head and w in head for w in words):
        kind = words[0].decode().lower()
        raise _error(settings, option, f"{path} holds no {kind} in PEM form")


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or "unknown"
    return str(reason).replace("_", " ").lower()


def _error(settings: Settings, option: str, text: str, value: str | None = None) -> SettingsError:
    where = settings.origins.get(option, "configuration")
    return SettingsError(where, text, option=option, value=value)
