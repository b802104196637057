"""Scopes in SQL: by way of indexes, never by a look at all studies."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hornburg.dicom.levels import Level
from hornburg.index.base import Bounds, Condition, Match, Query
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
from hornburg.index.sqlite_find import ALIASES, count_sql, find_sql
from hornburg.index.sqlite_read import SqliteReader

SCOPES = {
    "labels": (Bounds(labels=frozenset({"a", "b"})),),
    "patients": (Bounds(patients=frozenset({"P1"})),),
    "studies": (Bounds(studies=frozenset({"1.2"})),),
    "several": (
        Bounds(labels=frozenset({"a"})),
        Bounds(patients=frozenset({"P1"}), studies=frozenset({"1.2"})),
    ),
}
DATES = Condition(Level.STUDY, "StudyDate", Match.RANGE, ("20200101", "20200102"))

#: Lists of values, and what was made of them.
_SMALL = ("SCAN json_each", "SCAN j ", "SCAN seen", "SCAN own", "SCAN o", "SCAN (subquery")


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[SqliteReader]:
    index = SqliteIndex(tmp_path / "index", Names({}, {}))
    await index.open()
    assert index._look is not None
    yield index._look
    await index.close()


def scans(sql: sqlite3.Connection, text: str, values: object = ()) -> list[str]:
    steps = [row[3] for row in sql.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    return [step for step in steps if step.startswith("SCAN") and not step.startswith(_SMALL)]


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
async def test_finds_and_counts(reader: SqliteReader, scope: tuple[Bounds, ...]) -> None:
    for level in Level:
        query = Query(level, scope=scope, limit=100)
        assert not scans(reader._sql, *find_sql(query, f"{ALIASES[level]}.tags", str))
        assert not scans(reader._sql, *count_sql(query, str))
        if level > Level.PATIENT:
            query = Query(level, (DATES,), scope=scope)
            assert not scans(reader._sql, *find_sql(query, f"{ALIASES[level]}.tags", str))


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
async def test_the_rest(reader: SqliteReader, scope: tuple[Bounds, ...]) -> None:
    asked: list[str] = []
    reader._sql.set_trace_callback(asked.append)
    for level in Level:
        reader.within(level, ["x"], scope)
    reader.statistics(scope)
    reader.changes(0, None, 10, (), False, scope)
    reader._sql.set_trace_callback(None)
    assert len(asked) >= 6
    for text in asked:
        assert not scans(reader._sql, text), text
