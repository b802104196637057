"""Jobs in the properties of the index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hornburg.archive.job_store import IndexJobStore
from hornburg.errors import DatabaseError
from hornburg.index.base import Index, Reader, Writer
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Index]:
    """An empty index."""
    index = SqliteIndex(tmp_path, Names({}, {}))
    await index.open()
    yield index
    await index.close()


async def slots(index: Index) -> str | None:
    def count(reader: Reader) -> str | None:
        return reader.property("JobSlots")

    return await index.read(count)


async def test_what_is_saved_is_loaded_by_the_next_run(index: Index) -> None:
    store = IndexJobStore(index)
    assert await store.load() == {}
    await store.save({"a": '{"x": 1}', "b": "{}"})
    await store.save({"a": '{"x": "é \\u0000"}', "c": None})
    assert await IndexJobStore(index).load() == {"a": '{"x": "é \\u0000"}', "b": "{}"}


async def test_slots_are_used_again(index: Index) -> None:
    store = IndexJobStore(index)
    await store.load()
    for number in range(20):
        await store.save({f"job{number}": "{}"})
        await store.save({f"job{number - 2}": None})
    assert len(await IndexJobStore(index).load()) == 2
    assert await slots(index) == "3"
    again = IndexJobStore(index)
    await again.load()
    await again.save({"new": '"new"', "job18": None, "job19": None})
    assert await again.load() == {"new": '"new"'}
    assert await slots(index) == "3"


async def test_a_write_that_failed_leaves_nothing_unknown(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = IndexJobStore(index)
    await store.load()
    await store.save({"a": "1"})
    write = index.write

    async def fail(work: object, **_: object) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(index, "write", fail)
    for change in ({"a": None}, {"b": "2"}):
        with pytest.raises(DatabaseError):
            await store.save(change)
    monkeypatch.setattr(index, "write", write)
    await store.save({"a": None, "b": "2"})
    assert await IndexJobStore(index).load() == {"b": "2"}


async def test_a_write_that_nobody_waited_for_is_undone_by_the_next(index: Index) -> None:
    store = IndexJobStore(index)
    await store.load()
    saving = asyncio.ensure_future(store.save({"a": "1"}))
    await asyncio.sleep(0)
    saving.cancel()
    await store.save({"a": None})
    assert await IndexJobStore(index).load() == {}


async def test_a_number_of_slots_that_is_none_is_said(index: Index) -> None:
    def spoil(writer: Writer) -> None:
        writer.set_property("JobSlots", "many")

    await index.write(spoil)
    with pytest.raises(DatabaseError, match="'many'"):
        await IndexJobStore(index).load()
