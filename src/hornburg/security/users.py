"""HTTP Basic credentials (RFC 7617) against ``RegisteredUsers``."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import argon2

from hornburg.settings import Secret

__all__ = ["Users"]

#: A header longer than this holds no name and password that the settings allow.
_LONGEST_HEADER = 8192

#: Credentials that were right lately, so that a hash is not computed for every request.
_REMEMBERED = 1024

#: argon2 takes 64 MB for each check.
_CHECKS_AT_ONCE = 2


class Users:
    """Checks names and passwords in a time that tells nothing about either.

    Args:
        registered: name -> password in plain text, or an argon2id hash as PHC string.
    """

    def __init__(self, registered: Mapping[str, Secret]) -> None:
        # Digests under a key of this process have one length: comparing them takes the same
        # time for every password, and plain passwords don't stay in memory a second time.
        self._key = secrets.token_bytes(32)
        self._digests: dict[str, bytes] = {}
        self._hashes: dict[str, str] = {}
        for name, secret in registered.items():
            password = secret.reveal()
            if password.startswith("$argon2"):
                self._hashes[name] = password
            else:
                self._digests[name] = self._digest(f"{name}:{password}".encode())
        self._hasher = argon2.PasswordHasher()
        self._unknown_digest = secrets.token_bytes(32)
        self._unknown_hash = _hash_like(self._hashes.values()) if self._hashes else ""
        self._right: OrderedDict[bytes, str] = OrderedDict()
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)

    def _digest(self, credentials: bytes) -> bytes:
        return hmac.digest(self._key, credentials, "sha256")

    def remembered(self, authorization: bytes | None) -> str | None:
        """The user of credentials that were found right lately."""
        credentials = _decode(authorization)
        return None if credentials is None else self._right.get(self._digest(credentials))

    async def check(self, authorization: bytes | None) -> str | None:
        """The user that an ``Authorization`` header proves, or ``None``."""
        credentials = _decode(authorization)
        if credentials is None:
            return None
        digest = self._digest(credentials)
        remembered = self._right.get(digest)
        if remembered is not None:
            return remembered
        name, _, password = credentials.decode("utf-8", "replace").partition(":")
        if name in self._hashes or (self._hashes and name not in self._digests):
            right = await self._check_hash(name, password)
        else:
            known = self._digests.get(name, self._unknown_digest)
            right = hmac.compare_digest(known, digest)
            if not right and self._hashes:
                # Otherwise a quick answer would tell that the name is known.
                await self._check_hash("", password)
        if not right:
            return None
        self._right[digest] = name
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return name

    async def _check_hash(self, name: str, password: str) -> bool:
        async with self._checks:
            return await asyncio.to_thread(self._verify, name, password)

    def _verify(self, name: str, password: str) -> bool:
        # An unknown name costs the same as a known one.
        try:
            self._hasher.verify(self._hashes.get(name, self._unknown_hash), password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return name in self._hashes


def _hash_like(hashes: Iterable[str]) -> str:
    """A hash that nobody knows a password for, which takes as long to check as the others."""
    slowest = max(
        map(argon2.extract_parameters, hashes), key=lambda one: one.memory_cost * one.time_cost
    )
    try:
        return argon2.PasswordHasher.from_parameters(slowest).hash(secrets.token_hex())
    except argon2.exceptions.HashingError:
        # More than the machine can do: such a hash is never right, and its check never long.
        return argon2.PasswordHasher().hash(secrets.token_hex())


def _decode(authorization: bytes | None) -> bytes | None:
    if authorization is None or len(authorization) > _LONGEST_HEADER:
        return None
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() != b"basic":  # RFC 7235 2.1: schemes are case-insensitive
        return None
    try:
        credentials = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return credentials if b":" in credentials else None
