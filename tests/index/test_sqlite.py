"""What is particular to the SQLite backend: whose file it is, and that it comes back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hornburg.errors import DatabaseError, IncompatibleDatabaseError
from hornburg.index.names import Names
from hornburg.index.sqlite import FILE_NAME, SqliteIndex


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_refuses_an_index_of_orthanc_and_touches_nothing(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index") as connection:
        connection.execute("CREATE TABLE GlobalProperties (property INTEGER, value TEXT)")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(IncompatibleDatabaseError, match="another StorageDirectory"):
        await SqliteIndex(tmp_path, Names()).open()
    assert contents(tmp_path) == before


async def test_refuses_a_newer_schema_and_touches_nothing(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    await index.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(IncompatibleDatabaseError, match="newer Hornburg"):
        await SqliteIndex(tmp_path, Names()).open()
    assert contents(tmp_path) == before


async def test_the_second_server_refuses(tmp_path: Path) -> None:
    first = SqliteIndex(tmp_path, Names())
    await first.open()
    with pytest.raises(IncompatibleDatabaseError, match="in use"):
        await SqliteIndex(tmp_path, Names()).open()
    await first.close()
    second = SqliteIndex(tmp_path, Names())
    await second.open()
    await second.close()


async def test_closed_is_said(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    with pytest.raises(DatabaseError):
        await index.look(lambda reader: reader.statistics())


async def test_comes_back(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    await index.write(lambda writer: writer.set_property("a", "b"))
    await index.close()
    index = SqliteIndex(tmp_path, Names())
    await index.open()
    assert await index.look(lambda reader: reader.property("a")) == "b"
    await index.close()
