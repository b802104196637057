"""``/system``, ``/statistics``, ``/changes``, ``/exports``, the small tools, and errors."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hornburg import __version__
from hornburg.archive import stable
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


async def get(served: Any, path: str) -> Any:
    response = await served.client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def test_system(serve: Any) -> None:
    served = await serve(Name="Lab", UserMetadata={"note": 1024}, OverwriteInstances=True)
    system = await get(served, "/system")
    assert system["Name"] == "Lab"
    assert system["HornburgVersion"] == __version__
    assert re.fullmatch(r"1\.\d+\.\d+", system["Version"])
    assert system["UserMetadata"] == {"note": 1024}
    assert system["OverwriteInstances"] is True
    assert system["HasLabels"] is True
    assert "0010,0020" in system["MainDicomTags"]["Patient"]
    assert (await get(served, "/system"))["DatabaseServerIdentifier"] == (
        system["DatabaseServerIdentifier"]
    )


async def test_statistics(served: Any) -> None:
    files = [MAKE.instance(instance=number) for number in range(3)]
    await served.upload(*files)
    size = sum(len(file) for file in files)
    assert await get(served, "/statistics") == {
        "CountInstances": 3,
        "CountPatients": 1,
        "CountSeries": 1,
        "CountStudies": 1,
        "TotalDiskSize": str(size),
        "TotalDiskSizeMB": size >> 20,
        "TotalUncompressedSize": str(size),
        "TotalUncompressedSizeMB": size >> 20,
    }


async def test_changes_in_pages(served: Any) -> None:
    await served.upload(*(MAKE.instance(instance=number) for number in range(3)))
    first = await get(served, "/changes")
    kinds = [change["ChangeType"] for change in first["Changes"]]
    assert kinds == ["NewInstance", "NewSeries", "NewStudy", "NewPatient", *["NewInstance"] * 2]
    assert (first["Done"], first["First"], first["Last"]) == (True, 1, 6)
    change = first["Changes"][0]
    assert set(change) == {"ChangeType", "Date", "ID", "Path", "ResourceType", "Seq"}
    assert change["Path"] == f"/instances/{change['ID']}"

    seen: list[int] = []
    page = {"Last": 0, "Done": False}
    while not page["Done"]:
        page = await get(served, f"/changes?since={page['Last']}&limit=2")
        seen += [change["Seq"] for change in page["Changes"]]
    assert seen == [1, 2, 3, 4, 5, 6]

    assert (await get(served, "/changes?since=100"))["Changes"] == []
    some = await get(served, "/changes?type=NewStudy;NewPatient")
    assert [change["Seq"] for change in some["Changes"]] == [3, 4]
    last = await get(served, "/changes?last")
    assert [change["Seq"] for change in last["Changes"]] == [6]
    assert last["Done"] is True


async def test_changes_backwards(served: Any) -> None:
    await served.upload(*(MAKE.instance(instance=number) for number in range(3)))
    seen: list[int] = []
    to = 6
    while to > 0:
        page = await get(served, f"/changes?to={to}&limit=4")
        seen = [change["Seq"] for change in page["Changes"]] + seen
        to = page["First"] - 1
    assert seen == [1, 2, 3, 4, 5, 6]
    assert page["Done"] is True
    between = await get(served, "/changes?since=2&to=4")
    assert [change["Seq"] for change in between["Changes"]] == [3, 4]


async def test_changes_are_cleared_and_go_on(served: Any) -> None:
    await served.upload(MAKE.instance())
    assert (await served.client.delete("/changes")).status_code == 200
    assert await get(served, "/changes") == {"Changes": [], "Done": True, "Last": 4}
    await served.upload(MAKE.instance(instance=1))
    assert (await get(served, "/changes"))["Changes"][0]["Seq"] == 5


async def test_stable_resources_are_told(serve: Any) -> None:
    served = await serve(StableAge=0)
    answer = (await served.upload(MAKE.instance()))[0]
    series = f"/series/{answer['ParentSeries']}"
    assert (await get(served, series))["IsStable"] is False
    later = dataclasses.replace(served.archive, clock=lambda: time.time() + 2)
    assert await stable.settle(later) == 3
    assert (await get(served, series))["IsStable"] is True
    changes = await get(served, "/changes?type=StableSeries;StableStudy;StablePatient")
    assert len(changes["Changes"]) == 3


async def test_exports_are_empty(served: Any) -> None:
    assert await get(served, "/exports") == {"Exports": [], "Done": True, "Last": 0}
    assert (await served.client.delete("/exports")).status_code == 200


@pytest.mark.parametrize("path", ["/tools/now", "/tools/now-local"])
async def test_now(served: Any, path: str) -> None:
    response = await served.client.get(path)
    assert re.fullmatch(r"\d{8}T\d{6}", response.text)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_generate_uid(served: Any) -> None:
    for level in ("study", "series", "instance"):
        text = (await served.client.get(f"/tools/generate-uid?level={level}")).text
        assert re.fullmatch(r"[0-9.]{1,64}", text)
    patient = (await served.client.get("/tools/generate-uid?level=patient")).text
    assert len(patient) == 36
    assert (await served.client.get("/tools/generate-uid?level=x")).status_code == 400


async def test_default_encoding_changes_what_is_read(served: Any) -> None:
    answer = await served.client.put("/tools/default-encoding", content="utf8")
    assert answer.text == "Utf8"
    assert (await served.client.get("/tools/default-encoding")).text == "Utf8"
    assert served.archive.runtime.default_encoding == "Utf8"
    answer = await served.client.put("/tools/default-encoding", content="Klingon")
    assert answer.status_code == 400


@pytest.fixture
def levels() -> Iterator[None]:
    """Puts the loggers back as they were."""
    names = ["hornburg", *[f"hornburg.{name}" for name in ("rest", "archive", "index", "net")]]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
async def test_log_levels(served: Any) -> None:
    for word in ("verbose", "trace", "default"):
        response = await served.client.put("/tools/log-level", content=word)
        assert response.status_code == 200
        for route in ("log-level", "log-level-http", "log-level-sqlite", "log-level-dicom"):
            assert (await served.client.get(f"/tools/{route}")).text == word
    await served.client.put("/tools/log-level-http", content="verbose")
    assert (await served.client.get("/tools/log-level-http")).text == "verbose"
    assert (await served.client.get("/tools/log-level-sqlite")).text == "default"
    assert (await served.client.put("/tools/log-level", content="loud")).status_code == 400
    assert (await served.client.get("/tools/log-level-nonsense")).status_code == 404


async def test_metrics(served: Any) -> None:
    await served.upload(MAKE.instance())
    response = await served.client.get("/tools/metrics-prometheus")
    assert "orthanc_count_instances 1.0" in response.text
    assert 'hornburg_http_request_seconds_count{status="2xx"}' in response.text
    assert (await served.client.put("/tools/metrics", content="0")).status_code == 200
    assert (await served.client.get("/tools/metrics")).text == "0"
    assert (await served.client.get("/tools/metrics-prometheus")).text == ""
    assert (await served.client.put("/tools/metrics", content="maybe")).status_code == 400


async def test_shutdown_and_reset(served: Any) -> None:
    assert (await served.client.get("/tools/shutdown")).status_code == 405
    assert (await served.client.post("/tools/shutdown")).status_code == 200
    assert served.control.stop.is_set() and not served.control.restart
    assert (await served.client.post("/tools/reset")).status_code == 200
    assert served.control.restart


async def test_tools_are_listed(served: Any) -> None:
    names = await get(served, "/tools")
    assert names == sorted(names)
    assert {"find", "lookup", "now", "reset", "labels"} <= set(names)


async def test_errors_have_one_shape(served: Any) -> None:
    for method, path, status, number in (
        ("GET", "/nope", 404, 17),
        ("GET", "/studies/nope", 404, 17),
        ("DELETE", "/system", 405, 8),
        ("POST", "/tools/find", 400, 8),
        ("PUT", "/changes", 405, 8),
    ):
        response = await served.client.request(method, path)
        body = response.json()
        assert (response.status_code, body["OrthancStatus"]) == (status, number), path
        assert body["HttpStatus"] == status
        assert body["Method"] == method
        assert body["Uri"] == path
        assert {"HttpError", "Message", "OrthancError"} <= set(body)
    assert "GET" in (await served.client.delete("/system")).headers["allow"]


async def test_errors_without_description(serve: Any) -> None:
    served = await serve(HttpDescribeErrors=False)
    for path in ("/nope", "/studies/nope"):
        response = await served.client.get(path)
        assert (response.status_code, response.content) == (404, b"")


async def test_a_fault_of_ours_tells_nothing_of_the_inside(
    served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret path /etc/shadow")

    monkeypatch.setattr(type(served.archive.index), "look", broken)
    monkeypatch.setattr("hornburg.rest.upload.store", broken)
    for response in (
        await served.client.get("/statistics"),
        await served.client.post("/instances", content=MAKE.instance()),
    ):
        assert response.status_code == 500
        assert "secret" not in response.text
        number = json.loads(response.content)["Details"].rsplit(" ", 1)[1]
        assert number in caplog.text


@pytest.mark.parametrize("path", ["//system", "/system/", "/./system", "/tools/../system"])
async def test_paths_have_one_form(served: Any, path: str) -> None:
    assert (await served.client.get(path)).status_code == 200


async def test_compression_for_those_who_ask(serve: Any) -> None:
    served = await serve(HttpCompressionEnabled=True)
    await served.upload(*(MAKE.instance(instance=number) for number in range(30)))
    response = await served.client.get("/instances?expand")
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()) == 30
