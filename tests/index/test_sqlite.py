"""What is particular to the SQLite backend: whose folder it is, and that it comes back."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.index.made import instance

from hornburg.errors import DatabaseError, IncompatibleDatabaseError
from hornburg.index.names import Names
from hornburg.index.sqlite import FILE_NAME, SqliteIndex
from hornburg.index.sqlite_file import refuse_orthanc


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def opened(folder: Path) -> SqliteIndex:
    index = SqliteIndex(folder, Names())
    await index.open()
    return index


async def refused(folder: Path, match: str, error: type[Exception]) -> None:
    """The folder is refused with one line, and nothing in it is touched."""
    before = contents(folder)
    with pytest.raises(error, match=match) as caught:
        await SqliteIndex(folder, Names()).open()
    assert "\n" not in str(caught.value)
    assert contents(folder) == before


async def test_refuses_an_index_of_orthanc(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index") as connection:
        connection.execute("CREATE TABLE GlobalProperties (property INTEGER, value TEXT)")
    connection.close()
    await refused(tmp_path, "another StorageDirectory", IncompatibleDatabaseError)
    with pytest.raises(IncompatibleDatabaseError, match="hornburg import"):
        refuse_orthanc(tmp_path)


async def test_a_file_named_index_may_be_something_else(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("of a book")
    refuse_orthanc(tmp_path)
    refuse_orthanc(tmp_path / "not there")
    await (await opened(tmp_path)).close()


@pytest.mark.parametrize(
    ("pragma", "match"),
    [
        ("user_version = 999", "newer Hornburg"),
        ("application_id = 1234", "another program"),
    ],
)
async def test_refuses_what_it_does_not_know(tmp_path: Path, pragma: str, match: str) -> None:
    await (await opened(tmp_path)).close()
    (tmp_path / "hornburg.lock").unlink()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    await refused(tmp_path, match, IncompatibleDatabaseError)


async def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 100)
    await refused(tmp_path, "no SQLite database", IncompatibleDatabaseError)


async def test_a_damaged_database_is_one_line(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    whole = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(DatabaseError, match="can't be used as folder of the index") as caught:
        await SqliteIndex(tmp_path, Names()).open()
    assert "\n" not in str(caught.value)


async def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DatabaseError, match="can't be used as folder of the index"):
            await SqliteIndex(place, Names()).open()


async def test_a_folder_that_can_only_be_read(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a read-only tmpfs needs the rights of root")
    try:
        await refused(tmp_path, "Read-only file system", DatabaseError)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


_HOLD = """
import asyncio, sys
from pathlib import Path
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
async def main():
    index = SqliteIndex(Path(sys.argv[1]), Names())
    await index.open()
    print("open", flush=True)
    sys.stdin.read()
    import os
    os._exit(0)  # without closing, as a killed server would
asyncio.run(main())
"""


async def test_the_second_server_refuses(tmp_path: Path) -> None:
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, str(tmp_path),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout is not None and first.stdin is not None
    assert await first.stdout.readline() == b"open\n"
    await refused(tmp_path, "in use by another Hornburg", IncompatibleDatabaseError)
    first.stdin.close()
    assert await first.wait() == 0
    await (await opened(tmp_path)).close()


async def test_files_are_for_this_user_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        index = await opened(tmp_path / "index")
        await index.write(lambda writer: writer.set_property("a", "b"))
        for file in (tmp_path / "index").iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700
        await index.close()
    finally:
        os.umask(old)


async def test_closed_is_said(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path, Names())
    with pytest.raises(DatabaseError, match="closed"):
        await index.look(lambda reader: reader.statistics())
    await index.close()


async def test_comes_back_with_its_numbers(tmp_path: Path) -> None:
    index = await opened(tmp_path)
    await index.write(lambda writer: writer.store(instance()))
    await index.write(lambda writer: writer.set_property("a", "b"))
    await index.write(lambda writer: writer.clear_changes())
    await index.close()
    index = await opened(tmp_path)
    assert await index.look(lambda reader: reader.property("a")) == "b"
    assert await index.look(lambda reader: reader.last_change()) == 4
    await index.write(lambda writer: writer.store(instance(sop="2")))
    changes = await index.look(lambda reader: reader.changes(0, None, 10, (), False))
    assert [change.seq for change in changes] == [5]
    await index.close()


async def test_commits_reach_the_disk_before_they_are_answered(tmp_path: Path) -> None:
    index = await opened(tmp_path)
    assert index._writer is not None
    mode = await index.write(lambda w: w._sql.execute("PRAGMA synchronous").fetchone())  # type: ignore[attr-defined]
    assert mode == (2,)  # FULL
    assert await index.read(lambda r: r._sql.execute("PRAGMA journal_mode").fetchone()) == ("wal",)  # type: ignore[attr-defined]
    await index.close()


async def test_a_read_sees_one_snapshot(tmp_path: Path) -> None:
    index = await opened(tmp_path)
    loop = asyncio.get_running_loop()

    def twice(reader: object) -> tuple[object, object]:
        ask = reader.property  # type: ignore[attr-defined]
        before = ask("a")
        write = index.write(lambda writer: writer.set_property("a", "b"))
        asyncio.run_coroutine_threadsafe(write, loop).result()
        return before, ask("a")

    assert await index.read(twice) == (None, None)
    assert await index.read(lambda reader: reader.property("a")) == "b"
    await index.close()


async def test_an_error_in_a_read_leaves_the_next_alone(tmp_path: Path) -> None:
    index = await opened(tmp_path)
    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            await index.read(lambda reader: 1 // 0)
        with pytest.raises(DatabaseError, match="log of the server"):
            await index.read(lambda reader: reader._sql.execute("rubbish"))  # type: ignore[attr-defined]
    assert await index.read(lambda reader: reader.statistics().patients) == 0
    await index.close()
