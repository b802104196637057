"""From root to the user that ``RunAsUser`` names, once the ports are bound."""

from __future__ import annotations

import logging
import os
import pwd

from hornburg.settings import Settings, SettingsError

__all__ = ["become_user", "check_user"]

log = logging.getLogger("hornburg")


def check_user(settings: Settings) -> None:
    """Say at once what can't be done, before ports are bound and files are touched.

    Raises:
        SettingsError: there is no such user, it is root itself, only root can become another
            user, or root is not allowed (``SecurityProfile`` Hardened).
    """
    name, is_root = settings.run_as_user, os.geteuid() == 0
    if not name:
        if is_root and settings.is_demanded("RunAsUser"):
            raise SettingsError(
                settings.origins["SecurityProfile"],
                "the server is started by root; allowed is the name of another user, or the "
                'reason in "HardenedExceptions": { "RunAsUser": "..." }',
                option="RunAsUser",
                value='""',
            )
        return
    user = _user(settings)
    if not is_root and user.pw_uid != os.geteuid():
        raise SettingsError(
            settings.origins["RunAsUser"],
            "only root can become another user; start the server as that user, or take it out",
            option="RunAsUser",
            value=f'"{name}"',
        )


def become_user(settings: Settings) -> None:
    """Give up root for good; nothing when nobody asked for it.

    Raises:
        SettingsError: as :func:`check_user`.
    """
    if os.geteuid() != 0:
        return
    if not settings.run_as_user:
        log.warning("run by root: set RunAsUser to the name of a user who owns the data alone")
        return
    user = _user(settings)
    # Groups first: afterwards there is no right to change them.
    os.initgroups(user.pw_name, user.pw_gid)
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    os.environ["HOME"] = user.pw_dir
    for needed in (os.__file__, __file__):
        if not os.access(needed, os.R_OK):
            raise SettingsError(
                settings.origins["RunAsUser"],
                f"this user can't read {needed}: install Python and Hornburg where all users "
                "can read them",
                option="RunAsUser",
                value=f'"{settings.run_as_user}"',
            )
    log.info("run by %s from here on", user.pw_name)


def _user(settings: Settings) -> pwd.struct_passwd:
    name = settings.run_as_user
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        user = None
    if user is None or user.pw_uid == 0:
        raise SettingsError(
            settings.origins["RunAsUser"],
            "allowed is the name of a user of this system, other than root",
            option="RunAsUser",
            value=f'"{name}"',
        )
    return user
