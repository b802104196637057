"""From a :class:`Query` to one parameterised SELECT. No value ever becomes part of the text."""

from __future__ import annotations

from collections.abc import Sequence

from hornburg.dicom.levels import Level
from hornburg.dicom.normalize import normalize
from hornburg.index.base import Condition, Match, OrderBy, Query

__all__ = ["COLUMNS", "TABLES", "ancestors_join", "count_sql", "find_sql"]

TABLES = ("patients", "studies", "series", "instances")

#: The main tags that have a normalised column, by level: simplified name -> column.
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

_ALIAS = ("p", "st", "se", "i")


def ancestors_join(level: Level, top: Level) -> str:
    """FROM clause from a level up to ``top``, by the aliases p, st, se, i."""
    text = f"{TABLES[level]} {_ALIAS[level]}"
    for above in range(level - 1, top - 1, -1):
        text += (
            f" JOIN {TABLES[above]} {_ALIAS[above]}"
            f" ON {_ALIAS[above]}.id = {_ALIAS[above + 1]}.parent"
        )
    return text


class _Builder:
    def __init__(self, query: Query) -> None:
        self.query = query
        self.top = query.level
        self.where: list[str] = []
        self.values: list[str | int | float] = []
        for condition in query.conditions:
            self._condition(condition)
        self._modalities(query.modalities)
        self._labels(query.labels, query.labels_constraint)
        for name, value in query.metadata.items():
            self._compare(self._metadata(name), _wildcard_or_equal(value), (value,), False)
        if query.ancestor is not None:
            level, public_id = query.ancestor
            self._reach(level)
            self.where.append(f"{_ALIAS[level]}.public_id = ?")
            self.values.append(public_id)

    @property
    def alias(self) -> str:
        return _ALIAS[self.query.level]

    def _reach(self, level: Level) -> None:
        self.top = min(self.top, level)

    def _tag(self, level: Level, name: str) -> str:
        self._reach(level)
        self.values.append(f'$."{name}"')
        return f"json_extract({_ALIAS[level]}.tags, ?)"

    def _metadata(self, name: str) -> str:
        if name == "LastUpdate" and self.query.level != Level.INSTANCE:
            return f"{self.alias}.last_update"
        self.values.append(f'$."{name}"')
        return f"json_extract({self.alias}.metadata, ?)"

    def _condition(self, condition: Condition) -> None:
        """Compare the normalised column; case is looked at again on the tag itself."""
        level, name = condition.level, condition.name
        if level > self.query.level:
            raise ValueError(f"{name} is below the level that is searched")
        column = COLUMNS[level].get(name)
        if column is not None:
            self._reach(level)
            folded = [normalize(value) for value in condition.values]
            self._compare(f"{_ALIAS[level]}.{column}", condition.match, folded, False)
            if not condition.case_sensitive or condition.match is Match.RANGE:
                return
        text = self._tag(level, name)
        if not condition.case_sensitive:
            text = f"hb_normalize({text})"
        values = condition.values
        if not condition.case_sensitive:
            values = tuple(normalize(value) for value in values)
        self._compare(text, condition.match, values, condition.case_sensitive)

    def _compare(self, text: str, match: Match, values: Sequence[str], _exact: bool) -> None:
        if match is Match.EQUAL:
            self.where.append(f"{text} = ?")
            self.values.append(values[0])
        elif match is Match.LIST:
            self.where.append(f"{text} IN ({', '.join('?' * len(values))})")
            self.values.extend(values)
        elif match is Match.WILDCARD:
            # GLOB has the wildcards of PS3.4 C.2.2.2.4, and "[" besides, which is escaped.
            self.where.append(f"{text} GLOB ?")
            self.values.append(values[0].replace("[", "[[]"))
        else:
            low, high = values
            # An empty value never lies in a range; and text may stand once, since it may have
            # a parameter of its own.
            self.where.append(f"{text} BETWEEN ? AND ?")
            self.values.extend((low or "!", high + "~" if high else "~"))

    def _modalities(self, modalities: tuple[str, ...]) -> None:
        """ModalitiesInStudy (PS3.4 C.3.4): any series of the study has one of them."""
        if not modalities:
            return
        self._reach(Level.STUDY)
        parts = []
        for modality in modalities:
            parts.append("m.modality GLOB ?")
            self.values.append(normalize(modality).replace("[", "[[]"))
        self.where.append(
            f"EXISTS (SELECT 1 FROM series m WHERE m.parent = st.id AND ({' OR '.join(parts)}))"
        )

    def _labels(self, labels: tuple[str, ...], constraint: str) -> None:
        if not labels:
            return
        counted = (
            f"(SELECT count(*) FROM labels l WHERE l.level = {int(self.query.level)}"
            f" AND l.resource = {self.alias}.id AND l.label IN ({', '.join('?' * len(labels))}))"
        )
        self.values.extend(labels)
        wanted = {"All": f"= {len(set(labels))}", "Any": "> 0", "None": "= 0"}[constraint]
        self.where.append(f"{counted} {wanted}")

    def order(self, keys: tuple[OrderBy, ...]) -> str:
        parts = []
        for key in keys:
            if key.kind == "Metadata":
                text = self._metadata(key.key)
            else:
                level = self.query.level if key.level is None else key.level
                text = self._tag(level, key.key)
            if key.numeric:
                text = f"CAST({text} AS REAL)"
            parts.append(f"{text} {'DESC' if key.descending else 'ASC'}")
        parts.append(f"{self.alias}.id")
        return ", ".join(parts)

    def clause(self) -> str:
        return f" WHERE {' AND '.join(self.where)}" if self.where else ""


def _wildcard_or_equal(value: str) -> Match:
    return Match.WILDCARD if "*" in value or "?" in value else Match.EQUAL


def find_sql(
    query: Query, select: str, join_up_to: Level | None = None
) -> tuple[str, list[object]]:
    """A SELECT of the given columns over what matches, ordered and cut.

    Args:
        query: what is looked for.
        select: the columns, by the aliases p, st, se, i.
        join_up_to: the widest level that the columns speak of, if wider than the query's.
    """
    builder = _Builder(query)
    if join_up_to is not None:
        builder.top = min(builder.top, join_up_to)
    where = builder.clause()
    order = builder.order(query.order_by)
    sql = (
        f"SELECT {select} FROM {ancestors_join(query.level, builder.top)}{where}"  # noqa: S608
        f" ORDER BY {order} LIMIT ? OFFSET ?"
    )
    return sql, [*builder.values, query.limit or -1, query.since]


def count_sql(query: Query) -> tuple[str, list[object]]:
    """The number of matches."""
    builder = _Builder(query)
    where = builder.clause()
    sql = f"SELECT count(*) FROM {ancestors_join(query.level, builder.top)}{where}"  # noqa: S608
    return sql, list(builder.values)
