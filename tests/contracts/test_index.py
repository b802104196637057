"""What every index backend keeps. A backend joins by one more row in BACKENDS."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.index.made import attachment, instance, sha

from hornburg.dicom.levels import Level
from hornburg.errors import TooLargeError
from hornburg.index.base import (
    MOST_METADATA_CHARACTERS,
    Condition,
    Export,
    Index,
    Match,
    NewInstance,
    OrderBy,
    Query,
)
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex

NAMES = Names({"mine": 1024}, {"report": 1025})
BACKENDS = {"sqlite": lambda folder: SqliteIndex(folder, NAMES)}


@pytest.fixture(params=list(BACKENDS))
async def index(request: pytest.FixtureRequest, tmp_path: Path):
    made = BACKENDS[request.param](tmp_path / "index")
    await made.open()
    yield made
    await made.close()


async def put(index: Index, *news: NewInstance) -> list[bool]:
    stored = await asyncio.gather(*(index.write(lambda w, n=new: w.store(n)) for new in news))
    return [one.is_new for one in stored]


async def test_stores_and_answers(index: Index) -> None:
    new = instance()
    assert await put(index, new) == [True]
    study = await index.look(lambda r: r.resource(Level.STUDY, new.public_ids[1]))
    assert study is not None
    assert study.parent_id == new.public_ids[0]
    assert study.children == (new.public_ids[2],)
    assert b'"StudyDate":"20200101"' in study.main_tags
    assert study.patient_main_tags is not None and b"P1" in study.patient_main_tags
    one = await index.look(lambda r: r.resource(Level.INSTANCE, new.public_ids[3]))
    assert one is not None and one.attachments[0].uuid == new.attachment.uuid
    assert one.metadata == {"ReceptionDate": "20200101T000000", "Origin": "RestApi"}
    assert await index.look(lambda r: r.resource(Level.STUDY, "nothing")) is None
    assert await index.look(lambda r: r.level_of(new.public_ids[2])) is Level.SERIES


async def test_the_same_instance_again(index: Index) -> None:
    assert await put(index, instance(), instance()) == [True, False]
    assert await put(index, instance(overwrite="IfChanged")) == [False]
    changed = instance(overwrite="IfChanged", md5="other")
    stored = await index.write(lambda w: w.store(changed))
    assert stored.is_new and len(stored.removed_uuids) == 1
    totals = await index.look(lambda r: r.statistics())
    assert (totals.patients, totals.instances, totals.disk_size) == (1, 1, 100)


async def test_one_failed_change_leaves_the_others(index: Index) -> None:
    def broken(writer: object) -> None:
        writer.store(instance(sop="9"))  # type: ignore[attr-defined]
        raise ValueError("no")

    results = await asyncio.gather(
        index.write(lambda w: w.store(instance(sop="1"))),
        index.write(broken),
        index.write(lambda w: w.store(instance(sop="2"))),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    totals = await index.look(lambda r: r.statistics())
    assert totals.instances == 2


async def test_deleting_goes_down_and_up(index: Index) -> None:
    news = [instance(sop="1"), instance(sop="2"), instance(series="2"), instance("P2", "7")]
    await put(index, *news)
    gone = await index.write(lambda w: w.delete(Level.SERIES, news[0].public_ids[2]))
    assert gone is not None
    assert set(gone.uuids) == {news[0].attachment.uuid, news[1].attachment.uuid}
    assert gone.remaining == (Level.STUDY, news[0].public_ids[1])
    gone = await index.write(lambda w: w.delete(Level.INSTANCE, news[2].public_ids[3]))
    assert gone is not None and gone.remaining is None
    assert await index.look(lambda r: r.level_of(news[0].public_ids[0])) is None
    changes = await index.look(lambda r: r.changes(0, None, 100, (), False))
    assert {change.public_id for change in changes} == set(news[3].public_ids)
    totals = await index.look(lambda r: r.statistics())
    assert totals == type(totals)(1, 1, 1, 1, 100, 100)
    assert await index.write(lambda w: w.delete(Level.STUDY, "nothing")) is None


def condition(name: str, match: Match, *values: str, level: Level, case: bool = False) -> Query:
    return Query(Level.STUDY, (Condition(level, name, match, values, case),))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (condition("PatientName", Match.EQUAL, "muller^p1", level=Level.PATIENT), 2),
        (condition("PatientName", Match.EQUAL, "muller^p1", level=Level.PATIENT, case=True), 0),
        (condition("PatientName", Match.WILDCARD, "m?LLER*", level=Level.PATIENT), 3),
        (condition("PatientName", Match.WILDCARD, "Mü*", level=Level.PATIENT, case=True), 3),
        (condition("PatientName", Match.WILDCARD, "[M]*", level=Level.PATIENT), 0),
        (condition("StudyDate", Match.RANGE, "20200102", "", level=Level.STUDY), 1),
        (condition("StudyDate", Match.RANGE, "", "20200101", level=Level.STUDY), 2),
        (condition("StudyInstanceUID", Match.LIST, "1.1", "1.7", level=Level.STUDY), 2),
        (condition("RequestingPhysician", Match.WILDCARD, "DR*", level=Level.STUDY), 3),
        (condition("RequestingPhysician", Match.EQUAL, "dr 2", level=Level.STUDY), 1),
        (condition("PatientID", Match.EQUAL, "' OR 1=1 --", level=Level.PATIENT), 0),
        (Query(Level.STUDY, modalities=("MR",)), 1),
        (Query(Level.STUDY, ancestor=(Level.PATIENT, sha("P1"))), 2),
        (Query(Level.STUDY, labels=("a", "b")), 1),
        (Query(Level.STUDY, labels=("a", "b"), labels_constraint="Any"), 2),
        (Query(Level.STUDY, labels=("a", "b"), labels_constraint="None"), 1),
        (Query(Level.STUDY, metadata={"LastUpdate": "2020*"}), 3),
        (Query(Level.STUDY, limit=2), 2),
        (Query(Level.STUDY, since=1), 2),
    ],
)
async def test_finds(index: Index, query: Query, found: int) -> None:
    await put(
        index, instance(), instance(study="2", modality="MR", date="20200102"), instance("P2", "7")
    )
    await index.write(lambda w: w.set_label(Level.STUDY, sha("P1|1"), "a", True))
    await index.write(lambda w: w.set_label(Level.STUDY, sha("P1|1"), "b", True))
    await index.write(lambda w: w.set_label(Level.STUDY, sha("P2|7"), "a", True))
    ids = await index.read(lambda r: r.find_ids(query))
    assert len(ids) == found
    resources = await index.read(lambda r: r.find(query))
    assert [resource.public_id for resource in resources] == ids
    if not (query.limit or query.since):
        assert await index.read(lambda r: r.count(query)) == found


async def test_orders_numbers_as_numbers(index: Index) -> None:
    await put(index, *(instance(sop=sop) for sop in ("10", "9", "100")))
    order = OrderBy("DicomTag", "InstanceNumber", True, Level.INSTANCE, True)
    found = await index.read(lambda r: r.find(Query(Level.INSTANCE, order_by=(order,))))
    numbers = [json.loads(resource.main_tags)["InstanceNumber"] for resource in found]
    assert numbers == ["100", "10", "9"]


async def test_metadata_and_attachments_have_revisions(index: Index) -> None:
    await put(index, instance())
    study = sha("P1|1")
    revisions = [
        await index.write(lambda w: w.set_metadata(Level.STUDY, study, 1024, "v")) for _ in range(3)
    ]
    assert revisions == [0, 1, 2]
    values = await index.look(lambda r: r.metadata(Level.STUDY, study))
    assert values is not None and values["mine"].revision == 2
    assert await index.write(lambda w: w.delete_metadata(Level.STUDY, study, 1024))
    assert not await index.write(lambda w: w.delete_metadata(Level.STUDY, study, 1024))

    first, second = attachment(1025, 10), attachment(1025, 20)
    assert await index.write(lambda w: w.put_attachment(Level.STUDY, study, first)) == (0, None)
    answer = await index.write(lambda w: w.put_attachment(Level.STUDY, study, second))
    assert answer == (1, first.uuid)
    statistics = await index.look(lambda r: r.resource_statistics(Level.PATIENT, sha("P1")))
    assert statistics is not None
    assert (statistics.instances, statistics.disk_size) == (1, 120)
    assert statistics.dicom_disk_size == 100
    gone = await index.write(lambda w: w.delete_attachment(Level.STUDY, study, 1025))
    assert gone == second.uuid
    assert (await index.look(lambda r: r.statistics())).disk_size == 100


async def test_settles_once(index: Index) -> None:
    await put(index, instance(now=100.0), instance("P2", "7", now=200.0))
    settled = await index.write(lambda w: w.settle(150.0, "d", 100))
    assert settled == [
        (Level.SERIES, sha("P1|1|1")),
        (Level.STUDY, sha("P1|1")),
        (Level.PATIENT, sha("P1")),
    ]
    assert await index.write(lambda w: w.settle(150.0, "d", 100)) == []
    await put(index, instance(sop="2", now=300.0))
    study = await index.look(lambda r: r.resource(Level.STUDY, sha("P1|1")))
    assert study is not None and not study.is_stable


async def test_recycling_order(index: Index) -> None:
    await put(index, instance("P1"))
    await put(index, instance("P2"))
    await put(index, instance("P3"))
    await put(index, instance("P1", sop="2"))
    oldest = await index.look(lambda r: r.oldest_unprotected_patient(None))
    assert oldest == sha("P2")
    assert await index.look(lambda r: r.oldest_unprotected_patient(sha("P2"))) == sha("P3")
    await index.write(lambda w: w.set_protected(sha("P2"), True))
    assert await index.look(lambda r: r.oldest_unprotected_patient(None)) == sha("P3")


async def test_changes_pages(index: Index) -> None:
    await put(index, instance())
    kinds = [c.type for c in await index.look(lambda r: r.changes(0, None, 100, (), False))]
    assert kinds == ["NewInstance", "NewSeries", "NewStudy", "NewPatient"]
    some = await index.look(lambda r: r.changes(1, None, 2, (), False))
    assert [change.seq for change in some] == [2, 3]
    some = await index.look(lambda r: r.changes(0, None, 10, ("NewStudy",), False))
    assert [change.type for change in some] == ["NewStudy"]
    await index.write(lambda w: w.clear_changes())
    assert await index.look(lambda r: r.changes(0, None, 10, (), False)) == []
    assert await index.look(lambda r: r.last_change()) == 4


async def test_changes_backwards_and_one_more(index: Index) -> None:
    await put(index, instance(), instance(sop="2"), instance(sop="3"))  # 4 + 1 + 1
    ask = lambda *what: index.look(lambda r: [c.seq for c in r.changes(*what)])  # noqa: E731
    assert await ask(0, None, 4, (), False) == [1, 2, 3, 4]
    assert await ask(4, None, 3, (), False) == [5, 6]
    assert await ask(2, 4, 0, (), False) == [3, 4]
    assert await ask(0, 5, 2, (), False) == [4, 5]
    assert await ask(0, None, 1, (), True) == [6]
    assert await ask(0, None, 0, ("NewInstance",), False) == [1, 5, 6]
    assert await ask(0, None, 0, ("NewInstance", "NewPatient"), True) == [1, 4, 5, 6]
    assert await ask(6, None, 10, (), False) == []


async def test_exports_are_logged(index: Index) -> None:
    entry = Export(0, Level.STUDY, sha("P1|1"), "PACS", "d", "P1", "1.1", "", "")
    await put(index, instance())
    for _ in range(3):
        await index.write(lambda w: w.log_export(entry))
    found = await index.look(lambda r: r.exports(1, 1, False))
    assert [(one.seq, one.modality, one.study_uid) for one in found] == [(2, "PACS", "1.1")]
    assert [one.seq for one in await index.look(lambda r: r.exports(0, 1, True))] == [3]
    await index.write(lambda w: w.clear_exports())
    await index.write(lambda w: w.log_export(entry))
    assert [one.seq for one in await index.look(lambda r: r.exports(0, 0, False))] == [4]
    await index.write(lambda w: w.delete(Level.STUDY, sha("P1|1")))
    assert await index.look(lambda r: r.exports(0, 0, False)) == []


async def test_files_that_lost_their_row_are_remembered(index: Index) -> None:
    news = [instance(), instance(md5="other", overwrite="Always")]
    for new in news:
        await put(index, new)
    first, second = attachment(1025), attachment(1025)
    study = sha("P1|1")
    await index.write(lambda w: w.put_attachment(Level.STUDY, study, first))
    await index.write(lambda w: w.put_attachment(Level.STUDY, study, second))
    expected = {news[0].attachment.uuid, first.uuid}
    # The study was made anew when its only instance was, so nothing else is gone.
    assert set(await index.look(lambda r: r.removals(0))) == expected
    await index.write(lambda w: w.removed([first.uuid]))
    assert await index.look(lambda r: r.removals(10)) == [news[0].attachment.uuid]
    await index.write(lambda w: w.removed([]))
    gone = await index.write(lambda w: w.delete(Level.PATIENT, sha("P1")))
    assert gone is not None
    assert set(gone.uuids) == {news[1].attachment.uuid, second.uuid}
    assert set(await index.look(lambda r: r.removals(0))) == {*gone.uuids, news[0].attachment.uuid}
    assert len(await index.look(lambda r: r.removals(2))) == 2


async def test_known_uuids(index: Index) -> None:
    new = instance()
    await put(index, new)
    asked = [new.attachment.uuid, attachment().uuid]
    assert await index.look(lambda r: r.known_uuids(asked)) == {new.attachment.uuid}
    assert await index.look(lambda r: r.known_uuids([])) == set()


async def test_labels_at_every_level(index: Index) -> None:
    new = instance()
    await put(index, new)
    for level in Level:
        for label in ("b", "a", "b"):
            assert await index.write(
                lambda w, at=level, text=label: w.set_label(at, new.public_ids[at], text, True)
            )
        found = await index.look(lambda r, at=level: r.resource(at, new.public_ids[at]))
        assert found is not None and found.labels == ("a", "b")
    assert await index.look(lambda r: r.all_labels()) == ("a", "b")
    none = Query(Level.STUDY, labels_constraint="None")
    assert await index.read(lambda r: r.find_ids(none)) == []
    for label in ("a", "b"):
        await index.write(lambda w, text=label: w.set_label(Level.STUDY, sha("P1|1"), text, False))
    assert await index.read(lambda r: r.find_ids(none)) == [sha("P1|1")]
    assert await index.look(lambda r: r.all_labels()) == ("a", "b")
    assert not await index.write(lambda w: w.set_label(Level.STUDY, "nothing", "a", True))
    await index.write(lambda w: w.delete(Level.PATIENT, sha("P1")))
    assert await index.look(lambda r: r.all_labels()) == ()


async def test_metadata_is_asked_by_its_name(index: Index) -> None:
    await put(index, instance(), instance(study="2"))
    await index.write(lambda w: w.set_metadata(Level.STUDY, sha("P1|1"), 1024, "v1"))
    await index.write(lambda w: w.set_metadata(Level.STUDY, sha("P1|2"), 1024, "v2"))
    for name in ("mine", "1024"):
        query = Query(Level.STUDY, metadata={name: "v1"})
        assert await index.read(lambda r, q=query: r.find_ids(q)) == [sha("P1|1")]
        query = Query(Level.STUDY, metadata={name: "v?"})
        assert len(await index.read(lambda r, q=query: r.find_ids(q))) == 2
        order = (OrderBy("Metadata", name, True),)
        query = Query(Level.STUDY, order_by=order)
        assert await index.read(lambda r, q=query: r.find_ids(q)) == [sha("P1|2"), sha("P1|1")]
    found = await index.look(lambda r: r.resource(Level.STUDY, sha("P1|1")))
    assert found is not None
    assert found.metadata == {"mine": "v1", "LastUpdate": "20200101T000000"}


async def test_metadata_has_a_longest(index: Index) -> None:
    await put(index, instance())
    long = "x" * MOST_METADATA_CHARACTERS
    await index.write(lambda w: w.set_metadata(Level.PATIENT, sha("P1"), 1024, long))
    with pytest.raises(TooLargeError):
        await index.write(lambda w: w.set_metadata(Level.PATIENT, sha("P1"), 1024, long + "x"))


async def test_awkward_texts_are_stored(index: Index) -> None:
    awkward = "a\0b\ud800\n'\"\\[%"
    new = instance(name=awkward, tags={Level.SERIES: {"ProtocolName": "x" * 100_000}})
    await put(index, new)
    await index.write(lambda w: w.set_metadata(Level.PATIENT, sha("P1"), 1024, awkward))
    await index.write(lambda w: w.set_property(awkward, awkward))
    found = await index.look(lambda r: r.resource(Level.PATIENT, sha("P1")))
    assert found is not None
    kept = awkward.replace("\ud800", "\ufffd").replace("\0", "\ufffd")
    assert json.loads(found.main_tags)["PatientName"] == kept
    assert found.metadata["mine"] == kept
    assert await index.look(lambda r: r.property(awkward)) == kept
    query = condition("PatientName", Match.EQUAL, awkward, level=Level.PATIENT)
    assert await index.read(lambda r: r.count(query)) == 1
    series = await index.look(lambda r: r.resource(Level.SERIES, new.public_ids[2]))
    assert series is not None and len(series.main_tags) > 100_000


async def test_a_complete_series_is_told_once(index: Index) -> None:
    for sop in ("1", "2", "3"):
        await put(index, instance(sop=sop, expected=2))
    kinds = [c.type for c in await index.look(lambda r: r.changes(0, None, 0, (), False))]
    assert kinds.count("CompletedSeries") == 1
    assert kinds.index("CompletedSeries") == 5


async def test_overwriting_leaves_the_siblings(index: Index) -> None:
    await put(index, instance(sop="1"), instance(sop="2"))
    new = instance(sop="1", overwrite="Always", modality="MR")
    stored = await index.write(lambda w: w.store(new))
    assert stored.is_new and len(stored.removed_uuids) == 1
    kinds = [c.type for c in await index.look(lambda r: r.changes(5, None, 0, (), False))]
    assert kinds == ["NewInstance"]
    series = await index.look(lambda r: r.resource(Level.SERIES, sha("P1|1|1")))
    assert series is not None and len(series.children) == 2
    assert b'"CT"' in series.main_tags


async def test_without_md5_everything_is_changed(index: Index) -> None:
    await put(index, instance(md5=""))
    again = instance(md5="", overwrite="IfChanged")
    assert (await index.write(lambda w: w.store(again))).is_new


async def test_totals_are_those_of_what_is_there(index: Index) -> None:
    news = [instance(p, s, e, o) for p in "AB" for s in "12" for e in "12" for o in "12"]
    await put(index, *news)
    await index.write(lambda w: w.put_attachment(Level.PATIENT, sha("A"), attachment(1024, 7)))
    await index.write(lambda w: w.put_attachment(Level.SERIES, sha("A|1|1"), attachment(1024, 5)))
    ask = lambda level, name: index.look(lambda r: r.resource_statistics(level, name))  # noqa: E731
    patient = await ask(Level.PATIENT, sha("A"))
    assert patient is not None
    assert (patient.studies, patient.series, patient.instances) == (2, 4, 8)
    assert (patient.disk_size, patient.dicom_disk_size) == (812, 800)
    series = await ask(Level.SERIES, sha("A|1|1"))
    assert series is not None
    assert (series.instances, series.disk_size, series.dicom_disk_size) == (2, 205, 200)
    one = await ask(Level.INSTANCE, sha("A|1|1|1"))
    assert one is not None and (one.disk_size, one.instances) == (100, 1)
    assert await ask(Level.STUDY, "nothing") is None
    await index.write(lambda w: w.delete(Level.STUDY, sha("A|1")))
    totals = await index.look(lambda r: r.statistics())
    assert totals == type(totals)(2, 3, 6, 12, 1207, 1207)
    await index.write(lambda w: w.delete(Level.PATIENT, sha("A")))
    await index.write(lambda w: w.delete(Level.PATIENT, sha("B")))
    totals = await index.look(lambda r: r.statistics())
    assert totals == type(totals)(0, 0, 0, 0, 0, 0)


async def test_an_unprotected_patient_goes_last(index: Index) -> None:
    for patient in ("P1", "P2", "P3"):
        await put(index, instance(patient))
    await index.write(lambda w: w.set_protected(sha("P1"), True))
    await index.write(lambda w: w.set_protected(sha("P1"), True))
    found = await index.look(lambda r: r.resource(Level.PATIENT, sha("P1")))
    assert found is not None and found.protected
    await index.write(lambda w: w.set_protected(sha("P1"), False))
    order = []
    while (oldest := await index.look(lambda r: r.oldest_unprotected_patient(None))) is not None:
        order.append(oldest)
        await index.write(lambda w, one=oldest: w.delete(Level.PATIENT, one))
    assert order == [sha("P2"), sha("P3"), sha("P1")]
    assert not await index.write(lambda w: w.set_protected("nothing", True))


async def test_the_locations_of_the_files(index: Index) -> None:
    news = [instance(sop="1"), instance(sop="2"), instance("P2")]
    await put(index, *news)
    found = await index.look(lambda r: r.dicom_locations(Level.PATIENT, sha("P1")))
    assert [(name, one.uuid) for name, one in found] == [
        (new.public_ids[3], new.attachment.uuid) for new in news[:2]
    ]


async def test_the_log_speaks_of_what_is_there(index: Index) -> None:
    await put(index, instance())
    await index.write(lambda w: w.log_change("UpdatedMetadata", Level.STUDY, sha("P1|1"), "d"))
    await index.write(lambda w: w.log_change("UpdatedMetadata", Level.STUDY, "nothing", "d"))
    changes = await index.look(lambda r: r.changes(4, None, 0, (), False))
    assert [(c.seq, c.type, c.level, c.public_id) for c in changes] == [
        (5, "UpdatedMetadata", Level.STUDY, sha("P1|1"))
    ]
