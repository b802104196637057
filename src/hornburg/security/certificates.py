"""What is wrong, or will soon be wrong, with a certificate and its key.

The start of the server, the configuration's audit and the look at new files all ask here.
"""

from __future__ import annotations

import datetime
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["LARGEST_FILE", "NOTICE", "Finding", "certificate_findings"]

#: A file of certificates of every modality in a large hospital; more is another kind of file.
LARGEST_FILE = 16 << 20

#: How long before its end a certificate is spoken of. Let's Encrypt renews 30 days before.
NOTICE = datetime.timedelta(days=30)

#: RFC 9325 4.5.
_SHORTEST_RSA_KEY = 2048
_BROKEN_HASHES = (hashes.SHA1, hashes.MD5)

_KEY = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY)-----.{1,100000}?-----END \1-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: a word for programs: ``unreadable``, ``no-certificate``, ``damaged``, ``no-key``,
            ``locked``, ``mismatch``, ``expired``, ``not-yet-valid``, ``expires-soon``, ``chain``,
            ``weak``, ``key-exposed``.
        fatal: a server can't work with it, as against what only should be better.
        text: one line for the operator, which begins with the file.
    """

    code: str
    fatal: bool
    text: str


def certificate_findings(
    path: Path, key_path: Path | None, now: datetime.datetime
) -> list[Finding]:
    """Look at the certificate of a server, at those that follow it in the file, and at the key.

    Args:
        path: PEM file with the certificate first, then those of its authorities.
        key_path: PEM file with the private key; ``None`` when ``path`` holds it.
        now: with a time zone.
    """
    content = _read(path)
    if isinstance(content, Finding):
        return [content]
    try:
        chain = x509.load_pem_x509_certificates(content)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        if b"-----BEGIN CERTIFICATE-----" not in content:
            return [Finding("no-certificate", True, f"{path} holds no certificate in PEM form")]
        return [Finding("damaged", True, f"{path} holds a damaged certificate: {_line(error)}")]
    found = _dates(path, chain[0], now)
    found += _strength(path, chain[0])
    for authority in chain[1:]:
        if authority.not_valid_after_utc < now:
            name = _line(authority.subject.rfc4514_string())
            found.append(Finding("chain", False, f"{path}: the authority {name} has expired"))
    return found + _key_findings(path, key_path, content, chain[0])


def _read(path: Path) -> bytes | Finding:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        return Finding("unreadable", True, f"can't read {path}: {error.strerror}")
    if len(content) > LARGEST_FILE:
        return Finding("unreadable", True, f"{path} is too large to be a file of certificates")
    return content


def _dates(path: Path, certificate: x509.Certificate, now: datetime.datetime) -> list[Finding]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends < now:
        return [Finding("expired", True, f"{path} has expired on {ends:%Y-%m-%d}")]
    if begins > now:
        text = f"{path} is not valid before {begins:%Y-%m-%d %H:%M} UTC: is the clock right?"
        return [Finding("not-yet-valid", True, text)]
    if ends - now < NOTICE:
        text = f"{path} expires on {ends:%Y-%m-%d}, in {(ends - now).days} days"
        return [Finding("expires-soon", False, text)]
    return []


def _strength(path: Path, certificate: x509.Certificate) -> list[Finding]:
    try:
        key = certificate.public_key()
        signed_with = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return []
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SHORTEST_RSA_KEY:
        text = f"{path}: a key of {key.key_size} bits can be broken; use 2048 or more"
        return [Finding("weak", False, text)]
    # Nobody relies on the signature of a certificate by itself.
    if certificate.issuer != certificate.subject and isinstance(signed_with, _BROKEN_HASHES):
        return [
            Finding("weak", False, f"{path} is signed with {signed_with.name}, which is broken")
        ]
    return []


def _key_findings(
    path: Path, key_path: Path | None, content: bytes, certificate: x509.Certificate
) -> list[Finding]:
    place = key_path or path
    if key_path is not None:
        other = _read(key_path)
        if isinstance(other, Finding):
            return [other]
        content = other
    block = _KEY.search(content)
    if block is None:
        return [Finding("no-key", True, f"{place} holds no private key in PEM form")]
    found = _exposed(place)
    try:
        key = load_pem_private_key(block[0], None)
        ours = key.public_key() == certificate.public_key()
    except TypeError:
        text = f"{place}: the key has a passphrase: store it without one"
        return [*found, Finding("locked", True, text)]
    except (ValueError, UnsupportedAlgorithm):
        # What the library says might hold a part of the key.
        return [*found, Finding("damaged", True, f"{place} holds a damaged private key")]
    if not ours:
        text = f"{place} is not the key of the certificate in {path}"
        return [*found, Finding("mismatch", True, text)]
    return found


def _exposed(path: Path) -> list[Finding]:
    """Whether others than the owner and the group can read the key, or put another in its place.

    A group that may read is the usual way to hand a key to a service (``ssl-cert`` of Debian).
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return []
    if mode & stat.S_IROTH:
        what = "every user of this machine can read the private key"
    elif mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = "others can change the private key"
    else:
        return []
    return [Finding("key-exposed", False, f"{path}: {what}: chmod 600")]


def _line(text: object) -> str:
    return "".join(one if one.isprintable() else "?" for one in str(text))[:200]
