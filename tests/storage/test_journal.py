"""The journal of new files: what a power cut takes is made again, and never more than was told."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import struct
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornburg.errors import StorageFullError
from hornburg.storage import files, journal
from hornburg.storage.filesystem import FilesystemStorage
from hornburg.storage.journal import LARGEST, LONGEST_NOTE, Journal, Record


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of eight files of a block, wherever there is room."""
    monkeypatch.setattr(journal, "_SEGMENT", 8 * 4096)
    monkeypatch.setattr(journal, "_FREE", 0)


class Later:
    """Does what a thread would do when it is told."""

    def __init__(self, *_: object) -> None:
        self.works: list[Any] = []

    def submit(self, work: Any, *arguments: Any) -> None:
        self.works.append((work, arguments))

    def shutdown(self) -> None:
        while self.works:
            work, arguments = self.works.pop(0)
            work(*arguments)


def catch_up(made: Journal) -> None:
    if isinstance(made._worker, Later):
        made._worker.shutdown()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "ThreadPoolExecutor", Later)


def opened(folder: Path, **more: Any) -> FilesystemStorage:
    storage = FilesystemStorage(folder, journal_after=-1, **more)
    storage.open()
    # The first file asks for the journal.
    first = storage.new_uuid()
    storage.create(first, b"first")
    storage.remove(first)
    catch_up(storage._durability.journal)
    return storage


def stored(storage: FilesystemStorage, count: int, waits: bool = False) -> dict[str, bytes]:
    """Files that were flushed in groups of three; ``waits`` leaves the thread's work undone."""
    made: dict[str, bytes] = {}
    while len(made) < count:
        group = {storage.new_uuid(): os.urandom(100) for _ in range(min(3, count - len(made)))}
        for name, content in group.items():
            storage.create(name, content, wait=False)
        storage.sync(list(group))
        made |= group
        if not waits:
            catch_up(storage._durability.journal)
    return made


def power_cut(folder: Path, made: dict[str, bytes]) -> Path:
    """What is left when only the journal reached the disk: files are missing, empty or cut."""
    left = folder.parent / f"after-{uuid.uuid4()}"
    shutil.copytree(folder, left)
    for number, name in enumerate(made):
        path = left / name[:2] / name[2:4] / name
        if number % 3 == 0:
            shutil.rmtree(path.parent.parent, ignore_errors=True)
        elif path.exists():
            os.truncate(path, 0 if number % 3 == 1 else 50)
    return left


@pytest.mark.usefixtures("now")
def test_files_are_made_again_after_a_power_cut(tmp_path: Path) -> None:
    storage = opened(tmp_path / "files")
    made = stored(storage, 7)
    left = power_cut(tmp_path / "files", made)
    again = FilesystemStorage(left)
    again.open()
    assert {name: again.read(name) for name in made} == made
    assert made.keys() <= set(again.suspects())
    assert not list(left.glob("journal-*"))
    again.close()
    storage.close()


@pytest.mark.usefixtures("now")
def test_one_flush_for_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(tmp_path)
    flushed: list[str] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(
            os, name, lambda handle: flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
        )
    stored(storage, 3)
    assert flushed == [str(tmp_path / "journal-0")]
    assert not storage._durability._waiting


@pytest.mark.usefixtures("now")
def test_a_segment_is_written_anew_after_its_files_reached_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(tmp_path / "files")
    settled: list[str] = []
    real = storage._durability.journal._settle

    def settle(names: Sequence[str]) -> None:
        settled.extend(names)
        real(names)

    monkeypatch.setattr(storage._durability.journal, "_settle", settle)
    made = stored(storage, 40)
    assert list(made)[: len(settled)] == settled
    # What has not reached the disk is in the journal, all of it.
    unsettled = {name: made[name] for name in made if name not in settled}
    assert 1 <= len(unsettled) <= 16
    left = power_cut(tmp_path / "files", unsettled)
    again = FilesystemStorage(left)
    again.open()
    assert {name: again.read(name) for name in unsettled} == unsettled
    again.close()
    storage.close()


@pytest.mark.usefixtures("now")
def test_without_room_in_the_journal_files_are_flushed_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(tmp_path)
    stored(storage, 15, waits=True)
    flushed: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    made = stored(storage, 3, waits=True)
    assert {str(storage.path(name)) for name in made} <= set(flushed)
    storage.close()
    assert not list(tmp_path.glob("journal-*"))


@pytest.mark.usefixtures("now")
def test_a_journal_that_can_not_be_written_is_left_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = opened(tmp_path / "files")
    before = stored(storage, 3)

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(os, "pwritev", fail)
        after = stored(storage, 3)
    assert "can't be written" in caplog.text
    after |= stored(storage, 3)
    left = power_cut(tmp_path / "files", before)
    again = FilesystemStorage(left)
    again.open()
    assert {name: again.read(name) for name in before} == before
    again.close()
    assert {name: storage.read(name) for name in after} == after
    storage.close()


@pytest.mark.usefixtures("now")
def test_files_that_can_not_reach_the_disk_stay_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = opened(tmp_path / "files")

    def fail(_: int) -> int:
        return -1

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(files, "_syncfs", fail)
        made = stored(storage, 20)
        storage.close()
    assert "can't reach the disk" in caplog.text
    left = power_cut(tmp_path / "files", made)
    again = FilesystemStorage(left)
    again.open()
    in_journal = list(made)[:15]
    assert all(again.read(name) == made[name] for name in in_journal)
    again.close()


@pytest.mark.usefixtures("now")
def test_without_syncfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_syncfs", None)
    storage = opened(tmp_path)
    made = stored(storage, 30)
    storage.remove(next(iter(made)))
    storage.close()
    assert not list(tmp_path.glob("journal-*"))


@pytest.mark.usefixtures("now")
def test_a_clean_stop_leaves_no_journal(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    stored(storage, 5)
    assert len(list(tmp_path.glob("journal-*"))) == 2
    storage.close()
    assert not list(tmp_path.glob("journal-*"))


@pytest.mark.usefixtures("now")
def test_large_files_stay_out(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    name = storage.new_uuid()
    storage.create(name, bytes(LARGEST + 1))
    assert not list(storage._durability.journal.records())
    storage.close()


@pytest.mark.usefixtures("now")
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(tmp_path)
    name = storage.new_uuid()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageFullError):
            storage.create(name, b"abc", wait=False)
    assert not storage.path(name).exists()
    storage.close()


def test_none_on_a_small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_FREE", 1 << 60)
    storage = opened(tmp_path)
    made = stored(storage, 5)
    assert {name: storage.read(name) for name in made} == made
    storage.close()
    assert not list(tmp_path.glob("journal-*"))


@pytest.mark.usefixtures("now")
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_journal_that_is_cut_or_damaged_gives_a_beginning(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    made = Journal(folder, lambda names: None)
    made.begin()
    catch_up(made)
    rows = [
        Record(
            str(uuid.uuid4()),
            data.draw(st.binary(max_size=5000)),
            data.draw(st.binary(max_size=LONGEST_NOTE)),
        )
        for _ in range(data.draw(st.integers(0, 4)))
    ]
    for row in rows:
        assert made.append([row])
    made.close(clean=False)
    path = folder / "journal-0"
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content)))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        piece = data.draw(st.binary(max_size=300))
        content[at : at + len(piece)] = piece
    path.write_bytes(content)
    read = list(Journal(folder, lambda names: None).records())
    assert read == rows[: len(read)]
    ends, end = [], 0
    for one in rows:
        end += -(-(48 + len(one.note) + len(one.content)) // 4096) * 4096
        ends.append(end)
    # What lies before the damage is all there.
    assert len(read) >= sum(stop <= at for stop in ends)


@pytest.mark.usefixtures("now")
def test_records_of_an_older_generation_are_not_read(tmp_path: Path) -> None:
    made = Journal(tmp_path, lambda names: None)
    made.begin()
    catch_up(made)
    rows = [Record(str(uuid.uuid4()), bytes([number])) for number in range(17)]
    for row in rows:
        assert made.append([row])
        catch_up(made)
    # The first segment begins again with the last record; seven old ones lie behind it.
    assert list(made.records()) == [rows[16], *rows[8:16]]
    made.close(clean=False)


def test_records_of_the_first_form_are_read(tmp_path: Path) -> None:
    """Those of an earlier version, without notes."""
    name, content = uuid.uuid4(), b"of an earlier version"
    head = struct.pack("<8sQ16sQ", b"HbrgJrn1", 7, name.bytes, len(content))
    check = zlib.crc32(content, zlib.crc32(head)).to_bytes(4, "little")
    (tmp_path / "journal-0").write_bytes((head + check + content).ljust(8 * 4096, b"\0"))
    assert list(Journal(tmp_path, lambda names: None).records()) == [Record(str(name), content)]


@pytest.mark.usefixtures("now")
def test_what_is_said_of_notes(tmp_path: Path) -> None:
    """They are durable where somebody heeds them, and all of them."""
    storage = opened(tmp_path)

    def synced(*notes: bytes) -> bool:
        names = [storage.new_uuid() for _ in notes]
        for name, note in zip(names, notes, strict=True):
            storage.create(name, b"content", wait=False, note=note)
        return storage.sync(names)

    assert not synced(b"note")
    storage.keep_notes(lambda: None)
    assert synced(b"note", b"another")
    assert not synced(b"note", b"")
    assert not synced(b"x" * (LONGEST_NOTE + 1))
    large = storage.new_uuid()
    storage.create(large, bytes(LARGEST + 1), wait=False, note=b"note")
    assert not storage.sync([large])
    storage.close()


@pytest.mark.usefixtures("now")
def test_notes_are_kept_until_they_are_heeded(tmp_path: Path) -> None:
    storage = opened(tmp_path / "files")
    storage.keep_notes(lambda: None)
    names = [storage.new_uuid() for _ in range(3)]
    for name in names:
        storage.create(name, b"content", wait=False, note=name.encode())
    storage.sync(names)
    storage.take_back(names[1])
    expected = [(name, name.encode()) for name in (names[0], names[2])]
    left = power_cut(tmp_path / "files", {})
    storage.close()
    for _ in range(2):
        again = FilesystemStorage(left)
        again.open()
        assert again.notes() == expected
        again.close()
    again.open()
    again.notes_heeded()
    assert not list(left.glob("journal-*"))
    again.close()
