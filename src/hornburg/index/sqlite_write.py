"""Changing the SQLite index, inside the transaction of the one writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from hornburg.dicom.levels import Level
from hornburg.dicom.normalize import normalize
from hornburg.index.base import Attachment, Deletion, NewInstance, Stored, Writer
from hornburg.index.names import FIRST_USER, Names
from hornburg.index.sqlite_find import COLUMNS, TABLES
from hornburg.index.sqlite_read import SqliteReader

__all__ = ["SqliteWriter"]

_encode = msgspec.json.Encoder(order="sorted").encode


def _insert(level: Level) -> str:
    columns = ["public_id", "tags", "metadata"]
    if level > Level.PATIENT:
        columns.append("parent")
    if level < Level.INSTANCE:
        columns += ["last_update", "activity"]
    columns += COLUMNS[level].values()
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {TABLES[level]} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


_INSERT = tuple(_insert(level) for level in Level)
_PUT_ATTACHMENT = "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LOG = "INSERT INTO changes (type, level, public_id, date) VALUES (?, ?, ?, ?)"


class SqliteWriter(SqliteReader, Writer):
    """Changes through the writer's own connection."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        super().__init__(connection, names)

    # -- instances ------------------------------------------------------------------------

    def store(self, new: NewInstance) -> Stored:
        removed: tuple[str, ...] = ()
        public_id = new.public_ids[Level.INSTANCE]
        there = self.attachment(Level.INSTANCE, public_id, new.attachment.number)
        if there is not None:
            same = bool(there.md5) and there.md5 == new.attachment.md5
            if new.overwrite == "Never" or (new.overwrite == "IfChanged" and same):
                return Stored(False)
            deletion = self.delete(Level.INSTANCE, public_id)
            removed = deletion.uuids if deletion else ()
        parent, created = None, []
        for level in Level:
            pk = self.pk(level, new.public_ids[level])
            if pk is None:
                pk = self._add(level, new, parent)
                created.append(level)
            parent = pk
        assert parent is not None
        self._put(Level.INSTANCE, parent, new.attachment, 0)
        for level in reversed(created):
            self.log_change(f"New{level.word}", level, new.public_ids[level], new.date)
        self._touch(new, parent, created)
        return Stored(True, removed)

    def _add(self, level: Level, new: NewInstance, parent: int | None) -> int:
        tags = new.main_tags[level]
        values: list[object] = [
            new.public_ids[level],
            _encode(tags).decode(),
            _encode(new.metadata[level]).decode(),
        ]
        if parent is not None:
            values.append(parent)
        if level < Level.INSTANCE:
            values += [new.date, new.now]
        values += [normalize(tags[name]) if name in tags else None for name in COLUMNS[level]]
        pk = self._sql.execute(_INSERT[level], values).lastrowid
        assert pk is not None
        return pk

    def _touch(self, new: NewInstance, instance: int, created: list[Level]) -> None:
        """Parents are no longer stable, and their patient goes last in the recycling order."""
        for level in (Level.SERIES, Level.STUDY):
            if level not in created:
                self._sql.execute(
                    f"UPDATE {TABLES[level]} SET last_update = ?, activity = ?, stable = 0"  # noqa: S608
                    " WHERE public_id = ?",
                    (new.date, new.now, new.public_ids[level]),
                )
        self._sql.execute(
            "UPDATE patients SET last_update = ?, activity = ?, stable = 0, recycle ="
            " max(?, (SELECT coalesce(max(recycle), 0) + 1 FROM patients WHERE protected = 0))"
            " WHERE public_id = ?",
            (new.date, new.now, 0, new.public_ids[Level.PATIENT]),
        )
        if new.expected_instances:
            row = self._row(
                "SELECT instances FROM series WHERE public_id = ?", new.public_ids[Level.SERIES]
            )
            if row and row[0] == new.expected_instances:
                self.log_change(
                    "CompletedSeries", Level.SERIES, new.public_ids[Level.SERIES], new.date
                )

    # -- deletion -------------------------------------------------------------------------

    def delete(self, level: Level, public_id: str) -> Deletion | None:
        pk = self.pk(level, public_id)
        if pk is None:
            return None
        uuids: list[str] = []
        self._delete_below(level, [pk], uuids)
        remaining: tuple[Level, str] | None = None
        parents = self._parents  # filled by _delete_below for the top row
        above, parent = level.parent, parents.get(pk)
        while above is not None and parent is not None:
            child = TABLES[above + 1]
            if self._row(f"SELECT 1 FROM {child} WHERE parent = ? LIMIT 1", parent):  # noqa: S608
                row = self._row(f"SELECT public_id FROM {TABLES[above]} WHERE id = ?", parent)  # noqa: S608
                remaining = (above, row[0])
                break
            self._delete_below(above, [parent], uuids)
            parent, above = self._parents.get(parent), above.parent
        return Deletion(tuple(uuids), remaining)

    def _delete_below(self, level: Level, pks: list[int], uuids: list[str]) -> None:
        """Delete rows of one level and everything below, narrowest first."""
        self._sql.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (level INTEGER, id INTEGER)")
        self._sql.execute("DELETE FROM doomed")
        self._sql.executemany("INSERT INTO doomed VALUES (?, ?)", [(int(level), pk) for pk in pks])
        for below in range(level + 1, Level.INSTANCE + 1):
            self._sql.execute(
                f"INSERT INTO doomed SELECT {below}, id FROM {TABLES[below]} WHERE parent IN"  # noqa: S608
                f" (SELECT id FROM doomed WHERE level = {below - 1})"
            )
        self._parents: dict[int, int] = {}
        if level > Level.PATIENT:
            for pk in pks:
                row = self._row(f"SELECT parent FROM {TABLES[level]} WHERE id = ?", pk)  # noqa: S608
                self._parents[pk] = row[0]
        for at in range(Level.INSTANCE, level - 1, -1):
            ids = f"(SELECT id FROM doomed WHERE level = {at})"  # noqa: S608
            uuids += [
                row[0]
                for row in self._sql.execute(
                    f"SELECT uuid FROM attachments WHERE level = {at} AND resource IN {ids}"  # noqa: S608
                )
            ]
            for sql in (
                f"DELETE FROM attachments WHERE level = {at} AND resource IN {ids}",  # noqa: S608
                f"DELETE FROM labels WHERE level = {at} AND resource IN {ids}",  # noqa: S608
                "DELETE FROM changes WHERE public_id IN"  # noqa: S608
                f" (SELECT public_id FROM {TABLES[at]} WHERE id IN {ids})",
                "DELETE FROM exports WHERE public_id IN"  # noqa: S608
                f" (SELECT public_id FROM {TABLES[at]} WHERE id IN {ids})",
                f"DELETE FROM {TABLES[at]} WHERE id IN {ids}",  # noqa: S608
            ):
                self._sql.execute(sql)

    # -- metadata, attachments, labels ----------------------------------------------------

    def _metadata_key(self, number: int) -> str:
        return str(number) if number >= FIRST_USER else self._names.metadata_name(number)

    def _change_json(
        self, level: Level, pk: int, metadata: Mapping[str, str], revisions: Mapping[str, int]
    ) -> None:
        self._sql.execute(
            f"UPDATE {TABLES[level]} SET metadata = ?, revisions = ? WHERE id = ?",  # noqa: S608
            (_encode(metadata).decode(), _encode(revisions).decode(), pk),
        )

    def _metadata_row(
        self, level: Level, public_id: str
    ) -> tuple[int, dict[str, str], dict[str, int]] | None:
        row = self._row(
            f"SELECT id, metadata, revisions FROM {TABLES[level]} WHERE public_id = ?",  # noqa: S608
            public_id,
        )
        return (row[0], msgspec.json.decode(row[1]), msgspec.json.decode(row[2])) if row else None

    def set_metadata(self, level: Level, public_id: str, number: int, value: str) -> int | None:
        found = self._metadata_row(level, public_id)
        if found is None:
            return None
        pk, values, revisions = found
        key = self._metadata_key(number)
        revision = revisions.get(str(number), 0) + 1 if key in values else 0
        values[key], revisions[str(number)] = value, revision
        self._change_json(level, pk, values, revisions)
        return revision

    def delete_metadata(self, level: Level, public_id: str, number: int) -> bool:
        found = self._metadata_row(level, public_id)
        if found is None or self._metadata_key(number) not in found[1]:
            return False
        pk, values, revisions = found
        del values[self._metadata_key(number)]
        revisions.pop(str(number), None)
        self._change_json(level, pk, values, revisions)
        return True

    def _put(self, level: Level, pk: int, attachment: Attachment, revision: int) -> None:
        self._sql.execute(
            _PUT_ATTACHMENT,
            (
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
            ),
        )

    def put_attachment(
        self, level: Level, public_id: str, attachment: Attachment
    ) -> tuple[int, str | None] | None:
        pk = self.pk(level, public_id)
        if pk is None:
            return None
        old = self.attachment(level, public_id, attachment.number)
        revision = 0
        if old is not None:
            revision = old.revision + 1
            self.delete_attachment(level, public_id, attachment.number)
        self._put(level, pk, attachment, revision)
        return revision, old.uuid if old else None

    def delete_attachment(self, level: Level, public_id: str, number: int) -> str | None:
        row = self._row(
            "DELETE FROM attachments WHERE level = ? AND number = ? AND resource ="
            f" (SELECT id FROM {TABLES[level]} WHERE public_id = ?) RETURNING uuid",
            int(level),
            number,
            public_id,
        )
        return row[0] if row else None

    def set_label(self, level: Level, public_id: str, label: str, present: bool) -> bool:
        pk = self.pk(level, public_id)
        if pk is None:
            return False
        self._sql.execute(
            "INSERT OR IGNORE INTO labels VALUES (?, ?, ?)"
            if present
            else "DELETE FROM labels WHERE level = ? AND resource = ? AND label = ?",
            (int(level), pk, label),
        )
        return True

    def set_protected(self, public_id: str, protected: bool) -> bool:
        # Unprotected again, a patient goes to the end of the recycling order, as in Orthanc.
        cursor = self._sql.execute(
            "UPDATE patients SET protected = ?, recycle ="
            " (SELECT coalesce(max(recycle), 0) + 1 FROM patients)"
            " WHERE public_id = ? AND protected <> ?",
            (int(protected), public_id, int(protected)),
        )
        return cursor.rowcount > 0 or self.pk(Level.PATIENT, public_id) is not None

    # -- logs, stability, properties ------------------------------------------------------

    def log_change(self, kind: str, level: Level, public_id: str, date: str) -> None:
        self._sql.execute(_LOG, (kind, int(level), public_id, date))

    def clear_changes(self) -> None:
        self._sql.execute("DELETE FROM changes")

    def clear_exports(self) -> None:
        self._sql.execute("DELETE FROM exports")

    def settle(self, quiet_since: float, date: str, limit: int) -> list[tuple[Level, str]]:
        settled: list[tuple[Level, str]] = []
        for level in (Level.SERIES, Level.STUDY, Level.PATIENT):
            rows = self._sql.execute(
                f"SELECT id, public_id FROM {TABLES[level]}"  # noqa: S608
                " WHERE stable = 0 AND activity <= ? ORDER BY activity, id LIMIT ?",
                (quiet_since, limit),
            ).fetchall()
            for pk, public_id in rows:
                self._sql.execute(f"UPDATE {TABLES[level]} SET stable = 1 WHERE id = ?", (pk,))  # noqa: S608
                self.log_change(f"Stable{level.word}", level, public_id, date)
                settled.append((level, public_id))
        return settled

    def set_property(self, name: str, value: str) -> None:
        self._sql.execute("INSERT OR REPLACE INTO properties VALUES (?, ?)", (name, value))
