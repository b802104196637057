"""The comparison itself notices what a client would."""

from __future__ import annotations

import json

import pytest
from tests.compat.compare import differences
from tests.compat.exchange import Answer
from tests.compat.rules import any_order

_UUID = "2f0a3bb6-5f4e-4a6e-8a63-9ad0a1a0c0{:02}"


def _json(value: object, status: int = 200, **headers: str) -> Answer:
    body = json.dumps(value).encode()
    return Answer(status, {"content-type": "application/json; charset=utf-8", **headers}, body)


def test_equal_answers_do_not_differ():
    assert differences(_json({"a": [1, "x"]}), _json({"a": [1, "x"]})) == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (_json({"a": 1}), _json({"a": 2})),
        (_json({"a": 1}), _json({"a": 1, "b": 2})),
        (_json({"a": 1}), _json({})),
        (_json([1, 2]), _json([2, 1])),
        (_json([1]), _json([1, 1])),
        (_json({"a": "1"}), _json({"a": 1})),
        (_json({}), _json({}, status=404)),
        (_json({}), Answer(200, {"content-type": "text/plain"}, b"{}")),
        (_json({}, etag='"0-1"'), _json({})),
        (_json({}, etag='"0-1"'), _json({}, etag='"0-2"')),
        (Answer(405, {"allow": "GET,PUT"}, b""), Answer(405, {"allow": "GET"}, b"")),
        (_json({"OrthancStatus": 8}, 400), _json({"OrthancStatus": 5}, 400)),
        (_json({"OrthancStatus": 8}, 400), Answer(400, {}, b"")),
    ],
)
def test_a_difference_is_found(theirs: Answer, ours: Answer):
    assert differences(theirs, ours)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (_json({"LastUpdate": "20200101T101112"}), _json({"LastUpdate": "20210101T101112"})),
        (_json({"FileUuid": _UUID.format(1)}), _json({"FileUuid": _UUID.format(2)})),
        (_json({"a": 1}), _json({"a": 1, "Labels": []})),
        (_json(["LastUpdate"]), _json(["LastUpdate", "MainDicomTagsSignature"])),
        (_json({}, etag='"0-1"'), _json({}, etag='"3-1"')),
        (Answer(405, {"allow": "GET"}, b""), Answer(405, {"allow": "HEAD, GET"}, b"")),
        (_json({"Details": "x"}, 400), _json({"Details": "y"}, 400)),
        (Answer(404, {}, b""), _json({"OrthancStatus": 17}, 404)),
    ],
)
def test_what_may_differ_does_not_count(theirs: Answer, ours: Answer):
    assert differences(theirs, ours) == []


def test_an_order_counts_unless_a_rule_says_otherwise():
    assert differences(_json(["a", "b"]), _json(["b", "a"]), (any_order,)) == []
