"""Reading the SQLite index."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from hornburg.dicom.levels import Level
from hornburg.index.base import (
    Attachment,
    Change,
    Compression,
    Counts,
    Export,
    Line,
    MetadataValue,
    Query,
    Reader,
    Resource,
    ResourceStatistics,
    Scope,
    Statistics,
)
from hornburg.index.names import DICOM, FIRST_USER, Names
from hornburg.index.sqlite_find import (
    ALIASES,
    TABLES,
    ancestors_join,
    count_sql,
    find_sql,
    json_path,
)
from hornburg.index.sqlite_scope import changes_of_each, of_change, of_level, small_studies
from hornburg.index.sqlite_sums import counts, resource_statistics, statistics
from hornburg.index.text import clean, fold, json_list

__all__ = ["SqliteReader"]

_decode_map = msgspec.json.Decoder(dict[str, str]).decode
_decode_revisions = msgspec.json.Decoder(dict[str, int]).decode

_ATTACHMENT = "number, uuid, size, md5, compression, compressed_size, compressed_md5, revision"
_COMPRESSION = {int(kind): kind for kind in Compression}


def _children(level: Level) -> str:
    """Public identifiers of the children in the order in which they came, joined by commas."""
    if level == Level.INSTANCE:
        return "NULL"
    return (
        "(SELECT group_concat(public_id) FROM (SELECT public_id"
        f" FROM {TABLES[level + 1]} WHERE parent = {ALIASES[level]}.id ORDER BY id))"
    )


def _labels(level: Level) -> str:
    # The characters of a label (A-Z a-z 0-9 _ -) hold no comma.
    return (
        "(SELECT group_concat(label) FROM labels"
        f" WHERE level = {int(level)} AND resource = {ALIASES[level]}.id)"
    )


def _columns(level: Level) -> str:
    """The columns of a resource; ``_resource`` reads them in this order."""
    me = ALIASES[level]
    parent = f"{ALIASES[level - 1]}.public_id" if level else "NULL"
    patient = "p.tags" if level == Level.STUDY else "NULL"
    if level == Level.INSTANCE:
        state = "1, '', 0"
        file = (
            "a.number, a.uuid, a.size, a.md5, a.compression, a.compressed_size,"
            " a.compressed_md5, a.revision"
        )
    else:
        state = f"{me}.stable, {me}.last_update, {'p.protected' if not level else '0'}"
        file = "NULL"
    return (
        f"{me}.public_id, {parent}, {me}.tags, {patient}, {_children(level)}, {_labels(level)},"
        f" {me}.metadata, {state}, {file}"
    )


_COLUMNS = tuple(_columns(level) for level in Level)
#: The DICOM file of an instance comes with it.
_FILE_JOIN = " LEFT JOIN attachments a ON a.level = 3 AND a.resource = i.id AND a.number = 1"
_ONE = tuple(
    f"SELECT {_COLUMNS[level]} FROM {ancestors_join(level, level.parent or Level.PATIENT)}"
    f"{_FILE_JOIN if level == Level.INSTANCE else ''} WHERE {ALIASES[level]}.public_id = ?"
    for level in Level
)
_PK = tuple(f"SELECT id FROM {table} WHERE public_id = ?" for table in TABLES)
_ONE_ATTACHMENT = tuple(
    f"SELECT {_ATTACHMENT} FROM attachments WHERE level = {int(level)}"
    f" AND resource = (SELECT id FROM {TABLES[level]} WHERE public_id = ?) AND number = ?"
    for level in Level
)
_METADATA = tuple(
    f"SELECT metadata, revisions, {'last_update' if level < Level.INSTANCE else 'NULL'}"
    f" FROM {TABLES[level]} WHERE public_id = ?"
    for level in Level
)

_IDENTIFIERS = (
    (Level.PATIENT, "patient_id"),
    (Level.STUDY, "study_instance_uid"),
    (Level.STUDY, "accession_number"),
    (Level.SERIES, "series_instance_uid"),
    (Level.INSTANCE, "sop_instance_uid"),
)

#: Of so many studies the log of changes soon has some; of fewer it is asked for each of them.
_MANY_STUDIES = 500

#: Rows of a log are read at most so many at a time, whatever is asked.
_MOST_ROWS = 100_000

_MOST_INTEGER = (1 << 63) - 1


def _integer(number: int) -> int:
    """A number that SQLite can take: beyond 63 bits the end is as good."""
    return max(-_MOST_INTEGER, min(number, _MOST_INTEGER))


def _rows(limit: int) -> int:
    return min(limit, _MOST_ROWS) if limit > 0 else _MOST_ROWS


class SqliteReader(Reader):
    """Answers from one connection; used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        self._sql = connection
        self._names = names

    def _row(self, sql: str, *values: object) -> Any:
        return self._sql.execute(sql, values).fetchone()

    def pk(self, level: Level, public_id: str) -> int | None:
        """The row number of a resource in the table of its level."""
        row = self._row(_PK[level], clean(public_id))
        return row[0] if row else None

    # -- resources ------------------------------------------------------------------------

    def _resource(self, level: Level, row: Any) -> Resource:
        (
            public_id,
            parent,
            tags,
            patient,
            children,
            labels,
            metadata,
            stable,
            updated,
            protected,
            *file,
        ) = row
        values = self.named_metadata(metadata)
        if updated:
            values["LastUpdate"] = updated
        return Resource(
            level,
            public_id,
            parent,
            tags.encode(),
            None if patient is None else patient.encode(),
            tuple(children.split(",")) if children else (),
            stable == 1,
            updated,
            tuple(labels.split(",")) if labels else (),
            values,
            protected == 1,
            () if file[0] is None else (self._attachment(file),),
        )

    def named_metadata(self, text: str) -> dict[str, str]:
        """Stored metadata by name: core ones are kept by name, those of the user by number."""
        if text == "{}":
            return {}
        values = _decode_map(text)
        for key in [key for key in values if key[0].isdigit()]:
            values[self._names.metadata_name(int(key))] = values.pop(key)
        return values

    def metadata_key(self, name: str) -> str:
        """The key of a metadata in the stored JSON, given its name."""
        number = self._names.metadata_number(name)
        return str(number) if number is not None and number >= FIRST_USER else name

    def resource(self, level: Level, public_id: str) -> Resource | None:
        row = self._sql.execute(_ONE[level], (clean(public_id),)).fetchone()
        return self._resource(level, row) if row else None

    def find(self, query: Query) -> list[Resource]:
        level = query.level
        files = _FILE_JOIN if level == Level.INSTANCE else ""
        sql, values = find_sql(query, _COLUMNS[level], self.metadata_key, level.parent, files)
        return [self._resource(level, row) for row in self._sql.execute(sql, values)]

    def find_ids(self, query: Query) -> list[str]:
        column = f"{ALIASES[query.level]}.public_id"
        sql, values = find_sql(query, column, self.metadata_key)
        return [row[0] for row in self._sql.execute(sql, values)]

    def lines(
        self, level: Level, public_ids: Sequence[str], top: Level, metadata: str = ""
    ) -> list[Line]:
        names = ALIASES[top : level + 1]
        path = json_path(self.metadata_key(metadata)) if metadata else None
        columns = [f"{name}.public_id" for name in names] + [f"{name}.tags" for name in names]
        columns.append("NULL" if path is None else f"json_extract({ALIASES[level]}.metadata, ?)")
        # From one identifier to the next, and from each up to its ancestors.
        joined = ancestors_join(level, top).replace(" JOIN ", " CROSS JOIN ")
        rows = self._sql.execute(
            f"SELECT {', '.join(columns)} FROM json_each(?) j CROSS JOIN {joined}"
            f" WHERE {ALIASES[level]}.public_id = j.value ORDER BY j.key",
            ([] if path is None else [path]) + [json_list(public_ids)],
        )
        depth = len(names)
        return [Line(row[:depth], row[depth:-1], row[-1] or "") for row in rows]

    def counts(
        self, level: Level, public_ids: Sequence[str], *, modalities: bool = False
    ) -> dict[str, Counts]:
        return counts(self._sql, level, public_ids, modalities)

    def count(self, query: Query) -> int:
        sql, values = count_sql(query, self.metadata_key)
        return int(self._row(sql, *values)[0])

    def within(self, level: Level, public_ids: Sequence[str], scope: Scope) -> set[str]:
        condition, values = of_level(level, scope, "x.id")
        rows = self._sql.execute(
            f"SELECT x.public_id FROM json_each(?) j CROSS JOIN {TABLES[level]} x"
            f" ON x.public_id = j.value WHERE {condition}",
            (json_list(public_ids), *values),
        )
        return {row[0] for row in rows}

    def level_of(self, public_id: str) -> Level | None:
        return next((level for level in Level if self.pk(level, public_id) is not None), None)

    def lookup(self, value: str) -> list[tuple[Level, str]]:
        folded = fold(value)
        return [
            (level, row[0])
            for level, column in _IDENTIFIERS
            for row in self._sql.execute(
                f"SELECT public_id FROM {TABLES[level]} WHERE {column} = ? ORDER BY id",
                (folded,),
            )
        ]

    # -- attachments and metadata ---------------------------------------------------------

    def _attachment(self, row: Any) -> Attachment:
        number, uuid, size, md5, compression, packed, packed_md5, revision = row
        name = "dicom" if number == DICOM else self._names.attachment_name(number)
        kind = _COMPRESSION[compression]
        return Attachment(name, number, uuid, size, md5, kind, packed, packed_md5, revision)

    def attachments(self, level: Level, public_id: str) -> list[Attachment] | None:
        pk = self.pk(level, public_id)
        if pk is None:
            return None
        rows = self._sql.execute(
            f"SELECT {_ATTACHMENT} FROM attachments WHERE level = ? AND resource = ?"
            " ORDER BY number",
            (int(level), pk),
        )
        return [self._attachment(row) for row in rows]

    def attachment(self, level: Level, public_id: str, number: int) -> Attachment | None:
        row = self._row(_ONE_ATTACHMENT[level], clean(public_id), _integer(number))
        return self._attachment(row) if row else None

    def metadata(self, level: Level, public_id: str) -> dict[str, MetadataValue] | None:
        row = self._row(_METADATA[level], clean(public_id))
        if row is None:
            return None
        values, revisions = self.named_metadata(row[0]), _decode_revisions(row[1])
        if row[2]:
            values["LastUpdate"] = row[2]
        numbers = self._names.metadata_number
        return {
            name: MetadataValue(value, revisions.get(str(numbers(name)), 0))
            for name, value in values.items()
        }

    def all_labels(self, scope: Scope = None) -> tuple[str, ...]:
        if scope is not None:
            condition, values = of_change(scope, "l")
            rows = self._sql.execute(
                f"SELECT DISTINCT label FROM labels l WHERE {condition} ORDER BY label", values
            )
            return tuple(row[0] for row in rows)
        # A skip scan over the index on labels: one step for each label, not for each use of one.
        rows = self._sql.execute(
            "WITH RECURSIVE used (label) AS (SELECT min(label) FROM labels UNION ALL SELECT"
            " (SELECT min(label) FROM labels WHERE label > used.label) FROM used"
            " WHERE used.label IS NOT NULL) SELECT label FROM used WHERE label IS NOT NULL"
        )
        return tuple(row[0] for row in rows)

    def statistics(self, scope: Scope = None) -> Statistics:
        return statistics(self._sql, scope)

    def resource_statistics(self, level: Level, public_id: str) -> ResourceStatistics | None:
        pk = self.pk(level, public_id)
        return None if pk is None else resource_statistics(self._sql, level, pk)

    # -- logs -----------------------------------------------------------------------------

    def changes(
        self,
        since: int,
        to: int | None,
        limit: int,
        types: Sequence[str],
        last: bool,
        scope: Scope = None,
    ) -> list[Change]:
        sql = "SELECT seq, type, level, public_id, date FROM changes c WHERE seq > ?"
        values: list[object] = [_integer(since)]
        if scope is not None:
            count, bound = small_studies(scope, _MANY_STUDIES)
            is_small = int(self._row(count, *bound)[0]) < _MANY_STUDIES
            text, bound = changes_of_each(scope) if is_small else of_change(scope, "c")
            sql += f" AND {text}"
            values += bound
        if to is not None:
            sql += " AND seq <= ?"
            values.append(_integer(to))
        if types:
            sql += " AND type IN (SELECT value FROM json_each(?))"
            values.append(json_list(types))
        newest = last or (to is not None and since <= 0)
        sql += f" ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?"
        rows = self._sql.execute(sql, [*values, _rows(limit)]).fetchall()
        if newest:
            rows.reverse()
        return [Change(row[0], row[1], Level(row[2]), row[3], row[4]) for row in rows]

    def last_change(self) -> int:
        row = self._row("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
        return int(row[0]) if row else 0

    def exports(self, since: int, limit: int, last: bool) -> list[Export]:
        rows = self._sql.execute(
            f"SELECT * FROM exports WHERE seq > ? ORDER BY seq {'DESC' if last else 'ASC'} LIMIT ?",
            (_integer(since), _rows(limit)),
        ).fetchall()
        if last:
            rows.reverse()
        return [Export(row[0], Level(row[1]), *row[2:]) for row in rows]

    # -- the whole archive ----------------------------------------------------------------

    def property(self, name: str) -> str | None:
        row = self._row("SELECT value FROM properties WHERE name = ?", clean(name))
        return row[0] if row else None

    def known_uuids(self, uuids: Sequence[str]) -> set[str]:
        rows = self._sql.execute(
            "SELECT a.uuid FROM json_each(?) j CROSS JOIN attachments a ON a.uuid = j.value",
            (json_list(uuids),),
        )
        return {row[0] for row in rows}

    def removals(self, limit: int) -> list[str]:
        rows = self._sql.execute("SELECT uuid FROM removals LIMIT ?", (_rows(limit),))
        return [row[0] for row in rows]

    def oldest_unprotected_patient(self, besides: str | None) -> str | None:
        row = self._row(
            "SELECT public_id FROM patients WHERE protected = 0 AND public_id IS NOT ?"
            " ORDER BY recycle LIMIT 1",
            besides,
        )
        return row[0] if row else None

    def dicom_locations(self, level: Level, public_id: str) -> list[tuple[str, Attachment]]:
        rows = self._sql.execute(
            "SELECT i.public_id, a.number, a.uuid, a.size, a.md5, a.compression,"
            " a.compressed_size, a.compressed_md5, a.revision"
            f" FROM {ancestors_join(Level.INSTANCE, level)} CROSS JOIN attachments a"
            " ON a.level = 3 AND a.resource = i.id AND a.number = 1"
            f" WHERE {ALIASES[level]}.public_id = ? ORDER BY i.id",
            (clean(public_id),),
        )
        return [(row[0], self._attachment(row[1:])) for row in rows]
