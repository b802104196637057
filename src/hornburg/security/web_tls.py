"""HTTPS of our own server, from the ``Ssl...`` options (Orthanc's Book, "HTTPS encryption"), and
who shows a certificate to it.

With ``SslVerifyPeers`` nobody gets through the handshake but holders of keys whose certificates,
or whose authorities' certificates, are in ``SslTrustedClientCertificates``.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from hornburg.security.tls_ciphers import choose_ciphers
from hornburg.security.tls_files import (
    VERSIONS,
    new_context,
    settings_error,
    take_certificate,
    take_trusted,
)
from hornburg.security.tls_probe import Unfit
from hornburg.settings import Settings

__all__ = ["ClientCertificate", "client_certificate", "server_context", "server_files", "user_of"]

log = logging.getLogger("hornburg.security")

#: What the library raises for certificates that are not as RFC 5280 has them.
_UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

#: Names that are looked at in one certificate; each is a look-up for each request.
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a verified certificate of a client says of its holder.

    Attributes:
        subject: as RFC 4514 writes it, the most special part first: ``CN=alice,O=Hospital``.
        names: what ``SslCertificateUsers`` may call it: the subject, each of its common names as
            ``CN=...``, and the alternative names as ``DNS:...`` (lower case), ``email:...`` and
            ``URI:...``.
    """

    subject: str
    names: tuple[str, ...]


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS of the HTTP server; ``None`` when it speaks without.

    Raises:
        SettingsError: an option is wrong or missing, or its file can't be used.
    """
    users = settings.ssl_certificate_users or {}
    for name in users:
        if _canonical(name) is None:
            text = f"{name[:80]!a} is no name as certificates have it (RFC 4514)"
            raise settings_error(settings, "SslCertificateUsers", text)
    if users and not (settings.ssl_enabled and settings.ssl_verify_peers):
        text = "certificates tell who somebody is only with SslEnabled and SslVerifyPeers"
        raise settings_error(settings, "SslCertificateUsers", text)
    if not settings.ssl_enabled:
        if settings.ssl_verify_peers:
            text = "nobody shows a certificate without SslEnabled"
            raise settings_error(settings, "SslVerifyPeers", text, "true")
        return None
    context = new_context(ssl.PROTOCOL_TLS_SERVER)
    _choose_version(settings, context)
    try:
        choose_ciphers(context, settings.ssl_ciphers_accepted or (), newer_stay=True)
    except Unfit as no:
        raise settings_error(settings, "SslCiphersAccepted", str(no)) from None
    # RFC 9325 3.7: nothing that is meant for another protocol is taken for HTTP.
    context.set_alpn_protocols(["http/1.1"])
    take_certificate(
        settings,
        context,
        ("SslCertificate", settings.ssl_certificate),
        ("SslPrivateKey", settings.ssl_private_key),
    )
    if settings.ssl_verify_peers:
        trusted = settings.ssl_trusted_client_certificates
        take_trusted(settings, context, "SslTrustedClientCertificates", trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def server_files(settings: Settings) -> tuple[Path, ...]:
    """The files that :func:`server_context` reads."""
    if not settings.ssl_enabled:
        return ()
    trusted = settings.ssl_trusted_client_certificates if settings.ssl_verify_peers else None
    files = (settings.ssl_certificate, settings.ssl_private_key, trusted)
    return tuple(file for file in files if file is not None)


def _choose_version(settings: Settings, context: ssl.SSLContext) -> None:
    number = settings.ssl_minimum_protocol_version
    if number not in VERSIONS:
        raise settings_error(
            settings,
            "SslMinimumProtocolVersion",
            "versions before TLS 1.2 are broken and must not be used (RFC 8996); allowed is 4 "
            "(TLS 1.2) or 5 (TLS 1.3)",
            str(number),
        )
    context.minimum_version = VERSIONS[number]


def client_certificate(der: bytes) -> ClientCertificate | None:
    """Read a certificate that TLS has verified; ``None`` when its names can't be read, so that it
    names nobody.

    Args:
        der: as ``ssl.SSLSocket.getpeercert(binary_form=True)`` gives it.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        names = [subject, *_common_names(certificate.subject)]
        names += _alternative_names(certificate)
    except _UNREADABLE as error:
        log.warning("the names in the certificate of a client can't be read: %r", error)
        return None
    found = tuple(dict.fromkeys(name for name in names if name))
    if len(found) > _MOST_NAMES:
        log.warning("the certificate of a client has %d names", len(found))
        return None
    return ClientCertificate(subject, found)


def user_of(certificate: ClientCertificate | None, users: Mapping[str, str]) -> str | None:
    """The user that a certificate names (``SslCertificateUsers``); ``None`` when it names nobody,
    or several users, because then nobody can say which of them it is."""
    if certificate is None or not users:
        return None
    known = _by_name(tuple(users.items()))
    found = {known[name] for name in certificate.names if name in known}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=4)
def _by_name(users: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """The users by the names as :class:`ClientCertificate` writes them."""
    found: dict[str, str] = {}
    for name, user in users:
        canonical = _canonical(name)
        if canonical is not None and found.setdefault(canonical, user) != user:
            log.error("SslCertificateUsers says twice who %s is; it is nobody", canonical)
            found[canonical] = ""
    return {name: user for name, user in found.items() if user}


def _canonical(name: str) -> str | None:
    """A name of ``SslCertificateUsers`` as :class:`ClientCertificate` writes it."""
    kind, colon, rest = name.partition(":")
    if colon and kind in ("DNS", "email", "URI"):
        return _alternative(kind, rest)
    try:
        return x509.Name.from_rfc4514_string(name).rfc4514_string() or None
    except ValueError:
        return None


def _common_names(subject: x509.Name) -> Iterable[str]:
    for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield x509.Name([attribute]).rfc4514_string()


def _alternative_names(certificate: x509.Certificate) -> Iterable[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    for name in extension.value:
        found = None
        if isinstance(name, x509.DNSName):
            found = _alternative("DNS", name.value)
        elif isinstance(name, x509.RFC822Name):
            found = _alternative("email", name.value)
        elif isinstance(name, x509.UniformResourceIdentifier):
            found = _alternative("URI", name.value)
        if found:
            yield found


def _alternative(kind: str, value: str) -> str | None:
    """One spelling of what is the same (RFC 5280 7.2, 7.5): upper case means nothing in the name
    of a host, and something in the part of an address before its @."""
    if not value or not value.isprintable():
        return None
    if kind == "DNS":
        value = value.lower()
    elif kind == "email":
        local, at, host = value.rpartition("@")
        value = local + at + host.lower()
    return f"{kind}:{value}"
