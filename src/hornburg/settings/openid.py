"""The section of the OpenID Connect provider."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hornburg.settings.errors import Refused
from hornburg.settings.rows import Secret
from hornburg.settings.sections import read_section, text

__all__ = [
    "ALGORITHMS",
    "OPENID_ALLOWED",
    "OpenIdSettings",
    "is_safe_url",
    "is_this_machine",
    "read_openid",
]

#: Signatures by a key that only the provider has (RFC 7518 section 3.1, RFC 8037). "none" and the
#: ones with a shared secret are never taken (RFC 8725 section 3.1).
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)

_MOST = 32


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """Which provider is believed, and what its tokens must say.

    Attributes:
        issuer: exactly as the provider writes it.
        client_id: our name at the provider; browsers can log in with it.
        client_secret: what goes with it; none for a public client (PKCE is always used).
        audiences: what bearer tokens must be meant for; without any, none is taken.
        username_claim: the claim that names the user.
        username_prefix: put before that name, so that it is no user of ``RegisteredUsers``.
        roles_claim: the claim that lists roles, ``TokenRoles`` of ``AccessRules``; dots lead into
            objects.
        scopes: asked for when a browser logs in.
        algorithms: signatures that are taken.
        redirect_uri: where the provider sends browsers back to, ``…/login/openid/callback``; ""
            takes the address that the browser used.
    """

    issuer: str
    client_id: str = ""
    client_secret: Secret | None = None
    audiences: tuple[str, ...] = ()
    username_claim: str = "sub"
    username_prefix: str = "oidc:"
    roles_claim: str = "roles"
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    redirect_uri: str = ""


def is_safe_url(url: str) -> bool:
    """Whether nobody on the way can change what comes from there: HTTPS, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))


def is_this_machine(host: str) -> bool:
    """Whether the host of a URL is the loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(value: object) -> str:
    allowed = "a URL that starts with https:// (http:// on this machine only)"
    url = text(value, allowed, 2048)
    if not is_safe_url(url):
        raise Refused(allowed, value)
    return url


def _word(value: object) -> str:
    word = text(value, "a name", 200)
    if not word or any(letter.isspace() for letter in word):
        raise Refused("a name of 1 to 200 characters without blanks", value)
    return word


def _prefix(value: object) -> str:
    prefix = text(value, "a prefix", 32)
    # A name of RegisteredUsers has no colon, so that nobody of a provider can be one of them.
    if not prefix.endswith(":"):
        raise Refused("a prefix of at most 32 characters that ends with a colon", value)
    return prefix


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_word(value),)
    if not isinstance(value, list) or len(value) > _MOST:
        raise Refused(f"a name, or a list of at most {_MOST} names", value)
    return tuple(_word(each) for each in value)


def _scopes(value: object) -> tuple[str, ...]:
    scopes = _words(value)
    if "openid" not in scopes:
        raise Refused('a list of names with "openid" among them', value)
    return scopes


def _algorithms(value: object) -> tuple[str, ...]:
    names = _words(value)
    if not names or not set(names) <= set(ALGORITHMS):
        raise Refused("a list of " + ", ".join(ALGORITHMS), value)
    return names


def _redirect(value: object) -> str:
    return "" if value == "" else _url(value)


_MEMBERS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "Issuer": ("issuer", _url),
    "ClientId": ("client_id", _word),
    "ClientSecret": ("client_secret", lambda value: Secret(text(value))),
    "Audience": ("audiences", _words),
    "UsernameClaim": ("username_claim", _word),
    "UsernamePrefix": ("username_prefix", _prefix),
    "RolesClaim": ("roles_claim", _word),
    "Scopes": ("scopes", _scopes),
    "Algorithms": ("algorithms", _algorithms),
    "RedirectUri": ("redirect_uri", _redirect),
}

OPENID_ALLOWED = "an object with " + ", ".join(_MEMBERS)


def read_openid(value: object) -> OpenIdSettings:
    """Read the section.

    Raises:
        Refused: a member is unknown or can't have that value, or one is missing.
    """

    def one(name: str, inner: object) -> Any:
        if name not in _MEMBERS:
            raise Refused("one of " + ", ".join(_MEMBERS), name)
        return _MEMBERS[name][1](inner)

    given = read_section(value, one)
    if "Issuer" not in given:
        raise Refused("an object with at least Issuer", value)
    if not given.get("ClientId") and not given.get("Audience"):
        raise Refused(
            "an object with ClientId (for browsers), Audience (for bearer tokens) or both", value
        )
    return OpenIdSettings(**{_MEMBERS[name][0]: inner for name, inner in given.items()})
