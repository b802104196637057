"""``/jobs``, and what routes that start jobs have in common."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from tests.jobs.kinds import Counting, RemoteTrouble, Scripted
from tests.rest.conftest import admitted, settings_of

from hornburg.archive.job_store import IndexJobStore
from hornburg.archive.parts import Archive
from hornburg.errors import BadFileFormatError, HornburgError, StorageFullError
from hornburg.jobs.engine import Jobs
from hornburg.jobs.job import CONTINUE, Output
from hornburg.jobs.limits import Limits
from hornburg.rest.errors import on_hornburg_error
from hornburg.rest.fields import Fields, read_fields
from hornburg.rest.job_submit import JobOptions, answer_job, job_options
from hornburg.rest.jobs import ROUTES
from hornburg.security.principals import Permission
from hornburg.server import open_archive

STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}")


@post("/start", status_code=200, permission=Permission.SEND)
async def start(request: Request[Any, Any, Any]) -> Response[bytes]:
    """A route like those of the network: what the body names is done."""
    fields = await read_fields(request)
    kind = fields.text("Kind", "good")
    job = {
        "good": Scripted(CONTINUE, name="good"),
        "bad": Scripted(StorageFullError("no room")),
        "stuck": Scripted("block", name="stuck"),
    }[kind]
    return await answer_job(request, job, job_options(fields))


class Api:
    """A client of ``/jobs``, and the engine behind it."""

    def __init__(self, archive: Archive, jobs: Jobs, client: httpx2.AsyncClient) -> None:
        self.archive = archive
        self.jobs = jobs
        self.client = client

    async def get(self, path: str) -> Any:
        response = await self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def tell(self, job_id: str, verb: str) -> int:
        return (await self.client.post(f"/jobs/{job_id}/{verb}")).status_code


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The routes over an archive, with one job at a time."""
    async with open_archive(settings_of(tmp_path)) as archive:
        jobs = Jobs(Limits(concurrent=1, grace=0.01), IndexJobStore(archive.index))
        await jobs.start({"Counting": partial(Counting.load, tools=None)})
        app = Litestar(
            route_handlers=[*ROUTES, start],
            state=State({"archive": archive, "settings": archive.settings, "jobs": jobs}),
            exception_handlers={HornburgError: on_hornburg_error},
            openapi_config=None,
        )
        transport = httpx2.ASGITransport(app=admitted(app))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Api(archive, jobs, client)
        await jobs.close()


async def test_a_job_has_the_fields_of_orthanc(api: Api) -> None:
    job_id = await api.jobs.submit(Scripted(CONTINUE, name="x"), priority=-3)
    await api.jobs.wait(job_id)
    job = await api.get(f"/jobs/{job_id}")
    for name in ("CreationTime", "CompletionTime", "Timestamp"):
        assert STAMP.fullmatch(job.pop(name)), name
    assert isinstance(job.pop("EffectiveRuntime"), float)
    assert job == {
        "Content": {"Name": "x", "Done": 1},
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "ErrorDetails": "",
        "ID": job_id,
        "Priority": -3,
        "Progress": 100,
        "State": "Success",
        "Type": "Scripted",
    }


async def test_a_running_job_has_an_estimate_and_no_completion(api: Api) -> None:
    job = Scripted(CONTINUE, "block", CONTINUE)
    job_id = await api.jobs.submit(job, user_data={"ticket": [1, None]})
    await job.entered.wait()
    shown = await api.get(f"/jobs/{job_id}")
    assert (shown["State"], shown["Progress"]) == ("Running", 33)
    assert shown["EstimatedTimeOfArrival"] >= shown["Timestamp"]
    assert shown["UserData"] == {"ticket": [1, None]}
    assert "CompletionTime" not in shown


async def test_a_failure_shows_its_error(api: Api) -> None:
    job_id = await api.jobs.submit(Scripted(RemoteTrouble("it said no")))
    await api.jobs.wait(job_id)
    shown = await api.get(f"/jobs/{job_id}")
    assert (shown["State"], shown["ErrorCode"]) == ("Failure", -1)
    assert (shown["ErrorDescription"], shown["ErrorDetails"]) == ("Internal error", "it said no")
    assert shown["Content"]["DimseErrorStatus"] == 0xA700


async def test_the_list_is_sorted_and_can_be_expanded(api: Api) -> None:
    ids = [await api.jobs.submit(Scripted()) for _ in range(5)]
    await api.jobs.wait(ids[-1])
    assert await api.get("/jobs") == sorted(ids)
    assert [job["ID"] for job in await api.get("/jobs?expand")] == sorted(ids)
    assert await api.get("/jobs?expand=false") == sorted(ids)


async def test_control(api: Api) -> None:
    job = Counting(1)
    job_id = await api.jobs.submit(job)
    await job.entered.wait()
    assert await api.tell(job_id, "resume") == 400
    assert await api.tell(job_id, "resubmit") == 400
    assert await api.tell(job_id, "pause") == 200
    job.go.set()
    await asyncio.sleep(0.01)
    assert (await api.get(f"/jobs/{job_id}"))["State"] == "Paused"
    response = await api.client.post(f"/jobs/{job_id}/cancel")
    assert (response.status_code, response.json()) == (200, {})
    shown = await api.get(f"/jobs/{job_id}")
    assert (shown["ErrorCode"], shown["ErrorDescription"]) == (37, "This job was canceled")
    assert shown["ErrorDetails"] == ""
    assert await api.tell(job_id, "resubmit") == 200
    job.go.set()
    await api.jobs.wait(job_id)
    assert await api.tell(job_id, "cancel") == 200
    assert await api.tell(job_id, "pause") == 200


@pytest.mark.parametrize("verb", ("cancel", "pause", "resume", "resubmit"))
async def test_control_of_an_unknown_job_is_a_bad_request(api: Api, verb: str) -> None:
    assert await api.tell("nope", verb) == 400


@pytest.mark.parametrize(
    ("method", "path", "number"),
    (
        ("GET", "/jobs/nope", 17),
        ("DELETE", "/jobs/nope", 17),
        ("GET", "/jobs/nope/archive", 7),
        ("DELETE", "/jobs/nope/archive", 7),
    ),
)
async def test_an_unknown_job_is_not_found(api: Api, method: str, path: str, number: int) -> None:
    response = await api.client.request(method, path)
    assert response.status_code == 404
    assert response.json()["OrthancStatus"] == number


async def test_only_a_finished_job_is_deleted(api: Api) -> None:
    job = Scripted("block")
    job_id = await api.jobs.submit(job)
    await job.entered.wait()
    response = await api.client.delete(f"/jobs/{job_id}")
    assert response.status_code == 400
    assert "only a finished job" in response.json()["Details"]
    job.go.set()
    await api.jobs.wait(job_id)
    assert (await api.client.delete(f"/jobs/{job_id}")).status_code == 200
    assert await api.get("/jobs") == []


@pytest.mark.parametrize("in_memory", (True, False))
async def test_outputs(api: Api, tmp_path: Path, in_memory: bool) -> None:
    content = bytes(range(256)) * 3000
    path = tmp_path / "made"
    path.write_bytes(content)
    job = Scripted()
    job.outputs["archive"] = Output("application/zip", 'a"\r\n.zip', content if in_memory else path)
    job.outputs["gone"] = Output("text/html", "gone", tmp_path / "nothing")
    job_id = await api.jobs.submit(job)
    await api.jobs.wait(job_id)
    response = await api.client.get(f"/jobs/{job_id}/archive")
    assert response.content == content
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-length"] == str(len(content))
    assert "\r" not in response.headers["content-disposition"]
    for key in ("nope", "gone"):
        response = await api.client.get(f"/jobs/{job_id}/{key}")
        assert (response.status_code, response.json()["OrthancStatus"]) == (404, 7)
    assert (await api.client.delete(f"/jobs/{job_id}/archive")).status_code == 200
    assert (await api.client.get(f"/jobs/{job_id}/archive")).status_code == 404


async def test_a_synchronous_call_answers_the_content_or_the_error(api: Api) -> None:
    response = await api.client.post("/start", json={})
    assert (response.status_code, response.json()) == (200, {"Name": "good", "Done": 1})
    response = await api.client.post("/start", json={"Kind": "bad"})
    assert response.status_code == 507
    assert (response.json()["OrthancStatus"], response.json()["Details"]) == (19, "no room")
    assert len(await api.get("/jobs")) == 2


async def test_an_asynchronous_call_answers_where_to_look(api: Api) -> None:
    body = {"Kind": "bad", "Asynchronous": True, "Priority": 7, "UserData": "mine"}
    answer = (await api.client.post("/start", json=body)).json()
    assert answer == {"ID": answer["ID"], "Path": f"/jobs/{answer['ID']}"}
    await api.jobs.wait(answer["ID"])
    shown = await api.get(answer["Path"])
    assert (shown["State"], shown["Priority"], shown["UserData"]) == ("Failure", 7, "mine")


async def test_a_synchronous_job_can_be_cancelled(api: Api) -> None:
    asking = asyncio.ensure_future(api.client.post("/start", json={"Kind": "stuck"}))
    while not (jobs := await api.get("/jobs")):
        await asyncio.sleep(0)
    assert await api.tell(jobs[0], "cancel") == 200
    response = await asking
    assert response.status_code == 500
    assert (response.json()["OrthancStatus"], "Details" in response.json()) == (37, False)


def options_of(body: dict[str, Any], *, synchronous: bool = True) -> JobOptions:
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    return job_options(Fields(raw), synchronous=synchronous)


@pytest.mark.parametrize(
    ("body", "default", "expected"),
    (
        ({}, True, True),
        ({}, False, False),
        ({"Asynchronous": True}, True, False),
        ({"Asynchronous": False}, False, True),
        ({"Synchronous": False}, True, False),
        ({"Synchronous": True, "Asynchronous": True}, False, True),
        ({"Synchronous": False, "Asynchronous": False}, True, False),
    ),
)
def test_which_member_wins(body: dict[str, Any], default: bool, expected: bool) -> None:
    assert options_of(body, synchronous=default).synchronous is expected


def test_the_other_options() -> None:
    assert options_of({}) == JobOptions(True, 0, False, None)
    body = {"Priority": -5, "Permissive": True, "UserData": {"a": [1]}}
    assert options_of(body) == JobOptions(True, -5, True, {"a": [1]})


@pytest.mark.parametrize(
    ("body", "message"),
    (
        ({"Synchronous": "yes"}, "Boolean value expected in field: Synchronous"),
        ({"Asynchronous": 1}, "Boolean value expected in field: Asynchronous"),
        ({"Asynchronous": None}, "Boolean value expected in field: Asynchronous"),
        ({"Permissive": "yes"}, "Boolean value expected in field: Permissive"),
        ({"Priority": "high"}, "Integer value expected in field: Priority"),
        ({"Priority": 1.5}, "Integer value expected in field: Priority"),
        ({"Priority": None}, "Integer value expected in field: Priority"),
        ({"Priority": True}, "Integer value expected in field: Priority"),
        ({"Priority": 1 << 31}, "Integer from -2147483648 to 2147483647"),
    ),
)
def test_wrong_types_are_said_as_orthanc_does(body: dict[str, Any], message: str) -> None:
    with pytest.raises(BadFileFormatError, match=message):
        options_of(body)
