"""Counting and adding up in the SQLite index: the archive, a part of it, and what is below."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from hornburg.dicom.levels import Level
from hornburg.index.base import Counts, ResourceStatistics, Scope, Statistics
from hornburg.index.sqlite_find import ALIASES, TABLES, ancestors_join
from hornburg.index.sqlite_scope import seen_studies
from hornburg.index.text import json_list

__all__ = ["counts", "resource_statistics", "statistics"]

_decode_list = msgspec.json.Decoder(list[str | None]).decode

_SERIES_SUMS = (
    "SELECT count(DISTINCT st.id), count(*), total(se.instances), total(se.disk_size),"
    " total(se.uncompressed_size), total(se.dicom_disk_size), total(se.dicom_uncompressed_size)"
    " FROM {joined} WHERE {alias}.id = ?"
)
_ATTACHMENT_SUMS = "SELECT total(compressed_size), total(size) FROM attachments WHERE "

#: The modality of a series as it was received. The column is folded, and nearly always the same;
#: to look for it in the JSON takes a quarter of the time of taking that apart. A quote or a
#: backslash inside of a value is escaped there, so what is found is the whole value of this tag.
_MODALITY = (
    "iif(instr(se.tags, '\"Modality\":\"' || se.modality || '\"'), se.modality,"
    " json_extract(se.tags, '$.Modality'))"
)


def _counts(level: Level, modalities: bool) -> str:
    """Studies, series and instances below each of many resources, with modalities as JSON."""
    alias = ALIASES[level]
    joined = (
        f"FROM json_each(?) j CROSS JOIN {TABLES[level]} {alias} ON {alias}.public_id = j.value"
    )
    for below in range(level + 1, Level.INSTANCE):
        joined += (
            f" CROSS JOIN {TABLES[below]} {ALIASES[below]}"
            f" ON {ALIASES[below]}.parent = {ALIASES[below - 1]}.id"
        )
    studies = "count(DISTINCT st.id)" if level == Level.PATIENT else "1"
    found = f"json_group_array(DISTINCT {_MODALITY})"
    return (
        f"SELECT {alias}.public_id, {studies}, count(*), sum(se.instances),"
        f" {found if modalities else 'NULL'} {joined} GROUP BY {alias}.id"
    )


_COUNTS = tuple(
    (_counts(level, False), _counts(level, True)) for level in Level if level < Level.INSTANCE
)


def counts(
    connection: sqlite3.Connection, level: Level, public_ids: Sequence[str], modalities: bool
) -> dict[str, Counts]:
    """What is below patients, studies or series, by public identifier."""
    rows = connection.execute(_COUNTS[level][modalities], (json_list(public_ids),))
    return {
        public_id: Counts(studies, series, instances, _distinct(found))
        for public_id, studies, series, instances, found in rows
    }


def _distinct(encoded: str | None) -> tuple[str, ...]:
    if encoded is None:
        return ()
    return tuple(sorted(one for one in _decode_list(encoded) if one))


def statistics(connection: sqlite3.Connection, scope: Scope) -> Statistics:
    """What the archive holds, or the part of it within a scope."""
    if scope is not None:
        return _statistics_within(connection, scope)
    return Statistics(
        *_row(
            connection,
            "SELECT patients, studies, series, instances, disk_size, uncompressed_size FROM totals",
        )
    )


def _statistics_within(connection: sqlite3.Connection, scope: Scope) -> Statistics:
    """A look at all that is within; files of a patient belong to each of its studies."""
    seen, values = seen_studies(scope)
    row = _row(
        connection,
        f"WITH seen (id, parent) AS MATERIALIZED (SELECT id, parent FROM studies WHERE id IN"
        f" ({seen})), own (disk, size) AS (SELECT a.compressed_size, a.size FROM seen CROSS JOIN"
        " attachments a ON a.level = 1 AND a.resource = seen.id UNION ALL"
        " SELECT a.compressed_size, a.size FROM (SELECT DISTINCT parent FROM seen) o"
        " CROSS JOIN attachments a ON a.level = 0 AND a.resource = o.parent)"
        " SELECT (SELECT count(DISTINCT parent) FROM seen), (SELECT count(*) FROM seen),"
        " count(se.id), total(se.instances),"
        " total(se.disk_size) + (SELECT total(disk) FROM own),"
        " total(se.uncompressed_size) + (SELECT total(size) FROM own)"
        " FROM seen CROSS JOIN series se ON se.parent = seen.id",
        *values,
    )
    return Statistics(*map(int, row))


def resource_statistics(
    connection: sqlite3.Connection, level: Level, pk: int
) -> ResourceStatistics:
    """What one resource holds, by its row number."""
    if level == Level.INSTANCE:
        row = _row(
            connection,
            "SELECT total(compressed_size), total(size), total(iif(number = 1, compressed_size,"
            " 0)), total(iif(number = 1, size, 0)) FROM attachments"
            " WHERE level = 3 AND resource = ?",
            pk,
        )
        return ResourceStatistics(0, 0, 1, *map(int, row))
    joined = ancestors_join(Level.SERIES, min(level, Level.STUDY))
    row = _row(connection, _SERIES_SUMS.format(joined=joined, alias=ALIASES[level]), pk)
    studies, series, instances, disk, size, dicom_disk, dicom_size = map(int, row)
    # The series hold their own files and those of their instances; what hangs on the patient
    # or its studies is counted here.
    own_disk, own_size = _own_files(connection, level, pk)
    return ResourceStatistics(
        studies, series, instances, disk + own_disk, size + own_size, dicom_disk, dicom_size
    )


def _own_files(connection: sqlite3.Connection, level: Level, pk: int) -> tuple[int, int]:
    if level == Level.SERIES:
        return 0, 0
    rows = [_row(connection, f"{_ATTACHMENT_SUMS} level = ? AND resource = ?", int(level), pk)]
    if level == Level.PATIENT:
        studies = "SELECT id FROM studies WHERE parent = ?"
        rows.append(
            _row(connection, f"{_ATTACHMENT_SUMS} level = 1 AND resource IN ({studies})", pk)
        )
    return sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)


def _row(connection: sqlite3.Connection, sql: str, *values: object) -> Any:
    return connection.execute(sql, values).fetchone()
