"""When files of the storage have reached the disk: those that a commit waits for, together.

The content of small files goes into a journal (``hornburg.storage.journal``), which is flushed in
their place. Without it, and for larger ones, the bytes of all are flushed, several at the same
time, and then the entries of the folders that they share, each folder once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hornburg.storage.failures import write_failure
from hornburg.storage.files import (
    fsync_folder,
    place_of,
    restore,
    start_writing,
    sync_files,
)
from hornburg.storage.journal import LARGEST, LONGEST_NOTE, TAKEN_BACK, Journal, Record

__all__ = ["WITHOUT_JOURNAL", "Durability"]

#: Files that are flushed each by itself before the journal is made: few are not worth its place.
WITHOUT_JOURNAL = 32

#: Files that are flushed at the same time. The file system joins what it is asked for meanwhile
#: into one entry of its journal: measured on ext4, 8 at once took a third to a sixth of the time
#: of one after the other. Fewer are not worth waking other threads for.
_FLUSHERS = 8

#: Files above this many bytes begin to reach the disk before anybody waits for it.
_LARGE = 64 << 10

_OLD = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class _Content:
    """What goes into the journal for a file."""

    content: bytes
    note: bytes


class Durability:
    """Which files have not reached the disk yet, and what is left to do for them.

    Args:
        folder: of the files.
        wanted: ``False`` gives up durability against a power cut (``SyncStorageArea``).
        journal_after: how many files come before the journal is worth its place.
    """

    def __init__(self, folder: Path, *, wanted: bool, journal_after: int) -> None:
        self._folder = folder
        self._wanted = wanted
        #: Folders whose own entry may not be durable yet: their files wait for it too.
        self._fresh: set[str] = set()
        #: Files that are not durable yet, with the handle to flush them by, if their bytes are
        #: not, or what goes into the journal; and those that never will be. One thread at a time
        #: works on a file.
        self._waiting: dict[str, int | _Content | None] = {}
        self._failed: dict[str, OSError] = {}
        self._flushers: ThreadPoolExecutor | None = None
        self.journal = Journal(folder, self._settle)
        self._settle_entries: Callable[[], None] | None = None
        #: What an unclean stop left: see ``Storage.notes``.
        self.notes: list[tuple[str, bytes]] = []
        self._before_journal = journal_after

    # -- life -----------------------------------------------------------------------------

    def open(self) -> None:
        """Make ready to flush."""
        if self._wanted:
            self._flushers = ThreadPoolExecutor(_FLUSHERS, "storage-flush")

    def replay(self, make_folders: Callable[[str], None]) -> None:
        """Make the files again that the journal holds; the sweep removes those without entry.

        Raises:
            OSError: the journal can't be read, or a file can't be made.
        """
        restored, notes, taken_back = [], {}, set()
        for record in self.journal.records():
            if record.note == TAKEN_BACK:
                taken_back.add(record.uuid)
                continue
            make_folders(record.uuid)
            restore(place_of(self._folder, record.uuid), record.content)
            restored.append(record.uuid)
            if record.note:
                # A commit that was tried again has left several.
                notes[record.uuid] = record.note
        if restored:
            sync_files(self._folder, restored)
        self.notes = [one for one in notes.items() if one[0] not in taken_back]
        if not self.notes:
            self.journal.forget()

    def keep_notes(self, settle_entries: Callable[[], None]) -> None:
        """See ``FilesystemStorage.keep_notes``."""
        self._settle_entries = settle_entries

    def notes_heeded(self) -> None:
        """Nothing of what was left is needed any more.

        Raises:
            OSError: the journal can't be removed.
        """
        self.journal.forget()
        self.notes = []

    def _settle(self, uuids: Sequence[str]) -> None:
        """Have files, their entries in folders and those in the index reach the disk."""
        sync_files(self._folder, uuids)
        if self._settle_entries is not None:
            self._settle_entries()

    def close(self, *, clean: bool) -> None:
        """Let go of what still waits."""
        if self._flushers is not None:
            self._flushers.shutdown()
            self._flushers = None
        for uuid in list(self._waiting):
            self._let_go(uuid)
        self.journal.close(clean=clean and not self.notes)

    # -- what is left to do ---------------------------------------------------------------

    def folder_is_made(self, pair: str) -> None:
        """Note that a folder (the first four digits of its files) may not be durable itself. Done
        before it is made: whoever finds the folder there also finds the note."""
        self._fresh.add(pair)

    def made(
        self,
        uuid: str,
        content: bytes | memoryview,
        handle: int,
        *,
        soon: bool,
        note: bytes = b"",
    ) -> None:
        """A file was written. ``handle`` is ours from now on; ``soon`` tells that the caller syncs
        at once, so that a beginning on the way to the disk gains nothing."""
        size = len(content)
        if size > _LARGE and not soon and self._wanted:
            start_writing(handle)
        if size <= LARGEST and self.journal.is_open:
            os.close(handle)
            whole = content if isinstance(content, bytes) else bytes(content)
            self.note(uuid, _Content(whole, note if len(note) <= LONGEST_NOTE else b""))
            return
        if size <= LARGEST and self._wanted:
            self._before_journal -= 1
            if self._before_journal < 0:
                self.journal.begin()
        self.note(uuid, handle)

    def note(self, uuid: str, left: int | _Content | None) -> None:
        """What is left to do for a file: a handle to flush it by, something for the journal, or
        only the entry of its folder."""
        if self._wanted:
            self._waiting[uuid] = left
        elif isinstance(left, int):
            os.close(left)

    def forget(self, uuid: str) -> None:
        """A file is to be removed: nothing is left to do for it."""
        self._let_go(uuid)
        self._failed.pop(uuid, None)

    def _let_go(self, uuid: str) -> None:
        left = self._waiting.pop(uuid, None)
        if isinstance(left, int):
            os.close(left)

    # -- doing it -------------------------------------------------------------------------

    def sync(self, uuids: Sequence[str]) -> bool:
        """The journal once for all; or the bytes of all at once, then the entries of their
        folders, each folder once.

        Returns:
            Whether the journal has notes of all of them.

        Raises:
            StorageFullError, DatabaseError: one of them can't reach the disk, and never will.
        """
        names, noted = self._without_journal(list(dict.fromkeys(uuids)))
        if not names:
            return noted
        fault = next((fault for fault in self._flush_all(names) if fault is not None), None)
        if fault is None:
            try:
                self._sync_entries([uuid for uuid in names if uuid in self._waiting])
            except OSError as error:
                fault = error
        if fault is not None:
            raise write_failure(fault) from fault
        for uuid in names:
            self._waiting.pop(uuid, None)
        return False

    def _without_journal(self, uuids: list[str]) -> tuple[list[str], bool]:
        """Append to the journal what is meant for it; answers the files that need more, and
        whether all have notes in it."""
        records = [
            Record(uuid, left.content, left.note)
            for uuid in uuids
            if isinstance(left := self._waiting.get(uuid), _Content)
        ]
        if not records or not self.journal.append(records):
            return uuids, False
        for record in records:
            self._waiting.pop(record.uuid, None)
        noted = self._settle_entries is not None and all(record.note for record in records)
        if len(records) == len(uuids):
            return [], noted
        return [uuid for uuid in uuids if uuid in self._waiting or uuid in self._failed], False

    def _flush_all(self, uuids: Sequence[str]) -> list[OSError | None]:
        if len(uuids) < _FLUSHERS or self._flushers is None:
            return [self._flush(uuid) for uuid in uuids]
        return list(self._flushers.map(self._flush, uuids))

    def _flush(self, uuid: str) -> OSError | None:
        """Have the bytes of one file reach the disk; answers why they never will."""
        if uuid in self._failed:
            return self._failed[uuid]
        left = self._waiting.get(uuid)
        if left is None:
            return None
        self._waiting[uuid] = None
        try:
            handle = left if isinstance(left, int) else os.open(place_of(self._folder, uuid), _OLD)
        except OSError as error:
            self._failed[uuid] = error
            return error
        try:
            os.fsync(handle)
        except OSError as error:
            # After a failed fsync the kernel drops the pages and the next one succeeds
            # (https://wiki.postgresql.org/wiki/Fsync_Errors): this file is lost for good.
            self._failed[uuid] = error
            return error
        finally:
            os.close(handle)
        return None

    def _sync_entries(self, uuids: Sequence[str]) -> None:
        """After the files themselves: then the journal of the file system has most of it already."""
        for pair in {uuid[:4] for uuid in uuids}:
            first = f"{self._folder}/{pair[:2]}"
            fsync_folder(f"{first}/{pair[2:]}")
            if pair in self._fresh:
                fsync_folder(first)
                fsync_folder(self._folder)
                self._fresh.discard(pair)
