"""``/worklists``: the routes over a folder of worklists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from litestar import Litestar
from litestar.datastructures import State
from tests.archive.making import holding
from tests.rest.conftest import admitted

from hornburg.archive.worklists import Worklists
from hornburg.errors import HornburgError
from hornburg.rest.errors import on_hornburg_error
from hornburg.rest.worklists import ROUTES
from hornburg.settings import WorklistSettings

TAGS = {
    "PatientID": "PID-45",
    "PatientName": "Jérôme",
    "ScheduledProcedureStepSequence": [
        {"Modality": "US", "ScheduledProcedureStepStartDate": "20251014"}
    ],
}


@asynccontextmanager
async def client(
    folder: Path, enabled: bool = True, **options: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    async with holding(folder / "archive", (), **options) as archive:
        worklists = Worklists(WorklistSettings(True, folder / "wl"), folder / "own")
        worklists.open()
        state = State({"archive": archive, "settings": archive.settings})
        if enabled:
            state.worklists = worklists
        app = Litestar(
            list(ROUTES),
            state=state,
            openapi_config=None,
            exception_handlers={HornburgError: on_hornburg_error},
            logging_config=None,
        )
        transport = httpx2.ASGITransport(app=admitted(app))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as made:
            yield made


async def test_create_show_list_change_and_delete(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        created = (await http.post("/worklists/create", json={"Tags": TAGS})).json()
        public_id = created["ID"]
        assert created == {"ID": public_id, "Path": f"/worklists/{public_id}"}
        url = created["Path"]
        shown = (await http.get(url)).json()
        assert shown["ID"] == public_id
        study = shown["Tags"].pop("StudyInstanceUID")
        assert shown["Tags"] == {**TAGS, "SpecificCharacterSet": "ISO_IR 192"}
        assert (await http.get("/worklists")).json() == [
            {"ID": public_id, "Tags": {**shown["Tags"], "StudyInstanceUID": study}}
        ]
        changed = await http.put(url, json={"Tags": {"0010,0020": "PID-46"}})
        assert (changed.status_code, changed.json()) == (200, created)
        tags = (await http.get(url)).json()["Tags"]
        assert tags == {"PatientID": "PID-46", "StudyInstanceUID": study}
        deleted = await http.delete(url)
        assert (deleted.status_code, deleted.json()) == (200, {})
        for method in ("GET", "DELETE"):
            assert (await http.request(method, url)).status_code == 404
        assert (await http.put(url, json={"Tags": {}})).status_code == 404
        assert (await http.get("/worklists")).json() == []


@pytest.mark.parametrize(
    ("form", "key", "value"),
    [
        ("Simplify", "PatientID", "PID-45"),
        ("short", "0010,0020", "PID-45"),
        ("Full", "0010,0020", {"Name": "PatientID", "Type": "String", "Value": "PID-45"}),
    ],
)
async def test_forms(tmp_path: Path, form: str, key: str, value: Any) -> None:
    async with client(tmp_path) as http:
        url = (await http.post("/worklists/create", json={"Tags": TAGS})).json()["Path"]
        for shown in (
            (await http.get(url, params={"format": form})).json(),
            (await http.get("/worklists", params={"format": form})).json()[0],
        ):
            assert shown["Tags"][key] == value
        assert (await http.get(url, params={"format": "xml"})).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"Tags":[]}',
        b'{"Tags":{"Nonsense":"x"}}',
        b'{"Tags":{"Rows":"x"}}',
        b'{"Tags":{"0002,0010":"1.2"}}',
        b'{"Tags":{"PatientID":true}}',
    ],
)
async def test_bodies_that_are_refused(tmp_path: Path, body: bytes) -> None:
    async with client(tmp_path) as http:
        assert (await http.post("/worklists/create", content=body)).status_code == 400
        assert (await http.get("/worklists")).json() == []


@pytest.mark.parametrize("public_id", ["..", "%2e%2e", "..%2fwl%2f1", "a%00b", "x" * 300, "create"])
async def test_identifiers_that_are_none(tmp_path: Path, public_id: str) -> None:
    async with client(tmp_path) as http:
        for method in ("GET", "DELETE"):
            answer = await http.request(method, f"/worklists/{public_id}")
            assert answer.status_code in (404, 405)


async def test_a_read_only_archive_changes_nothing(tmp_path: Path) -> None:
    async with client(tmp_path, read_only=True) as http:
        for method, url in (("POST", "create"), ("PUT", "a"), ("DELETE", "a")):
            answer = await http.request(method, f"/worklists/{url}", json={"Tags": {}})
            assert answer.status_code == 403


async def test_without_the_option_there_is_nothing(tmp_path: Path) -> None:
    async with client(tmp_path, enabled=False) as http:
        answer = await http.get("/worklists")
        assert answer.status_code == 404
        assert "Worklists" in answer.json()["Details"]
