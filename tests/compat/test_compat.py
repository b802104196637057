"""Every row of every table."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.compat.cases import Case, Family, Step, fill
from tests.compat.compare import differences, normalised
from tests.compat.exchange import Answer, encode
from tests.compat.open import OPEN, still_open
from tests.compat.servers import Pair, is_subject_orthanc
from tests.compat.tables import FAMILIES


def _row(family: Family, case: Case) -> Any:
    name = f"{family.name}: {case.name}"
    marks = [] if is_subject_orthanc() or name not in OPEN else [still_open(name)]
    return pytest.param(family.pair, case, id=name, marks=marks)


_ENDS = ("Success", "Failure", "Paused")

_ROWS = [_row(family, case) for family in FAMILIES for case in family.cases]


@pytest.mark.parametrize(("pair_name", "case"), _ROWS)
def test_answers_as_orthanc(pair_name: str, case: Case, request: pytest.FixtureRequest):
    pair, names = request.getfixturevalue(pair_name)
    for server in pair:
        server.etag, server.stored = "", {}
    found: list[str] = []
    for step in case.steps:
        theirs, ours = (_ask(pair, place, step, names) for place in (0, 1))
        found += [f"{step.method} {step.path}: {line}" for line in _judge(step, theirs, ours)]
        if step.gate and theirs.status != 200:
            break
    if case.tidy:
        for server in pair:
            if server.stored:
                server.ask("DELETE", f"/patients/{server.stored['ParentPatient']}", None, {})
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_open_rows_exist():
    rows = {row.id for row in _ROWS} | {name for name in OPEN if name.startswith("wire: ")}
    assert OPEN.keys() <= rows


def test_names_of_families_are_unique():
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_of_rows_are_unique(family: Family):
    names = [case.name for case in family.cases]
    assert len(names) == len(set(names))


def _ask(pair: Pair, place: int, step: Step, names: dict[str, str]) -> Answer:
    server = pair[place]
    known = dict(names, etag=server.etag)
    known |= {f"stored.{key}": value for key, value in server.stored.items()}
    headers = {name: fill(value, known) for name, value in step.headers.items()}
    path, body = fill(step.path, known), encode(fill(step.body, known))
    end = time.monotonic() + 10
    while True:
        answer = server.ask(step.method, path, body, headers)
        waits = step.until_done and answer.status == 200 and time.monotonic() < end
        if not waits or answer.json().get("State") in _ENDS:
            return answer
        time.sleep(0.02)


def _judge(step: Step, theirs: Answer, ours: Answer) -> list[str]:
    found = differences(theirs, ours, step.rules)
    if step.ours is None or is_subject_orthanc():
        return found
    if not found:
        return [f"no difference any more, though one is noted: {step.ours.because}"]
    if ours.status != step.ours.status:
        return [f"status: ours {ours.status}, noted {step.ours.status} ({step.ours.because})"]
    if step.ours.body is not None:
        body = normalised(ours, step.rules)
        if body != step.ours.body:
            return [f"body: ours {body!r}, noted {step.ours.body!r} ({step.ours.because})"]
    return []
