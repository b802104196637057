"""Files that are in memory already."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from hornburg.storage.base import Storage
from hornburg.storage.compressed import CompressedStorage
from hornburg.storage.filesystem import FilesystemStorage
from hornburg.storage.memory import MemoryStorage


@pytest.mark.parametrize("kind", ["filesystem", "memory", "compressed"])
def test_what_is_at_hand_is_the_whole_file_or_nothing(kind: str, tmp_path: Path) -> None:
    storage: Storage = FilesystemStorage(tmp_path) if kind == "filesystem" else MemoryStorage()
    if kind == "compressed":
        storage = CompressedStorage(storage)
    storage.open()
    for content in (b"", b"content"):
        uuid = str(uuid4())
        storage.create(uuid, content)
        storage.read(uuid)
        assert storage.read_at_hand(uuid, len(content)) in (content, None)
        assert storage.read_at_hand(uuid, 100) in (content, None)
        if content:
            assert storage.read_at_hand(uuid, len(content) - 1) is None
    assert storage.read_at_hand(str(uuid4()), 100) is None
    storage.close()


@pytest.mark.parametrize(
    ("number", "asked"), [(errno.EAGAIN, 2), (errno.EOPNOTSUPP, 1), (errno.EIO, 1)]
)
def test_a_file_system_that_can_not_tell_is_not_asked_again(
    number: int, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FilesystemStorage(tmp_path)
    storage.open()
    uuid = str(uuid4())
    storage.create(uuid, b"content")
    calls = []

    def refuse(handle: int, buffers: Sequence[bytearray], offset: int, flags: int) -> int:
        calls.append(flags)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "preadv", refuse)
    monkeypatch.setattr(os, "RWF_NOWAIT", 8, raising=False)
    storage = FilesystemStorage(tmp_path)
    for _ in range(2):
        assert storage.read_at_hand(uuid, 100) is None
    assert calls == [8] * asked
    assert storage.read(uuid) == b"content"
