"""Searches: against a plain matcher in Python, and by the plan that SQLite makes of them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.index.made import instance

from hornburg.dicom.levels import Level
from hornburg.errors import ParameterOutOfRangeError
from hornburg.index.base import Condition, Match, OrderBy, Query
from hornburg.index.names import Names
from hornburg.index.sqlite_file import connect, migrate
from hornburg.index.sqlite_find import ALIASES, find_sql
from hornburg.index.sqlite_read import SqliteReader
from hornburg.index.sqlite_write import SqliteWriter
from hornburg.index.text import clean, fold, fold_pattern

P, S, SE, I = Level  # noqa: E741
EQUAL, LIST, WILDCARD, RANGE = Match

#: What is awkward for patterns, JSON, SQL and case, in every value and every question.
AWKWARD = ["a", "A", "é", "É", "*", "?", "[", "]", "%", "_", "'", '"', "\\", "^", " ", "\0", "-"]
TEXTS = [
    "", "A", "a", "AA", "aé", "É", "[a]", "[A", "a%b", "a_b", "axb", "50%", "O'Brien", 'say "hi"',
    "back\\slash", "A^B", "a b", " a ", "a\0b", "a-b", "a]b", "日本", "ａ", "straße", "x" * 300,
    "x" * 300 + "y", "-", "^", "\ud800",
]  # fmt: skip
NAMED = ((P, "PatientName"), (S, "StudyDescription"), (S, "RequestingPhysician"), (SE, "Modality"))


class Archive:
    """A small archive and the main tags of its series, level by level."""

    def __init__(self, folder: Path) -> None:
        self.sql = connect(folder / "x.sqlite3", cache_kib=1000)
        migrate(self.sql, folder / "x.sqlite3")
        self.reader = SqliteReader(self.sql, Names())
        writer = SqliteWriter(self.sql, Names())
        self.series: list[tuple[str, dict[tuple[Level, str], str]]] = []
        for at, text in enumerate(TEXTS):
            other = TEXTS[(at * 7 + 3) % len(TEXTS)]
            new = instance(
                f"P{at // 3}",
                f"{at // 2}",
                f"{at}",
                name=text,
                modality=other,
                tags={S: {"StudyDescription": other, "RequestingPhysician": text}},
            )
            writer.store(new)
        for public_id in self.reader.find_ids(Query(SE)):
            tags: dict[tuple[Level, str], str] = {}
            level, at_id = SE, public_id
            while True:
                resource = self.reader.resource(level, at_id)
                assert resource is not None
                values = json.loads(resource.main_tags)
                tags.update({(level, name): value for name, value in values.items()})
                if level is P:
                    break
                assert resource.parent_id is not None
                level, at_id = Level(level - 1), resource.parent_id
            self.series.append((public_id, tags))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    made = Archive(tmp_path_factory.mktemp("archive"))
    yield made
    made.sql.close()


def like(pattern: str, value: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def compares(match: Match, values: tuple[str, ...], value: str) -> bool:
    if match is RANGE:
        low, high = values
        return value != "" and (low or "!") <= value <= high + "~"
    if match is WILDCARD:
        return any(like(pattern, value) for pattern in values)
    return value in values


def matches(condition: Condition, tags: dict[tuple[Level, str], str]) -> bool:
    value = tags.get((condition.level, condition.name))
    if value is None:
        return False
    fold_one = fold_pattern if condition.match is WILDCARD else fold
    folded = tuple(fold_one(wanted) for wanted in condition.values)
    if not compares(condition.match, folded, fold(value)):
        return False
    if not condition.case_sensitive or condition.match is RANGE:
        return True
    return compares(condition.match, condition.values, clean(value))


texts = st.one_of(st.sampled_from([text for text in TEXTS if "\0" not in text and text != "\ud800"]),
                  st.text(st.sampled_from([*AWKWARD[:-2], "-"]), max_size=4))  # fmt: skip


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    level, name = draw(st.sampled_from(NAMED))
    match = draw(st.sampled_from(list(Match)))
    if match is RANGE:
        return Condition(level, name, match, (draw(texts), draw(texts)))
    several = match is not EQUAL
    values = tuple(draw(st.lists(texts, min_size=1, max_size=3 if several else 1)))
    return Condition(level, name, match, values, draw(st.booleans()))


@settings(max_examples=200, deadline=None)
@given(st.lists(conditions(), min_size=1, max_size=3))
def test_finds_what_a_plain_matcher_finds(archive: Archive, asked: list[Condition]) -> None:
    query = Query(SE, tuple(asked))
    expected = [
        public_id
        for public_id, tags in archive.series
        if all(matches(condition, tags) for condition in asked)
    ]
    assert archive.reader.find_ids(query) == expected
    assert [one.public_id for one in archive.reader.find(query)] == expected
    assert archive.reader.count(query) == len(expected)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(Match)),
    st.text(st.characters(codec=None), max_size=8),
    st.text(max_size=5),
    st.booleans(),
)
def test_no_question_is_an_error(
    archive: Archive, match: Match, text: str, name: str, case: bool
) -> None:
    """Whatever is asked, in any character, by any name of a tag, a metadata or a label."""
    values = (text, text)
    for tag in (name, "PatientName", "PatientSex", '"', "a\"b'c"):
        query = Query(
            S,
            (Condition(P, tag, match, values, case),),
            modalities=(text,),
            labels=(text, name),
            metadata={name: text, text: name},
            ancestor=(P, text),
            order_by=(OrderBy("DicomTag", name, level=P), OrderBy("Metadata", text)),
        )
        archive.reader.find(query)
        archive.reader.count(query)
    archive.reader.lookup(text)
    archive.reader.level_of(text)
    archive.reader.known_uuids([text])


def test_a_long_list_is_one_parameter(archive: Archive) -> None:
    wanted = tuple(f"x{number}" for number in range(100_000))
    found = archive.reader.find_ids(Query(P, (Condition(P, "PatientID", LIST, (*wanted, "p0")),)))
    assert len(found) == 1


def test_beyond_63_bits(archive: Archive) -> None:
    assert archive.reader.find_ids(Query(S, since=1 << 70, limit=1 << 70)) == []
    assert archive.reader.changes(1 << 70, 1 << 70, 1 << 70, (), False) == []
    assert archive.reader.changes(-(1 << 70), None, 1, (), False)
    assert archive.reader.attachment(I, "x", 1 << 70) is None
    assert archive.reader.exports(1 << 70, 0, True) == []


@pytest.mark.parametrize(
    "query",
    [
        Query(P, (Condition(S, "StudyDate", EQUAL, ("x",)),)),
        Query(P, order_by=(OrderBy("DicomTag", "StudyDate", level=S),)),
        Query(P, ancestor=(S, "x")),
        Query(P, (Condition(P, "PatientID", WILDCARD, ("*" * 5000,)),)),
    ],
)
def test_what_makes_no_sense_is_refused(archive: Archive, query: Query) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        archive.reader.find_ids(query)


# -- plans ------------------------------------------------------------------------------------


def plan(connection: sqlite3.Connection, query: Query) -> list[str]:
    sql, values = find_sql(query, f"{ALIASES[query.level]}.tags", str)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def one(level: Level, name: str, match: Match, *values: str, case: bool = False) -> Query:
    at = next(at for at, known in ((P, "Patient"), (S, "")) if name.startswith(known))
    return Query(level, (Condition(at, name, match, values, case),))


SMITH = Condition(P, "PatientName", WILDCARD, ("SMITH*",))
UIDS = (
    Condition(P, "PatientID", EQUAL, ("1",)),
    Condition(S, "StudyInstanceUID", EQUAL, ("1",)),
    Condition(SE, "SeriesInstanceUID", EQUAL, ("1",)),
)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        (one(S, "PatientID", EQUAL, "1"), "SEARCH p USING COVERING INDEX patients_patient_id"),
        (one(S, "PatientID", LIST, "1", "2"), "SEARCH p USING COVERING INDEX patients_patient_id"),
        (one(S, "PatientName", EQUAL, "1"), "SEARCH p USING COVERING INDEX patients_patient_name"),
        (one(S, "PatientName", EQUAL, "1", case=True), "SEARCH p USING INDEX patients_patient_name"),
        (one(S, "AccessionNumber", EQUAL, "1"), "SEARCH st USING INDEX studies_accession_number"),
        (one(S, "StudyInstanceUID", EQUAL, "1"), "SEARCH st USING INDEX studies_uid"),
        (one(S, "StudyDate", RANGE, "2", "3"), "SEARCH st USING INDEX studies_date"),
        (one(S, "PatientName", WILDCARD, "SMITH*"), "SEARCH p USING COVERING INDEX patients_patient_name"),
        (one(S, "StudyDescription", WILDCARD, "CT?A*"), "SEARCH st USING INDEX studies_description"),
        (Query(S, modalities=("CT",)), "SEARCH st USING INTEGER PRIMARY KEY"),
        (Query(S, (SMITH,), modalities=("CT",)), "SEARCH p USING COVERING INDEX patients_patient_name"),
        (Query(SE, (UIDS[0], Condition(SE, "Modality", EQUAL, ("CT",)))), "SEARCH p USING COVERING INDEX patients_patient_id"),
        (Query(I, (Condition(I, "SOPInstanceUID", EQUAL, ("1",)),)), "SEARCH i USING INDEX instances_uid"),
        (Query(I, UIDS[:1]), "SEARCH p USING COVERING INDEX patients_patient_id"),
        (Query(I, UIDS[1:2]), "SEARCH st USING COVERING INDEX studies_uid"),
        (Query(I, UIDS[2:]), "SEARCH se USING COVERING INDEX series_uid"),
        (Query(I, ancestor=(P, "x")), "SEARCH p USING COVERING INDEX sqlite_autoindex_patients_1"),
        (Query(S, labels=("a", "b")), "SEARCH st USING INTEGER PRIMARY KEY"),
    ],
)  # fmt: skip
def test_an_index_is_used(archive: Archive, query: Query, first: str) -> None:
    steps = plan(archive.sql, query)
    assert steps[0].startswith(first), steps
    assert not any(step.startswith("SCAN") for step in steps), steps


@pytest.mark.parametrize("query", [Query(I, UIDS), Query(I, UIDS[1:]), Query(S, UIDS[:2])])
def test_several_identifiers(archive: Archive, query: Query) -> None:
    steps = plan(archive.sql, query)
    assert not any(step.startswith("SCAN") for step in steps), steps


@pytest.mark.parametrize(
    ("query", "scan"),
    [
        (one(S, "PatientName", WILDCARD, "*X*"), "SCAN patients USING COVERING INDEX patients_patient_name"),
        (one(I, "PatientName", WILDCARD, "*X*"), "SCAN patients USING COVERING INDEX patients_patient_name"),
        (one(S, "StudyDescription", WILDCARD, "?X", "A*"), "SCAN studies USING COVERING INDEX studies_description"),
    ],
)  # fmt: skip
def test_without_a_beginning_only_the_narrow_index_is_scanned(
    archive: Archive, query: Query, scan: str
) -> None:
    steps = plan(archive.sql, query)
    assert [step for step in steps if step.startswith("SCAN")] == [scan], steps


def test_the_first_page_needs_no_sorting(archive: Archive) -> None:
    assert plan(archive.sql, Query(S, limit=100)) == ["SCAN st"]


@pytest.mark.parametrize(
    ("sql", "step"),
    [
        ("SELECT id FROM series WHERE stable = 0 AND activity <= 5 ORDER BY activity, id",
         "SEARCH series USING INDEX series_unstable (activity<?)"),
        ("SELECT public_id FROM patients WHERE protected = 0 AND public_id IS NOT 'x' ORDER BY recycle LIMIT 1",
         "SCAN patients USING INDEX patients_recycle"),
        ("SELECT max(recycle) FROM patients WHERE protected = 0",
         "SEARCH patients USING INDEX patients_recycle"),
        ("DELETE FROM changes WHERE level = 3 AND resource IN (SELECT 1)",
         "SEARCH changes USING INDEX changes_resource (level=? AND resource=?)"),
        ("DELETE FROM labels WHERE level = 3 AND resource IN (SELECT 1)",
         "SEARCH labels USING PRIMARY KEY (level=? AND resource=?)"),
        ("DELETE FROM attachments WHERE level = 3 AND resource IN (SELECT 1)",
         "SEARCH attachments USING PRIMARY KEY (level=? AND resource=?)"),
    ],
)  # fmt: skip
def test_the_work_in_the_background(archive: Archive, sql: str, step: str) -> None:
    steps = [row[3] for row in archive.sql.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert steps[0] == step, steps
    assert not any("TEMP B-TREE" in each for each in steps), steps


def test_the_files_of_a_patient(archive: Archive) -> None:
    """From the patient down, never from all files up."""
    asked: list[str] = []
    archive.sql.set_trace_callback(asked.append)
    try:
        archive.reader.dicom_locations(P, "x")
    finally:
        archive.sql.set_trace_callback(None)
    steps = [row[3] for row in archive.sql.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert steps[0].startswith("SEARCH p "), steps
    assert steps[4] == "SEARCH a USING PRIMARY KEY (level=? AND resource=? AND number=?)", steps


def test_lines_are_what_the_resources_say(archive: Archive) -> None:
    reader = archive.reader
    for level in Level:
        ids = reader.find_ids(Query(level))[::-1]
        for top in Level:
            if top > level:
                continue
            lines = reader.lines(level, [*ids[:3], "not there", *ids[3:]], top, "RemoteAET")
            assert [line.public_ids[-1] for line in lines] == ids
            for line in lines:
                for at, public_id in enumerate(line.public_ids):
                    resource = reader.resource(Level(top + at), public_id)
                    assert resource is not None
                    assert line.main_tags[at].encode() == resource.main_tags
                    if at:
                        assert resource.parent_id == line.public_ids[at - 1]
    assert reader.lines(S, [], P) == []


def test_a_line_shows_a_metadata(archive: Archive) -> None:
    ids = archive.reader.find_ids(Query(I))
    for name in ("IndexInSeries", "SopClassUid", "ReceptionDate"):
        expected = []
        for public_id in ids:
            resource = archive.reader.resource(I, public_id)
            assert resource is not None
            expected.append(resource.metadata.get(name, ""))
        assert [line.metadata for line in archive.reader.lines(I, ids, I, name)] == expected


def test_counts_are_those_of_each_resource(archive: Archive) -> None:
    reader = archive.reader
    for level in (P, S, SE):
        ids = reader.find_ids(Query(level))
        counts = reader.counts(level, [*ids, "not there"], modalities=True)
        assert list(counts) and set(counts) == set(ids)
        for public_id, found in counts.items():
            statistics = reader.resource_statistics(level, public_id)
            assert statistics is not None
            assert found[:3] == (statistics.studies, statistics.series, statistics.instances)
            series = reader.find(Query(SE, ancestor=(level, public_id)))
            modalities = {json.loads(one.main_tags).get("Modality") for one in series} - {None, ""}
            assert found.modalities == tuple(sorted(modalities))
        without = reader.counts(level, ids)
        assert without == {one: found._replace(modalities=()) for one, found in counts.items()}
