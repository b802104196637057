"""Sessions of browsers, API tokens, providers of identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hornburg.settings.openid import OPENID_ALLOWED, OpenIdSettings, read_openid
from hornburg.settings.rows import Row

__all__ = ["IdentityOptions"]


@dataclass(frozen=True, kw_only=True)
class IdentityOptions:
    """Sessions of browsers, API tokens, providers of identities."""

    session_idle_timeout: Annotated[
        int,
        Row(
            "SessionIdleTimeout",
            "How long the session of a browser lasts without being used.",
            unit="seconds",
            least=60,
            most=86_400,
            ours=True,
        ),
    ] = 1800
    session_lifetime: Annotated[
        int,
        Row(
            "SessionLifetime",
            "How long the session of a browser lasts at most; then the user logs in anew.",
            unit="seconds",
            least=60,
            most=2_592_000,
            ours=True,
        ),
    ] = 43_200
    open_id_connect: Annotated[
        OpenIdSettings | None,
        Row(
            "OpenIdConnect",
            "Provider whose users log in, and whose bearer tokens are taken; AccessRules say what "
            "they may.",
            read=read_openid,
            allowed=OPENID_ALLOWED,
            secret=True,
            text_leaves=True,
            ours=True,
        ),
    ] = None
