"""Reading attachments back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rest.anything import examples
from tests.rest.conftest import Served, serving

from hornburg.archive.attach import change_compression
from hornburg.archive.read import PIECE, attachment_of, dicom_of, examine, opened, pieces
from hornburg.dicom.levels import Level
from hornburg.errors import CorruptedError, UnknownResourceError
from hornburg.index.base import Attachment, Compression
from hornburg.testing import DatasetFactory

FILE = DatasetFactory("CT", size=PIECE + 100_000).instance()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as one:
        yield one


async def stored(served: Served, file: bytes = FILE) -> Attachment:
    ids = (await served.upload(file))[0]
    return await dicom_of(served.archive, ids["ID"])


@pytest.mark.parametrize("compression", [True, False])
async def test_examine(tmp_path: Path, compression: bool) -> None:
    async with serving(tmp_path, StorageCompression=compression) as served:
        for file in (FILE, DatasetFactory("MR").instance()):
            attachment = await stored(served, file)
            digest = await served.archive.work(_digest, served, attachment)
            assert digest == hashlib.md5(file).hexdigest()
            modality = await served.archive.work(
                examine, served.archive, attachment, lambda one: one.text(0x00080060)
            )
            assert modality in ("CT", "MR")


def _digest(served: Served, attachment: Attachment) -> str:
    with opened(served.archive, attachment) as buffer:
        return hashlib.md5(buffer).hexdigest()


async def test_what_is_not_there(served: Served) -> None:
    with pytest.raises(UnknownResourceError, match="no instance 'x'"):
        await dicom_of(served.archive, "x")
    with pytest.raises(UnknownResourceError, match="no study 'x' with attachment 1024"):
        await attachment_of(served.archive, Level.STUDY, "x", 1024)


async def test_damage(served: Served) -> None:
    attachment = await stored(served)
    path = served.archive.storage.path(attachment.uuid)
    assert path is not None
    path.write_bytes(FILE + b"more")
    for start, end in ((0, None), (0, 10), (5, PIECE + 10)):
        with pytest.raises(CorruptedError, match="the index says"):
            await pieces(served.archive, attachment, start, end)
    with pytest.raises(CorruptedError):
        await served.archive.work(_digest, served, attachment)
    path.write_bytes(bytes(len(FILE)))
    with pytest.raises(CorruptedError, match="damaged"):
        await served.archive.work(examine, served.archive, attachment, lambda one: one.size)


def test_every_range_is_that_of_the_file(tmp_path: Path) -> None:
    with examples(tmp_path) as (served, run):
        attachment = run(stored(served))
        packed = run(_packed(served))

        @settings(max_examples=60, deadline=None)
        @given(st.integers(0, len(FILE)), st.integers(0, len(FILE)), st.booleans())
        def check(one: int, other: int, compressed: bool) -> None:
            start, end = sorted((one, other))
            wanted = packed if compressed else attachment
            assert run(_read(served, wanted, start, end)) == FILE[start:end]

        check()


async def _packed(served: Served) -> Attachment:
    """The same content, compressed."""
    file = DatasetFactory("MR").instance()
    ids = (await served.upload(file))[0]["ID"]
    await served.client.put(f"/instances/{ids}/attachments/1024", content=FILE)
    await change_compression(served.archive, Level.INSTANCE, ids, 1024, Compression.ZLIB)
    return await attachment_of(served.archive, Level.INSTANCE, ids, 1024)


async def _read(served: Served, attachment: Attachment, start: int, end: int) -> bytes:
    source = await pieces(served.archive, attachment, start, end)
    assert source.size == end - start
    parts = [source.first]
    while sum(map(len, parts)) < source.size:
        parts.append(await source.next())
        assert parts[-1]
    assert source.whole is (len(parts) == 1)
    return b"".join(parts)
