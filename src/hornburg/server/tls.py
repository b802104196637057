"""The TLS of both servers, as it follows its files; and what SIGHUP does."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hornburg.errors import HornburgError
from hornburg.security import dicom_tls, web_tls
from hornburg.security.tls_watch import FreshTls
from hornburg.server.control import Control
from hornburg.settings import Settings

__all__ = ["Secured", "heed_hangups", "open_tls"]

log = logging.getLogger("hornburg")


@dataclass(frozen=True, slots=True)
class Secured:
    """The TLS of each server, ``None`` for one that is off or speaks without."""

    web: FreshTls | None
    dicom: FreshTls | None

    def all(self) -> tuple[FreshTls, ...]:
        return tuple(one for one in (self.web, self.dicom) if one is not None)


def open_tls(settings: Settings) -> Secured:
    """Read the certificates of the servers that are on.

    Raises:
        SettingsError: an option is wrong or missing, or its file can't be used.
    """
    return Secured(_web(settings), _dicom(settings))


def _web(settings: Settings) -> FreshTls | None:
    # Asked even when TLS is off: then it says what contradicts that.
    if not settings.http_server_enabled or web_tls.server_context(settings) is None:
        return None
    make = partial(_made, web_tls.server_context, settings)
    return FreshTls("HTTPS", make, web_tls.server_files(settings), settings.ssl_private_key)


def _dicom(settings: Settings) -> FreshTls | None:
    if not settings.dicom_server_enabled or dicom_tls.server_context(settings) is None:
        return None
    make = partial(_made, dicom_tls.server_context, settings)
    files = dicom_tls.server_files(settings)
    return FreshTls("DICOM TLS", make, files, settings.dicom_tls_private_key)


def _made(
    context: Callable[[Settings], ssl.SSLContext | None], settings: Settings
) -> ssl.SSLContext:
    made = context(settings)
    if made is None:
        raise HornburgError("TLS was switched on, and is off")
    return made


async def heed_hangups(
    settings: Settings, read_again: Callable[[], Settings], control: Control
) -> None:
    """Answer SIGHUP until cancelled: start anew when the configuration has changed, and take up
    the certificates when it has not. A configuration that can't be used changes nothing.

    Args:
        settings: what the server runs with.
        read_again: reads the configuration, and blocks.
    """
    while True:
        await control.hung_up.wait()
        control.hung_up.clear()
        try:
            changed = await asyncio.to_thread(_has_changed, settings, read_again)
        except HornburgError as error:
            log.error("SIGHUP: the configuration stays as it was: %s", error)
        except Exception:
            log.exception("SIGHUP: the configuration stays as it was")
        else:
            if changed:
                log.warning("SIGHUP: the configuration has changed: starting anew")
                control.reset()
                return
            log.info("SIGHUP: the configuration has not changed")
        control.renew.set()


def _has_changed(settings: Settings, read_again: Callable[[], Settings]) -> bool:
    new = read_again()
    if _bare(new) == _bare(settings):
        return False
    # What would stop the new start shall not stop what runs.
    open_tls(new)
    return True


def _bare(settings: Settings) -> Settings:
    """Without the places where options stand."""
    return dataclasses.replace(settings, origins={}, notes=())
