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
from collections.abc import Iterable
from pathlib import Path

from hornburg.security.addresses import dicom_addresses
from hornburg.security.tls_ciphers import choose_ciphers
from hornburg.security.tls_files import (
    VERSIONS,
    new_context,
    settings_error,
    take_certificate,
    take_trusted,
)
from hornburg.security.tls_probe import Unfit
from hornburg.settings import Modality, Settings

__all__ = ["check_clients", "client_context", "dicom_addresses", "server_context", "server_files"]


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS of the DICOM server; ``None`` when it speaks without.

    Raises:
        SettingsError: an option is missing, or its file can't be used, with the option's name.
    """
    if not settings.dicom_tls_enabled:
        return None
    context = _context(settings, ssl.PROTOCOL_TLS_SERVER)
    if settings.dicom_tls_certificate is None:
        raise settings_error(settings, "DicomTlsCertificate", "a DICOM server with TLS needs it")
    _take_certificate(settings, context)
    if settings.dicom_tls_remote_certificate_required:
        trusted = settings.dicom_tls_trusted_certificates
        if trusted is None:
            raise settings_error(
                settings,
                "DicomTlsTrustedCertificates",
                "needed to know whose certificates to let in, as long as "
                "DicomTlsRemoteCertificateRequired is true",
            )
        take_trusted(settings, context, "DicomTlsTrustedCertificates", trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def server_files(settings: Settings) -> tuple[Path, ...]:
    """The files that :func:`server_context` reads, the certificate first."""
    if not settings.dicom_tls_enabled:
        return ()
    required = settings.dicom_tls_remote_certificate_required
    trusted = settings.dicom_tls_trusted_certificates if required else None
    files = (settings.dicom_tls_certificate, settings.dicom_tls_private_key, trusted)
    return tuple(file for file in files if file is not None)


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
    trusted = settings.dicom_tls_trusted_certificates
    if trusted is None:
        raise settings_error(
            settings,
            "DicomTlsTrustedCertificates",
            f"needed to recognise {modality.aet}, which has UseDicomTls",
        )
    take_trusted(settings, context, "DicomTlsTrustedCertificates", trusted)
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
    context = new_context(protocol)
    number = settings.dicom_tls_minimum_protocol_version
    names = settings.dicom_tls_ciphers_accepted
    if 0 < number < min(VERSIONS):
        raise settings_error(
            settings,
            "DicomTlsMinimumProtocolVersion",
            "versions before TLS 1.2 are broken and must not be used (RFC 8996); allowed is 0 "
            "(BCP 195), 4 (TLS 1.2) or 5 (TLS 1.3)",
            str(number),
        )
    context.minimum_version = VERSIONS.get(number, ssl.TLSVersion.TLSv1_2)
    if number and not names:
        raise settings_error(
            settings,
            "DicomTlsCiphersAccepted",
            "needed when DicomTlsMinimumProtocolVersion is not 0",
        )
    if not number and names:
        raise settings_error(
            settings,
            "DicomTlsCiphersAccepted",
            "DicomTlsMinimumProtocolVersion 0 (BCP 195) has ciphers of its own; set it to 4 or 5",
        )
    try:
        choose_ciphers(context, names or ())
    except Unfit as no:
        raise settings_error(settings, "DicomTlsCiphersAccepted", str(no)) from None
    return context


def _take_certificate(settings: Settings, context: ssl.SSLContext) -> None:
    certificate, key = settings.dicom_tls_certificate, settings.dicom_tls_private_key
    if certificate is None:
        text = "the certificate of DicomTlsPrivateKey"
        raise settings_error(settings, "DicomTlsCertificate", text)
    if key is None:
        text = "the key of DicomTlsCertificate, in PEM form"
        raise settings_error(settings, "DicomTlsPrivateKey", text)
    take_certificate(
        settings, context, ("DicomTlsCertificate", certificate), ("DicomTlsPrivateKey", key)
    )
