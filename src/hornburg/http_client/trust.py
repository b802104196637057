"""The TLS of our own requests: whom we believe, and what we show.

``HttpsVerifyPeers`` and ``HttpsCACertificates`` (Orthanc Book, faq/https): without the latter the
authorities of the system are trusted. Host names are compared (RFC 9525); nothing below TLS 1.2 is
spoken (RFC 8996).
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx2

from hornburg.http_client.errors import CertificateError
from hornburg.settings import Secret, Settings, SettingsError

__all__ = ["ClientCertificate", "Trust"]

log = logging.getLogger("hornburg.http_client")

#: The authorities of a system are 200 KB.
_LARGEST_FILE = 16 << 20


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What we show to a server: PEM files; without ``key`` the key lies beside the certificate."""

    certificate: str
    key: str = ""
    password: Secret | None = None


class _LockedError(Exception):
    """The key has a passphrase that we haven't."""


class Trust:
    """Makes the TLS contexts. What is shared is made by :meth:`open`, once.

    Args:
        settings: ``HttpsVerifyPeers`` and ``HttpsCACertificates``.
    """

    def __init__(self, settings: Settings) -> None:
        self._verify = settings.https_verify_peers
        self._authorities = settings.https_ca_certificates
        self._where = settings.origins.get("HttpsCACertificates", "configuration")
        self._shared: ssl.SSLContext | None = None

    def open(self) -> None:
        """See at the start, and not at the first request, that the files can be used. Blocks.

        Raises:
            SettingsError: ``HttpsCACertificates`` can't be used.
        """
        if not self._verify:
            log.warning(
                "HttpsVerifyPeers is false: whoever answers in the place of a server that we ask "
                "gets what we send, passwords included"
            )
        self._shared = self._context()

    def context(self, client: ClientCertificate | None = None) -> ssl.SSLContext:
        """The TLS towards one server. Blocks when there is a certificate to load.

        Raises:
            CertificateError: the certificate or its key can't be used.
            SettingsError: ``HttpsCACertificates`` can't be used any more.
        """
        if client is None:
            if self._shared is None:
                self._shared = self._context()
            return self._shared
        context = self._context()
        _show(context, client)
        return context

    def _context(self) -> ssl.SSLContext:
        if not self._verify:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self._authorities is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # As curl does: a certificate in the file is trusted, authority or not.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            self._take_authorities(context, self._authorities)
        else:
            context = httpx2.create_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # RFC 9325 3.3 and 3.5: neither compression nor renegotiation.
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        return context

    def _take_authorities(self, context: ssl.SSLContext, path: Path) -> None:
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise self._unfit(f"{path} is larger than {_LARGEST_FILE >> 20} MB")
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise self._unfit(f"{path} holds no certificates in PEM form") from None
        except OSError as error:
            raise self._unfit(f"{path} can't be read: {error.strerror}") from None

    def _unfit(self, what: str) -> SettingsError:
        return SettingsError(self._where, what, option="HttpsCACertificates")


def _show(context: ssl.SSLContext, client: ClientCertificate) -> None:
    password = client.password

    def passphrase() -> str:
        # Without this OpenSSL would ask for it on the terminal.
        if password is None or not password.reveal():
            raise _LockedError
        return password.reveal()

    try:
        context.load_cert_chain(client.certificate, client.key or None, password=passphrase)
    except _LockedError:
        raise CertificateError(
            f"the key of {client.certificate} has a passphrase, and none is given"
        ) from None
    except ssl.SSLError as error:
        why = {
            "KEY_VALUES_MISMATCH": "the key is not that of the certificate",
            "BAD_DECRYPT": "the passphrase of the key is wrong",
        }.get(error.reason or "", "no certificate and key in PEM form, or a wrong passphrase")
        raise CertificateError(f"{client.certificate} can't be shown: {why}") from None
    except OSError as error:
        raise CertificateError(
            f"{client.certificate} or its key can't be read: {error.strerror}"
        ) from None
    except ValueError:
        raise CertificateError(f"the passphrase for {client.certificate} is too long") from None
