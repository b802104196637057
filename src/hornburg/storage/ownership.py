"""Whose files a folder holds, and that one process at a time works on them.

A storage only ever removes files by what an index says. With the index of another archive, or an
empty one, everything would look like a left-over; so the folder names its archive.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from hornburg.errors import IncompatibleDatabaseError
from hornburg.storage.files import fsync_folder, hex_folders
from hornburg.storage.identifiers import is_uuid

__all__ = ["Ownership"]

_OWNER = "hornburg-archive"
_LOCK = "storage.lock"
#: The identifier of an archive is a UUID and a line feed.
_LONGEST = 64


class Ownership:
    """The two small files in the folder of a storage that say whose it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: BinaryIO | None = None

    def owner(self) -> str | None:
        """The archive that the files belong to, none in a folder without files. Touches nothing.

        Raises:
            IncompatibleDatabaseError: there are files, and nothing says whose they are.
        """
        try:
            with (self._folder / _OWNER).open("rb") as file:
                text = file.read(_LONGEST).decode("ascii", "replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        if text:
            return text
        if self._holds_files():
            raise IncompatibleDatabaseError(
                f"{self._folder} holds files of another program: choose another "
                "StorageDirectory, and bring them in with 'hornburg import'"
            )
        return None

    def _holds_files(self) -> bool:
        if not self._folder.is_dir():
            return False
        return any(
            is_uuid(file.name)
            for first in hex_folders(self._folder)
            for second in hex_folders(first)
            for file in second.iterdir()
        )

    def lock(self) -> None:
        """Keep other processes out until :meth:`release`.

        Raises:
            IncompatibleDatabaseError: one is in already.
        """
        file = (self._folder / _LOCK).open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise IncompatibleDatabaseError(
                f"{self._folder} is in use by another Hornburg: stop that one, or choose another "
                "StorageDirectory"
            ) from None
        self._lock = file

    def release(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def claim(self, archive: str) -> None:
        """Write down whose the files are."""
        with (self._folder / _OWNER).open("wb") as file:
            file.write(archive.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fsync_folder(self._folder)
