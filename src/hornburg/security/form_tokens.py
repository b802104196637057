"""Tokens of forms that are there before anybody has logged in.

A page of another site could log its victim in under the attacker's name, and read later what the
victim has stored. The form therefore brings what only a page of ours can know: a digest, under a
key of this process, of a random cookie that the same browser was given.
"""

from __future__ import annotations

import hmac
import secrets

__all__ = ["FormTokens"]


class FormTokens:
    """Makes and checks them."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def new_cookie(self) -> str:
        """A value for the cookie."""
        return secrets.token_urlsafe(32)

    def field(self, cookie: str) -> str:
        """What the form has to bring for a cookie."""
        return hmac.digest(self._key, cookie.encode(), "sha256").hex()

    def fits(self, cookie: str | None, field: str) -> bool:
        """Whether a form comes from a page that we gave to this browser."""
        if not cookie:
            return False
        return hmac.compare_digest(self.field(cookie).encode(), field.encode("utf-8", "replace"))
