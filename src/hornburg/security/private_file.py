"""A small JSON file beside the index, which only the server's user can read.

Commands change it while the server runs: who writes holds a lock, replaces the file as a whole,
and readers look whether it is another one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hornburg.errors import HornburgError

__all__ = ["PrivateFile"]

#: Bytes: ten times what the bounds on its content come to.
_MOST = 16 << 20

_Look = tuple[int, int, int] | None


class PrivateFile:
    """The file.

    Args:
        path: it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: _Look = None
        self._content: dict[str, Any] = {}

    def content(self) -> dict[str, Any]:
        """What it holds now; the same object as long as nobody has changed it.

        Raises:
            HornburgError: it can't be read, or is not what we have written.
        """
        found = _look(self._path)
        if found != self._seen:
            self._content = {} if found is None else self._read()
            self._seen = found
        return self._content

    def change(self, work: Callable[[dict[str, Any]], None]) -> None:
        """Change what it holds; durable when this returns. Blocks: for threads.

        Args:
            work: is given what others have left, and changes it.

        Raises:
            HornburgError: it can't be read or written.
        """
        with self._locked():
            content = self._read() if _look(self._path) is not None else {}
            work(content)
            self._write(msgspec.json.format(msgspec.json.encode(content)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_suffix(".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._fault("locked", error) from None
        try:
            _give_to_owner(descriptor, self._path.parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._path, "rb", opener=_no_link) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise HornburgError(f"{self._path.name} beside the index is no plain file")
                data = file.read(_MOST + 1)
        except OSError as error:
            raise self._fault("read", error) from None
        try:
            content = msgspec.json.decode(data) if len(data) <= _MOST else None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            content = None
        if not isinstance(content, dict):
            raise HornburgError(f"{self._path.name} beside the index is damaged: take it away")
        return content

    def _write(self, data: bytes) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                _give_to_owner(descriptor, self._path.parent)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._fault("written", error) from None

    def _fault(self, deed: str, error: OSError) -> HornburgError:
        return HornburgError(
            f"{self._path.name} beside the index can't be {deed}: {error.strerror}"
        )


def _look(path: Path) -> _Look:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _give_to_owner(descriptor: int, folder: Path) -> None:
    """What root makes by a command is for the server, which runs as the owner of the folder."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
