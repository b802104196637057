"""What is particular to local files: folders, rights, left-overs, a full disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hornburg.errors import DatabaseError, StorageFullError
from hornburg.storage.filesystem import FilesystemStorage


def new_uuid() -> str:
    return str(uuid.uuid4())


def opened(folder: Path, **more: Any) -> FilesystemStorage:
    storage = FilesystemStorage(folder, **more)
    storage.open()
    return storage


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"in-use", "storage.lock"}


def test_two_levels_of_folders_for_this_user_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        storage = opened(tmp_path / "files")
        name = new_uuid()
        storage.create(name, b"abc")
        adopted = new_uuid()
        with storage.scratch() as scratch:
            scratch.write(b"abc")
            storage.adopt(adopted, scratch)
    finally:
        os.umask(old)
    path = tmp_path / "files" / name[0:2] / name[2:4] / name
    assert storage.path(name) == path
    for file in (path, storage.path(adopted)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "files").stat().st_mode) == 0o700


class Order:
    """Writes down what reaches the disk, and when names are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        real = os.fsync

        def fsync(handle: int) -> None:
            self.calls.append(os.readlink(f"/proc/self/fd/{handle}"))
            real(handle)

        monkeypatch.setattr(os, "fsync", fsync)


def test_bytes_then_every_new_folder_entry_are_synchronised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(tmp_path)
    order = Order(monkeypatch)
    name = new_uuid()
    storage.create(name, b"abc")
    path = storage.path(name)
    folders = [str(folder) for folder in (path.parent, path.parent.parent, tmp_path)]
    assert order.calls == [str(path), *folders]
    order.calls.clear()
    other = name[:-4] + ("0000" if name[-4:] != "0000" else "1111")
    storage.create(other, b"abc")
    assert order.calls == [str(storage.path(other)), folders[0]]


def test_a_folder_that_another_thread_is_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file has made the folders, and their entries are not on the disk yet."""
    storage = opened(tmp_path)
    name = new_uuid()
    other = name[:-4] + ("0000" if name[-4:] != "0000" else "1111")
    storage._make_folders(name)
    order = Order(monkeypatch)
    storage.create(other, b"abc")
    path = storage.path(other)
    assert order.calls[1:] == [str(path.parent), str(path.parent.parent), str(tmp_path)]


def test_relaxed_synchronises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(tmp_path, sync=False)
    order = Order(monkeypatch)
    storage.create(new_uuid(), b"abc")
    with storage.scratch() as scratch:
        scratch.write(b"abc")
        storage.adopt(new_uuid(), scratch)
    assert order.calls == []


def test_suspects_only_after_an_unclean_stop(tmp_path: Path) -> None:
    names = [new_uuid() for _ in range(3)]
    first = opened(tmp_path)
    for name in names:
        first.create(name, b"abc")
    assert list(first.suspects()) == []
    first.close(clean=False)
    second = opened(tmp_path)
    assert sorted(second.suspects()) == sorted(names)
    second.checkpoint("a")
    assert list(second.suspects()) == []
    second.close()
    third = opened(tmp_path)
    assert list(third.suspects()) == []


def test_suspects_stay_until_they_are_swept(tmp_path: Path) -> None:
    name = new_uuid()
    opened(tmp_path).create(name, b"abc")
    opened(tmp_path).close()  # stopped before the sweep
    assert list(opened(tmp_path).suspects()) == [name]


@pytest.mark.parametrize("note", ["", "rubbish", "9e99", "-5", "nan"])
def test_a_damaged_note_makes_everything_a_suspect(tmp_path: Path, note: str) -> None:
    name = new_uuid()
    storage = opened(tmp_path)
    storage.create(name, b"abc")
    os.utime(storage.path(name).parent, (1000, 1000))
    (tmp_path / "in-use").write_text(note)
    storage.close(clean=False)
    assert list(opened(tmp_path).suspects()) == [name]


def test_old_folders_are_not_looked_into(tmp_path: Path) -> None:
    name = new_uuid()
    storage = opened(tmp_path)
    storage.create(name, b"abc")
    os.utime(storage.path(name).parent, (1000, 1000))
    storage.close(clean=False)
    assert list(opened(tmp_path).suspects()) == []


def fails_with(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["write", "fsync", "mkdir"])
@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EIO, DatabaseError),
    ],
)
def test_a_failed_write_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    error: type[Exception],
) -> None:
    storage = opened(tmp_path)
    name = new_uuid()
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails_with(number))
        with pytest.raises(error):
            storage.create(name, b"abc")
    assert files_in(tmp_path) == set()
    storage.create(name, b"abc")
    assert storage.read(name) == b"abc"


def test_a_failed_folder_entry_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(tmp_path)
    name = new_uuid()
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(DatabaseError):
            storage.create(name, b"abc")
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_adopting_copies_where_a_link_is_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    storage = opened(tmp_path)
    monkeypatch.setattr(os, "link", fails_with(number))
    name = new_uuid()
    with storage.scratch() as scratch:
        scratch.write(b"abc" * 1000)
        storage.adopt(name, scratch)
    assert storage.read(name) == b"abc" * 1000


def test_without_nameless_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(tmp_path)
    real = os.open

    def no_tmpfile(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", no_tmpfile)
    name = new_uuid()
    with storage.scratch() as scratch:
        scratch.write(b"abc")
        storage.adopt(name, scratch)
    assert storage.read(name) == b"abc"
    assert files_in(tmp_path) == {name}


def test_scratch_files_of_a_crash_are_removed(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "incoming" / "hornburg-scratch-x").write_bytes(b"half")
    (tmp_path / "incoming" / "other").write_bytes(b"not ours")
    opened(tmp_path)
    assert files_in(tmp_path) == {"other"}


def test_a_scratch_file_leaves_nothing(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    with storage.scratch() as scratch:
        scratch.write(b"abc")
    assert files_in(tmp_path) == set()


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseError, match=r"file can't be used as StorageDirectory: \w"):
        FilesystemStorage(tmp_path / "file").open()


def test_links_are_not_followed(tmp_path: Path) -> None:
    storage = opened(tmp_path / "files")
    name = new_uuid()
    storage.create(name, b"abc")
    storage.remove(name)
    (tmp_path / "secret").write_text("secret")
    storage.path(name).symlink_to(tmp_path / "secret")
    with pytest.raises(DatabaseError):
        storage.read(name)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of one megabyte."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
        )
        if made.returncode:
            pytest.skip("mounting a small tmpfs needs the rights of root")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    storage = opened(small_disk)
    kept = new_uuid()
    storage.create(kept, b"x" * 400_000)
    with pytest.raises(StorageFullError):
        storage.create(new_uuid(), b"x" * 900_000)
    with storage.scratch() as scratch, pytest.raises((OSError, StorageFullError)):
        scratch.write(b"x" * 900_000)
        scratch.flush()
    assert files_in(small_disk) == {kept}
    other = new_uuid()
    storage.create(other, b"x" * 400_000)
    assert storage.read(other) == b"x" * 400_000


def test_a_file_whose_flush_failed_is_never_taken_for_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FilesystemStorage(tmp_path)
    storage.open()
    bad, good = storage.new_uuid(), storage.new_uuid()
    storage.create(bad, b"bad", wait=False)

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFullError):
        storage.sync([bad])
    monkeypatch.undo()
    storage.create(good, b"good", wait=False)
    with pytest.raises(StorageFullError):
        storage.sync([bad, good])
    storage.sync([good])
    storage.remove(bad)
    assert not storage.path(bad).exists()
    assert storage.read(good) == b"good"


def test_files_made_one_after_the_other_share_a_folder(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path)
    names = [storage.new_uuid() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert len({name[:4] for name in names}) <= 5


def test_the_folder_itself_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(monkeypatch)
    opened(tmp_path / "files")
    assert str(tmp_path) in order.calls
    assert str(tmp_path / "files") in order.calls


def test_files_are_flushed_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(tmp_path)
    names = [storage.new_uuid() for _ in range(8)]
    for name in names:
        storage.create(name, b"abc", wait=False)
    all_there = threading.Barrier(8, timeout=30)
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            all_there.wait()
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    storage.sync([*names, names[0]])
    assert not all_there.broken
    storage.close()
