"""Names and passwords as they are written down: HTTP Basic (RFC 7617), argon2id as PHC string."""

from __future__ import annotations

import base64
import binascii
import secrets

import argon2

__all__ = [
    "SHORT",
    "basic_credentials",
    "hash_like",
    "hash_password",
    "is_hash",
    "is_strong",
    "verify",
]

#: A header longer than this holds no name and password that the settings allow.
_LONGEST_HEADER = 8192

SHORT = 15
"""Characters below which a password should not stand alone (NIST SP 800-63B-4 3.1.1.2)."""

#: RFC 9106 section 4, the second recommended choice: 64 MB, 3 passes, 4 lanes.
_HASHER = argon2.PasswordHasher()


def is_hash(entry: str) -> bool:
    """Whether an entry of ``RegisteredUsers`` is a hash and not the password itself."""
    return entry.startswith("$argon2")


def hash_password(password: str) -> str:
    """The PHC string of a password, with a salt of its own."""
    return _HASHER.hash(password)


def verify(hashed: str, password: str) -> bool:
    """Whether a hash is that of a password; takes a fraction of a second, and 64 MB."""
    try:
        return _HASHER.verify(hashed, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def is_strong(hashed: str) -> bool:
    """Whether a hash costs as much to try out as it should (OWASP Password Storage Cheat Sheet:
    7 MB and 5 passes, or more memory and less passes)."""
    found = argon2.extract_parameters(hashed)
    least = 7168
    return found.memory_cost >= least and found.memory_cost * found.time_cost >= 5 * least


def hash_like(hashed: str) -> str:
    """A hash that is nobody's, which takes as long to check as another one."""
    found = argon2.extract_parameters(hashed)
    head = f"$argon2id$v={found.version}"
    costs = f"m={found.memory_cost},t={found.time_cost},p={found.parallelism}"
    salt, end = (_base64(secrets.token_bytes(n)) for n in (found.salt_len, found.hash_len))
    return f"{head}${costs}${salt}${end}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).rstrip(b"=").decode()


def basic_credentials(authorization: bytes) -> bytes | None:
    """``name:password`` of an ``Authorization`` header, or ``None`` when it holds none."""
    if len(authorization) > _LONGEST_HEADER:
        return None
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() != b"basic":  # RFC 7235 2.1: schemes are case-insensitive
        return None
    try:
        credentials = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return credentials if b":" in credentials else None
