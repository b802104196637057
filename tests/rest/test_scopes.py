"""Who may see a part of the archive learns nothing of the rest by any route."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx2
import pytest
from litestar.handlers import HTTPRouteHandler
from tests.rest.conftest import Serve

from hornburg.archive.jobs.commitment import CommitmentJob
from hornburg.archive.jobs.kinds import KINDS
from hornburg.archive.queries import Queries, StoredQuery
from hornburg.archive.remote import Target
from hornburg.dicom.levels import Level
from hornburg.errors import UnknownResourceError
from hornburg.rest.app import ROUTES
from hornburg.rest.jobs import _NEEDS
from hornburg.settings import Modality
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
PASSWORD = "a long enough word"
ADMIN, GUEST, TRIAL, OTHER = ((name, PASSWORD) for name in ("admin", "guest", "trial", "other"))

#: The guest sees study 0 of patient 0; study 1 of that patient and patient 1 are hidden.
SEEN = MAKE.identity(0, 0)
EDITS = ["view", "download", "upload", "edit", "modify", "anonymize", "delete", "send"]

#: What the guest is narrowed to, and the places (patient, study) that this shows.
NARROW: dict[str, tuple[dict[str, list[str]], set[tuple[int, int]]]] = {
    "study": ({"Studies": [SEEN.study_instance_uid]}, {(0, 0)}),
    "label": ({"Labels": ["shown"]}, {(0, 0)}),
    "patient": ({"Patients": [SEEN.patient_id]}, {(0, 0), (0, 1)}),
}


class Planted:
    """A server with something hidden in every place that holds something.

    ``hidden`` are the identifiers of each level that the guest must never see, ``seen`` those
    that the guest sees, ``secrets`` all texts that must be in no answer.
    """

    def __init__(self, served: Any, shown: set[tuple[int, int]]) -> None:
        self.served = served
        self.shown = shown
        self.client: httpx2.AsyncClient = served.client
        self.seen: dict[Level, str] = {}
        self.hidden: dict[Level, list[str]] = {level: [] for level in Level}
        self.secrets: set[str] = set()
        self.job = ""

    async def plant(self) -> None:
        places = itertools.product((0, 1), (0, 1), (0, 1))
        for patient, study, instance in places:
            file = MAKE.instance(patient, study, 0, instance)
            response = await self.client.post("/instances", content=file, auth=ADMIN)
            assert response.status_code == 200
            found = response.json()
            ids = dict(
                zip(
                    Level,
                    (
                        found["ParentPatient"],
                        found["ParentStudy"],
                        found["ParentSeries"],
                        found["ID"],
                    ),
                    strict=True,
                )
            )
            identity = MAKE.identity(patient, study, 0, instance)
            self.seen = self.seen or ids
            if (patient, study) in self.shown:
                continue
            texts = [
                identity.study_instance_uid,
                identity.series_instance_uid,
                identity.sop_instance_uid,
                identity.accession_number,
            ]
            if patient == 1:
                texts += [identity.patient_id, identity.patient_name]
            for level in Level:
                if level is not Level.PATIENT or patient == 1:
                    self.hidden[level].append(ids[level])
            self.secrets |= {*texts, *(one for each in self.hidden.values() for one in each)}
        await self._put(f"/studies/{self.seen[Level.STUDY]}/labels/shown", "")
        for level in Level:
            path = f"/{level.plural}/{self.hidden[level][-1]}"
            await self._put(f"{path}/labels/hidden-label", "")
            await self._put(f"{path}/metadata/1024", "hidden metadata")
            await self._put(f"{path}/attachments/1025", "hidden attachment")
        self.secrets |= {"hidden-label", "hidden metadata", "hidden attachment"}
        body = {"Resources": [self.hidden[Level.STUDY][-1]], "Asynchronous": True}
        response = await self.client.post("/modalities/gone/store", json=body, auth=ADMIN)
        self.job = response.json()["ID"]
        self.secrets.add(self.job)

    async def _put(self, path: str, content: str) -> None:
        response = await self.client.put(path, content=content, auth=ADMIN)
        assert response.status_code == 200, (path, response.text)

    def told(self, response: httpx2.Response) -> list[str]:
        """The secrets that an answer holds, in its body or in its headers."""
        text = response.text + str(response.headers)
        return [one for one in self.secrets if one in text]


@pytest.fixture
def narrow() -> str:
    return "study"


every_narrowing = pytest.mark.parametrize("narrow", NARROW)


@pytest.fixture
async def planted(serve: Serve, narrow: str) -> Planted:
    bounds, shown = NARROW[narrow]
    served = await serve(
        AuthenticationEnabled=True,
        RegisteredUsers=dict([ADMIN, GUEST, TRIAL, OTHER]),
        AccessRules=[
            {"Users": ["admin"], "Role": "admin"},
            {"Users": ["guest"], "Role": "admin", **bounds},
            {"Users": ["trial"], "Permissions": EDITS, "Labels": ["trial"]},
            {"Users": ["other"], "Role": "editor"},
        ],
        DicomModalities={"gone": ["GONE", "127.0.0.1", 1]},
        OrthancPeers={"gone": ["http://127.0.0.1:1/"]},
        LogExportedResources=True,
        StoreMD5ForAttachments=True,
    )
    made = Planted(served, shown)
    await made.plant()
    return made


ARGUMENTS = (
    "",
    "?expand",
    "?full",
    "?simplify",
    "?last",
    "?requestedTags=PatientID;StudyInstanceUID;AccessionNumber;NumberOfPatientRelatedStudies",
    "?expand&full&requested-tags=SOPInstanceUID;RequestedProcedureDescription",
)


def paths(handler: HTTPRouteHandler, fill: dict[str, Any]) -> Iterator[str]:
    """The paths of a handler with identifiers of each level."""
    for path in handler.paths:
        level = next((one for one in Level if path.split("/")[1] == one.plural), None)
        ids = fill.get("public_id", {}).get(level, [""])
        names = ("1025", "dicom", "1024") if "{name" in path and level is not None else ("",)
        for public_id, name in itertools.product(ids, names):
            values = {**fill, "public_id": public_id, "name": name or "gone"}
            yield _PARAMETER.sub(partial(_value, values), path)


_PARAMETER = re.compile(r"{(\w+):\w+}")


def _value(values: dict[str, Any], found: re.Match[str]) -> str:
    return str(values.get(found[1], "0"))


def readers() -> Iterator[HTTPRouteHandler]:
    for handler in ROUTES:
        assert isinstance(handler, HTTPRouteHandler)
        if "GET" in handler.http_methods:
            yield handler


@every_narrowing
async def test_no_get_tells_of_what_is_hidden(planted: Planted) -> None:
    """Asked for what is hidden, for what is seen, and for everything."""
    wrong, asked = [], 0
    hidden: dict[str, Any] = {
        "public_id": planted.hidden,
        "label": "hidden-label",
        "job_id": planted.job,
        "path": "0010-0020",
    }
    seen = {
        "public_id": {level: [each] for level, each in planted.seen.items()},
        "path": "0008-0018",
    }
    for handler in readers():
        for fill, arguments in itertools.product((hidden, seen), ARGUMENTS):
            for path in paths(handler, fill):
                asked += 1
                response = await planted.client.get(path + arguments, auth=GUEST)
                # A route repeats what it was asked for when it says that there is no such thing.
                told = [one for one in planted.told(response) if one not in path]
                by_id = "{public_id" in next(iter(handler.paths)) or "{job_id" in next(
                    iter(handler.paths)
                )
                there = by_id and fill is hidden and response.status_code not in (403, 404)
                if told or there or response.status_code >= 500:
                    wrong.append((path + arguments, response.status_code, told))
    assert not wrong
    assert asked > 500


async def test_what_is_seen_is_whole(planted: Planted) -> None:
    """The narrowed archive is a good one: the same routes answer for what is seen."""
    client, ids = planted.client, planted.seen
    patient = (await client.get(f"/patients/{ids[Level.PATIENT]}", auth=GUEST)).json()
    assert patient["Studies"] == [ids[Level.STUDY]]
    for level, each in ids.items():
        assert (await client.get(f"/{level.plural}", auth=GUEST)).status_code == 200
        mine = await client.get(f"/{level.plural}/{each}", auth=GUEST)
        assert mine.status_code == 200
        if level is not Level.PATIENT:
            whole = await client.get(f"/{level.plural}/{each}", auth=ADMIN)
            assert mine.content == whole.content
    file = await client.get(f"/instances/{ids[Level.INSTANCE]}/file", auth=GUEST)
    assert file.content == MAKE.instance(0, 0, 0, 0)
    totals = (await client.get("/statistics", auth=GUEST)).json()
    assert (totals["CountPatients"], totals["CountStudies"], totals["CountInstances"]) == (1, 1, 2)
    of_patient = await client.get(f"/patients/{ids[Level.PATIENT]}/statistics", auth=GUEST)
    assert of_patient.json()["CountInstances"] == 2
    changes = (await client.get("/changes?limit=100", auth=GUEST)).json()
    assert {one["ID"] for one in changes["Changes"]} >= set(ids.values())
    instances = (await client.get(f"/patients/{ids[Level.PATIENT]}/instances", auth=GUEST)).json()
    assert len(instances) == 2


@every_narrowing
async def test_no_search_tells_of_what_is_hidden(planted: Planted) -> None:
    client, studies = planted.client, len(planted.shown)
    numbers = dict(zip(Level, (1, studies, studies, 2 * studies), strict=True))
    other = MAKE.identity(1, 0)
    for level in Level:
        expected = numbers[level]
        for query in (
            {},
            {"PatientID": "*"},
            {"PatientID": f"{SEEN.patient_id}\\{other.patient_id}"},
        ):
            for more in (
                {},
                {"Expand": True},
                {"RequestedTags": ["StudyInstanceUID"], "Expand": True},
            ):
                body = {"Level": level.word, "Query": query, **more}
                response = await client.post("/tools/find", json=body, auth=GUEST)
                assert response.status_code == 200
                assert len(response.json()) == expected
                assert not planted.told(response)
            body = {"Level": level.word, "Query": query}
            response = await client.post("/tools/count-resources", json=body, auth=GUEST)
            assert response.json() == {"Count": expected}
        # An ancestor that is hidden, and one that is seen.
        parent = f"Parent{Level.PATIENT.word}"
        body = {"Level": level.word, "Query": {}, parent: planted.hidden[Level.PATIENT][0]}
        if level > Level.PATIENT:
            response = await client.post("/tools/find", json=body, auth=GUEST)
            assert response.json() == []
    for label in ("All", "Any"):
        body = {
            "Level": "Study",
            "Query": {},
            "Labels": ["hidden-label"],
            "LabelsConstraint": label,
        }
        assert (await client.post("/tools/find", json=body, auth=GUEST)).json() == []
    for value in (other.patient_id, other.study_instance_uid, other.accession_number):
        response = await client.post("/tools/lookup", content=value, auth=GUEST)
        assert response.json() == []
    ids = [one for each in planted.hidden.values() for one in each]
    for word in ("", "Patient", "Study", "Instance"):
        body = {"Resources": ids, "Metadata": True, **({"Level": word} if word else {})}
        response = await client.post("/tools/bulk-content", json=body, auth=GUEST)
        assert response.json() == []
    body = {"Resources": [planted.seen[Level.PATIENT]], "Level": "Instance"}
    response = await client.post("/tools/bulk-content", json=body, auth=GUEST)
    assert len(response.json()) == numbers[Level.INSTANCE]


async def state(planted: Planted) -> list[Any]:
    client = planted.client
    answers = [await client.get(f"/{level.plural}?expand", auth=ADMIN) for level in Level]
    answers.append(await client.get("/statistics", auth=ADMIN))
    return [answer.json() for answer in answers]


def writers() -> Iterator[tuple[str, HTTPRouteHandler]]:
    for handler in ROUTES:
        assert isinstance(handler, HTTPRouteHandler)
        for method in sorted(handler.http_methods & {"POST", "PUT", "DELETE"}):
            yield method, handler


@every_narrowing
async def test_no_change_reaches_what_is_hidden(planted: Planted) -> None:
    """Every route that changes or sends something, with hidden resources in its path and body."""
    client = planted.client
    before = await state(planted)
    ids = [one for each in planted.hidden.values() for one in each]
    fill: dict[str, Any] = {
        "public_id": planted.hidden,
        "label": "hidden-label",
        "job_id": planted.job,
    }
    unknown = re.compile("|".join([*ids, planted.job]))
    wrong, asked = [], set()
    for method, handler in writers():
        if set(handler.paths) & {"/login", "/logout", "/account/tokens"}:
            continue  # they make secrets, never the same ones
        for path, body in itertools.product(paths(handler, fill), bodies(ids)):
            asked.add((method, path))
            response = await client.request(method, path, content=body, auth=GUEST)
            told = [one for one in planted.told(response) if one not in path + body]
            # What is hidden is as good as what isn't there.
            other_path, other_body = unknown.sub(NOBODYS, path), unknown.sub(NOBODYS, body)
            other = await client.request(method, other_path, content=other_body, auth=GUEST)
            same = response.status_code == other.status_code
            # Where JSON is wanted, the place of the first wrong letter is told.
            same = same and (body == ids[0] or unknown.sub(NOBODYS, response.text) == other.text)
            if told or not same:
                wrong.append((method, path, body, response.text, other.text))
    assert not wrong
    assert await state(planted) == before
    assert (await client.get(f"/jobs/{planted.job}", auth=ADMIN)).status_code == 200
    assert {("POST", "/peers/gone/store"), ("POST", "/tools/bulk-delete")} <= asked
    assert len(asked) > 200


NOBODYS = "-".join(["01234567"] * 5)


def bodies(ids: list[str]) -> tuple[str, ...]:
    """Bodies of every form that names resources, each of them for all routes."""
    named = {"Resources": ids[-3:], "Level": "Instance", "Query": {}, "Path": "/nowhere"}
    return (
        "",
        json.dumps(named),
        json.dumps({**named, "Asynchronous": True}),
        json.dumps(ids[-3:]),
        ids[0],
    )


async def test_nothing_hidden_is_changed_or_sent(planted: Planted) -> None:
    client = planted.client
    before = await state(planted)
    for level, ids in planted.hidden.items():
        for each in ids:
            path = f"/{level.plural}/{each}"
            for method, more in (
                ("DELETE", ""),
                ("PUT", "/labels/mine"),
                ("DELETE", "/labels/hidden-label"),
                ("PUT", "/metadata/1025"),
                ("DELETE", "/metadata/1024"),
                ("PUT", "/attachments/1026"),
                ("DELETE", "/attachments/1025"),
                ("POST", "/attachments/dicom/compress"),
                ("POST", "/attachments/dicom/verify-md5"),
                *((("PUT", "/protected"),) if level is Level.PATIENT else ()),
            ):
                response = await client.request(method, path + more, content="1", auth=GUEST)
                assert response.status_code == 404, (method, path + more, response.text)
            for target in (
                "modalities/gone/store",
                "modalities/gone/storage-commitment",
                "peers/gone/store",
            ):
                for resources in ([each], [planted.seen[Level.STUDY], each]):
                    body = {"Resources": resources}
                    response = await client.post(f"/{target}", json=body, auth=GUEST)
                    assert response.status_code == 404, response.text
    ids = [one for each in planted.hidden.values() for one in each]
    response = await client.post("/tools/bulk-delete", json={"Resources": ids}, auth=GUEST)
    assert response.status_code == 200  # unknown ones are passed over
    assert await state(planted) == before


async def test_the_seen_part_of_a_patient(planted: Planted) -> None:
    """A patient of whom a part is seen is no way to the other part."""
    client, patient = planted.client, f"/patients/{planted.seen[Level.PATIENT]}"
    before = await state(planted)
    for method, path in (
        ("PUT", "/labels/mine"),
        ("PUT", "/metadata/1025"),
        ("PUT", "/attachments/1026"),
        ("PUT", "/protected"),
    ):
        response = await client.request(method, patient + path, content="1", auth=GUEST)
        assert response.status_code == 403, (path, response.text)
    assert await state(planted) == before
    body = {"Resources": [planted.seen[Level.PATIENT]], "Asynchronous": True}
    job = (await client.post("/modalities/gone/store", json=body, auth=GUEST)).json()["ID"]
    shown = (await client.get(f"/jobs/{job}", auth=GUEST)).json()
    # Not the patient: the job may go on after a restart, with the whole archive.
    assert shown["Content"]["ParentResources"] == [planted.seen[Level.STUDY]]
    assert shown["Content"]["InstancesCount"] == 2
    response = await client.delete(patient, auth=GUEST)
    assert response.status_code == 200 and not planted.told(response)
    left = (await client.get(patient, auth=ADMIN)).json()
    assert left["Studies"] == [planted.hidden[Level.STUDY][0]]
    assert (await client.get(patient, auth=GUEST)).status_code == 404


def stored(planted: Planted) -> int:
    """How many files the storage holds."""
    folder = planted.served.archive.settings.storage_directory
    return sum(len(path.name) == 36 for path in folder.rglob("*-*") if path.is_file())


async def test_uploads_within_alone(planted: Planted) -> None:
    client = planted.client
    before = await state(planted)
    files = stored(planted)
    for file in (
        MAKE.instance(0, 1, 0, 7),
        MAKE.instance(1, 0, 0, 0),  # is there already, and that is not said
        MAKE.instance(5),
        DatasetFactory("MR", size=200_000).instance(1, 0, 0, 9),
    ):
        response = await client.post("/instances", content=file, auth=GUEST)
        assert response.status_code == 403
        assert not planted.told(response)
    assert await state(planted) == before
    assert stored(planted) == files
    response = await client.post("/instances", content=MAKE.instance(0, 0, 0, 7), auth=GUEST)
    assert response.status_code == 200
    response = await client.post("/instances", content=MAKE.instance(0, 0, 0, 7), auth=TRIAL)
    assert response.status_code == 403
    label = f"/studies/{planted.seen[Level.STUDY]}/labels/trial"
    await planted._put(label, "")
    response = await client.post("/instances", content=MAKE.instance(0, 0, 0, 8), auth=TRIAL)
    assert response.status_code == 200


async def test_jobs_are_their_owners(planted: Planted) -> None:
    client, job = planted.client, planted.job
    body = {"Resources": [planted.seen[Level.STUDY]], "Asynchronous": True}
    response = await client.post("/modalities/gone/store", json=body, auth=OTHER)
    own = response.json()["ID"]
    assert (await client.get("/jobs", auth=OTHER)).json() == [own]
    assert [one["ID"] for one in (await client.get("/jobs?expand", auth=OTHER)).json()] == [own]
    assert (await client.get("/jobs", auth=ADMIN)).json() == sorted([own, job])
    assert (await client.get("/jobs", auth=GUEST)).json() == []
    assert (await client.get(f"/jobs/{own}", auth=OTHER)).status_code == 200
    assert (await client.get(f"/jobs/{own}", auth=GUEST)).status_code == 404
    nowhere = {
        (method, path): (
            await client.request(method, f"/jobs/{job}x{path}", auth=OTHER)
        ).status_code
        for method, path in STEERING
    }
    for (method, path), status in nowhere.items():
        response = await client.request(method, f"/jobs/{job}{path}", auth=OTHER)
        assert response.status_code == status in (400, 404), path
    assert (await client.post(f"/jobs/{own}/cancel", auth=OTHER)).status_code == 200


async def test_a_limited_token_steers_no_job_of_what_it_may_not(planted: Planted) -> None:
    client = planted.client
    body = {"Resources": [planted.seen[Level.STUDY]], "Asynchronous": True}
    own = (await client.post("/modalities/gone/store", json=body, auth=OTHER)).json()["ID"]

    async def token(*permissions: str) -> dict[str, str]:
        form = {"Permissions": permissions}
        made = await client.post("/account/tokens", json=form, auth=OTHER)
        return {"Authorization": f"Bearer {made.json()['Token']}"}

    viewer, sender = await token("view"), await token("send")
    assert (await client.get("/jobs", headers=sender)).json() == [own]
    assert (await client.get("/jobs", headers=viewer)).json() == []
    assert (await client.get("/jobs?expand", headers=viewer)).json() == []
    for method, path in STEERING:
        response = await client.request(method, f"/jobs/{own}{path}", headers=viewer)
        nowhere = await client.request(method, f"/jobs/{own}x{path}", headers=viewer)
        assert response.status_code == nowhere.status_code in (400, 404), path
    assert (await client.get(f"/jobs/{own}", headers=sender)).status_code == 200


STEERING = (
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/cancel"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/resubmit"),
    ("GET", "/archive"),
    ("DELETE", "/archive"),
)


async def test_queries_are_their_owners(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(*_: Any, **__: Any) -> list[Any]:
        return []

    monkeypatch.setattr("hornburg.rest.queries.find", find)
    client = planted.client
    body = {"Level": "Study", "Query": {"PatientID": "x"}}
    made = (await client.post("/modalities/gone/query", json=body, auth=ADMIN)).json()["ID"]
    own = (await client.post("/modalities/gone/query", json=body, auth=OTHER)).json()["ID"]
    assert (await client.get("/queries", auth=OTHER)).json() == [own]
    assert (await client.get("/queries", auth=ADMIN)).json() == sorted([own, made])
    for path in ("", "/level", "/modality", "/query", "/answers", "/answers/0/content"):
        response = await client.get(f"/queries/{made}{path}", auth=OTHER)
        assert response.status_code == 404
    response = await client.post(f"/queries/{made}/retrieve", content="GONE", auth=OTHER)
    assert response.status_code == 404
    assert (await client.delete(f"/queries/{made}", auth=OTHER)).status_code == 200
    assert (await client.get(f"/queries/{made}/level", auth=ADMIN)).status_code == 200
    assert (await client.delete(f"/queries/{own}", auth=OTHER)).status_code == 200
    assert (await client.get("/queries", auth=ADMIN)).json() == [made]


def test_a_query_of_somebody_else_is_as_good_as_none() -> None:
    queries = Queries(5)
    target = Target("pacs", Modality(aet="PACS", host="127.0.0.1", port=104), "US", 10)
    mine = queries.add(StoredQuery(target, Level.STUDY, {}, (), "user:alice"))
    assert queries.ids("user:alice") == queries.ids() == [mine]
    assert queries.ids("user:bob") == []
    with pytest.raises(UnknownResourceError):
        queries.get(mine, "user:bob")
    assert queries.get(mine, "user:alice") is queries.get(mine)


async def test_reports_are_for_who_sees_all_of_it(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(commitments: Any, _remote: Any, target: Any, uid: str, references: Any) -> None:
        commitments.expect(uid, target.modality.aet, references)
        commitments.report(uid, target.modality.aet, references, [])

    monkeypatch.setattr("hornburg.rest.storage_commitment.ask_for_commitment", ask)
    client = planted.client
    seen = planted.seen[Level.STUDY]
    for resources, auth, status in (
        ([seen, planted.hidden[Level.STUDY][0]], ADMIN, 404),
        ([seen], GUEST, 200),
    ):
        body = {"Resources": resources}
        asked = await client.post("/modalities/gone/storage-commitment", json=body, auth=auth)
        path = asked.json()["Path"]
        for method, more in (("GET", ""), ("POST", "/remove")):
            response = await client.request(method, path + more, auth=GUEST)
            assert response.status_code == status, (path, more)
        assert (await client.get(path, auth=ADMIN)).status_code == 200
    # What the guest had committed is removed, and nothing else.
    assert (await client.get(f"/studies/{seen}", auth=ADMIN)).status_code == 404
    assert len((await client.get("/studies", auth=ADMIN)).json()) == 3


def test_every_kind_of_job_that_is_asked_for_states_its_permission():
    """A kind that is missing would be hidden from whoever has begun it."""
    assert set(_NEEDS) == {kind.type for kind in KINDS} - {CommitmentJob.type}
