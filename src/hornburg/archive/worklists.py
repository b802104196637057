"""Modality worklists: a folder of small DICOM files with the extension ``.wl``.

Other programs may write into the folder at any time, as for Orthanc's worklist plug-in, and REST
creates files in it too. ``SaveInOrthancDatabase`` uses a folder of our own beside the index
instead, which holds nothing but what REST created. Names of files come from the folder or from
here, never from a title or a data set. All methods block and belong on a thread.

Source: Orthanc Book, plugins/worklists-plugin-new; Orthanc 1.10.1 was watched: upper-case
extensions and links count, folders inside do not.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.elements import Elements, Value, encode
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.head import file_head
from hornburg.dicom.limits import Limits
from hornburg.dicom.reader import DicomFile, read
from hornburg.dicom.uids import generate_uid
from hornburg.errors import BadRequestError, StorageFullError, TooLargeError, UnknownResourceError
from hornburg.security.redaction import Private, shown
from hornburg.settings import WorklistSettings
from hornburg.storage.failures import read_failure, write_failure
from hornburg.storage.files import fsync_folder, write_new

__all__ = ["Worklist", "Worklists"]

log = logging.getLogger("hornburg.worklists")

#: Files that one query looks at: some days of a large hospital.
MOST_WORKLISTS = 10_000

#: Bytes of one worklist; real ones have 2 KB.
LARGEST = 256 << 10

#: Bytes of files that stay in memory between two queries.
_MOST_KEPT = 64 << 20

_STUDY_UID = 0x0020000D
_CHARSET = 0x00080005
_EXPLICIT = "1.2.840.10008.1.2.1"
_SOP_CLASS = "1.2.840.10008.5.1.4.31"
#: In (0002,0016): what tells our files from those of others.
_CREATED_BY_REST = "HORNBURG-REST"
_SOURCE_TITLE = 0x00020016

_EXTENSION = ".wl"
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}", re.ASCII)
_SCRATCH = re.compile(r"\.[0-9a-f\-]{36}\.tmp")
_LIMITS = Limits(depth=16, elements=20_000, inflated=4 << 20, always_inflated=4 << 20)


@dataclass(frozen=True, slots=True)
class Worklist:
    """One worklist. ``created`` is Unix time; ``ours`` tells that REST created it."""

    id: str
    file: DicomFile
    created: float
    ours: bool

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID, empty when there is none."""
        return self.file.dataset.text(_STUDY_UID) or ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file as it was read, none if it is damaged; ``seal`` changes when the file does."""

    seal: tuple[int, int, int]
    worklist: Worklist | None


class Worklists:
    """The worklists of a folder.

    Args:
        settings: the section ``Worklists``.
        own_folder: where worklists are with ``SaveInOrthancDatabase``.
        dictionary: of the data sets.
        default_encoding: gives Orthanc's name of the encoding of texts that name none.
    """

    def __init__(
        self,
        settings: WorklistSettings,
        own_folder: Path,
        dictionary: Dictionary = DEFAULT,
        default_encoding: Callable[[], str] = lambda: "Latin1",
    ) -> None:
        self.settings = settings
        self.folder = own_folder if settings.own_folder else settings.directory
        self._dictionary = dictionary
        self._default_encoding = default_encoding
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def open(self) -> None:
        """Make the folder ready, and remove what a crash left half-written.

        Raises:
            DatabaseError: it can't be made or read.
        """
        try:
            if not (self.settings.own_folder or self.folder.is_dir()):
                log.warning(
                    "the folder of the worklists, %s, was not there: it is made", self.folder
                )
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            log.info("worklists are in %s", self.folder)
            for path in self.folder.iterdir():
                if _SCRATCH.fullmatch(path.name):
                    with suppress(FileNotFoundError):
                        path.unlink()
        except OSError as error:
            raise write_failure(error) from error

    def all(self) -> Iterator[Worklist]:
        """Every worklist that can be read, by name; damaged files are passed over and logged.

        Raises:
            DatabaseError: the folder can't be read.
        """
        names = self._names()
        with self._lock:
            for gone in self._kept.keys() - set(names):
                del self._kept[gone]
            room = _MOST_KEPT - sum(kept.seal[1] for kept in self._kept.values())
        for name in names:
            kept = self._look(name)
            if kept is None:
                continue
            with self._lock:
                before = self._kept.get(name)
                if before is not kept and (before is not None or room >= kept.seal[1]):
                    room -= kept.seal[1] - (before.seal[1] if before is not None else 0)
                    self._kept[name] = kept
            if kept.worklist is not None:
                yield kept.worklist

    def get(self, public_id: str) -> Worklist:
        """One worklist.

        Raises:
            UnknownResourceError: there is none, or it is damaged.
        """
        name = self._name_of(public_id)
        kept = self._look(name) if name is not None else None
        if kept is None or kept.worklist is None:
            raise UnknownResourceError(f"There is no worklist {public_id[:64]!r}")
        return kept.worklist

    def create(self, elements: Elements) -> str:
        """Keep a new worklist, durably; answers its identifier.

        Raises:
            BadRequestError: it holds elements of the file's head, or values that can't be.
            TooLargeError, StorageFullError: there is no room for it.
        """
        if self.settings.set_study_uid and not _has_study(elements):
            elements = {**elements, _STUDY_UID: Value("UI", generate_uid())}
        content = _file_of(elements)
        if len(self._names()) >= MOST_WORKLISTS:
            raise StorageFullError(f"There are {MOST_WORKLISTS} worklists already; delete some")
        public_id = str(uuid4())
        self._write(public_id + _EXTENSION, content, None)
        return public_id

    def replace(self, public_id: str, elements: Elements) -> None:
        """Put other content in the place of a worklist, which keeps its age, and its
        StudyInstanceUID unless there is a new one.

        Raises:
            UnknownResourceError: there is none.
            BadRequestError, TooLargeError, StorageFullError: as :meth:`create`.
        """
        before = self.get(public_id)
        if self.settings.set_study_uid and not _has_study(elements):
            uid = before.study_uid or generate_uid()
            elements = {**elements, _STUDY_UID: Value("UI", uid)}
        name = self._name_of(public_id)
        if name is None:
            raise UnknownResourceError(f"There is no worklist {public_id[:64]!r}")
        self._write(name, _file_of(elements), before.created)

    def delete(self, public_id: str) -> None:
        """Remove a worklist, durably.

        Raises:
            UnknownResourceError: there is none.
        """
        name = self._name_of(public_id)
        try:
            if name is None:
                raise FileNotFoundError
            (self.folder / name).unlink()
            fsync_folder(self.folder)
        except FileNotFoundError:
            raise UnknownResourceError(f"There is no worklist {public_id[:64]!r}") from None
        except OSError as error:
            raise write_failure(error) from error

    # -- files ----------------------------------------------------------------------------

    def _names(self) -> list[str]:
        names: list[str] = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.lower().endswith(_EXTENSION):
                        names.append(entry.name)
                        if len(names) >= MOST_WORKLISTS:
                            log.warning("more than %d worklists: some are left out", MOST_WORKLISTS)
                            break
        except FileNotFoundError:
            log.warning("the folder of worklists %s is not there", self.folder)
        except OSError as error:
            raise read_failure(error) from error
        return sorted(names)

    def _name_of(self, public_id: str) -> str | None:
        """The file of an identifier; none for what can't be one."""
        if _ID.fullmatch(public_id) is None:
            return None
        wanted = public_id + _EXTENSION
        if (self.folder / wanted).is_file():
            return wanted
        return next((name for name in self._names() if name[: -len(_EXTENSION)] == public_id), None)

    def _look(self, name: str) -> _Kept | None:
        """A file, read again only when it has changed; none when it isn't there any more."""
        try:
            # Without O_NONBLOCK a named pipe would hold up the thread for ever.
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            log.warning("worklist %s can't be read: %s", _shown(name), error.strerror)
            return None
        try:
            status = os.fstat(handle)
            seal = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._lock:
                kept = self._kept.get(name)
            if kept is not None and kept.seal == seal:
                return kept
            if not stat.S_ISREG(status.st_mode):
                return None
            return _Kept(seal, self._read(name, handle, status))
        finally:
            os.close(handle)

    def _read(self, name: str, handle: int, status: os.stat_result) -> Worklist | None:
        try:
            if status.st_size > LARGEST:
                raise DicomFormatError(f"{status.st_size} bytes, at most {LARGEST} are allowed")
            content = os.read(handle, LARGEST)
            file = read(
                content,
                default_charset=self._default_encoding(),
                dictionary=self._dictionary,
                limits=_LIMITS,
            )
        except (DicomFormatError, OSError) as error:
            log.warning("worklist %s is passed over: %s", _shown(name), error)
            return None
        ours = file.meta.text(_SOURCE_TITLE) == _CREATED_BY_REST
        return Worklist(name[: -len(_EXTENSION)], file, status.st_mtime, ours)

    def _write(self, name: str, content: bytes, created: float | None) -> None:
        """Write a file so that readers see all of it or nothing, and a power cut leaves it."""
        scratch = self.folder / f".{uuid4()}.tmp"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = write_new(str(scratch), memoryview(content))
            try:
                if created is not None:
                    os.utime(handle, (created, created))
                os.fsync(handle)
            finally:
                os.close(handle)
            scratch.replace(self.folder / name)
            fsync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                scratch.unlink()
            raise write_failure(error) from error


def _has_study(elements: Elements) -> bool:
    value = elements.get(_STUDY_UID)
    return value is not None and bool(value.content)


def _file_of(elements: Elements) -> bytes:
    """The DICOM file of a worklist."""
    for tag in elements:
        if tag < 0x00080000:
            raise BadRequestError(
                f"({tag >> 16:04x},{tag & 0xFFFF:04x}) is no element of a worklist"
            )
    plain = {tag: value for tag, value in elements.items() if tag != _CHARSET}
    # What JSON brings is Unicode: nothing is lost in UTF-8.
    dataset = encode(plain, transfer_syntax=_EXPLICIT, charset="Utf8")
    content = file_head(_SOP_CLASS, generate_uid(), _EXPLICIT, _CREATED_BY_REST) + dataset
    if len(content) > LARGEST:
        raise TooLargeError(f"The worklist has {len(content)} bytes, at most {LARGEST} are allowed")
    return content


def _shown(name: str) -> Private:
    """The name of a file, for the log: it may be that of a patient."""
    return Private(shown(name))
