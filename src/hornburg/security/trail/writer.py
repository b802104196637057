"""Writes the lines: one thread, whole batches, files that rotate."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any

from hornburg.security.trail.anchor import Anchor, anchor_file, boot, write_anchor
from hornburg.security.trail.chain import START, Position, TrailError, key_name, make_line
from hornburg.security.trail.files import Lock, files_of, first_of, name_of, time_text
from hornburg.security.trail.recovery import find_end
from hornburg.security.trail.retention import RETENTION, outdated

__all__ = ["BEGIN", "Writer"]

BEGIN = "trail-file"
"""The action of the first line of each file: it names the file before and the key."""

#: Seconds between two flushes to the disk, and between two looks for files that are too old.
_FLUSH_EVERY = 1.0
_TIDY_EVERY = 3600.0

#: Seconds that a file is written to when old files are to go, so that there are old files.
_DAY = 86_400.0

Members = Mapping[str, Any]


class Writer:
    """The end of a trail; every method blocks, and one thread at a time calls them.

    Args:
        folder: where the files are; made if missing.
        key_file: the key; the anchor lies beside it.
        most: bytes of one file, a little more at most.
        days: how long lines are kept, 0 for ever.
    """

    def __init__(self, folder: Path, key_file: Path, most: int, days: int = 0) -> None:
        self._folder = folder
        self._key_file = key_file
        self._anchor_file = anchor_file(key_file)
        self._most = most
        self._days = days
        self._key = b""
        self._last = START
        self._durable = 0
        self._descriptor = -1
        self._size = 0
        self._began = 0.0
        self._lock: Lock | None = None
        self._boot = boot()
        self._flushed = self._tidied = 0.0
        #: Lines that this process has written, but for those that begin files.
        self._written = 0

    @property
    def is_open(self) -> bool:
        """Whether lines can be written."""
        return self._lock is not None

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    @property
    def last(self) -> Position:
        """The last line that was written."""
        return self._last

    def open(self) -> list[str]:
        """Go on where the trail ends; answers what was found there that isn't as it was left.

        Raises:
            TrailError: the folder or the key can't be used, or another process has the trail.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = Lock(self._folder)
        except OSError as error:
            raise self._error(error) from None
        try:
            found = find_end(self._folder, self._key_file)
            self._key, self._last, self._durable = found.key, found.last, found.last.seq
            if found.file is not None:
                self._continue(found.file)
            began = time_text(time())
            self._write([{"time": began, **statement} for statement in found.statements])
            self._tidy()
        except OSError as error:
            self._close_file()
            lock.release()
            raise self._error(error) from None
        except BaseException:
            self._close_file()
            lock.release()
            raise
        self._lock = lock
        return [str(statement["detail"]) for statement in found.statements]

    def write(self, lines: Sequence[Members]) -> tuple[int, TrailError | None]:
        """Append lines; answers how many are written, and what keeps the others from being so."""
        before = self._written
        try:
            self._write(lines)
            if monotonic() - self._tidied >= _TIDY_EVERY:
                self._tidy()
        except (OSError, TrailError) as error:
            told = error if isinstance(error, TrailError) else self._error(error)
            return min(self._written - before, len(lines)), told
        return len(lines), None

    def flush(self, *, now: bool = False) -> bool:
        """Have what was written reach the disk, at most once a second unless ``now``; tells
        whether something is left to do.

        Raises:
            TrailError: it can't be known to have reached the disk.
        """
        if self._durable == self._last.seq or self._descriptor < 0:
            return False
        if not now and monotonic() - self._flushed < _FLUSH_EVERY:
            return True
        try:
            os.fdatasync(self._descriptor)
            self._durable = self._last.seq
            self._flushed = monotonic()
            self._put_anchor()
        except OSError as error:
            raise self._error(error) from None
        return False

    def close(self) -> None:
        """Flush, and let others have the trail."""
        try:
            self.flush(now=True)
        finally:
            self._close_file()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    # -- inside -------------------------------------------------------------------------------

    def _error(self, error: OSError) -> TrailError:
        return TrailError(f"The audit trail in {self._folder} can't be written: {error.strerror}")

    def _write(self, lines: Sequence[Members]) -> None:
        at = 0
        while at < len(lines):
            if self._descriptor < 0 or self._is_full():
                self._begin()
            start, last, made, size = at, self._last, [], self._size
            while at < len(lines) and size < self._most:
                line, last = make_line(self._key, last, lines[at])
                made.append(line + b"\n")
                size += len(line) + 1
                at += 1
            self._append(b"".join(made))
            self._last = last
            self._written += at - start
        if lines:
            self._put_anchor()

    def _append(self, content: bytes) -> None:
        """Write at the end of the file; what a full disk takes only in part is taken back."""
        view = memoryview(content)
        written = 0
        try:
            while written < len(content):
                written += os.write(self._descriptor, view[written:])
        except OSError:
            if written:
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += written

    def _is_full(self) -> bool:
        if self._size >= self._most:
            return True
        return bool(self._days) and time() - self._began >= _DAY and self._size > 0

    def _begin(self) -> None:
        """Begin a file, with a line that names what came before."""
        if self._descriptor >= 0:
            os.fdatasync(self._descriptor)
        before = files_of(self._folder)
        file = self._folder / name_of(self._last.seq + 1)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._close_file()
        self._descriptor, self._size, self._began = descriptor, 0, time()
        first = {
            "time": time_text(self._began),
            "action": BEGIN,
            "outcome": "success",
            "door": "server",
            "before": before[-1][1].name if before else "",
            "last": self._last.hash,
            "key": key_name(self._key),
        }
        try:
            line, last = make_line(self._key, self._last, first)
            self._append(line + b"\n")
            _fsync_folder(self._folder)
        except OSError:
            self._close_file()
            file.unlink(missing_ok=True)
            raise
        self._last = last

    def _continue(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
        self._size = os.fstat(self._descriptor).st_size
        self._began = first_of(file) or time()

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put_anchor(self) -> None:
        write_anchor(self._key, self._anchor_file, Anchor(self._last, self._durable, self._boot))

    def _tidy(self) -> None:
        """Remove files that are too old, after the chain has said so."""
        self._tidied = monotonic()
        old = outdated(self._folder, self._days, time())
        if not old:
            return
        kept = [first for first, file in files_of(self._folder) if file not in old]
        self._write(
            [
                {
                    "time": time_text(time()),
                    "action": RETENTION,
                    "outcome": "success",
                    "door": "server",
                    "removed": kept[0] - 1,
                    "detail": f"{len(old)} files older than {self._days} days",
                }
            ]
        )
        self.flush(now=True)
        for file in old:
            file.unlink(missing_ok=True)
        _fsync_folder(self._folder)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
