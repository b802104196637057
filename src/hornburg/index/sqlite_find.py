"""From a :class:`Query` to one parameterised SELECT. No value ever becomes part of the text."""

# ruff: noqa: S608 - the parts of the text are names of tables and columns from this room alone

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from hornburg.dicom.levels import Level
from hornburg.errors import ParameterOutOfRangeError
from hornburg.index.base import Condition, Match, OrderBy, Query, Scope
from hornburg.index.sqlite_scope import of_studies, seen_studies
from hornburg.index.text import after_prefix, clean, fold, fold_pattern, glob, literal_prefix

__all__ = [
    "ALIASES",
    "COLUMNS",
    "INDEXED",
    "TABLES",
    "ancestors_join",
    "count_sql",
    "find_sql",
    "json_path",
]

TABLES = ("patients", "studies", "series", "instances")
ALIASES = ("p", "st", "se", "i")

#: The main tags that have a folded column, by level: simplified name -> column.
COLUMNS: tuple[dict[str, str], ...] = (
    {
        "PatientID": "patient_id",
        "PatientName": "patient_name",
        "PatientBirthDate": "patient_birth_date",
        "PatientSex": "patient_sex",
    },
    {
        "StudyInstanceUID": "study_instance_uid",
        "StudyDate": "study_date",
        "StudyTime": "study_time",
        "StudyID": "study_id",
        "StudyDescription": "study_description",
        "AccessionNumber": "accession_number",
        "ReferringPhysicianName": "referring_physician_name",
        "InstitutionName": "institution_name",
    },
    {
        "SeriesInstanceUID": "series_instance_uid",
        "Modality": "modality",
        "SeriesDate": "series_date",
        "SeriesDescription": "series_description",
        "SeriesNumber": "series_number",
        "BodyPartExamined": "body_part_examined",
        "ProtocolName": "protocol_name",
        "Manufacturer": "manufacturer",
        "StationName": "station_name",
    },
    {"SOPInstanceUID": "sop_instance_uid", "InstanceNumber": "instance_number"},
)

#: The columns that have an index of their own, which also serves as a narrow table to scan.
INDEXED = frozenset(
    {
        "patient_id",
        "patient_name",
        "patient_birth_date",
        "study_instance_uid",
        "study_date",
        "study_id",
        "study_description",
        "accession_number",
        "referring_physician_name",
        "institution_name",
        "series_instance_uid",
        "modality",
        "series_date",
        "series_description",
        "sop_instance_uid",
    }
)

#: A longer list travels as one JSON parameter: SQLite bounds the number of parameters.
_MOST_PARAMETERS = 50

_MOST_INTEGER = (1 << 63) - 1

Value = str | int | float


def ancestors_join(level: Level, top: Level) -> str:
    """FROM clause from a level up to ``top``, by the aliases p, st, se, i."""
    text = f"{TABLES[level]} {ALIASES[level]}"
    for above in range(level - 1, top - 1, -1):
        text += (
            f" JOIN {TABLES[above]} {ALIASES[above]}"
            f" ON {ALIASES[above]}.id = {ALIASES[above + 1]}.parent"
        )
    return text


class _Where:
    """Conditions of a WHERE clause with their values, in the same order."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Value] = []

    def add(self, text: str, *values: Value) -> None:
        self.parts.append(text)
        self.values.extend(values)

    def clause(self) -> str:
        return f" WHERE {' AND '.join(self.parts)}" if self.parts else ""


def _equal(text: str, values: Sequence[str]) -> tuple[str, list[Value]]:
    if len(values) == 1:
        return f"{text} = ?", [values[0]]
    if len(values) <= _MOST_PARAMETERS:
        return f"{text} IN ({', '.join('?' * len(values))})", list(values)
    return f"{text} IN (SELECT value FROM json_each(?))", [msgspec.json.encode(values).decode()]


def _range(text: str, low: str, high: str) -> tuple[str, list[Value]]:
    # An empty value never lies in a range; and "text" may stand once, since it may have a
    # parameter of its own. "~" comes after all that dates and times are made of (PS3.5 6.2), so
    # that an end such as 20201231 or 1200 holds what only says it more precisely.
    return f"{text} BETWEEN ? AND ?", [low or "!", f"{high}~"]


def _wildcard(column: str, pattern: str) -> tuple[str, list[Value]]:
    """A pattern on a column with an index: only the part with the same beginning is looked at."""
    prefix = literal_prefix(pattern)
    upper = after_prefix(prefix)
    if upper is None:
        return f"{column} GLOB ?", [glob(pattern)]
    if pattern == f"{prefix}*":
        return f"{column} >= ? AND {column} < ?", [prefix, upper]
    return f"{column} >= ? AND {column} < ? AND {column} GLOB ?", [prefix, upper, glob(pattern)]


class _Builder:
    """One query on its way to SQL.

    Args:
        query: what is looked for.
        key: from the name of a metadata to its key in the stored JSON.
    """

    def __init__(self, query: Query, key: Callable[[str], str]) -> None:
        self.query = query
        self.key = key
        self.top = query.level
        self.where = _Where()
        for condition in query.conditions:
            self._condition(condition)
        self._modalities(query.modalities)
        self._labels(query.labels, query.labels_constraint)
        for name, value in query.metadata.items():
            self._metadata_equals(name, value)
        if query.ancestor is not None:
            level, public_id = query.ancestor
            if level > query.level:
                raise ParameterOutOfRangeError("An ancestor is above the level that is searched")
            self._reach(level)
            self.where.add(f"{ALIASES[level]}.public_id = ?", clean(public_id))
        if query.scope is not None:
            self._scope(query.scope)

    @property
    def alias(self) -> str:
        return ALIASES[self.query.level]

    def _reach(self, level: Level) -> None:
        self.top = min(self.top, level)

    # -- tags -----------------------------------------------------------------------------

    def _condition(self, condition: Condition) -> None:
        """Compare the folded column; case is looked at again on the tag itself."""
        level, name = condition.level, condition.name
        if level > self.query.level:
            raise ParameterOutOfRangeError(f"{name} is below the level that is searched")
        self._reach(level)
        column = COLUMNS[level].get(name)
        if column is not None:
            self._column(level, column, condition)
            if not condition.case_sensitive or condition.match is Match.RANGE:
                return
        self._tag_matches(level, name, condition)

    def _column(self, level: Level, column: str, condition: Condition) -> None:
        values = _folded(condition)
        text = f"{ALIASES[level]}.{column}"
        if condition.match is Match.RANGE:
            part, bound = _range(text, values[0], values[1])
        elif condition.match is Match.WILDCARD:
            part, bound = self._column_like(level, column, values)
        else:
            part, bound = _equal(text, values)
        self.where.add(part, *bound)

    def _column_like(
        self, level: Level, column: str, patterns: Sequence[str]
    ) -> tuple[str, list[Value]]:
        indexed = column in INDEXED
        # With no beginning to go by, the index is scanned: it is far narrower than the table.
        narrow = indexed and not all(literal_prefix(pattern) for pattern in patterns)
        text = column if narrow else f"{ALIASES[level]}.{column}"
        parts: list[str] = []
        values: list[Value] = []
        for pattern in patterns:
            part, bound = (
                _wildcard(text, pattern) if indexed else (f"{text} GLOB ?", [glob(pattern)])
            )
            parts.append(f"({part})")
            values += bound
        either = parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
        if narrow:
            either = f"{ALIASES[level]}.id IN (SELECT id FROM {TABLES[level]} WHERE {either})"
        return either, values

    def _tag(self, level: Level, name: str) -> tuple[str, list[Value]]:
        path = json_path(name)
        return ("NULL", []) if path is None else (f"json_extract({ALIASES[level]}.tags, ?)", [path])

    def _tag_matches(self, level: Level, name: str, condition: Condition) -> None:
        """A tag without a column, or its very letters: read from the stored JSON."""
        text, values = self._tag(level, name)
        wanted = [clean(value) for value in condition.values]
        if not condition.case_sensitive:
            # What is plain ASCII, which is nearly all, is folded without a call into Python.
            text = (
                f"(SELECT iif(v GLOB '*[^ -~]*', hb_fold(v), rtrim(substr(upper(trim(v)), 1, 256)))"
                f" FROM (SELECT {text} AS v))"
            )
            wanted = _folded(condition)
        if condition.match is Match.RANGE:
            part, bound = _range(text, wanted[0], wanted[1])
            self.where.add(part, *values, *bound)
        elif condition.match is Match.WILDCARD:
            either = " OR ".join([f"{text} GLOB ?"] * len(wanted))
            bound = [value for pattern in wanted for value in (*values, glob(pattern))]
            self.where.add(f"({either})", *bound)
        else:
            part, bound = _equal(text, wanted)
            self.where.add(part, *values, *bound)

    def _modalities(self, modalities: tuple[str, ...]) -> None:
        """ModalitiesInStudy (PS3.4 C.3.4): any series of the study has one of them."""
        if not modalities:
            return
        self._reach(Level.STUDY)
        parts: list[str] = []
        values: list[Value] = []
        for modality in map(fold, modalities):
            wild = _is_pattern(modality)
            parts.append("m.modality GLOB ?" if wild else "m.modality = ?")
            values.append(glob(modality) if wild else modality)
        either = " OR ".join(parts)
        if self.where.parts:
            # Other conditions leave few studies: look at the series of each.
            text = f"EXISTS (SELECT 1 FROM series m WHERE m.parent = st.id AND ({either}))"
        else:
            text = f"st.id IN (SELECT m.parent FROM series m WHERE {either})"
        self.where.add(text, *values)

    def _scope(self, scope: Scope) -> None:
        """Which studies are looked at, last of all: with other conditions each study that they
        leave is held against the scope, alone the scope gives the studies."""
        alone = not self.where.parts
        text, values = seen_studies(scope) if alone else of_studies(scope)
        if self.query.level is Level.PATIENT:
            text = (
                f"p.id IN (SELECT parent FROM studies WHERE id IN ({text}))"
                if alone
                else f"EXISTS (SELECT 1 FROM studies st WHERE st.parent = p.id AND ({text}))"
            )
        else:
            self._reach(Level.STUDY)
            text = f"st.id IN ({text})" if alone else f"({text})"
        self.where.add(text, *values)

    # -- labels and metadata --------------------------------------------------------------

    def _labels(self, labels: tuple[str, ...], constraint: str) -> None:
        having = f"SELECT resource FROM labels WHERE level = {int(self.query.level)}"
        wanted = [clean(label) for label in dict.fromkeys(labels)]
        if constraint == "None":
            # "None together with an empty list of labels": those without any (Orthanc 1.12.11).
            part, values = _equal("label", wanted) if wanted else ("1", [])
            self.where.add(f"{self.alias}.id NOT IN ({having} AND {part})", *values)
        elif constraint == "Any" and wanted:
            part, values = _equal("label", wanted)
            self.where.add(f"{self.alias}.id IN ({having} AND {part})", *values)
        else:
            for label in wanted:
                self.where.add(f"{self.alias}.id IN ({having} AND label = ?)", label)

    def _metadata(self, name: str) -> tuple[str, list[Value]]:
        if name == "LastUpdate" and self.query.level != Level.INSTANCE:
            return f"{self.alias}.last_update", []
        path = json_path(self.key(name))
        return ("NULL", []) if path is None else (f"json_extract({self.alias}.metadata, ?)", [path])

    def _metadata_equals(self, name: str, value: str) -> None:
        text, values = self._metadata(name)
        if _is_pattern(value):
            self.where.add(f"{text} GLOB ?", *values, glob(value))
        else:
            self.where.add(f"{text} = ?", *values, clean(value))

    # -- order ----------------------------------------------------------------------------

    def order(self, keys: tuple[OrderBy, ...]) -> tuple[str, list[Value]]:
        parts: list[str] = []
        values: list[Value] = []
        for key in keys:
            if key.kind == "Metadata":
                text, bound = self._metadata(key.key)
            else:
                level = self.query.level if key.level is None else key.level
                if level > self.query.level:
                    raise ParameterOutOfRangeError(f"{key.key} is below the level that is searched")
                self._reach(level)
                text, bound = self._tag(level, key.key)
            if key.numeric:
                text = f"CAST({text} AS REAL)"
            parts.append(f"{text} {'DESC' if key.descending else 'ASC'}")
            values += bound
        parts.append(f"{self.alias}.id")
        return ", ".join(parts), values


def _folded(condition: Condition) -> list[str]:
    fold_one = fold_pattern if condition.match is Match.WILDCARD else fold
    return [fold_one(value) for value in condition.values]


def json_path(key: str) -> str | None:
    """The place of a key in a JSON object; SQLite has no way to write a quote in one."""
    return None if not key or '"' in key or "\0" in key else f'$."{clean(key)}"'


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def find_sql(
    query: Query,
    select: str,
    key: Callable[[str], str],
    join_up_to: Level | None = None,
    more_joins: str = "",
) -> tuple[str, list[Value]]:
    """A SELECT of the given columns over what matches, ordered and cut.

    Args:
        query: what is looked for.
        select: the columns, by the aliases p, st, se, i.
        key: from the name of a metadata to its key in the stored JSON.
        join_up_to: the widest level that the columns speak of, if wider than the query's.
        more_joins: what else the columns speak of.

    Raises:
        ParameterOutOfRangeError: a condition or an order below the level, a pattern too long.
    """
    builder = _Builder(query, key)
    order, order_values = builder.order(query.order_by)
    if join_up_to is not None:
        builder.top = min(builder.top, join_up_to)
    sql = (
        f"SELECT {select} FROM {ancestors_join(query.level, builder.top)}{more_joins}"
        f"{builder.where.clause()} ORDER BY {order} LIMIT ? OFFSET ?"
    )
    window = (min(query.limit, _MOST_INTEGER) or -1, min(query.since, _MOST_INTEGER))
    return sql, [*builder.where.values, *order_values, *window]


def count_sql(query: Query, key: Callable[[str], str]) -> tuple[str, list[Value]]:
    """The number of matches; without a condition, what the totals say."""
    builder = _Builder(query, key)
    if not builder.where.parts:
        return f"SELECT {TABLES[query.level]} FROM totals", []
    joined = ancestors_join(query.level, builder.top)
    return f"SELECT count(*) FROM {joined}{builder.where.clause()}", builder.where.values
