"""What an operator should read at the start: who else reaches our files, and the audit in a line."""

from __future__ import annotations

import logging

from hornburg.security.audit import Grade, audit
from hornburg.security.host_files import exposed_files
from hornburg.settings import SecurityProfile, Settings, SettingsError

__all__ = ["tell_audit", "tell_exposed_files"]

log = logging.getLogger("hornburg")


def tell_exposed_files(settings: Settings) -> None:
    """Name every file and folder that others can read or write and should not.

    Raises:
        SettingsError: the profile is Hardened, which takes none.
    """
    found = exposed_files(settings)
    if found and settings.security_profile is SecurityProfile.HARDENED:
        raise SettingsError(str(found[0].path), f"{found[0]} (SecurityProfile is Hardened)")
    for each in found:
        log.warning("%s", each)


def tell_audit(settings: Settings) -> None:
    """The audit in one line."""
    report = audit(settings)
    level = logging.WARNING if report.count(Grade.FAIL) else logging.INFO
    log.log(level, "security audit: %s; 'hornburg audit' says what to do", report.summary)
