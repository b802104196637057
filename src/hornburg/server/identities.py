"""The provider of identities that the settings name, joined to our own requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hornburg.http_client.client import HttpClient, Limits
from hornburg.security.openid import OpenIdTokens
from hornburg.security.openid_keys import ProviderKeys
from hornburg.security.openid_login import OpenIdLogin
from hornburg.settings import Settings

__all__ = ["Provider", "provider_of"]

#: Seconds that a provider has to answer: somebody waits before a page.
_PATIENCE = 10

#: Bytes of an answer; a document with a hundred keys has some 100 KB.
_LARGEST = Limits(body=1 << 20)


@dataclass(frozen=True, slots=True)
class Provider:
    """Checks bearer tokens, and sends browsers to log in; ``login`` is none without ClientId."""

    tokens: OpenIdTokens
    login: OpenIdLogin | None


def provider_of(
    settings: Settings, client: HttpClient, clock: Callable[[], float]
) -> Provider | None:
    """The provider; ``None`` when the settings name none.

    Args:
        clock: Unix time.
    """
    section = settings.open_id_connect
    if section is None:
        return None

    async def fetch(
        method: str, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        answer = await client.request(
            method, url, headers=headers, body=body, timeout=_PATIENCE, limits=_LARGEST
        )
        return answer.status, answer.body

    keys = ProviderKeys(section.issuer, fetch, time.monotonic)
    tokens = OpenIdTokens(section, keys, clock)
    login = OpenIdLogin(section, keys, tokens, fetch, clock) if section.client_id else None
    return Provider(tokens, login)
