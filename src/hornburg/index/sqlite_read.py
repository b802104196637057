"""Reading the SQLite index."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from hornburg.dicom.levels import Level
from hornburg.dicom.normalize import normalize
from hornburg.index.base import (
    Attachment,
    Change,
    Compression,
    Export,
    MetadataValue,
    Query,
    Reader,
    Resource,
    ResourceStatistics,
    Statistics,
)
from hornburg.index.names import DICOM, Names
from hornburg.index.sqlite_find import TABLES, ancestors_join, count_sql, find_sql

__all__ = ["SqliteReader"]

_decode_list = msgspec.json.Decoder(list[str]).decode
_decode_map = msgspec.json.Decoder(dict[str, str]).decode

_ATTACHMENT = "number, uuid, size, md5, compression, compressed_size, compressed_md5, revision"


def _children(level: Level, alias: str) -> str:
    if level == Level.INSTANCE:
        return "NULL"
    child = TABLES[level + 1]
    return f"(SELECT json_group_array(public_id) FROM {child} WHERE parent = {alias}.id)"  # noqa: S608


def _labels(level: Level, alias: str) -> str:
    return (
        f"(SELECT json_group_array(label) FROM labels"  # noqa: S608
        f" WHERE level = {int(level)} AND resource = {alias}.id)"
    )


_DICOM_FILE = (
    "(SELECT json_array(uuid, size, md5, compression, compressed_size, compressed_md5, revision)"
    " FROM attachments WHERE level = 3 AND resource = i.id AND number = 1)"
)

#: The columns of a resource, by level; ``_resource`` reads them in this order.
_SELECT = (
    f"p.public_id, NULL, p.tags, NULL, {_children(Level.PATIENT, 'p')}, p.stable,"
    f" p.last_update, {_labels(Level.PATIENT, 'p')}, p.metadata, p.protected, NULL",
    f"st.public_id, p.public_id, st.tags, p.tags, {_children(Level.STUDY, 'st')}, st.stable,"
    f" st.last_update, {_labels(Level.STUDY, 'st')}, st.metadata, 0, NULL",
    f"se.public_id, st.public_id, se.tags, NULL, {_children(Level.SERIES, 'se')}, se.stable,"
    f" se.last_update, {_labels(Level.SERIES, 'se')}, se.metadata, 0, NULL",
    f"i.public_id, se.public_id, i.tags, NULL, NULL, 1,"
    f" '', {_labels(Level.INSTANCE, 'i')}, i.metadata, 0, {_DICOM_FILE}",
)
_ALIASES = ("p", "st", "se", "i")
_ONE = tuple(
    f"SELECT {_SELECT[level]} FROM {ancestors_join(level, level.parent or Level.PATIENT)}"  # noqa: S608
    f" WHERE {_ALIASES[level]}.public_id = ?"
    for level in Level
)

_IDENTIFIERS = (
    (Level.PATIENT, "patient_id"),
    (Level.STUDY, "study_instance_uid"),
    (Level.STUDY, "accession_number"),
    (Level.SERIES, "series_instance_uid"),
    (Level.INSTANCE, "sop_instance_uid"),
)

#: Changes are read at most so many at a time, whatever is asked.
_MOST_ROWS = 100_000


class SqliteReader(Reader):
    """Answers from one connection; used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        self._sql = connection
        self._names = names

    def _row(self, sql: str, *values: object) -> Any:
        return self._sql.execute(sql, values).fetchone()

    def pk(self, level: Level, public_id: str) -> int | None:
        """The row number of a resource in the table of its level."""
        row = self._row(f"SELECT id FROM {TABLES[level]} WHERE public_id = ?", public_id)  # noqa: S608
        return row[0] if row else None

    def _resource(self, level: Level, row: Any) -> Resource:
        metadata = self.named_metadata(row[8])
        if row[6]:
            metadata["LastUpdate"] = row[6]
        attachments: tuple[Attachment, ...] = ()
        if row[10] is not None:
            attachments = (self._attachment((DICOM, *msgspec.json.decode(row[10]))),)
        return Resource(
            level,
            row[0],
            row[1],
            row[2].encode(),
            row[3].encode() if row[3] is not None else None,
            tuple(_decode_list(row[4])) if row[4] else (),
            bool(row[5]),
            row[6],
            tuple(_decode_list(row[7])),
            metadata,
            bool(row[9]),
            attachments,
        )

    def named_metadata(self, text: str) -> dict[str, str]:
        """Stored metadata by name: core ones are kept by name, those of the user by number."""
        values = _decode_map(text)
        for key in [key for key in values if key[0].isdigit()]:
            values[self._names.metadata_name(int(key))] = values.pop(key)
        return values

    def _attachment(self, row: Any) -> Attachment:
        return Attachment(
            self._names.attachment_name(row[0]),
            row[0],
            row[1],
            row[2],
            row[3],
            Compression(row[4]),
            *row[5:8],
        )

    def resource(self, level: Level, public_id: str) -> Resource | None:
        row = self._sql.execute(_ONE[level], (public_id,)).fetchone()
        return self._resource(level, row) if row else None

    def find(self, query: Query) -> list[Resource]:
        sql, values = find_sql(query, _SELECT[query.level], query.level.parent)
        return [self._resource(query.level, row) for row in self._sql.execute(sql, values)]

    def find_ids(self, query: Query) -> list[str]:
        sql, values = find_sql(query, f"{_ALIASES[query.level]}.public_id")
        return [row[0] for row in self._sql.execute(sql, values)]

    def count(self, query: Query) -> int:
        sql, values = count_sql(query)
        return int(self._row(sql, *values)[0])

    def level_of(self, public_id: str) -> Level | None:
        return next((level for level in Level if self.pk(level, public_id) is not None), None)

    def lookup(self, value: str) -> list[tuple[Level, str]]:
        folded = normalize(value)
        return [
            (level, row[0])
            for level, column in _IDENTIFIERS
            for row in self._sql.execute(
                f"SELECT public_id FROM {TABLES[level]} WHERE {column} = ? ORDER BY id",  # noqa: S608
                (folded,),
            )
        ]

    def attachments(self, level: Level, public_id: str) -> list[Attachment] | None:
        pk = self.pk(level, public_id)
        if pk is None:
            return None
        rows = self._sql.execute(
            f"SELECT {_ATTACHMENT} FROM attachments WHERE level = ? AND resource = ?"  # noqa: S608
            " ORDER BY number",
            (int(level), pk),
        )
        return [self._attachment(row) for row in rows]

    def attachment(self, level: Level, public_id: str, number: int) -> Attachment | None:
        row = self._row(
            f"SELECT {_ATTACHMENT} FROM attachments WHERE level = ? AND number = ?"  # noqa: S608
            f" AND resource = (SELECT id FROM {TABLES[level]} WHERE public_id = ?)",
            int(level),
            number,
            public_id,
        )
        return self._attachment(row) if row else None

    def metadata(self, level: Level, public_id: str) -> dict[str, MetadataValue] | None:
        last_update = "''" if level == Level.INSTANCE else "last_update"
        row = self._row(
            f"SELECT metadata, revisions, {last_update} FROM {TABLES[level]} WHERE public_id = ?",  # noqa: S608
            public_id,
        )
        if row is None:
            return None
        values, revisions = self.named_metadata(row[0]), msgspec.json.decode(row[1])
        if row[2]:
            values["LastUpdate"] = row[2]
        numbers = self._names.metadata_number
        return {
            name: MetadataValue(value, revisions.get(str(numbers(name)), 0))
            for name, value in values.items()
        }

    def all_labels(self) -> tuple[str, ...]:
        rows = self._sql.execute("SELECT DISTINCT label FROM labels ORDER BY label")
        return tuple(row[0] for row in rows)

    def statistics(self) -> Statistics:
        return Statistics(
            *self._row(
                "SELECT patients, studies, series, instances, disk_size, uncompressed_size"
                " FROM totals"
            )
        )

    def resource_statistics(self, level: Level, public_id: str) -> ResourceStatistics | None:
        pk = self.pk(level, public_id)
        if pk is None:
            return None
        if level == Level.INSTANCE:
            row = self._row(
                "SELECT total(compressed_size), total(size), total(iif(number = 1, compressed_size,"
                " 0)), total(iif(number = 1, size, 0)) FROM attachments"
                " WHERE level = 3 AND resource = ?",
                pk,
            )
            return ResourceStatistics(0, 0, 1, *map(int, row))
        row = self._row(
            "SELECT count(DISTINCT st.id), count(*), total(se.instances), total(se.disk_size),"
            " total(se.uncompressed_size), total(se.dicom_disk_size),"
            " total(se.dicom_uncompressed_size)"
            f" FROM {ancestors_join(Level.SERIES, level)} WHERE {_ALIASES[level]}.id = ?"
            if level < Level.SERIES
            else "SELECT 1, 1, instances, disk_size, uncompressed_size, dicom_disk_size,"
            " dicom_uncompressed_size FROM series WHERE id = ?",
            pk,
        )
        studies, series, instances, disk, size, dicom_disk, dicom_size = map(int, row)
        if level < Level.SERIES:
            # The series hold their own files and those of their instances; what hangs on the
            # patient or its studies is counted here.
            own = self._row(
                "SELECT total(compressed_size), total(size) FROM attachments WHERE"
                " (level = :level AND resource = :pk) OR (:level = 0 AND level = 1 AND resource IN"
                " (SELECT id FROM studies WHERE parent = :pk))".replace(
                    ":level", str(int(level))
                ).replace(":pk", str(pk))
            )
            disk, size = disk + int(own[0]), size + int(own[1])
        return ResourceStatistics(studies, series, instances, disk, size, dicom_disk, dicom_size)

    def changes(
        self, since: int, to: int | None, limit: int, types: Sequence[str], last: bool
    ) -> list[Change]:
        sql = "SELECT seq, type, level, public_id, date FROM changes WHERE seq > ?"
        values: list[object] = [since]
        if to is not None:
            sql += " AND seq <= ?"
            values.append(to)
        if types:
            sql += f" AND type IN ({', '.join('?' * len(types))})"
            values.extend(types)
        # With only an upper end the newest below it are asked for, as with "last".
        newest = last or (to is not None and since <= 0)
        sql += f" ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?"
        values.append(min(limit or _MOST_ROWS, _MOST_ROWS))
        rows = self._sql.execute(sql, values).fetchall()
        if newest:
            rows.reverse()
        return [Change(row[0], row[1], Level(row[2]), row[3], row[4]) for row in rows]

    def last_change(self) -> int:
        row = self._row("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
        return int(row[0]) if row else 0

    def exports(self, since: int, limit: int, last: bool) -> list[Export]:
        order = "DESC" if last else "ASC"
        rows = self._sql.execute(
            f"SELECT * FROM exports WHERE seq > ? ORDER BY seq {order} LIMIT ?",  # noqa: S608
            (since, 1 if last else min(limit or _MOST_ROWS, _MOST_ROWS)),
        )
        return [Export(row[0], Level(row[1]), *row[2:]) for row in rows]

    def property(self, name: str) -> str | None:
        row = self._row("SELECT value FROM properties WHERE name = ?", name)
        return row[0] if row else None

    def known_uuids(self, uuids: Sequence[str]) -> set[str]:
        return {
            uuid for uuid in uuids if self._row("SELECT 1 FROM attachments WHERE uuid = ?", uuid)
        }

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
            f" FROM {ancestors_join(Level.INSTANCE, level)} JOIN attachments a"
            " ON a.level = 3 AND a.resource = i.id AND a.number = 1"
            f" WHERE {_ALIASES[level]}.public_id = ? ORDER BY i.id",
            (public_id,),
        )
        return [(row[0], self._attachment(row[1:])) for row in rows]
