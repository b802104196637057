"""The provider of OpenID Connect: its addresses and its keys, which it changes now and then.

Sources: OpenID Connect Discovery 1.0, RFC 7517 (JSON Web Key).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from hornburg.errors import HornburgError, UnavailableError
from hornburg.settings.openid import is_safe_url

__all__ = ["Fetch", "Provider", "ProviderKeys", "ProviderUnreachableError"]

log = logging.getLogger("hornburg.security")

Fetch = Callable[[str, str, dict[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""(method, URL, headers, body) -> (status, body); bounded in size and time by who gives it."""

#: Seconds after which keys are fetched anew, and after which old ones count no more.
_FRESH = 3600
_STALE = 24 * 3600

#: Seconds between two tries: tokens with made-up key names must not make us ask all the time.
_PAUSE = 30

#: Seconds between looks for a provider that does not answer.
_MOMENT = 3

_MOST_KEYS = 100

#: What a key must be for an algorithm (RFC 7518 section 3.1).
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

_PATH = "/.well-known/openid-configuration"


class ProviderUnreachableError(UnavailableError):
    """The provider does not answer, or not what it should."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the provider is reached (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str | None
    kind: str
    algorithm: str | None
    key: Any


class ProviderKeys:
    """Looks the provider up when it is needed first, and its keys when they are old or unknown.

    Args:
        issuer: the provider.
        fetch: asks it.
        clock: seconds that never go back.
    """

    def __init__(self, issuer: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._provider: Provider | None = None
        self._keys: tuple[_Key, ...] = ()
        self._fetched = self._tried = float("-inf")
        self._looked_up = float("-inf")
        self._lock = asyncio.Lock()
        self._looking_up = asyncio.Lock()

    async def provider(self) -> Provider:
        """Its addresses.

        Raises:
            ProviderUnreachableError: it does not say, or did not a moment ago: whoever opens the
                login again and again makes no request for each.
        """
        async with self._looking_up:
            if self._provider is None:
                now = self._clock()
                if now - self._looked_up <= _MOMENT:
                    raise ProviderUnreachableError("The OpenID Connect provider does not answer")
                self._looked_up = now
                self._provider = await self._look_up()
        return self._provider

    async def _look_up(self) -> Provider:
        document = await self._json(self._issuer.rstrip("/") + _PATH)
        # Section 4.3: exactly the same, or somebody else answers.
        if document.get("issuer") != self._issuer:
            raise ProviderUnreachableError(
                "The OpenID Connect provider calls itself something else than Issuer says"
            )
        return Provider(
            _address(document, "authorization_endpoint"),
            _address(document, "token_endpoint"),
            _address(document, "jwks_uri"),
        )

    async def find(self, kid: object, algorithm: str) -> Any | None:
        """The key that a token names, ``None`` when the provider has none such.

        A key that isn't known may be a new one, so it is looked up, at most twice a minute.

        Raises:
            ProviderUnreachableError: there are no keys to look at.
        """
        now = self._clock()
        if now - self._fetched > _FRESH:
            await self._refresh()
        found = self._known(kid, algorithm)
        if found is None and now - self._tried > _PAUSE:
            await self._refresh()
            found = self._known(kid, algorithm)
        return found

    def _known(self, kid: object, algorithm: str) -> Any | None:
        matching = [
            each.key
            for each in self._keys
            if each.kind == _KINDS[algorithm[:2]]
            and each.algorithm in (None, algorithm)
            and (kid is None or each.kid == kid)
        ]
        # Without a name only a single key can be meant.
        return matching[0] if len(matching) == 1 or (matching and kid is not None) else None

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock()
            if now - self._tried <= _PAUSE:
                if not self._keys:
                    raise ProviderUnreachableError("The OpenID Connect provider does not answer")
                return
            self._tried = now
            try:
                provider = await self.provider()
                document = await self._json(provider.jwks_uri)
                self._keys = _keys_of(document)
                self._fetched = now
            except HornburgError as error:
                if now - self._fetched > _STALE:
                    self._keys = ()
                    raise
                log.warning("the keys of the provider stay as they are: %s", error)

    async def _json(self, url: str) -> dict[str, Any]:
        try:
            status, body = await self._fetch("GET", url, {"Accept": "application/json"}, b"")
        except HornburgError as error:
            raise ProviderUnreachableError(
                f"The OpenID Connect provider does not answer: {error}"
            ) from None
        if status != 200:
            raise ProviderUnreachableError(f"The OpenID Connect provider answers {status}")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise ProviderUnreachableError(
                "The OpenID Connect provider answers something that is no JSON object"
            ) from None


def _address(document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_safe_url(url):
        raise ProviderUnreachableError(f"The OpenID Connect provider has no safe {name}")
    return url


def _keys_of(document: dict[str, Any]) -> tuple[_Key, ...]:
    """The keys for signatures; what can't be read is left out (RFC 7517 section 5)."""
    given = document.get("keys")
    if not isinstance(given, list) or len(given) > _MOST_KEYS:
        raise ProviderUnreachableError("The OpenID Connect provider has no list of keys")
    keys = []
    for each in given:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        kind, kid = each.get("kty"), each.get("kid")
        # A shared secret is no key that anybody may read here.
        if kind not in ("RSA", "EC", "OKP") or not isinstance(kid, str | None):
            continue
        public = {name: value for name, value in each.items() if name not in ("d", "p", "q")}
        try:
            key = jwt.PyJWK(public).key
        except (jwt.PyJWTError, ValueError, TypeError):
            log.warning("a key of the provider can't be read, and is left out")
            continue
        keys.append(_Key(kid, str(kind), each.get("alg"), key))
    return tuple(keys)
