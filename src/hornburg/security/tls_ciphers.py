"""Cipher suites by the names of the standard or of OpenSSL."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from functools import cache

from hornburg.security.tls_probe import Unfit

__all__ = ["choose_ciphers"]

# RFC 9325 4.2, which the profiles of PS3.15 B.12 and B.13 follow: forward secrecy by elliptic
# curves, and authenticated encryption. Finite-field Diffie-Hellman is left out (4.1). The suites
# of TLS 1.3 all are of this kind.
_BCP_195 = "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK"

# Nothing that goes unencrypted or to anybody, nor what needs a secret that we can't be given.
_CONCEIVABLE = "ALL:!aNULL:!eNULL:!PSK:!SRP:!RC4:!3DES:!MD5"

#: More names than there are.
_MOST = 1000


def choose_ciphers(
    context: ssl.SSLContext, names: Sequence[str], *, newer_stay: bool = False
) -> None:
    """Restrict a context to the suites of these names; without names, to those of BCP 195.

    Args:
        newer_stay: the suites of TLS 1.3 are spoken whether named or not, as with the lists of
            OpenSSL.

    Raises:
        Unfit: a name that is none, or of a suite that protects nothing.
    """
    if not names:
        context.set_ciphers(_BCP_195)
        return
    older, newer = _conceivable()
    chosen = list(dict.fromkeys(_openssl_name(name) for name in names[:_MOST]))
    for given, name in zip(names, map(_openssl_name, names[:_MOST]), strict=False):
        if name not in older and name not in newer:
            raise Unfit(f"{given[:80]!a} is no cipher suite that is safe to use and known here")
    wanted = [name for name in chosen if name in newer]
    if newer_stay:
        wanted = sorted(newer)
    elif wanted and set(wanted) != newer:
        # Python's ssl module can't choose among them (before 3.15).
        raise Unfit("the suites of TLS 1.3 come together: name " + ", ".join(sorted(newer)))
    old = [name for name in chosen if name in older]
    if not wanted:
        if context.minimum_version == ssl.TLSVersion.TLSv1_3:
            raise Unfit("no suite of TLS 1.3 is among them: name " + ", ".join(sorted(newer)))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    elif not old:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if old:
        context.set_ciphers(":".join(old))


@cache
def _conceivable() -> tuple[frozenset[str], frozenset[str]]:
    """The names of suites before TLS 1.3, and of TLS 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(_CONCEIVABLE)
    all_of_them = {one["name"] for one in context.get_ciphers()}
    newer = {one["name"] for one in context.get_ciphers() if one["protocol"] == "TLSv1.3"}
    return frozenset(all_of_them - newer), frozenset(newer)


def _openssl_name(name: str) -> str:
    """``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`` is ``ECDHE-RSA-AES128-GCM-SHA256`` to OpenSSL."""
    key, found, rest = name.removeprefix("TLS_").partition("_WITH_")
    if not found:
        return name
    rest = rest.replace("AES_128", "AES128").replace("AES_256", "AES256").replace("_CBC", "")
    if rest.startswith("CHACHA20_POLY1305"):
        rest = "CHACHA20_POLY1305"
    # A key that both sides agree on by RSA alone has no name there.
    return "-".join(([] if key == "RSA" else [key]) + [rest]).replace("_", "-")
