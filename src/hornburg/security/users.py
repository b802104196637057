"""``RegisteredUsers``: who is right, in a time that tells nothing about who is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping

from hornburg.errors import UnavailableError
from hornburg.security.passwords import hash_like, is_hash, verify
from hornburg.settings import Secret

__all__ = ["Users"]

#: Credentials that were right lately, so that a hash is not computed for every request.
_REMEMBERED = 1024

#: argon2 takes 64 MB for each check.
_CHECKS_AT_ONCE = 2

#: Checks that wait for their turn: some seconds of work, whoever has brought them.
_MOST_WAITING = 100


class Users:
    """Checks names and passwords.

    Args:
        registered: name -> password in plain text, or an argon2id hash as PHC string.
    """

    def __init__(self, registered: Mapping[str, Secret]) -> None:
        # Digests under a key of this process have one length: comparing them takes the same
        # time for every password, and plain passwords don't stay in memory a second time.
        self._registered = registered
        self._key = secrets.token_bytes(32)
        self._digests: dict[str, bytes] = {}
        self._hashes: dict[str, str] = {}
        for name, secret in registered.items():
            password = secret.reveal()
            if is_hash(password):
                self._hashes[name] = password
            else:
                self._digests[name] = self._digest(f"{name}:{password}".encode())
        self._unknown_digest = secrets.token_bytes(32)
        # Who is no user costs what one of the users costs, the same one each time, also after a
        # restart: so a name can't be told from its cost.
        ordered = sorted(self._hashes.items())
        self._decoys = [hash_like(hashed) for _, hashed in ordered]
        self._decoy_key = hashlib.sha256(repr(ordered).encode()).digest()
        self._right: OrderedDict[bytes, str] = OrderedDict()
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._waiting = 0

    def _digest(self, credentials: bytes) -> bytes:
        return hmac.digest(self._key, credentials, "sha256")

    def __contains__(self, name: str) -> bool:
        return name in self._registered

    def mark(self, name: str, key: bytes) -> str:
        """What becomes another text when the password of a user does; "" for who is no user.

        Nothing can be learned from it about the password by who doesn't know ``key``, which is
        to be a secret of 256 bits.
        """
        entry = self._registered.get(name)
        if entry is None:
            return ""
        return hmac.digest(key, f"{name}:{entry.reveal()}".encode(), "sha256").hex()

    async def check(self, credentials: bytes) -> str | None:
        """The user that ``name:password`` proves, or ``None``.

        Raises:
            UnavailableError: too many passwords wait to be checked.
        """
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
                await self._check_hash(name, password)
        if not right:
            return None
        self._right[digest] = name
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return name

    async def _check_hash(self, name: str, password: str) -> bool:
        if self._waiting >= _MOST_WAITING:
            raise UnavailableError("Too many passwords are being checked at this moment")
        self._waiting += 1
        try:
            async with self._checks:
                return await asyncio.to_thread(self._verify, name, password)
        finally:
            self._waiting -= 1

    def _verify(self, name: str, password: str) -> bool:
        return verify(self._hashes.get(name) or self._decoy(name), password)

    def _decoy(self, name: str) -> str:
        """What is checked for who has no hash; it is nobody's, so no password is right."""
        drawn = hmac.digest(self._decoy_key, name.encode("utf-8", "replace"), "sha256")
        return self._decoys[int.from_bytes(drawn) % len(self._decoys)]
