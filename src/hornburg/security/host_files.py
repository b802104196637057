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

__all__ = ["CONFIGURATION", "Exposed", "exposed_files"]

CONFIGURATION = "the configuration"
"""What :attr:`Exposed.what` says of files with options."""

_READ = stat.S_IRGRP | stat.S_IROTH
_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Exposed:
    """A path that others can read or write.

    ``what`` says what it is to the server, ``how`` is "read", "write" or "read and write", and
    ``fix`` is the command that helps.
    """

    path: Path
    what: str
    how: str
    fix: str

    def __str__(self) -> str:
        return f"others can {self.how} {self.what} {self.path}: {self.fix}"


@dataclass(frozen=True, slots=True)
class _Owner:
    """The user that the server runs as, and the group that nobody else is in, if there is one."""

    uid: int
    name: str
    group: int | None


def _owner(settings: Settings) -> _Owner:
    uid = os.geteuid()
    try:
        if uid == 0 and settings.run_as_user:
            user = pwd.getpwnam(settings.run_as_user)
        else:
            user = pwd.getpwuid(uid)
    except KeyError:
        # A container may run by a number that has no name.
        return _Owner(uid, str(uid), None)
    return _Owner(user.pw_uid, user.pw_name, user.pw_gid if _is_alone(user) else None)


def _is_alone(user: pwd.struct_passwd) -> bool:
    """Whether nobody else is in the group of that user.

    Files of root that such a group may read are the usual way to hand a service what it may read
    and must not change.
    """
    try:
        members = grp.getgrgid(user.pw_gid).gr_mem
    except KeyError:
        return False
    if any(name != user.pw_name for name in members):
        return False
    return all(one.pw_uid == user.pw_uid for one in pwd.getpwall() if one.pw_gid == user.pw_gid)


def _shared(path: Path, owner: _Owner) -> int:
    """The permissions of all but the file's and the server's own user."""
    try:
        found = path.stat()
    except OSError:
        # Not there, or not ours to look at: whoever needs it says so when it is opened.
        return 0
    mode = stat.S_IMODE(found.st_mode)
    return mode & ~stat.S_IRWXG if found.st_gid == owner.group else mode


def exposed_files(settings: Settings) -> list[Exposed]:
    """What others can read or write and should not, of all that the settings name."""
    owner = _owner(settings)
    found: list[Exposed] = []
    for path in _configuration(settings):
        # Whoever may list a folder learns the names of its files, and they are no secret.
        secret = _has_secrets(settings) and not path.is_dir()
        found += _look(path, CONFIGURATION, owner, secret=secret)
    for path, what in _keys(settings):
        found += _look(path, what, owner, secret=True)
    for path in settings.lua_scripts:
        found += _look(path, "the script", owner, secret=False)
    for path in settings.plugins:
        found += _look(path, "the plug-in", owner, secret=False)
    for path, what in _folders(settings):
        found += _look(path, what, owner, secret=True)
    return found


def _look(path: Path, what: str, owner: _Owner, *, secret: bool) -> Iterator[Exposed]:
    shared = _shared(path, owner)
    hows = ["read"] if secret and shared & _READ else []
    if shared & _WRITE:
        hows.append("write")
    if not hows:
        return
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode) & ~_WRITE
    fix = ""
    if secret:
        mode = 0o700 if path.is_dir() else 0o600
        if found.st_uid != owner.uid:
            # With its mode alone, the server could not read it any more.
            fix = f"chown {owner.name} {path}; "
    yield Exposed(path, what, " and ".join(hows), f"{fix}chmod {mode:o} {path}")


def _configuration(settings: Settings) -> Iterator[Path]:
    for path in settings.files:
        yield path
        if path.is_dir():
            yield from sorted(path.glob("*.json"))


def _has_secrets(settings: Settings) -> bool:
    """Whether the configuration holds what others must not read; hashes can be tried out, too."""
    held = {
        option.attribute: getattr(settings, option.attribute)
        for option in OPTIONS.values()
        if option.row.secret
    }
    provider = settings.open_id_connect
    if provider is not None and not provider.client_secret:
        del held["open_id_connect"]
    return any(held.values())


def _keys(settings: Settings) -> Iterator[tuple[Path, str]]:
    if settings.ssl_enabled:
        yield settings.ssl_private_key or settings.ssl_certificate, "the private key"
    if settings.dicom_tls_enabled and settings.dicom_tls_private_key:
        yield Path(settings.dicom_tls_private_key), "the private key"
    trail = settings.trail
    if trail.key_file is not None:
        yield trail.key_file, "the key of the audit trail"
    if trail.syslog is not None and trail.syslog.private_key is not None:
        yield Path(trail.syslog.private_key), "the private key"
    for peer in settings.orthanc_peers.values():
        if peer.certificate_key_file:
            yield Path(peer.certificate_key_file), "the private key"


def _folders(settings: Settings) -> Iterator[tuple[Path, str]]:
    yield settings.storage_directory, "the stored images in"
    trail = settings.audit_trail
    if trail is not None and trail.directory is not None:
        yield trail.directory, "the audit trail in"
    if settings.index_folder != settings.storage_directory:
        yield settings.index_folder, "the index in"
