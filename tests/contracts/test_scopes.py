"""What every index backend keeps of scopes: what is beyond does not exist, whatever is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.index.made import attachment, instance, public_ids

from hornburg.dicom.levels import Level
from hornburg.errors import ForbiddenError
from hornburg.index.base import Bounds, Condition, Export, Index, Match, OrderBy, Query, Scope
from hornburg.index.names import Names
from hornburg.index.scoped import ScopedIndex
from hornburg.index.sqlite import SqliteIndex

NAMES = Names({"mine": 1024}, {"report": 1025})
BACKENDS = {"sqlite": lambda folder: SqliteIndex(folder, NAMES)}

#: (patient, study): three patients, P1 with two studies.
STUDIES = (("P1", "1"), ("P1", "2"), ("P2", "3"), ("p1", "4"))


def bounds(
    labels: tuple[str, ...] = (), patients: tuple[str, ...] = (), studies: tuple[str, ...] = ()
) -> Bounds:
    return Bounds(frozenset(labels), frozenset(patients), frozenset(studies))


#: A scope, and the studies that are within. Study 1 has the label "trial", patient P2 has "ward".
SCOPES: dict[str, tuple[Scope, set[str]]] = {
    "nothing": ((), set()),
    "everything": (None, {"1", "2", "3", "4"}),
    "a label of a study": ((bounds(labels=("trial",)),), {"1"}),
    "a label of a patient": ((bounds(labels=("ward",)),), {"3"}),
    "a patient, letter by letter": ((bounds(patients=("P1",)),), {"1", "2"}),
    "a study": ((bounds(studies=("1.2",)),), {"2"}),
    "one or the other": (
        (bounds(labels=("trial",)), bounds(patients=("p1",)), bounds(studies=("1.2", "1.9"))),
        {"1", "2", "4"},
    ),
    "one and the other": ((bounds(labels=("trial", "ward"), patients=("P1",)),), {"1"}),
    "one and not the other": ((bounds(labels=("ward",), studies=("1.1",)),), set()),
    "many values": ((bounds(patients=(*(f"x{n}" for n in range(200)), "P2")),), {"3"}),
}


@pytest.fixture(params=list(BACKENDS))
async def index(request: pytest.FixtureRequest, tmp_path: Path):
    made = BACKENDS[request.param](tmp_path / "index")
    await made.open()
    news = [
        instance(patient, study, series, sop, modality="CT" if series == "1" else "MR")
        for patient, study in STUDIES
        for series in ("1", "2")
        for sop in ("1", "2")
    ]
    await asyncio.gather(*(made.write(lambda w, n=new: w.store(n)) for new in news))

    def mark(writer: object) -> None:
        writer.set_label(Level.STUDY, _id("P1", "1", Level.STUDY), "trial", True)  # type: ignore[attr-defined]
        writer.set_label(Level.PATIENT, _id("P2", "3", Level.PATIENT), "ward", True)  # type: ignore[attr-defined]
        writer.set_label(Level.SERIES, _id("P1", "2", Level.SERIES), "series-label", True)  # type: ignore[attr-defined]
        writer.set_label(Level.INSTANCE, _id("P2", "3", Level.INSTANCE), "instance-label", True)  # type: ignore[attr-defined]
        writer.put_attachment(Level.PATIENT, _id("P2", "3", Level.PATIENT), attachment(1025, 7))  # type: ignore[attr-defined]
        writer.put_attachment(Level.STUDY, _id("P1", "2", Level.STUDY), attachment(1025, 11))  # type: ignore[attr-defined]
        for patient, study in STUDIES:
            ids = public_ids(patient, study, "1", "1")
            writer.log_export(  # type: ignore[attr-defined]
                Export(0, Level.SERIES, ids[2], "PACS", "20200101T000000", patient, study, "1", "")
            )

    await made.write(mark)
    yield made
    await made.close()


def _id(patient: str, study: str, level: Level, series: str = "1", sop: str = "1") -> str:
    return public_ids(patient, study, series, sop)[level]


def _ids(level: Level, within: set[str]) -> list[str]:
    """Public identifiers of a level in index order."""
    found: dict[str, None] = {}
    for patient, study in STUDIES:
        for series in ("1", "2"):
            for sop in ("1", "2"):
                if study in within:
                    found[_id(patient, study, level, series, sop)] = None
    return list(found)


cases = pytest.mark.parametrize(("scope", "within"), SCOPES.values(), ids=SCOPES.keys())


@cases
async def test_finds_and_counts(index: Index, scope: Scope, within: set[str]) -> None:
    seen = ScopedIndex(index, scope)
    condition = Condition(Level.PATIENT, "PatientID", Match.WILDCARD, ("P*",))
    for level in Level:
        want = _ids(level, within)
        for query in (
            Query(level),
            Query(level, (condition,)),
            Query(level, labels=("nowhere",), labels_constraint="None"),
            Query(level, order_by=(OrderBy("Metadata", "LastUpdate"),)),
        ):
            assert sorted(await seen.read(lambda r, q=query: r.find_ids(q))) == sorted(want)
            found = await seen.read(lambda r, q=query: r.find(q))
            assert sorted(one.public_id for one in found) == sorted(want)
            assert await seen.read(lambda r, q=query: r.count(q)) == len(want)
        paged = Query(level, since=1, limit=1)
        assert len(await seen.read(lambda r, q=paged: r.find_ids(q))) == min(
            max(len(want) - 1, 0), 1
        )


@cases
async def test_looks_up(index: Index, scope: Scope, within: set[str]) -> None:
    seen = ScopedIndex(index, scope)
    for level in Level:
        want = _ids(level, within)
        for each in _ids(level, {"1", "2", "3", "4"}):
            there = each in want
            resource = await seen.look(lambda r, e=each, at=level: r.resource(at, e))
            assert (resource is not None) is there
            if resource is not None and level < Level.INSTANCE:
                below = _ids(Level(level + 1), within)
                assert resource.children and set(resource.children) <= set(below)
            assert (await seen.look(lambda r, e=each: r.level_of(e))) is (level if there else None)
            for ask in (
                lambda r, e=each, at=level: r.attachments(at, e),
                lambda r, e=each, at=level: r.metadata(at, e),
                lambda r, e=each, at=level: r.resource_statistics(at, e),
            ):
                assert (await seen.look(ask) is not None) is there
            assert (
                bool(await seen.read(lambda r, e=each, at=level: r.dicom_locations(at, e))) is there
            )
            one = seen.look_now(lambda r, e=each: r.attachment(Level.INSTANCE, e, 1))
            assert (one is not None) is (there and level is Level.INSTANCE)
            if level < Level.INSTANCE:
                lines = await seen.read(lambda r, e=each, at=level: r.lines(at, [e], Level.PATIENT))
                assert len(lines) == int(there)
                counts = await seen.read(lambda r, e=each, at=level: r.counts(at, [e]))
                assert set(counts) == ({each} if there else set())
    for _, study in STUDIES:
        found = await seen.look(lambda r, s=study: r.lookup(f"1.{s}"))
        assert bool(found) is (study in within)


async def test_a_patient_shows_no_more_than_the_studies_within(index: Index) -> None:
    seen = ScopedIndex(index, (bounds(labels=("trial",)),))
    patient, study = _id("P1", "1", Level.PATIENT), _id("P1", "1", Level.STUDY)
    resource = await seen.look(lambda r: r.resource(Level.PATIENT, patient))
    assert resource is not None and resource.children == (study,)
    counts = await seen.read(lambda r: r.counts(Level.PATIENT, [patient], modalities=True))
    assert counts[patient] == (1, 2, 4, ("CT", "MR"))
    figures = await seen.look(lambda r: r.resource_statistics(Level.PATIENT, patient))
    assert figures is not None
    assert (figures.studies, figures.series, figures.instances, figures.disk_size) == (1, 2, 4, 400)
    files = await seen.read(lambda r: r.dicom_locations(Level.PATIENT, patient))
    assert {each for each, _ in files} == set(_ids(Level.INSTANCE, {"1"}))


@cases
async def test_sums(index: Index, scope: Scope, within: set[str]) -> None:
    seen = ScopedIndex(index, scope)
    totals = await seen.look(lambda r: r.statistics())
    more = 7 * ("3" in within) + 11 * ("2" in within)
    size = 400 * len(within) + more
    patients = len(_ids(Level.PATIENT, within))
    assert (totals.patients, totals.studies, totals.series, totals.instances) == (
        patients,
        len(within),
        2 * len(within),
        4 * len(within),
    )
    assert (totals.disk_size, totals.uncompressed_size) == (size, size)
    labels = {"trial": "1", "ward": "3", "series-label": "2", "instance-label": "3"}
    want = tuple(sorted(label for label, study in labels.items() if study in within))
    assert await seen.read(lambda r: r.all_labels()) == want


@pytest.mark.parametrize("many", [500, 0], ids=["by resource", "along the log"])
@cases
async def test_logs(
    index: Index, scope: Scope, within: set[str], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hornburg.index.sqlite_read._MANY_STUDIES", many)
    seen = ScopedIndex(index, scope)
    everything = {each for level in Level for each in _ids(level, within)}
    changes = await seen.read(lambda r: r.changes(0, None, 0, (), False))
    assert {one.public_id for one in changes} == everything
    assert [one.seq for one in changes] == sorted(one.seq for one in changes)
    new = await seen.read(lambda r: r.changes(0, None, 0, ("NewInstance",), False))
    assert len(new) == 4 * len(within)
    newest = await seen.read(lambda r: r.changes(0, None, 1, (), True))
    assert newest == changes[-1:]
    assert await seen.look(lambda r: r.last_change()) == (changes[-1].seq if changes else 0)
    for last in (False, True):
        exports = await seen.read(lambda r, w=last: r.exports(0, 0, w))
        assert {one.study_uid for one in exports} == within
        one = await seen.read(lambda r, w=last: r.exports(0, 1, w))
        assert one == (exports[-1:] if last else exports[:1])


async def test_changes_of_what_is_beyond_do_nothing(index: Index) -> None:
    seen = ScopedIndex(index, (bounds(patients=("P2",)),))
    before = await index.read(_everything)
    for level in Level:
        hidden = _id("P1", "1", level)

        def change(w: object, at: Level = level, e: str = hidden) -> list[object]:
            return [
                w.delete(at, e),  # type: ignore[attr-defined]
                w.set_metadata(at, e, 1024, "x"),  # type: ignore[attr-defined]
                w.delete_metadata(at, e, 1024) or None,  # type: ignore[attr-defined]
                w.put_attachment(at, e, attachment(1025)),  # type: ignore[attr-defined]
                w.delete_attachment(at, e, 1),  # type: ignore[attr-defined]
                w.set_label(at, e, "mine", True) or None,  # type: ignore[attr-defined]
                w.set_protected(e, True) or None,  # type: ignore[attr-defined]
                w.log_change("UpdatedMetadata", at, e, "20200101T000000"),  # type: ignore[attr-defined]
            ]

        assert await seen.write(change) == [None] * 8
    assert await index.read(_everything) == before


def _everything(reader: object) -> list[object]:
    return [
        *(reader.find(Query(level)) for level in Level),  # type: ignore[attr-defined]
        reader.statistics(),  # type: ignore[attr-defined]
        reader.changes(0, None, 0, (), False),  # type: ignore[attr-defined]
    ]


async def test_a_part_of_a_patient(index: Index) -> None:
    """Nobody reaches the other part by way of the patient."""
    seen = ScopedIndex(index, (bounds(labels=("trial",)),))
    patient = _id("P1", "1", Level.PATIENT)
    for work in (
        lambda w: w.set_label(Level.PATIENT, patient, "trial", True),
        lambda w: w.set_metadata(Level.PATIENT, patient, 1024, "x"),
        lambda w: w.put_attachment(Level.PATIENT, patient, attachment(1025)),
        lambda w: w.set_protected(patient, True),
    ):
        with pytest.raises(ForbiddenError):
            await seen.write(work)
    deletion = await seen.write(lambda w: w.delete(Level.PATIENT, patient))
    assert deletion is not None and len(deletion.uuids) == 4 and deletion.remaining is None
    assert await index.look(lambda r: r.resource(Level.STUDY, _id("P1", "1", Level.STUDY))) is None
    other = await index.look(lambda r: r.resource(Level.STUDY, _id("P1", "2", Level.STUDY)))
    assert other is not None


async def test_a_deletion_does_not_tell_of_what_remains_beyond(index: Index) -> None:
    seen = ScopedIndex(index, (bounds(labels=("trial",)),))
    study = _id("P1", "1", Level.STUDY)
    deletion = await seen.write(lambda w: w.delete(Level.STUDY, study))
    assert deletion is not None and deletion.remaining is None


async def test_stores_within_alone(index: Index) -> None:
    trial = ScopedIndex(index, (bounds(labels=("trial",)),))
    ward = ScopedIndex(index, (bounds(labels=("ward",)),))
    patient = ScopedIndex(index, (bounds(patients=("P3",)),))
    study = ScopedIndex(index, (bounds(studies=("1.8",)),))
    allowed = (
        (trial, instance("P1", "1", "3")),
        (ward, instance("P2", "7")),  # a new study of a patient that has the label
        (patient, instance("P3", "5")),
        (study, instance("P9", "8")),
    )
    for seen, new in allowed:
        stored = await seen.write(lambda w, n=new: w.store(n))
        assert stored.is_new
    before = await index.read(_everything)
    refused = (
        (trial, instance("P1", "2", "3")),
        (trial, instance("P2", "3", "1", "1")),
        (trial, instance("P7", "6")),
        (ward, instance("P1", "9")),
        (patient, instance("p3", "5")),
        (patient, instance("P1", "1", "1", "1")),  # that is there already
        (study, instance("P9", "9")),
    )
    for seen, new in refused:
        with pytest.raises(ForbiddenError):
            await seen.write(lambda w, n=new: w.store(n))
    assert await index.read(_everything) == before


async def test_the_only_instance_of_a_labelled_study_can_be_replaced(index: Index) -> None:
    await index.write(lambda w: w.store(instance("P5", "5")))
    study = _id("P5", "5", Level.STUDY)
    await index.write(lambda w: w.set_label(Level.STUDY, study, "solo", True))
    seen = ScopedIndex(index, (bounds(labels=("solo",)),))
    stored = await seen.write(lambda w: w.store(instance("P5", "5", overwrite="Always", md5="n")))
    assert stored.is_new


async def test_what_belongs_to_the_whole_is_refused(index: Index) -> None:
    seen = ScopedIndex(index, (bounds(patients=("P2",)),))
    for ask in (
        lambda r: r.property("x"),
        lambda r: r.removals(1),
        lambda r: r.known_uuids(["x"]),
        lambda r: r.oldest_unprotected_patient(None),
    ):
        with pytest.raises(ForbiddenError):
            await seen.look(ask)
    for work in (
        lambda w: w.clear_changes(),
        lambda w: w.clear_exports(),
        lambda w: w.set_property("x", "y"),
        lambda w: w.settle(1e12, "", 10),
    ):
        with pytest.raises(ForbiddenError):
            await seen.write(work)
    assert seen.generation is None
    # What the server has to know for itself.
    assert (await seen.write(lambda w: w.whole.statistics())).studies == 4
    assert (await seen.look(lambda r: r.whole.statistics())).studies == 4


async def test_a_study_of_ones_own_opens_no_patient(index: Index) -> None:
    """The UID of a study is whatever its sender writes: brought for a patient who is not seen, it
    would show the name, the labels and the attachments of that patient."""
    patient = _id("P2", "3", Level.PATIENT)
    seen = ScopedIndex(index, (bounds(studies=("1.9",)),))
    with pytest.raises(ForbiddenError):
        await seen.write(lambda w: w.store(instance("P2", "9")))
    assert await seen.read(lambda r: r.resource(Level.PATIENT, patient)) is None
    # One whom nobody knows, one who is seen, and one whom the rule names.
    for new in (instance("P7", "9"), instance("P7", "9", "2")):
        await seen.write(lambda w, n=new: w.store(n))
    named = ScopedIndex(index, (bounds(studies=("1.9",), patients=("P2",)),))
    stored = await named.write(lambda w: w.store(instance("P2", "9")))
    assert stored.is_new
