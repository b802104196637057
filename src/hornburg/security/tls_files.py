"""Certificates and keys brought into a TLS context, with what is wrong told by option."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from hornburg.security.certificates import LARGEST_FILE
from hornburg.security.tls_probe import Unfit, probe
from hornburg.settings import Settings, SettingsError

__all__ = ["VERSIONS", "new_context", "settings_error", "take_certificate", "take_trusted"]

#: Versions as Orthanc counts them: 1 SSL 3, 2 TLS 1.0, 3 TLS 1.1, then these.
VERSIONS = {4: ssl.TLSVersion.TLSv1_2, 5: ssl.TLSVersion.TLSv1_3}


def new_context(protocol: int) -> ssl.SSLContext:
    """A context that speaks TLS 1.2 and later.

    The server gives no tickets (RFC 5077, RFC 8446 4.6.1): no key lies in memory that opens
    recorded connections, and whoever shows a certificate shows it again with each connection.
    """
    context = ssl.SSLContext(protocol)
    # RFC 9325 3.3 and 3.5: neither compression nor renegotiation.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # A single certificate in a file of trusted ones is trusted without its authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    return context


def take_certificate(
    settings: Settings,
    context: ssl.SSLContext,
    certificate: tuple[str, Path],
    key: tuple[str, Path | None],
) -> None:
    """Load our certificate and key, and see in a handshake with ourselves that they work.

    Args:
        certificate: option and file.
        key: option and file; without a file the certificate's holds it.

    Raises:
        SettingsError: a file can't be used, with the option's name.
    """
    option, path = certificate
    key_option, key_path = key
    _readable(settings, option, path, (b"CERTIFICATE",))
    if key_path is None:
        key_option = option
    _readable(settings, key_option, key_path or path, (b"PRIVATE KEY",))
    place = key_path or path
    try:
        context.load_cert_chain(path, key_path, password=_no_password)
    except _LockedError:
        raise settings_error(
            settings, key_option, f"{place} has a passphrase: store it without one"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"{place} is not the key of the certificate in {path}"
            raise settings_error(settings, key_option, what) from None
        what = f"{path} or {place} can't be used: {_reason(error)}"
        raise settings_error(settings, option, what) from None
    try:
        probe(context, path, key_path)
    except Unfit as no:
        raise settings_error(settings, option, f"{path} {no}") from None


def take_trusted(settings: Settings, context: ssl.SSLContext, option: str, path: Path) -> None:
    """Trust the certificates in a file: authorities, or single ones.

    Raises:
        SettingsError: the file can't be used.
    """
    _readable(settings, option, path, (b"CERTIFICATE",))
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise settings_error(settings, option, f"{path} can't be used: {_reason(error)}") from None


def settings_error(
    settings: Settings, option: str, text: str, value: str | None = None
) -> SettingsError:
    """The error that names an option and where it was set."""
    where = settings.origins.get(option, "configuration")
    return SettingsError(where, text, option=option, value=value)


class _LockedError(Exception):
    """OpenSSL asks for a passphrase; without us it would ask on the terminal."""


def _no_password() -> str:
    raise _LockedError


def _readable(settings: Settings, option: str, path: Path, words: Sequence[bytes]) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise settings_error(settings, option, f"can't read {path}: {error.strerror}") from None
    if len(head) > LARGEST_FILE or not any(b"-----BEGIN" in head and w in head for w in words):
        kind = words[0].decode().lower()
        raise settings_error(settings, option, f"{path} holds no {kind} in PEM form")


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or "unknown"
    return str(reason).replace("_", " ").lower()
