"""Who may come in over HTTP, and how the connection is protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from hornburg.settings.rows import Row, Secret
from hornburg.settings.sections import read_users
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
            "Whether requests need a name and a password; null means the same as "
            "RemoteAccessAllowed.",
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
        bool,
        Row(
            "SslEnabled",
            "Whether the HTTP server speaks HTTPS.",
            supported=False,
            vital=True,
        ),
    ] = False
    ssl_certificate: Annotated[
        Path,
        Row(
            "SslCertificate",
            "PEM file with the certificate and the private key of the HTTP server.",
            supported=False,
        ),
    ] = Path("certificate.pem")
    ssl_minimum_protocol_version: Annotated[
        int,
        Row(
            "SslMinimumProtocolVersion",
            "Oldest TLS version accepted: 2 is TLS 1.0, 3 is 1.1, 4 is 1.2, 5 is 1.3.",
            least=0,
            most=5,
            supported=False,
        ),
    ] = 4
    ssl_ciphers_accepted: Annotated[
        tuple[str, ...] | None,
        Row(
            "SslCiphersAccepted",
            "Ciphers of the HTTP server by their OpenSSL names; null means a safe choice.",
            supported=False,
        ),
    ] = None
    ssl_verify_peers: Annotated[
        bool,
        Row(
            "SslVerifyPeers",
            "Whether clients must show a certificate that is trusted.",
            supported=False,
            vital=True,
        ),
    ] = False
    ssl_trusted_client_certificates: Annotated[
        Path,
        Row(
            "SslTrustedClientCertificates",
            "PEM file with the certificates that client certificates must come from.",
            supported=False,
        ),
    ] = Path("trustedClientCertificates.pem")
