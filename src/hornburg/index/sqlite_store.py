"""Adding an instance to the SQLite index: the hot path, in as few statements as can be."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping

import msgspec

from hornburg.dicom.levels import Level
from hornburg.index.base import Attachment, NewInstance
from hornburg.index.sqlite_find import COLUMNS, TABLES
from hornburg.index.text import clean, fold

__all__ = ["PUT_ATTACHMENT", "add_instance", "attachment_values", "encode_map", "log_change"]

_encode = msgspec.json.Encoder(order="sorted").encode


def encode_map(values: Mapping[str, object]) -> str:
    """A JSON object of texts that SQLite can read whole, see :func:`clean`."""
    try:
        text = _encode(values).decode()
        if "\\u0000" not in text:
            return text
    except UnicodeEncodeError:
        pass
    cleaned = {
        clean(key): clean(value) if isinstance(value, str) else value
        for key, value in values.items()
    }
    return _encode(cleaned).decode()


def _insert(level: Level) -> str:
    columns = ["public_id", "tags", "metadata"]
    if level > Level.PATIENT:
        columns.append("parent")
    if level < Level.INSTANCE:
        columns += ["last_update", "activity"]
    if level == Level.PATIENT:
        columns.append("recycle")
    columns += COLUMNS[level].values()
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {TABLES[level]} ({', '.join(columns)}) VALUES ({marks})"


_INSERT = (
    *(_insert(level) for level in (Level.PATIENT, Level.STUDY, Level.SERIES)),
    f"{_insert(Level.INSTANCE)} ON CONFLICT DO NOTHING",
)
PUT_ATTACHMENT = "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LOG = "INSERT INTO changes (type, level, resource, public_id, date) VALUES (?, ?, ?, ?, ?)"
_PK = tuple(f"SELECT id FROM {table} WHERE public_id = ?" for table in TABLES)

_LAST_IN_LINE = "(SELECT coalesce(max(recycle), 0) FROM patients WHERE protected = 0)"

#: A series that is there has all its ancestors; what of them must be touched is decided here.
_SERIES = (
    "SELECT se.id, st.id, p.id, se.stable = 0 AND se.activity = ?2,"
    " st.stable = 0 AND st.activity = ?2,"
    f" p.stable = 0 AND p.activity = ?2 AND (p.protected OR p.recycle = {_LAST_IN_LINE}),"
    " se.instances FROM series se JOIN studies st ON st.id = se.parent"
    " JOIN patients p ON p.id = st.parent WHERE se.public_id = ?1"
)
_TOUCH = (
    "UPDATE patients SET last_update = ?, activity = ?, stable = 0,"
    f" recycle = iif(recycle < {_LAST_IN_LINE}, {_LAST_IN_LINE} + 1, recycle) WHERE id = ?",
    "UPDATE studies SET last_update = ?, activity = ?, stable = 0 WHERE id = ?",
    "UPDATE series SET last_update = ?, activity = ?, stable = 0 WHERE id = ?",
)


def add_instance(connection: sqlite3.Connection, new: NewInstance) -> int | None:
    """Add an instance that is not there yet, and what of its ancestors is missing.

    Its parents are no longer stable, and their patient goes last in the recycling order. Answers
    the number of its change; None, with nothing changed, when the instance is there.
    """
    activity = math.ceil(new.now)
    found = connection.execute(_SERIES, (new.public_ids[Level.SERIES], activity)).fetchone()
    created: list[Level] = []
    if found is None:
        pks = _add_ancestors(connection, new, activity, created)
        instances = 0
    else:
        pks, instances = [found[2], found[1], found[0]], found[6]
    instance = _insert_row(connection, Level.INSTANCE, new, pks[Level.SERIES], activity)
    if instance is None:
        return None
    connection.execute(PUT_ATTACHMENT, attachment_values(Level.INSTANCE, instance, new.attachment))
    pks.append(instance)
    name = new.public_ids[Level.INSTANCE]
    number = log_change(connection, "NewInstance", Level.INSTANCE, instance, name, new.date)
    for level in reversed(created):
        name = new.public_ids[level]
        log_change(connection, f"New{level.word}", level, pks[level], name, new.date)
    fresh = (found[5], found[4], found[3]) if found else (0, 0, 0)
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        if not fresh[level] and level not in created:
            connection.execute(_TOUCH[level], (new.date, activity, pks[level]))
    if new.expected_instances and instances + 1 == new.expected_instances:
        level, name = Level.SERIES, new.public_ids[Level.SERIES]
        log_change(connection, "CompletedSeries", level, pks[level], name, new.date)
    return number


def _add_ancestors(
    connection: sqlite3.Connection, new: NewInstance, activity: int, created: list[Level]
) -> list[int]:
    pks: list[int] = []
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        row = connection.execute(_PK[level], (new.public_ids[level],)).fetchone()
        if row is not None:
            pks.append(row[0])
            continue
        pk = _insert_row(connection, level, new, pks[-1] if pks else None, activity)
        assert pk is not None
        pks.append(pk)
        created.append(level)
    return pks


def _insert_row(
    connection: sqlite3.Connection,
    level: Level,
    new: NewInstance,
    parent: int | None,
    activity: int,
) -> int | None:
    tags = new.main_tags[level]
    values: list[object] = [
        new.public_ids[level],
        encode_map(tags),
        encode_map(new.metadata[level]),
    ]
    if parent is not None:
        values.append(parent)
    if level < Level.INSTANCE:
        values += (new.date, activity)
    if level == Level.PATIENT:
        values.append(connection.execute(f"SELECT {_LAST_IN_LINE} + 1").fetchone()[0])
    values += [fold(tags[name]) if name in tags else None for name in COLUMNS[level]]
    cursor = connection.execute(_INSERT[level], values)
    return cursor.lastrowid if cursor.rowcount else None


def attachment_values(
    level: Level, pk: int, attachment: Attachment, revision: int = 0
) -> tuple[object, ...]:
    """The row of an attachment, for ``PUT_ATTACHMENT``."""
    return (
        int(level),
        pk,
        attachment.number,
        attachment.uuid,
        attachment.size,
        attachment.md5,
        int(attachment.compression),
        attachment.compressed_size,
        attachment.compressed_md5,
        revision,
    )


def log_change(
    connection: sqlite3.Connection, kind: str, level: Level, pk: int, public_id: str, date: str
) -> int | None:
    """Append to the log of changes, given the row and the identifier of a resource; answers the
    number of the entry."""
    return connection.execute(_LOG, (kind, int(level), pk, public_id, date)).lastrowid
