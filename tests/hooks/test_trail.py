"""Plug-ins and scripts in the audit trail: what they do, and what they keep out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.archive.making import dicom
from tests.hooks.serving import Hooked, hooked
from tests.security.trails import lines_of_archive

from hornburg.security.trail.trail import TrailBrokenError

SOURCE = """
def routes(self):
    return [Route("GET", "/mine/{study}", Permission.DOWNLOAD, self.show),
            Route("POST", "/mine", Permission.SETTINGS, self.keep)]
async def show(self, request):
    return await self.server.call("GET", f"/studies/{request.parameters['study']}")
def keep(self, request):
    return Answer()
def filter_received(self, instance):
    return instance.tags()["PatientID"] != "P2"
"""


@pytest.fixture
async def at(tmp_path: Path) -> Any:
    async with hooked(tmp_path, SOURCE) as at:
        yield at


async def told(at: Hooked, action: str) -> list[dict[str, Any]]:
    """The lines of an action."""
    return [line for line in await lines_of_archive(at.archive) if line["action"] == action]


def patients(line: dict[str, Any]) -> list[str]:
    """Whom a line is about."""
    return [subject["PatientID"] for subject in line.get("subjects", ())]


async def test_a_call_is_the_doing_of_the_plug_in(at: Hooked) -> None:
    (one,) = await at.upload(dicom())
    await at.client.get(f"/mine/{one['ParentStudy']}")
    (line,) = await told(at, "view")
    assert (line["kind"], line["user"]) == ("inside", "mine")
    assert (line["route"], line["status"]) == ("/studies/{public_id}", 200)
    assert patients(line) == ["P1"]


async def test_a_call_of_a_script_is_its_doing(tmp_path: Path) -> None:
    script = tmp_path / "script.lua"
    script.write_text("function Initialize() RestApiDelete('/instances/nothing') end")
    async with hooked(tmp_path, None, LuaScripts=[str(script)]) as at:
        (line,) = await told(at, "delete")
    assert (line["kind"], line["user"], line["status"]) == ("inside", "lua", 404)
    assert line["outcome"] == "failed"


async def test_a_route_of_a_plug_in_names_who_asks(at: Hooked) -> None:
    (one,) = await at.upload(dicom())
    await at.client.get(f"/mine/{one['ParentStudy']}?x=Secret")
    (line,) = await told(at, "download")
    assert (line["address"], line["method"]) == ("127.0.0.1", "GET")
    assert (line["route"], line["status"]) == ("/mine/{study}", 200)
    assert "Secret" not in json.dumps(line)
    await at.client.post("/mine")
    (line,) = await told(at, "settings")
    assert (line["route"], line["what"]) == ("/mine", "/mine")


async def test_who_lacks_the_permission_of_a_route_is_noted(tmp_path: Path) -> None:
    rules = [{"Users": ["*"], "Permissions": ["view"]}]
    options: dict[str, Any] = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"alice": "a word"},
        "AccessRules": rules,
    }
    async with hooked(tmp_path, SOURCE, **options) as at:
        answer = await at.client.get("/mine/x", auth=("alice", "a word"))
        assert answer.status_code == 403
        (line,) = await told(at, "download")
    assert (line["user"], line["outcome"], line["route"]) == ("alice", "refused", "/mine/{study}")


async def test_without_a_trail_that_is_required_routes_are_closed(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        raise TrailBrokenError("broken")

    monkeypatch.setattr(at.archive.trail, "check", check)
    assert await at.status("GET", "/mine/x") == 503
    assert await at.status("POST", "/mine") == 200


async def test_an_instance_that_a_filter_keeps_out_is_refused(at: Hooked) -> None:
    assert (await at.json("POST", "/instances", dicom(2)))["Status"] == "FilteredOut"
    (line,) = await told(at, "upload")
    assert (line["outcome"], line["status"], line["address"]) == ("refused", 200, "127.0.0.1")
    assert patients(line) == ["P2"]


async def test_of_a_zip_each_outcome_has_its_line(at: Hooked) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in (1, 2, 3):
            archive.writestr(f"{number}.dcm", dicom(number))
    await at.client.post("/instances", content=packed.getvalue())
    by_outcome = {line["outcome"]: patients(line) for line in await told(at, "upload")}
    assert by_outcome == {"success": ["P1", "P3"], "refused": ["P2"]}


async def test_what_is_discarded_before_the_filters_is_refused(tmp_path: Path) -> None:
    source = "def change_received(self, instance):\n    return Action.DISCARD"
    async with hooked(tmp_path, source) as at:
        await at.json("POST", "/instances", dicom())
        (line,) = await told(at, "upload")
    assert (line["outcome"], patients(line)) == ("refused", ["P1"])


@pytest.mark.parametrize("status", ["0x0000", "0xA701"])
async def test_over_dicom_it_is_refused_too(tmp_path: Path, status: str) -> None:
    """Whatever the C-STORE is told."""
    source = (
        "def filter_received(self, instance):\n"
        f"    return {status} != 0 or instance.origin['RequestOrigin'] == 'RestApi'\n"
        f"def filter_cstore(self, instance):\n    return {status}"
    )
    async with hooked(tmp_path, source) as at:
        (one,) = await at.upload(dicom())
        store = {"Resources": [one["ID"]], "Permissive": True}
        await at.json("POST", "/modalities/self/store", store)
        lines = [line for line in await told(at, "upload") if line["door"] == "dicom"]
    (line,) = [line for line in lines if "subjects" in line]
    assert (line["outcome"], patients(line)) == ("refused", ["P1"])
    assert (line["user"], line["route"]) == ("self", "C-STORE")
    assert not any(line["outcome"] == "success" for line in lines)


async def test_whom_a_filter_turns_away_is_noted(tmp_path: Path) -> None:
    source = (
        "def filter_http(self, request):\n    return request.method == 'POST'\n"
        "def filter_association(self, request):\n    return False"
    )
    async with hooked(tmp_path, source) as at:
        assert await at.status("GET", "/studies") == 403
        await at.json("POST", "/modalities/self/echo", {})
        (line,) = await told(at, "request")
        assert (line["outcome"], line["status"], line["address"]) == ("refused", 403, "127.0.0.1")
        (line,) = await told(at, "association-refused")
        assert (line["outcome"], line["aet"]) == ("refused", "HORNBURG")
