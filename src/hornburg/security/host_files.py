"""Files and folders that only the server's user should reach."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hornburg.settings import OPTIONS, Settings

__all__ = ["Exposed", "exposed_files", "others_may_read", "others_may_write"]

_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Exposed:
    """A path that others can read or write.

    ``what`` says what it is to the server, ``how`` is "read", "write" or "read and write",
    ``mode`` the permissions that it should have.
    """

    path: Path
    what: str
    how: str
    mode: int

    def __str__(self) -> str:
        return f"others can {self.how} {self.what} {self.path}: chmod {self.mode:o} {self.path}"


def others_may_read(path: Path) -> bool:
    """Whether others than the server may read it; not when it isn't there.

    Root hands a file to a server by the server's own group (640 root:hornburg): who alone is in
    the group of a file of root's is nobody else.
    """
    found = _status(path)
    if found is None:
        return False
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IROTH:
        return True
    handed = found.st_uid == 0 and found.st_gid != 0 and len(_members(found.st_gid)) <= 1
    return bool(mode & stat.S_IRGRP) and not handed


def others_may_write(path: Path) -> bool:
    """Whether the group or everybody may write it; not when it isn't there."""
    return bool(_mode(path) & _WRITE)


def _members(group: int) -> set[str]:
    """The users of a group, root apart."""
    try:
        listed = grp.getgrgid(group).gr_mem
    except KeyError:
        listed = []
    primary = (user.pw_name for user in pwd.getpwall() if user.pw_gid == group)
    return {*listed, *primary} - {"root"}


def _mode(path: Path) -> int:
    found = _status(path)
    return 0 if found is None else stat.S_IMODE(found.st_mode)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        # Not there, or not ours to look at: whoever needs it says so when it is opened.
        return None


def exposed_files(settings: Settings) -> list[Exposed]:
    """What others can read or write and should not, of all that the settings name."""
    found: list[Exposed] = []
    for path in _configuration(settings):
        found += _look(path, "the configuration", secret=_has_secrets(settings))
    for path, what in _keys(settings):
        found += _look(path, what, secret=True)
    for path in settings.lua_scripts:
        found += _look(path, "the script", secret=False)
    for path in settings.plugins:
        found += _look(path, "the plug-in", secret=False)
    for path, what in _folders(settings):
        found += _look(path, what, secret=True)
    return found


def _look(path: Path, what: str, *, secret: bool) -> Iterator[Exposed]:
    hows = ["read"] if secret and others_may_read(path) else []
    if others_may_write(path):
        hows.append("write")
    if hows:
        mode = (0o700 if path.is_dir() else 0o600) if secret else _mode(path) & ~_WRITE
        yield Exposed(path, what, " and ".join(hows), mode)


def _configuration(settings: Settings) -> Iterator[Path]:
    for path in settings.files:
        yield path
        if path.is_dir():
            yield from sorted(path.glob("*.json"))


def _has_secrets(settings: Settings) -> bool:
    """Whether the configuration holds what others must not read; hashes can be tried out, too."""
    return any(
        getattr(settings, option.attribute) for option in OPTIONS.values() if option.row.secret
    )


def _keys(settings: Settings) -> Iterator[tuple[Path, str]]:
    if settings.ssl_enabled:
        yield settings.ssl_private_key or settings.ssl_certificate, "the private key"
    if settings.dicom_tls_enabled and settings.dicom_tls_private_key:
        yield Path(settings.dicom_tls_private_key), "the private key"
    for peer in settings.orthanc_peers.values():
        if peer.certificate_key_file:
            yield Path(peer.certificate_key_file), "the private key"
    trail = settings.audit_trail
    if trail is not None and trail.key_file is not None:
        yield trail.key_file, "the key of the audit trail"
    if trail is not None and trail.syslog is not None and trail.syslog.private_key is not None:
        yield trail.syslog.private_key, "the private key"


def _folders(settings: Settings) -> Iterator[tuple[Path, str]]:
    yield settings.storage_directory, "the stored images in"
    trail = settings.audit_trail
    if trail is not None and trail.directory is not None:
        yield trail.directory, "the audit trail in"
    if settings.index_folder != settings.storage_directory:
        yield settings.index_folder, "the index in"
