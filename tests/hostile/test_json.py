"""JSON bodies, and what ``/tools/find`` is asked to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.hostile.target import Answer, Target

MB = 1 << 20
START = b'{"Level":"Study","Query":{}'


def ask(target: Target, body: bytes | dict[str, Any], route: str = "find") -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return target.ask("POST", f"/tools/{route}", raw)


@pytest.mark.parametrize("route", ["find", "count-resources", "bulk-content", "bulk-delete"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"Level":' * 100_000,
        b'{"Level":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"Level":"\\ud800","Query":{},"Resources":["\\udfff"]}',
        b'{"Level":"\xff\xfe","Query":{},"Resources":"\xff"}',
        b'{"Level":1e999,"Query":' + b"9" * 1_000_000 + b',"Resources":NaN}',
        b'{"Level":"Study","Query":{"PatientName":{"a":[]}},"Resources":[[[[]]]]}',
        b"[]",
        b"null",
    ],
)
def test_no_json(target: Target, route: str, body: bytes) -> None:
    assert ask(target, body, route).status == 400


@pytest.mark.parametrize("junk", [b"[],", b"{},", b'"",', b"1,"])
def test_json_takes_no_more_memory_than_its_worth(target: Target, junk: bytes) -> None:
    """What nobody asks for is not made, and what is asked for is bounded."""
    many = junk * (7 * MB // len(junk))
    with target.growing_at_most(64 * MB):
        assert ask(target, START + b',"Junk":[' + many[:-1] + b"]}").status == 200
        assert ask(target, b"[" + many[:-1] + b"]").status == 400
        assert ask(target, START + b',"Junk":[' + many * 3).status == 413
    with target.growing_at_most(400 * MB):
        for name in (b"Query", b"Labels", b"OrderBy", b"RequestedTags", b"Since"):
            body = b'{"Level":"Study","%b":[' % name + many[:-1] + b"]}"
            assert ask(target, body).status == 400


@pytest.mark.parametrize(
    "query",
    [
        {"PatientName": "*a" * 500 + "*"},
        {"PatientName": "?" * 1000},
        {"PatientName": "' OR 1=1 --"},
        {"PatientName": '"; DROP TABLE resources; --'},
        {"PatientName": "%"},
        {"PatientName": "_______"},
        {"PatientName": "[a-z]*"},
        {"PatientName": "\\%\\_"},
        {"StudyInstanceUID": "\\".join(map(str, range(49_000)))},
        {"StudyDate": "-" * 500},
        {"StudyDate": "9" * 500 + "-"},
        {"0008,1140[0]." * 1000 + "0008,1150": "x"},
        {".".join(["0008,1140"] * 1000): "x"},
        {"'": "x"},
        {"PatientName": "*\\*" * 200},
        {"ModalitiesInStudy": "\\".join(["M*"] * 200)},
    ],
)
def test_patterns(target: Target, stored: dict[str, str], query: dict[str, str]) -> None:
    for route in ("find", "count-resources"):
        answer = ask(target, {"Level": "Study", "Query": query}, route)
        found = answer.body in (b"[]", b'{"Count":0}')
        assert found if answer.status == 200 else answer.status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"OrderBy": [{"Type": "DicomTag", "Key": "'; DROP TABLE x"}]},
        {"OrderBy": [{"Type": "Metadata", "Key": '"'}]},
        {"OrderBy": [{"Type": "DicomTag", "Key": "PatientName", "Direction": "; --"}]},
        {"OrderBy": [{"Type": "DicomTag", "Key": "PatientName"}] * 101},
        {"MetadataQuery": {"note": "*a" * 5000}},
        {"MetadataQuery": {"'": "x"}},
        {"LabelsConstraint": "' OR 1"},
        {"Labels": ["a"] * 101},
        {"RequestedTags": [f"{number:04x},0010" for number in range(9, 9000)], "Expand": True},
        {"Limit": -1},
        {"ParentPatient": "'", "ParentStudy": "'"},
        {"ResponseContent": ["'"]},
    ],
)
def test_refused(target: Target, more: dict[str, Any]) -> None:
    assert ask(target, {"Level": "Study", "Query": {}, **more}).status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"Limit": 10**30},
        {"Since": 10**30},
        {"Labels": ["' OR 1=1 --", "%"]},
        {"MetadataQuery": {"note": "' OR 1=1"}},
        {"ParentPatient": "' OR 1=1"},
        {"RequestedTags": ["PatientName"] * 500_000, "Expand": True},
    ],
)
def test_taken_as_it_is(target: Target, stored: dict[str, str], more: dict[str, Any]) -> None:
    answer = ask(target, {"Level": "Study", "Query": {}, **more})
    assert answer.status == 200
    assert len(json.loads(answer.body)) == (1 if {"Limit", "RequestedTags"} & more.keys() else 0)


def test_an_answer_of_gigabytes(target: Target, stored: dict[str, str]) -> None:
    path = f"{stored['Path']}/metadata/note"
    assert target.ask("PUT", path, b"x" * (900 << 10)).status == 200
    with target.growing_at_most(320 * MB):
        answer = ask(target, {"Resources": [stored["ID"]] * 5000}, "bulk-content")
    assert answer.status == 413
    target.client.delete(stored["Path"])


def test_many_identifiers(target: Target, stored: dict[str, str]) -> None:
    for route in ("bulk-content", "bulk-delete"):
        assert ask(target, {"Resources": ["x"] * 100_001}, route).status == 400
        assert ask(target, {"Resources": ["'", "../x", "", "0" * 44] * 100}, route).status == 200
