"""Keys and certificates that a test makes for itself, with the openssl command."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certified:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


def make(
    folder: Path,
    name: str,
    *,
    days: int = 2,
    issuer: Certified | None = None,
    authority: bool = True,
    passphrase: str = "",
    kind: str = "ec",
    names: str = "",
    subject: str = "",
    purpose: str = "",
) -> Certified:
    """A certificate of ``name``, by its own key or by ``issuer``; ``days=0`` has expired.

    ``names`` are those of a server, as OpenSSL writes them: ``DNS:localhost,IP:127.0.0.1``;
    ``subject`` is ``/CN=name`` unless given, ``purpose`` the extended key usage (``serverAuth``).
    """
    made = Certified(folder / f"{name}.crt", folder / f"{name}.key")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    signed = []
    if issuer is not None:
        signed = ["-CA", str(issuer.certificate), "-CAkey", str(issuer.key)]
    _openssl(
        "req",
        "-x509",
        *(curve if kind == "ec" else ["-newkey", "rsa:2048" if kind == "rsa" else kind]),
        *(["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]),
        "-keyout",
        str(made.key),
        "-out",
        str(made.certificate),
        "-days",
        str(days or 1),
        "-subj",
        subject or f"/CN={name}",
        *(["-addext", f"extendedKeyUsage={purpose}"] if purpose else []),
        "-addext",
        f"basicConstraints=critical,CA:{'TRUE' if authority else 'FALSE'}",
        *(["-addext", f"subjectAltName={names}"] if names else []),
        *signed,
    )
    if not days:
        # What "req" refuses: a certificate that ends as it begins.
        written = str(made.certificate)
        again = ("-in", written, "-signkey", str(made.key), "-days", "0", "-out", written)
        _openssl("x509", *again)
    return made


def joined(path: Path, *certificates: Certified) -> Path:
    """A file that trusts all of them."""
    path.write_bytes(b"".join(one.certificate.read_bytes() for one in certificates))
    return path


def whole(path: Path, certified: Certified) -> Path:
    """One file with the key and the certificate, as SslCertificate wants it."""
    path.write_bytes(certified.key.read_bytes() + certified.certificate.read_bytes())
    path.chmod(0o600)
    return path


def _openssl(*arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
