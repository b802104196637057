"""Logging in by an OpenID Connect provider: the authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0 section 3.1, RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 9700 (best
current practices), RFC 9207 (issuer identification).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from hornburg.errors import ForbiddenError, HornburgError
from hornburg.security.openid import OpenIdTokens
from hornburg.security.openid_keys import Fetch, ProviderKeys, ProviderUnreachableError
from hornburg.security.principals import Principal
from hornburg.settings.openid import OpenIdSettings

__all__ = ["Begun", "LoginFailedError", "OpenIdLogin"]

#: Seconds that a user has to log in at the provider.
_PATIENCE = 600

#: Characters of a code or a state that a provider sends back.
_LONGEST = 4096


class LoginFailedError(ForbiddenError):
    """The provider did not say who it is, or not to this browser."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it brings back with it: sealed, so that nothing of it has
    to be kept here, and nobody can fill our memory with logins that never end."""

    location: str
    cookie: str


class _Flow(msgspec.Struct):
    """What only this browser has: ``state`` and ``nonce`` come back by way of the provider."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next: str


class _Answer(msgspec.Struct):
    id_token: str


class OpenIdLogin:
    """Sends browsers to the provider, and finds out who comes back.

    Args:
        settings: the provider, and who we are to it.
        keys: knows the addresses of the provider.
        tokens: checks what it says.
        fetch: asks it.
        clock: Unix time.
    """

    def __init__(
        self,
        settings: OpenIdSettings,
        keys: ProviderKeys,
        tokens: OpenIdTokens,
        fetch: Fetch,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._tokens = tokens
        self._fetch = fetch
        self._clock = clock
        self._seal = Fernet(Fernet.generate_key())

    async def begin(self, redirect_uri: str, next_path: str) -> Begun:
        """Begin a login.

        Args:
            redirect_uri: where the provider sends the browser back to, if the settings don't say.
            next_path: the path of ours that the user wanted.

        Raises:
            ProviderUnreachableError: the provider does not answer.
        """
        provider = await self._keys.provider()
        flow = _Flow(
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(48),
            self._settings.redirect_uri or redirect_uri,
            next_path,
        )
        challenge = hashlib.sha256(flow.verifier.encode()).digest()
        arguments = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": flow.redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        address = provider.authorization_endpoint
        joint = "&" if urlsplit(address).query else "?"
        sealed = self._seal.encrypt_at_time(msgspec.json.encode(flow), int(self._clock()))
        return Begun(address + joint + urlencode(arguments), sealed.rstrip(b"=").decode())

    async def finish(self, cookie: str | None, given: Mapping[str, str]) -> tuple[Principal, str]:
        """Who has come back, and the path that was wanted.

        Args:
            cookie: what :meth:`begin` gave the browser.
            given: the arguments with which the provider sent it back.

        Raises:
            LoginFailedError: it isn't this browser, it took too long, or the provider said no.
            ProviderUnreachableError: the provider does not answer.
        """
        flow = self._open(cookie)
        state, code = given.get("state", ""), given.get("code", "")
        if not hmac.compare_digest(state.encode(), flow.state.encode()):
            raise LoginFailedError("This login was begun by another browser or page")
        # Section 2.4: of several providers, another one may have answered.
        if given.get("iss", self._settings.issuer) != self._settings.issuer:
            raise LoginFailedError("Another provider has answered")
        if "error" in given or not 0 < len(code) <= _LONGEST:
            raise LoginFailedError("The provider did not let the user in")
        principal = await self._tokens.identity(await self._exchange(flow, code), flow.nonce)
        if principal is None:
            raise LoginFailedError("What the provider says proves nobody")
        return principal, flow.next

    def _open(self, cookie: str | None) -> _Flow:
        try:
            sealed = (cookie or "") + "=" * (-len(cookie or "") % 4)
            text = self._seal.decrypt_at_time(sealed, _PATIENCE, int(self._clock()))
            return msgspec.json.decode(text, type=_Flow)
        except (InvalidToken, msgspec.DecodeError, ValueError):
            raise LoginFailedError(
                "This login was not begun by this browser, or took longer than "
                f"{_PATIENCE // 60} minutes"
            ) from None

    async def _exchange(self, flow: _Flow, code: str) -> str:
        """The identity token for a code."""
        provider = await self._keys.provider()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        secret = self._settings.client_secret
        if secret is None:
            form["client_id"] = self._settings.client_id
        else:
            # RFC 6749 section 2.3.1: both are form-encoded first.
            pair = f"{quote(self._settings.client_id, '')}:{quote(secret.reveal(), '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        try:
            status, body = await self._fetch(
                "POST", provider.token_endpoint, headers, urlencode(form).encode()
            )
        except HornburgError as error:
            raise ProviderUnreachableError(
                f"The OpenID Connect provider does not answer: {error}"
            ) from None
        if status != 200:
            raise LoginFailedError("The provider did not take the code")
        try:
            return msgspec.json.decode(body, type=_Answer).id_token
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise ProviderUnreachableError("The provider answers no identity token") from None
