"""Who may come in over HTTP, and how the connection is protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from hornburg.settings.rows import Row, Secret
from hornburg.settings.sections import read_users
from hornburg.settings.transport import read_certificate_users
from hornburg.settings.values import SecurityProfile

__all__ = ["AccessOptions", "TlsOptions"]


@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """Who may come in."""

    remote_access_allowed: Annotated[
        bool,
        Row(
            "RemoteAccessAllowed",
            "Whether other machines may connect; while false, only the loopback is listened on.",
        ),
    ] = False
    authentication_enabled: Annotated[
        bool | None,
        Row(
            "AuthenticationEnabled",
            "Whether requests need a name and a password; null means that they do when "
            "others may come in (RemoteAccessAllowed, TrustedProxies).",
        ),
    ] = None
    registered_users: Annotated[
        Mapping[str, Secret] | None,
        Row(
            "RegisteredUsers",
            "Users and their passwords, in plain text or as argon2id hash ($argon2id$...).",
            read=read_users,
            allowed='an object { "name": "password" }',
            secret=True,
            text_leaves=True,
        ),
    ] = None
    security_profile: Annotated[
        SecurityProfile,
        Row(
            "SecurityProfile",
            "Which defaults hold: those of Orthanc, or stricter ones; what contradicts these stops "
            "the start (HardenedExceptions).",
            ours=True,
        ),
    ] = SecurityProfile.DEFAULT


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """HTTPS of our own server."""

    ssl_enabled: Annotated[
        bool, Row("SslEnabled", "Whether the HTTP server speaks HTTPS, and nothing else.")
    ] = False
    ssl_certificate: Annotated[
        Path,
        Row(
            "SslCertificate",
            "PEM file with the certificate of the HTTP server and those of its authorities, and "
            "with the private key unless SslPrivateKey names it.",
        ),
    ] = Path("certificate.pem")
    ssl_private_key: Annotated[
        Path | None,
        Row(
            "SslPrivateKey",
            "PEM file with the private key of the HTTP server, without passphrase; null means "
            "that SslCertificate holds it too.",
            ours=True,
        ),
    ] = None
    ssl_minimum_protocol_version: Annotated[
        int,
        Row(
            "SslMinimumProtocolVersion",
            "Oldest TLS version that is spoken: 4 is TLS 1.2, 5 is TLS 1.3; older ones are refused.",
            least=0,
            most=5,
        ),
    ] = 4
    ssl_ciphers_accepted: Annotated[
        tuple[str, ...] | None,
        Row(
            "SslCiphersAccepted",
            "Ciphers of the HTTP server by their OpenSSL names; null means forward secrecy and "
            "authenticated encryption alone; the ciphers of TLS 1.3 stay as they are.",
        ),
    ] = None
    ssl_verify_peers: Annotated[
        bool,
        Row("SslVerifyPeers", "Whether clients must show a certificate that is trusted."),
    ] = False
    ssl_trusted_client_certificates: Annotated[
        Path,
        Row(
            "SslTrustedClientCertificates",
            "PEM file with the certificates of clients, or of their authorities.",
        ),
    ] = Path("trustedClientCertificates.pem")
    ssl_certificate_users: Annotated[
        Mapping[str, str] | None,
        Row(
            "SslCertificateUsers",
            "Which user the holder of a certificate is, by its subject (RFC 4514), its common "
            "name, or one of its alternative names; needs SslVerifyPeers.",
            read=read_certificate_users,
            allowed='an object { "CN=...", "DNS:...", "email:..." or "URI:...": "user" }',
            ours=True,
            text_leaves=True,
        ),
    ] = None
