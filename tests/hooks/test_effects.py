"""What each hook can do, seen from outside: the same request with a plug-in and without it.

A hook that nobody asks, or that changes nothing, fails here; so does one that has no row, or no
entry in the manual.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.archive.making import dicom
from tests.hooks.serving import Hooked, hooked

from hornburg.hooks.specs import HOOKS, Plugin

MANUAL = Path(__file__).parents[2] / "docs" / "plugins.md"

#: What plug-ins of events write into, in their working folder.
SEEN = "seen.txt"


class Effect(NamedTuple):
    """A plug-in that has one hook; what is looked at; what is seen without it and with it."""

    source: str
    look: Callable[[Hooked, Path], Awaitable[Any]]
    without: Any
    within: Any
    options: dict[str, Any] = {}


async def get_system(at: Hooked, _: Path) -> Any:
    return await at.status("GET", "/system")


async def stored_as(at: Hooked, _: Path) -> Any:
    await at.json("POST", "/instances", dicom())
    (patient,) = await at.json("GET", "/patients?expand")
    return patient["MainDicomTags"]["PatientID"]


async def stored(at: Hooked, _: Path) -> Any:
    answer = await at.json("POST", "/instances", dicom())
    return answer["Status"], len(await at.json("GET", "/instances"))


async def sent_to_itself(at: Hooked, _: Path) -> Any:
    """How many C-STOREs fail."""
    (one,) = await at.upload(dicom())
    job = await at.json(
        "POST",
        "/modalities/self/store",
        {"Resources": [one["ID"]], "Permissive": True, "Synchronous": True},
    )
    return job["FailedInstancesCount"]


async def patients_found(at: Hooked, _: Path) -> Any:
    await at.upload(dicom(1), dicom(2))
    answer = await at.json("POST", "/modalities/self/find-patient", {"PatientID": "P*"})
    return sorted(one["PatientID"] for one in answer)


async def worklists_found(at: Hooked, _: Path) -> Any:
    for name in ("A", "B"):
        tags = {
            "PatientID": name,
            "PatientName": name,
            "ScheduledProcedureStepSequence": [{"ScheduledStationAETitle": f"AE{name}"}],
        }
        assert "ID" in await at.json("POST", "/worklists/create", {"Tags": tags})
    query = {
        "PatientID": "",
        "ScheduledProcedureStepSequence": [{"ScheduledStationAETitle": ""}],
    }
    answer = await at.json("POST", "/modalities/self/find-worklist", query)
    return sorted(one["PatientID"] for one in answer)


async def echoed(at: Hooked, _: Path) -> Any:
    return await at.status("POST", "/modalities/self/echo", b"{}")


async def route(at: Hooked, _: Path) -> Any:
    response = await at.client.get("/mine/a%20b?x=1")
    return response.status_code, response.text if response.status_code == 200 else ""


async def told(at: Hooked, folder: Path) -> Any:
    """What a plug-in has written by the end of the server."""
    await at.json("POST", "/instances", dicom())
    if at.archive.hooks:
        while not (folder / SEEN).exists() and not at.archive.hooks.has("on_stop"):
            await asyncio.sleep(0.005)
        await at.archive.hooks.close()
    return (folder / SEEN).read_text() if (folder / SEEN).exists() else ""


NOTE = f"open({SEEN!r}, 'a').write"
WORKLISTS = {"Worklists": {"Enable": True, "Directory": "worklists"}}

EFFECTS = {
    "filter_http": Effect(
        "def filter_http(self, request):\n    return request.path != '/system'",
        get_system,
        200,
        403,
    ),
    "change_received": Effect(
        "def change_received(self, instance):\n"
        "    return bytes(instance.buffer).replace(b'P1', b'Q7')",
        stored_as,
        "P1",
        "Q7",
    ),
    "filter_received": Effect(
        "def filter_received(self, instance):\n"
        "    return instance.tags()['PatientID'] != 'P1' or instance.origin['RemoteIp'] == ''",
        stored,
        ("Success", 1),
        ("FilteredOut", 0),
    ),
    "filter_cstore": Effect(
        "def filter_cstore(self, instance):\n"
        "    return 0xA700 if instance.origin['RemoteAet'] == 'HORNBURG' else 0",
        sent_to_itself,
        0,
        1,
    ),
    "filter_find": Effect(
        "def filter_find(self, request):\n"
        "    if request.level == 'PATIENT' and request.remote.name == 'self':\n"
        "        return {**request.tags, '0010,0020': 'P2'}",
        patients_found,
        ["P1", "P2"],
        ["P2"],
    ),
    "filter_outgoing_find": Effect(
        "def filter_outgoing_find(self, request):\n"
        "    if request.remote.name == 'self':\n"
        "        return {**request.tags, '0010,0020': 'P1'}",
        patients_found,
        ["P1", "P2"],
        ["P1"],
    ),
    "filter_worklist": Effect(
        "def filter_worklist(self, request):\n"
        "    steps = [{**request.tags['0040,0100'][0], '0040,0001': 'AEB'}]\n"
        "    return {**request.tags, '0040,0100': steps}",
        worklists_found,
        ["A", "B"],
        ["B"],
        WORKLISTS,
    ),
    "filter_association": Effect(
        "def filter_association(self, request):\n    return request.aet != 'HORNBURG'",
        echoed,
        200,
        500,
    ),
    "routes": Effect(
        "def routes(self):\n"
        "    yield Route('GET', '/mine/{name}', Permission.VIEW, self.answer)\n"
        "def answer(self, request):\n"
        "    return Answer(json.dumps([request.parameters, request.query]).encode())",
        route,
        (404, ""),
        (200, '[{"name": "a b"}, {"x": "1"}]'),
    ),
    "on_event": Effect(
        "def on_event(self, event):\n"
        f"    if event.kind == 'NewInstance': {NOTE}(event.metadata['Origin'])",
        told,
        "",
        "RestApi",
    ),
    "on_start": Effect(f"def on_start(self):\n    {NOTE}('begun')", told, "", "begun"),
    "on_stop": Effect(f"def on_stop(self):\n    {NOTE}('ended')", told, "", "ended"),
    "heartbeat": Effect(
        f"heartbeat_period = 0.01\ndef heartbeat(self):\n    open({SEEN!r}, 'w').write('beat')",
        told,
        "",
        "beat",
    ),
}


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_hook_has_the_effect_that_it_says(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = EFFECTS[hook]
    for name, source, seen in (
        ("without", None, effect.without),
        ("within", effect.source, effect.within),
    ):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        async with hooked(folder, source, **effect.options) as at:
            assert await effect.look(at, folder) == seen


@pytest.mark.parametrize("hook", sorted(set(HOOKS) - {"routes"}))
async def test_a_hook_may_be_a_coroutine(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = EFFECTS[hook]
    monkeypatch.chdir(tmp_path)
    source = effect.source.replace(f"def {hook}", f"async def {hook}")
    async with hooked(tmp_path, source, **effect.options) as at:
        assert await effect.look(at, tmp_path) == effect.within


def test_every_hook_is_a_documented_method() -> None:
    methods = {
        name for name, one in vars(Plugin).items() if callable(one) and not name.startswith("_")
    }
    assert methods == set(HOOKS)
    for name in HOOKS:
        assert getattr(Plugin, name).__doc__, name


def test_the_manual_has_an_entry_for_every_hook_and_no_other() -> None:
    text = MANUAL.read_text()
    assert re.findall(r"^#### `(\w+)", text, re.MULTILINE) == list(HOOKS)
