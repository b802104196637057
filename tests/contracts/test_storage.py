"""What every storage backend and layer keeps. One joins by one more row in BACKENDS."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from hornburg.errors import AlreadyExistsError, CorruptedError
from hornburg.storage.base import Storage
from hornburg.storage.compressed import CompressedStorage
from hornburg.storage.filesystem import FilesystemStorage
from hornburg.storage.memory import MemoryStorage

BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "filesystem": lambda folder: FilesystemStorage(folder / "files"),
    "filesystem-relaxed": lambda folder: FilesystemStorage(folder / "files", sync=False),
    "filesystem-elsewhere": lambda folder: FilesystemStorage(
        folder / "files", temporary=folder / "scratch"
    ),
    "memory": lambda folder: MemoryStorage(),
    "compressed-filesystem": lambda folder: CompressedStorage(FilesystemStorage(folder / "files")),
    "compressed-memory": lambda folder: CompressedStorage(MemoryStorage()),
}


@pytest.fixture(params=list(BACKENDS))
def storage(request: pytest.FixtureRequest, tmp_path: Path):
    made = BACKENDS[request.param](tmp_path)
    made.open()
    yield made
    made.close()


#: The same in every process that collects the tests.
UPPER = "7C5E7655-D2B7-4DB5-B8BF-F1BE13ADC843"


def new_uuid() -> str:
    return str(uuid.uuid4())


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5000])
def test_reads_back_what_was_written(storage: Storage, content: bytes) -> None:
    name = new_uuid()
    storage.create(name, content)
    assert storage.read(name) == content
    assert storage.size(name) == len(content)
    assert storage.read(name, 3, 10) == content[3:10]
    assert storage.read(name, 3) == content[3:]
    assert storage.read(name, 0, 1 << 40) == content
    assert storage.read(name, 1 << 40) == b""
    with storage.map(name) as mapped:
        assert bytes(mapped) == content


@pytest.mark.parametrize("view", [bytearray, memoryview])
def test_takes_any_buffer(storage: Storage, view: Callable[[bytes], object]) -> None:
    name = new_uuid()
    storage.create(name, view(b"abc" * 1000))  # type: ignore[arg-type]
    assert storage.read(name) == b"abc" * 1000


@pytest.mark.parametrize("bounds", [(0, 1_280_000), (0, 0), (7, 1_000_001), (1_279_999, 1_280_000)])
def test_chunks_are_bounded(storage: Storage, bounds: tuple[int, int]) -> None:
    name, content = new_uuid(), bytes(range(256)) * 5000
    storage.create(name, content)
    parts = list(storage.chunks(name, *bounds, 70_000))
    assert all(0 < len(part) <= 70_000 for part in parts)
    assert b"".join(parts) == content[slice(*bounds)]


def test_a_file_shorter_than_the_index_says_is_an_error(storage: Storage) -> None:
    name = new_uuid()
    storage.create(name, b"abc")
    with pytest.raises(CorruptedError, match="shorter"):
        list(storage.chunks(name, 0, 4, 100))


def test_adopts_a_scratch_file(storage: Storage) -> None:
    name = new_uuid()
    with storage.scratch() as scratch:
        scratch.write(b"abc" * 100_000)
        storage.adopt(name, scratch)
    assert storage.read(name) == b"abc" * 100_000


def test_a_file_is_written_once(storage: Storage) -> None:
    name = new_uuid()
    storage.create(name, b"first")
    with pytest.raises(AlreadyExistsError):
        storage.create(name, b"second")
    with storage.scratch() as scratch:
        scratch.write(b"third")
        with pytest.raises(AlreadyExistsError):
            storage.adopt(name, scratch)
    assert storage.read(name) == b"first"


def test_removes(storage: Storage) -> None:
    name = new_uuid()
    storage.create(name, b"abc")
    storage.remove(name)
    storage.remove(name)
    for ask in (
        storage.read,
        storage.size,
        lambda name: list(storage.chunks(name, 0, 1, 1)),
        lambda name: storage.map(name).__enter__(),
    ):
        with pytest.raises(CorruptedError, match="missing"):
            ask(name)
    storage.create(name, b"again")
    assert storage.read(name) == b"again"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "", "a" * 36, "..", "x\0y", f"{UPPER}A"],
)
def test_nothing_but_an_identifier_is_a_path(storage: Storage, name: str) -> None:
    with storage.scratch() as scratch:
        scratch.write(b"abc")
        for ask in (
            lambda: storage.create(name, b"abc"),
            lambda: storage.adopt(name, scratch),
            lambda: storage.read(name),
            lambda: storage.size(name),
            lambda: storage.remove(name),
            lambda: storage.path(name),
        ):
            with pytest.raises(CorruptedError, match="no identifier"):
                ask()


def test_many_threads_at_once(storage: Storage) -> None:
    names = [new_uuid() for _ in range(60)]
    failures: list[Exception] = []

    def work(mine: list[str]) -> None:
        try:
            for name in mine:
                storage.create(name, name.encode())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(names[at::6],)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [storage.read(name) for name in names] == [name.encode() for name in names]


def test_files_that_wait_for_each_other(storage: Storage) -> None:
    names = [storage.new_uuid() for _ in range(5)]
    for name in names[:4]:
        storage.create(name, name.encode(), wait=False)
    with storage.scratch() as scratch:
        scratch.write(names[4].encode())
        storage.adopt(names[4], scratch, wait=False)
    storage.sync(names)
    storage.sync(names)
    assert [storage.read(name) for name in names] == [name.encode() for name in names]
    dropped = storage.new_uuid()
    storage.create(dropped, b"x", wait=False)
    storage.remove(dropped)
    storage.sync([dropped])
