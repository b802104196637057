"""What every storage backend keeps. A backend joins by one more row in BACKENDS."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from hornburg.errors import CorruptedError, StorageFullError
from hornburg.storage.base import Storage
from hornburg.storage.filesystem import FilesystemStorage

BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "filesystem": lambda folder: FilesystemStorage(folder / "files"),
    "filesystem-relaxed": lambda folder: FilesystemStorage(folder / "files", sync=False),
}


@pytest.fixture(params=list(BACKENDS))
def storage(request: pytest.FixtureRequest, tmp_path: Path):
    made = BACKENDS[request.param](tmp_path)
    made.open()
    yield made
    made.close()


def new_uuid() -> str:
    return str(uuid.uuid4())


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5000])
def test_reads_back_what_was_written(storage: Storage, content: bytes) -> None:
    name = new_uuid()
    storage.create(name, content)
    assert storage.read(name) == content
    assert storage.size(name) == len(content)
    assert storage.read(name, 3, 10) == content[3:10]
    assert b"".join(storage.chunks(name, 0, len(content), 1000)) == content
    with storage.map(name) as mapped:
        assert bytes(mapped) == content


def test_adopts_a_scratch_file(storage: Storage) -> None:
    name = new_uuid()
    with storage.scratch() as scratch:
        scratch.write(b"abc" * 100_000)
        storage.adopt(name, scratch)
    assert storage.read(name) == b"abc" * 100_000


def test_a_file_is_written_once(storage: Storage) -> None:
    name = new_uuid()
    storage.create(name, b"first")
    with pytest.raises(Exception, match="written"):
        storage.create(name, b"second")
    assert storage.read(name) == b"first"


def test_removes(storage: Storage) -> None:
    name = new_uuid()
    storage.create(name, b"abc")
    storage.remove(name)
    storage.remove(name)
    for ask in (storage.read, storage.size):
        with pytest.raises(CorruptedError):
            ask(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "a" * 36, "..", "x\0y"])
def test_nothing_but_an_identifier_is_a_path(storage: Storage, name: str) -> None:
    with pytest.raises(CorruptedError):
        storage.create(name, b"abc")
    with pytest.raises(CorruptedError):
        storage.read(name)


def test_suspects_only_after_an_unclean_stop(tmp_path: Path) -> None:
    names = [new_uuid() for _ in range(3)]
    first = FilesystemStorage(tmp_path)
    first.open()
    for name in names:
        first.create(name, b"abc")
    assert list(first.suspects()) == []
    first.close(clean=False)
    second = FilesystemStorage(tmp_path)
    second.open()
    assert sorted(second.suspects()) == sorted(names)
    second.swept()
    second.close()
    third = FilesystemStorage(tmp_path)
    third.open()
    assert list(third.suspects()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    storage = FilesystemStorage(tmp_path)
    storage.open()
    name = new_uuid()

    def full(handle: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageFullError):
        storage.create(name, b"abc")
    monkeypatch.undo()
    assert not storage.path(name).exists()
    storage.create(name, b"abc")
