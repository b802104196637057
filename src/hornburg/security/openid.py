"""Tokens of an OpenID Connect provider: what they must be to prove somebody.

Sources: OpenID Connect Core 1.0 section 3.1.3.7, RFC 7519, RFC 8725 (best current practices).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from hornburg.errors import HornburgError
from hornburg.security.openid_keys import ProviderKeys
from hornburg.security.principals import Kind, Principal
from hornburg.settings.openid import OpenIdSettings

__all__ = ["OpenIdTokens", "principal_of"]

log = logging.getLogger("hornburg.security")

#: Clocks of two machines may differ by as many seconds.
_LEEWAY = 30

#: Names and roles of a token: what a configuration would write.
_LONGEST_NAME = 200
_MOST_ROLES = 256

#: Tokens that were found right, until they expire.
_REMEMBERED = 1024

#: A JWS in compact form (RFC 7515 section 3.1); an encrypted token has five parts.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]


class OpenIdTokens:
    """Checks bearer tokens, and the identity tokens of browsers that log in.

    Args:
        settings: which provider, and what its tokens must say.
        keys: the keys of the provider.
        clock: Unix time.
    """

    def __init__(
        self, settings: OpenIdSettings, keys: ProviderKeys, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._right: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def check(self, token: str, address: str) -> Principal | None:
        """Whom a bearer token proves; ``None`` when it proves nobody."""
        if not self._settings.audiences:
            return None
        digest = hashlib.sha256(token.encode()).digest()
        known = self._right.get(digest)
        if known is not None:
            expires, proven = known
            if self._clock() < expires:
                return proven
            del self._right[digest]
            return None
        claims = await self.claims(token, self._settings.audiences)
        # Keycloak names the kind of its tokens; one that was made for logging in opens no API.
        if claims is None or claims.get("typ") == "ID" or "nonce" in claims:
            return None
        principal = principal_of(claims, self._settings)
        if principal is not None:
            self._right[digest] = (float(claims["exp"]), principal)
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
        return principal

    async def identity(self, token: str, nonce: str) -> Principal | None:
        """Whom the identity token of a login proves.

        Args:
            token: as the provider gave it for a code.
            nonce: what we had sent with the browser.
        """
        client = self._settings.client_id
        claims = await self.claims(token, (client,))
        if claims is None or claims.get("nonce") != nonce:
            return None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != client:
            return None  # made for another client (OpenID Connect Core 3.1.3.7, 4 and 5)
        return principal_of(claims, self._settings)

    async def claims(self, token: str, audiences: tuple[str, ...]) -> Mapping[str, Any] | None:
        """What a token says, if the provider has said it for one of ``audiences`` and it holds
        now."""
        if not _FORM.fullmatch(token):
            return None
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        algorithm = header.get("alg")
        # Extensions that must be understood (RFC 7515 section 4.1.11): none is.
        if algorithm not in self._settings.algorithms or "crit" in header:
            return None
        try:
            # Only keys of the provider itself count: jku, jwk and x5u of the header name others.
            key = await self._keys.find(header.get("kid"), str(algorithm))
        except HornburgError as error:
            log.warning("the keys of the OpenID Connect provider are not there: %s", error)
            return None
        if key is None:
            return None
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[str(algorithm)],
                audience=list(audiences),
                issuer=self._settings.issuer,
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            log.info("a token was refused: %s", type(error).__name__)
            return None
        return claims if self._holds_now(claims) else None

    def _holds_now(self, claims: Mapping[str, Any]) -> bool:
        """The times of RFC 7519 section 4.1, by our own clock."""
        now = self._clock()
        times = {name: claims.get(name, now) for name in ("exp", "iat", "nbf")}
        if not all(isinstance(time, int | float) for time in times.values()):
            return False
        latest = now + _LEEWAY
        return bool(times["exp"] > now - _LEEWAY and max(times["iat"], times["nbf"]) <= latest)


def principal_of(claims: Mapping[str, Any], settings: OpenIdSettings) -> Principal | None:
    """The one whom some claims name; ``None`` when they name nobody."""
    name = claims.get(settings.username_claim)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        return None
    return Principal(
        settings.username_prefix + name,
        Kind.OPENID,
        roles=_roles(claims, settings.roles_claim),
        detail=str(claims["sub"])[:_LONGEST_NAME],
    )


def _roles(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    # A claim may have dots in its name (https://example.org/roles); that one first.
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = found.split()
    if not isinstance(found, list):
        return ()
    names = [name for name in found[:_MOST_ROLES] if isinstance(name, str)]
    return tuple(name for name in names if 0 < len(name) <= _LONGEST_NAME)
