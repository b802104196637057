"""The compressed form: as Orthanc writes it, and in bounded memory whatever it claims."""

from __future__ import annotations

import hashlib
import io
import struct
import uuid
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import CorruptedError
from hornburg.storage import compressed
from hornburg.storage.compressed import CompressedStorage
from hornburg.storage.memory import MemoryStorage
from hornburg.storage.zlib_form import (
    PREFIX,
    claimed_size,
    decompress,
    pack,
    pack_stream,
)

NAME = str(uuid.UUID(int=5))


def holding(content: bytes) -> CompressedStorage:
    below = MemoryStorage()
    below.create(NAME, content)
    return CompressedStorage(below)


def test_the_form_is_that_of_orthanc() -> None:
    packed = pack(b"hello" * 100)
    assert packed[:8] == bytes([0xF4, 1, 0, 0, 0, 0, 0, 0])
    assert zlib.decompress(packed[8:]) == b"hello" * 100
    assert pack(b"") == b""


@given(st.binary(max_size=5000), st.integers(1, 9))
def test_stream_and_memory_agree(content: bytes, level: int) -> None:
    target = io.BytesIO()
    made = pack_stream(io.BytesIO(content), target, level)
    assert target.getvalue() == pack(content, level)
    assert made == (len(content), len(target.getvalue()))


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 100), st.integers(1, 100))
def test_unpacks_from_any_pieces_in_bounded_pieces(content: bytes, cut: int, step: int) -> None:
    packed = pack(content)[PREFIX:]
    parts = [packed[at : at + cut] for at in range(0, len(packed), cut)]
    pieces = list(decompress(parts, len(content), step))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= step


@given(st.binary(max_size=200))
def test_rubbish_is_an_error_of_ours(content: bytes) -> None:
    storage = holding(content)
    try:
        storage.read(NAME)
        list(storage.chunks(NAME, 0, 10, 3))
        with storage.map(NAME):
            pass
    except CorruptedError:
        pass


def test_the_claimed_size_is_not_believed() -> None:
    stream = zlib.compress(b"x" * 100)
    for claim in (0, 99, 101, 1 << 63):
        with pytest.raises(CorruptedError):
            holding(struct.pack("<Q", claim) + stream).read(NAME)
    with pytest.raises(CorruptedError, match="more than it can hold"):
        claimed_size(struct.pack("<Q", 1 << 40), 1000)


def test_a_bomb_stops_at_its_claim() -> None:
    """What comes out is counted while it comes out; one piece more than claimed, and it ends."""
    bomb = zlib.compress(bytes(50_000_000), 9)
    seen = 0
    with pytest.raises(CorruptedError, match="more than 1000 bytes"):
        for piece in decompress([bomb], 1000, 500):
            seen += len(piece)
    assert seen <= 1000


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 12), slice(0, 8), slice(0, 5)])
def test_cut_off(damage: slice) -> None:
    with pytest.raises(CorruptedError):
        holding(pack(b"hello" * 1000)[damage]).read(NAME)


def test_something_after_the_stream() -> None:
    with pytest.raises(CorruptedError):
        holding(pack(b"hello") + b"more").read(NAME)


def test_a_large_file_is_mapped_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_MAP_IN_MEMORY", 100)
    content = bytes(range(256)) * 100
    with holding(pack(content)).map(NAME) as mapped:
        assert bytes(mapped) == content


def test_below_lie_the_compressed_bytes() -> None:
    below = MemoryStorage()
    above = CompressedStorage(below)
    above.create(NAME, b"a" * 10_000)
    assert below.read(NAME) == pack(b"a" * 10_000)
    assert above.path(NAME) is None


@given(st.binary(max_size=5000))
def test_what_the_index_is_told(content: bytes) -> None:
    target = io.BytesIO()
    size, md5 = compressed.compress(content, target)
    assert target.getvalue() == pack(content)
    assert (size, md5) == (len(target.getvalue()), hashlib.md5(target.getvalue()).hexdigest())
