"""Deleting from the SQLite index: down to the instances, and up through what is left empty."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

import sqlite3

from hornburg.dicom.levels import Level
from hornburg.index.base import Deletion
from hornburg.index.sqlite_find import TABLES

__all__ = ["delete_resource"]

_DOOMED = "(SELECT id FROM doomed WHERE level = {at})"
_BELOW = tuple(
    f"INSERT INTO doomed SELECT {at}, id FROM {TABLES[at]}"
    f" WHERE parent IN {_DOOMED.format(at=at - 1)}"
    for at in range(1, 4)
)


def _remove(at: int) -> tuple[str, ...]:
    """What to run for one level, files first: their trigger asks for the series."""
    ids = _DOOMED.format(at=at)
    names = f"(SELECT public_id FROM {TABLES[at]} WHERE id IN {ids})"
    return (
        f"DELETE FROM attachments WHERE level = {at} AND resource IN {ids}",
        f"DELETE FROM labels WHERE level = {at} AND resource IN {ids}",
        f"DELETE FROM changes WHERE level = {at} AND resource IN {ids}",
        f"DELETE FROM exports WHERE public_id IN {names}",
        f"DELETE FROM {TABLES[at]} WHERE id IN {ids}",
    )


_REMOVE = tuple(_remove(at) for at in range(4))


def delete_resource(connection: sqlite3.Connection, level: Level, pk: int) -> Deletion:
    """Delete a resource by its row number. The log forgets what is gone, as Orthanc's does."""
    uuids: list[str] = []
    while True:
        parent = _parent(connection, level, pk)
        _delete_tree(connection, level, pk, uuids)
        if parent is None or level.parent is None:
            return Deletion(tuple(uuids), None)
        siblings = f"SELECT 1 FROM {TABLES[level]} WHERE parent = ? LIMIT 1"
        if connection.execute(siblings, (parent,)).fetchone():
            name = f"SELECT public_id FROM {TABLES[level.parent]} WHERE id = ?"
            row = connection.execute(name, (parent,)).fetchone()
            return Deletion(tuple(uuids), (level.parent, row[0]))
        level, pk = level.parent, parent


def _parent(connection: sqlite3.Connection, level: Level, pk: int) -> int | None:
    if level == Level.PATIENT:
        return None
    row = connection.execute(f"SELECT parent FROM {TABLES[level]} WHERE id = ?", (pk,)).fetchone()
    return int(row[0])


def _delete_tree(connection: sqlite3.Connection, level: Level, pk: int, uuids: list[str]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (level INTEGER, id INTEGER)")
    connection.execute("DELETE FROM doomed")
    connection.execute("INSERT INTO doomed VALUES (?, ?)", (int(level), pk))
    for step in _BELOW[level:]:
        connection.execute(step)
    for at in range(Level.INSTANCE, level - 1, -1):
        files = f"SELECT uuid FROM attachments WHERE level = {at} AND resource IN "
        uuids += [row[0] for row in connection.execute(files + _DOOMED.format(at=at))]
        for step in _REMOVE[at]:
            connection.execute(step)
