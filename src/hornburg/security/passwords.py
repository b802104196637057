"""Names and passwords as they are written down: HTTP Basic (RFC 7617), argon2id as PHC string."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable

import argon2

__all__ = ["basic_credentials", "hash_like", "hash_password", "is_hash", "verify"]

#: A header longer than this holds no name and password that the settings allow.
_LONGEST_HEADER = 8192

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


def hash_like(hashes: Iterable[str]) -> str:
    """A hash that nobody knows a password for, which takes as long to check as the others."""
    slowest = max(
        map(argon2.extract_parameters, hashes), key=lambda one: one.memory_cost * one.time_cost
    )
    try:
        return argon2.PasswordHasher.from_parameters(slowest).hash(secrets.token_hex())
    except argon2.exceptions.HashingError:
        # More than the machine can do: such a hash is never right, and its check never long.
        return argon2.PasswordHasher().hash(secrets.token_hex())


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
