"""Changing the SQLite index, inside the transaction of the one writer."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from hornburg.dicom.levels import Level
from hornburg.errors import TooLargeError
from hornburg.index.base import (
    MOST_METADATA_CHARACTERS,
    Attachment,
    Deletion,
    Export,
    NewInstance,
    Stored,
    Writer,
)
from hornburg.index.names import DICOM, FIRST_USER
from hornburg.index.sqlite_delete import delete_resource
from hornburg.index.sqlite_find import TABLES
from hornburg.index.sqlite_read import SqliteReader
from hornburg.index.sqlite_store import (
    PUT_ATTACHMENT,
    add_instance,
    attachment_values,
    encode_map,
    log_change,
)
from hornburg.index.text import clean, json_list

__all__ = ["NotesOnlyError", "SqliteWriter"]


class NotesOnlyError(Exception):
    """A commit that doesn't wait for the disk can do no more than store what is new."""


class SqliteWriter(SqliteReader, Writer):
    """Changes through the writer's own connection."""

    #: Whether the commit does not wait for the disk, since notes of what it stores do.
    notes_only = False

    # -- instances ------------------------------------------------------------------------

    def store(self, new: NewInstance) -> Stored:
        change = add_instance(self._sql, new)
        if change is not None:
            return Stored(True, change=change)
        public_id = new.public_ids[Level.INSTANCE]
        there = self.attachment(Level.INSTANCE, public_id, DICOM)
        if there is not None:
            same = bool(there.md5) and there.md5 == new.attachment.md5
            if new.overwrite == "Never" or (new.overwrite == "IfChanged" and same):
                return Stored(False)
        deletion = self.delete(Level.INSTANCE, public_id)
        change = add_instance(self._sql, new)
        assert deletion is not None and change is not None
        return Stored(True, deletion.uuids, change)

    def delete(self, level: Level, public_id: str) -> Deletion | None:
        if self.notes_only:
            raise NotesOnlyError
        pk = self.pk(level, public_id)
        return None if pk is None else delete_resource(self._sql, level, pk)

    # -- metadata -------------------------------------------------------------------------

    def _metadata_key(self, number: int) -> str:
        return str(number) if number >= FIRST_USER else self._names.metadata_name(number)

    def _metadata_row(
        self, level: Level, public_id: str
    ) -> tuple[int, dict[str, str], dict[str, int]] | None:
        row = self._row(
            f"SELECT id, metadata, revisions FROM {TABLES[level]} WHERE public_id = ?",
            clean(public_id),
        )
        return (row[0], msgspec.json.decode(row[1]), msgspec.json.decode(row[2])) if row else None

    def _set_metadata_row(
        self, level: Level, pk: int, metadata: Mapping[str, str], revisions: Mapping[str, int]
    ) -> None:
        self._sql.execute(
            f"UPDATE {TABLES[level]} SET metadata = ?, revisions = ? WHERE id = ?",
            (encode_map(metadata), encode_map(revisions), pk),
        )

    def set_metadata(self, level: Level, public_id: str, number: int, value: str) -> int | None:
        if len(value) > MOST_METADATA_CHARACTERS:
            raise TooLargeError(
                f"A metadata of {len(value)} characters, at most {MOST_METADATA_CHARACTERS} are"
                " allowed"
            )
        found = self._metadata_row(level, public_id)
        if found is None:
            return None
        pk, values, revisions = found
        key = self._metadata_key(number)
        revision = revisions.get(str(number), 0) + 1 if key in values else 0
        values[key], revisions[str(number)] = value, revision
        self._set_metadata_row(level, pk, values, revisions)
        return revision

    def delete_metadata(self, level: Level, public_id: str, number: int) -> bool:
        found = self._metadata_row(level, public_id)
        if found is None or self._metadata_key(number) not in found[1]:
            return False
        pk, values, revisions = found
        del values[self._metadata_key(number)]
        revisions.pop(str(number), None)
        self._set_metadata_row(level, pk, values, revisions)
        return True

    # -- attachments, labels, protection --------------------------------------------------

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
        self._sql.execute(PUT_ATTACHMENT, attachment_values(level, pk, attachment, revision))
        return revision, old.uuid if old else None

    def delete_attachment(self, level: Level, public_id: str, number: int) -> str | None:
        row = self._row(
            "DELETE FROM attachments WHERE level = ? AND number = ? AND resource ="
            f" (SELECT id FROM {TABLES[level]} WHERE public_id = ?) RETURNING uuid",
            int(level),
            number,
            clean(public_id),
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
            (int(level), pk, clean(label)),
        )
        return True

    def set_protected(self, public_id: str, protected: bool) -> bool:
        # Unprotected again, a patient goes to the end of the recycling order.
        cursor = self._sql.execute(
            "UPDATE patients SET protected = ?, recycle ="
            " (SELECT coalesce(max(recycle), 0) + 1 FROM patients WHERE protected = 0)"
            " WHERE public_id = ? AND protected <> ?",
            (int(protected), clean(public_id), int(protected)),
        )
        return cursor.rowcount > 0 or self.pk(Level.PATIENT, public_id) is not None

    # -- logs, stability, properties ------------------------------------------------------

    def log_change(self, kind: str, level: Level, public_id: str, date: str) -> None:
        pk = self.pk(level, public_id)
        if pk is not None:
            log_change(self._sql, kind, level, pk, clean(public_id), date)

    def clear_changes(self) -> None:
        self._sql.execute("DELETE FROM changes")

    def log_export(self, export: Export) -> None:
        values = (
            export.public_id,
            export.modality,
            export.date,
            export.patient_id,
            export.study_uid,
            export.series_uid,
            export.sop_uid,
        )
        self._sql.execute(
            "INSERT INTO exports (level, public_id, modality, date, patient_id, study_uid,"
            " series_uid, sop_uid) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (int(export.level), *map(clean, values)),
        )

    def clear_exports(self) -> None:
        self._sql.execute("DELETE FROM exports")

    def removed(self, uuids: Sequence[str]) -> None:
        self._sql.execute(
            "DELETE FROM removals WHERE uuid IN (SELECT value FROM json_each(?))",
            (json_list(uuids),),
        )

    def settle(self, quiet_since: float, date: str, limit: int) -> list[tuple[Level, str]]:
        settled: list[tuple[Level, str]] = []
        for level in (Level.SERIES, Level.STUDY, Level.PATIENT):
            rows = self._sql.execute(
                f"SELECT id, public_id FROM {TABLES[level]}"
                " WHERE stable = 0 AND activity <= ? ORDER BY activity, id LIMIT ?",
                (quiet_since, limit),
            ).fetchall()
            for pk, public_id in rows:
                self._sql.execute(f"UPDATE {TABLES[level]} SET stable = 1 WHERE id = ?", (pk,))
                log_change(self._sql, f"Stable{level.word}", level, pk, public_id, date)
                settled.append((level, public_id))
        return settled

    def set_property(self, name: str, value: str) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO properties VALUES (?, ?)", (clean(name), clean(value))
        )
