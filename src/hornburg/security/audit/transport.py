"""What crosses the network over HTTP, in both directions."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hornburg.security.audit.check import (
    Check,
    Facts,
    Verdict,
    failed,
    line_of,
    passed,
    warned,
)

__all__ = ["CHECKS"]


def _https(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    if not settings.http_server_enabled:
        return passed("the HTTP server is off (HttpServerEnabled)")
    if settings.ssl_enabled:
        if settings.ssl_minimum_protocol_version < 4:
            return failed("TLS older than 1.2", line_of("SslMinimumProtocolVersion", 4))
        return passed("HTTPS with TLS 1.2 or newer")
    fix = line_of("SslEnabled", True) + ", " + line_of("SslCertificate", "certificate.pem")
    if settings.remote_access_allowed:
        return failed("passwords and images cross the network in clear", fix)
    return passed("HTTP does not leave the machine")


def _client_certificates(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.ssl_verify_peers:
        return passed("clients need no certificate; users show who they are")
    if not settings.ssl_enabled:
        return failed(
            "SslVerifyPeers asks for certificates that plain HTTP can't show",
            line_of("SslEnabled", True),
        )
    return passed("clients show a certificate")


def _verify(facts: Facts) -> Verdict:
    if facts.settings.https_verify_peers:
        return passed("servers that we ask must show a trusted certificate")
    return failed(
        "whoever answers instead of a peer gets its images and passwords",
        line_of("HttpsVerifyPeers", True),
    )


def _peers(facts: Facts) -> list[Verdict]:
    verdicts = []
    for name, peer in sorted(facts.settings.orthanc_peers.items()):
        parts = urlsplit(peer.url)
        if parts.scheme == "https" or _is_local(parts.hostname or ""):
            continue
        fix = f"a URL that starts with https:// in OrthancPeers.{name}"
        if peer.password is not None or peer.http_headers:
            verdicts.append(failed(f"peer {name}: its password crosses the network in clear", fix))
        else:
            verdicts.append(warned(f"peer {name}: images cross the network in clear", fix))
    return verdicts or [passed("peers are asked over HTTPS, or on this machine")]


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CHECKS = (
    Check(
        "https",
        "HTTP is encrypted",
        "Without TLS everybody on the way reads passwords and images.",
        _https,
    ),
    Check(
        "https-clients",
        "Client certificates are asked for over HTTPS",
        "Half of a setting protects nobody.",
        _client_certificates,
    ),
    Check(
        "https-verify",
        "Certificates of others are checked",
        "TLS without a check encrypts for the attacker.",
        _verify,
    ),
    Check(
        "peers",
        "Peers are asked over HTTPS",
        "What is sent to a peer crosses the same network.",
        _peers,
    ),
)
