"""Scopes as SQL: which studies are within, seen from a study, from any level, or from the log."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hornburg.dicom.levels import Level
from hornburg.index.base import Bounds, Scope
from hornburg.index.text import fold, json_list

__all__ = [
    "Part",
    "changes_of_each",
    "of_change",
    "of_level",
    "of_studies",
    "seen_studies",
    "small_studies",
]

Part = tuple[str, tuple[str, ...]]
"""A piece of SQL and its values."""

#: From the row of a level, by the aliases p, st, se, i, up to the study "st".
_UP = {
    Level.STUDY: "studies st",
    Level.SERIES: "series se JOIN studies st ON st.id = se.parent",
    Level.INSTANCE: (
        "instances i JOIN series se ON se.id = i.parent JOIN studies st ON st.id = se.parent"
    ),
}
_ROW = {Level.STUDY: "st.id", Level.SERIES: "se.id", Level.INSTANCE: "i.id"}


def _list(values: Iterable[str]) -> str:
    return json_list(sorted(set(values)))


def _tag(table: str, column: str, name: str, values: frozenset[str]) -> Part:
    """The folded column has the index, the stored tag its very letters."""
    text = (
        f"{table}.{column} IN (SELECT value FROM json_each(?))"
        f" AND json_extract({table}.tags, '$.{name}') IN (SELECT value FROM json_each(?))"
    )
    return text, (_list(map(fold, values)), _list(values))


def _joined(parts: Iterable[Part], word: str) -> Part:
    several = list(parts)
    text = f" {word} ".join(f"({text})" for text, _ in several)
    return text, tuple(value for _, values in several for value in values)


def _each(bounds: Bounds) -> Part:
    """Conditions on the one study "st" that is at hand."""
    parts: list[Part] = []
    if bounds.studies:
        parts.append(_tag("st", "study_instance_uid", "StudyInstanceUID", bounds.studies))
    if bounds.patients:
        text, values = _tag("sp", "patient_id", "PatientID", bounds.patients)
        parts.append(
            (f"EXISTS (SELECT 1 FROM patients sp WHERE sp.id = st.parent AND {text})", values)
        )
    if bounds.labels:
        labels = _list(bounds.labels)
        text = (
            "EXISTS (SELECT 1 FROM labels sl WHERE sl.level = {level} AND sl.resource = {row}"
            " AND sl.label IN (SELECT value FROM json_each(?)))"
        )
        of_study = text.format(level=1, row="st.id")
        of_patient = text.format(level=0, row="st.parent")
        parts.append((f"{of_study} OR {of_patient}", (labels, labels)))
    return _joined(parts, "AND") if parts else ("1", ())


def _all(bounds: Bounds) -> Part:
    """A SELECT of the rows of all studies within the bounds, by way of their indexes."""
    parts: list[Part] = []
    if bounds.studies:
        parts.append(_tag("st", "study_instance_uid", "StudyInstanceUID", bounds.studies))
    if bounds.patients:
        text, values = _tag("sp", "patient_id", "PatientID", bounds.patients)
        parts.append((f"st.parent IN (SELECT sp.id FROM patients sp WHERE {text})", values))
    if bounds.labels:
        labels = _list(bounds.labels)
        wanted = "sl.label IN (SELECT value FROM json_each(?))"
        parts.append(
            (
                "st.id IN ("
                f"SELECT sl.resource FROM labels sl WHERE {wanted} AND sl.level = 1"
                " UNION ALL SELECT sx.id FROM labels sl CROSS JOIN studies sx"
                f" ON sx.parent = sl.resource WHERE {wanted} AND sl.level = 0)",
                (labels, labels),
            )
        )
    text, values = _joined(parts, "AND") if parts else ("1", ())
    return f"SELECT st.id FROM studies st WHERE {text}", values


@lru_cache(maxsize=512)
def of_studies(scope: Scope) -> Part:
    """A condition on the row "st" that is at hand."""
    if scope is None:
        return "1", ()
    if not scope:
        return "0", ()
    return _joined(map(_each, scope), "OR")


@lru_cache(maxsize=512)
def seen_studies(scope: Scope) -> Part:
    """A SELECT of the rows of all studies within."""
    if scope is None:
        return "SELECT id FROM studies", ()
    if not scope:
        return "SELECT id FROM studies WHERE 0", ()
    selects = [_all(bounds) for bounds in scope]
    return (
        " UNION ".join(text for text, _ in selects),
        tuple(value for _, values in selects for value in values),
    )


def small_studies(scope: Scope, most: int) -> Part:
    """The number of studies within, counted up to ``most``."""
    text, values = seen_studies(scope)
    return f"SELECT count(*) FROM (SELECT 1 FROM ({text}) LIMIT {int(most)})", values


def of_level(level: Level, scope: Scope, row: str) -> Part:
    """A condition on a resource of a level; ``row`` is the SQL of its number."""
    text, values = of_studies(scope)
    if level is Level.PATIENT:
        return f"EXISTS (SELECT 1 FROM studies st WHERE st.parent = {row} AND ({text}))", values
    return f"EXISTS (SELECT 1 FROM {_UP[level]} WHERE {_ROW[level]} = {row} AND ({text}))", values


@lru_cache(maxsize=512)
def of_change(scope: Scope, table: str) -> Part:
    """A condition on a row of a table with the columns "level" and "resource"."""
    parts = [of_level(level, scope, f"{table}.resource") for level in Level]
    text = " ".join(
        f"WHEN {int(level)} THEN {part}" for level, (part, _) in zip(Level, parts, strict=True)
    )
    return f"CASE {table}.level {text} END", tuple(v for _, values in parts for v in values)


def changes_of_each(scope: Scope) -> Part:
    """A condition on a row of the log of changes, by way of each study within."""
    seen, values = seen_studies(scope)
    log = "SELECT g.seq FROM {} CROSS JOIN changes g ON g.level = {} AND g.resource = {}"
    series = "seen CROSS JOIN series se ON se.parent = seen.id"
    parts = (
        log.format("(SELECT DISTINCT parent FROM seen) o", 0, "o.parent"),
        log.format("seen", 1, "seen.id"),
        log.format(series, 2, "se.id"),
        log.format(f"{series} CROSS JOIN instances i ON i.parent = se.id", 3, "i.id"),
    )
    return (
        f"seq IN (WITH seen (id, parent) AS MATERIALIZED (SELECT id, parent FROM studies"
        f" WHERE id IN ({seen})) {' UNION ALL '.join(parts)})",
        values,
    )
