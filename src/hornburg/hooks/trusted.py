"""Whether a file of code may be run: nobody but the server's user, and root, can write it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from hornburg.hooks.errors import PluginLoadError

__all__ = ["MOST_FILES", "refuse_writable", "refuse_writable_package"]

#: Files of one package.
MOST_FILES = 10_000


def refuse_writable(path: Path, status: os.stat_result | None = None) -> None:
    """Look at a file, and at all folders above it: who can write one of them can put other code in
    its place.

    Folders that belong to a group, such as ``/usr/local`` of Debian, are left to that group.

    Args:
        path: of the file, without symbolic links.
        status: of the file, when it is open already.

    Raises:
        PluginLoadError: somebody else can.
    """
    _refuse(path, status or _status(path), stat.S_IWGRP | stat.S_IWOTH)
    for folder in path.parents:
        found = _status(folder)
        # In a folder such as /tmp everybody can make files, and change only their own.
        if not found.st_mode & stat.S_ISVTX:
            _refuse(folder, found, stat.S_IWOTH)


def refuse_writable_package(folder: Path) -> None:
    """The same for every file and folder of a package. Raises as :func:`refuse_writable`."""
    refuse_writable(folder)
    for count, path in enumerate(_everything(folder)):
        if count >= MOST_FILES:
            raise PluginLoadError(f"Plugins: {folder}: more than {MOST_FILES} files")
        if path.is_symlink():
            raise PluginLoadError(f"Plugins: {path} is a symbolic link inside of a package")
        _refuse(path, _status(path), stat.S_IWGRP | stat.S_IWOTH)


def _everything(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(where, name)


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise PluginLoadError(f"Plugins: {path}: {error.strerror}") from None


def _refuse(path: Path, found: os.stat_result, bits: int) -> None:
    if found.st_mode & bits:
        raise PluginLoadError(
            f"Plugins: {path} can be written by others, who could have the server run their "
            f"code: chmod go-w {path}"
        )
    if found.st_uid not in (0, os.geteuid()):
        raise PluginLoadError(
            f"Plugins: {path} belongs to user {found.st_uid}, who could have the server run other "
            "code: it must be the server's user, or root"
        )
