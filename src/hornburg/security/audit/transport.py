"""What crosses the network over HTTP, in both directions."""

from __future__ import annotations

from pathlib import Path

from hornburg.security.audit.check import (
    Check,
    Facts,
    Verdict,
    failed,
    line_of,
    passed,
    warned,
)
from hornburg.security.certificates import certificate_findings
from hornburg.settings.transport import crosses_in_clear, wide_networks

__all__ = ["CHECKS"]

#: A server works with these, and nobody should.
_BAD = frozenset({"expired", "key-exposed", "not-yet-valid", "weak"})

#: What is said of a certificate whose key is somewhere else, maybe under a passphrase.
_OF_THE_CERTIFICATE = frozenset(
    {"unreadable", "no-certificate", "damaged", "expired", "not-yet-valid", "expires-soon", "weak"}
)


def _https(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    if not settings.http_server_enabled:
        return passed("the HTTP server is off (HttpServerEnabled)")
    if settings.ssl_enabled:
        if settings.ssl_minimum_protocol_version < 4:
            return failed("TLS older than 1.2", line_of("SslMinimumProtocolVersion", 4))
        return passed("HTTPS with TLS 1.2 or newer")
    fix = line_of("SslEnabled", True) + ", " + line_of("SslCertificate", "certificate.pem")
    if settings.remote_access_allowed and settings.trusted_proxies:
        return warned(
            "HTTPS is left to a reverse proxy (TrustedProxies); between it and this server "
            "passwords and images are in clear",
            line_of("RemoteAccessAllowed", False) + " with the proxy on this machine, or " + fix,
        )
    if settings.remote_access_allowed:
        return failed("passwords and images cross the network in clear", fix)
    return passed("HTTP does not leave the machine")


def _certificates(facts: Facts) -> list[Verdict]:
    settings = facts.settings
    used: list[tuple[str, Path, Path | None]] = []
    if settings.ssl_enabled:
        used.append(("SslCertificate", settings.ssl_certificate, settings.ssl_private_key))
    if settings.dicom_tls_enabled and settings.dicom_tls_certificate:
        used.append(
            (
                "DicomTlsCertificate",
                settings.dicom_tls_certificate,
                settings.dicom_tls_private_key,
            )
        )
    verdicts = []
    for option, path, key in used:
        for finding in certificate_findings(path, key, facts.now):
            grade = failed if finding.fatal or finding.code in _BAD else warned
            verdicts.append(grade(finding.text, f"a new file for {option}"))
    shown = _shown_to_others(facts)
    for option, path in shown:
        for finding in certificate_findings(path, None, facts.now):
            if finding.code in _OF_THE_CERTIFICATE:
                grade = failed if finding.fatal or finding.code in _BAD else warned
                verdicts.append(grade(finding.text, f"a new file for {option}"))
    if not used and not shown:
        return [passed("no certificate is used")]
    return verdicts or [passed("certificates are valid, with a key that is theirs alone")]


def _shown_to_others(facts: Facts) -> list[tuple[str, Path]]:
    """The certificates that this server shows when it asks others, and where they are named."""
    found = [
        (f"OrthancPeers.{name}.CertificateFile", Path(peer.certificate_file))
        for name, peer in sorted(facts.settings.orthanc_peers.items())
        if peer.certificate_file
    ]
    syslog = facts.settings.trail.syslog
    if syslog is not None and syslog.certificate is not None:
        found.append(("AuditTrail.Syslog.Certificate", syslog.certificate))
    return found


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
        if not crosses_in_clear(peer.url):
            continue
        fix = f"a URL that starts with https:// in OrthancPeers.{name}"
        if peer.password is not None or peer.http_headers:
            verdicts.append(failed(f"peer {name}: its password crosses the network in clear", fix))
        else:
            verdicts.append(warned(f"peer {name}: images cross the network in clear", fix))
    return verdicts or [passed("peers are asked over HTTPS, or on this machine")]


def _peer_hosts(facts: Facts) -> Verdict:
    settings = facts.settings
    if settings.allowed_peer_hosts:
        return passed("peers that are added by REST are of listed hosts")
    if settings.serves_http_to_others or settings.orthanc_peers_in_database:
        return warned(
            "who may change settings can have this server ask any other",
            line_of("AllowedPeerHosts", ["192.0.2.20"]),
        )
    return passed("only this machine may add peers")


def _proxies(facts: Facts) -> Verdict:
    trusted = facts.settings.trusted_proxies
    if not trusted:
        return passed("nobody is believed to speak for others")
    wide = wide_networks(trusted)
    if wide:
        return failed(
            f"everybody in {wide[0]} may claim any address",
            line_of("TrustedProxies", ["192.0.2.30"]) + " with the address of the proxy alone",
        )
    return passed("the addresses of the reverse proxies are listed")


def _origins(facts: Facts) -> Verdict:
    origins = facts.settings.cors_allowed_origins
    clear = [origin for origin in origins if crosses_in_clear(origin)]
    if clear:
        return warned(
            f"pages of {clear[0]} may use this server, and anybody on the way can change them",
            line_of("CorsAllowedOrigins", ["https://viewer.example"]),
        )
    if origins:
        return passed("pages of " + ", ".join(origins[:5]) + " may use this server")
    return passed("pages of other sites may not use this server")


CHECKS = (
    Check(
        "https",
        "HTTP is encrypted",
        "Without TLS everybody on the way reads passwords and images.",
        _https,
    ),
    Check(
        "certificates",
        "Certificates are valid",
        "An expired certificate teaches people to click warnings away.",
        _certificates,
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
    Check(
        "peer-hosts",
        "REST can't send this server anywhere",
        "A server inside of a network reaches what the one who asks does not.",
        _peer_hosts,
    ),
    Check(
        "proxies",
        "Only proxies speak for others",
        "Rules by address and the audit trail are worth what the address is worth.",
        _proxies,
    ),
    Check(
        "origins",
        "Pages of other sites are listed",
        "Their pages act with the rights of whoever looks at them.",
        _origins,
    ),
)
