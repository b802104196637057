"""What every index backend keeps. A backend joins by one more row in BACKENDS."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from pathlib import Path

import pytest

from hornburg.dicom.levels import Level
from hornburg.index.base import (
    Attachment,
    Compression,
    Condition,
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


def sha(text: str) -> str:
    digest = hashlib.sha1(text.encode()).hexdigest()
    return "-".join(digest[at : at + 8] for at in range(0, 40, 8))


def attachment(number: int = 1, size: int = 100, md5: str = "m") -> Attachment:
    kind = Compression.NONE
    return Attachment("", number, str(uuid.uuid4()), size, md5, kind, size, md5)


def instance(
    patient: str = "P1", study: str = "1", series: str = "1", sop: str = "1", **more: object
) -> NewInstance:
    tags = {
        "name": f"Müller^{patient}",
        "date": "20200101",
        "modality": "CT",
        "md5": "m",
        "overwrite": "Never",
        "now": 100.0,
        "expected": None,
        **more,
    }
    uids = (f"{patient}", f"{patient}|{study}", f"{patient}|{study}|{series}")
    return NewInstance(
        (sha(uids[0]), sha(uids[1]), sha(uids[2]), sha(f"{uids[2]}|{sop}")),
        (
            {"PatientID": patient, "PatientName": str(tags["name"])},
            {
                "StudyInstanceUID": f"1.{study}",
                "StudyDate": str(tags["date"]),
                "RequestingPhysician": f"Dr {study}",
            },
            {"SeriesInstanceUID": f"1.{study}.{series}", "Modality": str(tags["modality"])},
            {"SOPInstanceUID": f"1.{study}.{series}.{sop}", "InstanceNumber": sop},
        ),
        ({}, {}, {}, {"ReceptionDate": "20200101T000000", "Origin": "RestApi"}),
        attachment(md5=str(tags["md5"])),
        float(tags["now"]),  # type: ignore[arg-type]
        "20200101T000000",
        str(tags["overwrite"]),
        tags["expected"],  # type: ignore[arg-type]
    )


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
