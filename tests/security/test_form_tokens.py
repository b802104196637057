"""Tokens of forms."""

from __future__ import annotations

from hornburg.security.form_tokens import FormTokens


def test_forms() -> None:
    tokens = FormTokens()
    cookie = tokens.new_cookie()
    assert cookie != tokens.new_cookie()
    field = tokens.field(cookie)
    assert tokens.fits(cookie, field)
    other = tokens.new_cookie()
    assert not tokens.fits(other, field)
    assert not tokens.fits(cookie, cookie)
    for nothing in (None, ""):
        assert not tokens.fits(nothing, "")
        assert not tokens.fits(nothing, tokens.field(""))
    assert not tokens.fits(cookie, "é" * 64)
    # Another process.
    assert not FormTokens().fits(cookie, field)
