"""Every parameter in a path, given what no identifier, name or label is."""

from __future__ import annotations

import re

import pytest
from tests.hostile.target import Target

VERBS = ("get", "put", "post", "delete")

WORDS = [
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cx",
    "%00",
    "a%00",
    "%0d%0aSet-Cookie:%20x",
    "a%2fb",
    "%2f",
    "%",
    "%zz",
    "%ff%fe",
    "%ed%a0%80",
    "'",
    "%27%20OR%201=1%20--",
    "%22%3b%20DROP",
    "%25",
    "_",
    "*",
    "%3cscript%3e",
    "{x}",
    "%20",
    "+1",
    "-1",
    "1e5",
    "0x400",
    "%D9%A3",  # a digit in Arabic
    "65536",
    "9" * 30,
    "9" * 5000,
    "a" * 5000,
    "0" * 44,
    "00000000-00000000-00000000-00000000-00000000",
]


@pytest.fixture
def requests(target: Target, stored: dict[str, str]) -> list[tuple[str, str]]:
    """Each operation with a path in which one parameter is open, and the others are right."""
    parents = {
        "patients": stored["ParentPatient"],
        "studies": stored["ParentStudy"],
        "series": stored["ParentSeries"],
        "instances": stored["ID"],
    }
    found = []
    for path, operations in target.client.get("/openapi.json").json()["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        for chosen in names:
            right = dict.fromkeys(names, "dicom")
            right["public_id"] = parents.get(path.split("/")[1], "x")
            right[chosen] = "\0"
            filled = re.sub(r"{(\w+)}", lambda one, right=right: right[one[1]], path)
            found += [(verb.upper(), filled) for verb in VERBS if verb in operations]
    assert len(found) > 100
    return found


@pytest.mark.parametrize("word", WORDS, ids=[word[:30] for word in WORDS])
def test_words(
    target: Target, stored: dict[str, str], requests: list[tuple[str, str]], word: str
) -> None:
    for verb, path in requests:
        # With ".." the path becomes that of the resource above, which may well be deleted.
        if verb == "DELETE" and (".." in word or "%2e%2e" in word):
            continue
        body = b"" if verb in ("PUT", "POST") else None
        answer = target.ask(verb, path.replace("\0", word), body)
        assert answer.status in (200, 400, 403, 404, 405), (verb, path)
        assert answer.all("x-content-type-options") == ["nosniff"]
        assert answer.all("set-cookie") == []
        if answer.status != 200:
            assert answer.all("content-type")[0].startswith("application/json")
            assert len(answer.body) < 3000 + len(word)
    assert target.client.get(stored["Path"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/instances?since=" + "9" * 40 + "&limit=" + "9" * 40,
        "/instances?since=9223372036854775807&limit=9223372036854775807",
        "/changes?since=" + "9" * 40 + "&last=" + "9" * 40,
        "/patients?" + "a=b&" * 10_000,
        "/patients?expand&requested-tags=" + "PatientName;" * 3000,
        "/tools/generate-uid?level=study&level=%00",
    ],
)
def test_arguments(target: Target, path: str) -> None:
    assert target.ask("GET", path).status in (200, 400)


@pytest.mark.parametrize(
    "arguments", ["ignore-length=" + "a," * 10_000, "ignore-length=" + "0008," * 10_000]
)
def test_arguments_of_tags(target: Target, stored: dict[str, str], arguments: str) -> None:
    assert target.ask("GET", f"{stored['Path']}/tags?{arguments}").status == 404


def test_a_path_into_sequences(target: Target, stored: dict[str, str]) -> None:
    for steps in (["0008-1140", "0"] * 1000, ["7fe0-0010", "9" * 5000], ["PatientName"] * 5000):
        path = f"{stored['Path']}/content/" + "/".join(steps)
        assert target.ask("GET", path).status == 404


@pytest.mark.parametrize(
    ("header", "value", "statuses"),
    [
        ("Range", "bytes=" + "0-," * 10_000, (200,)),
        ("Range", "bytes=0-" + "9" * 50_000, (206,)),
        ("Range", "bytes=" + "9" * 50_000 + "-", (416,)),
        ("Range", "bytes=" + " " * 60_000 + "x", (200,)),
        ("Range", "bytes=1" + " " * 60_000 + "-" + " " * 1000 + "x", (200,)),
        ("If-None-Match", '"a",' * 15_000, (400,)),
        ("If-None-Match", '"a" ' * 1000 + "x", (400,)),
        ("If-Match", "junk" * 1000, (200,)),
        ("Accept", ",".join(["a/b;q=0.1"] * 6000), (200,)),
        ("Accept", "application/dicom+json;q=" + "9" * 50_000, (200,)),
        ("Accept", "application/dicom+json;q=nan", (200,)),
        ("Expect", "junk", (200, 417)),
        ("Accept-Encoding", "gzip," * 10_000, (200,)),
        ("Cookie", "a=b;" * 15_000, (200,)),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_headers(
    target: Target, stored: dict[str, str], header: str, value: str, statuses: tuple[int, ...]
) -> None:
    answer = target.ask("GET", f"{stored['Path']}/file", headers={header: value})
    assert answer.status in statuses


@pytest.mark.parametrize("value", ["junk", '"1"', '"' + "9" * 30 + "-" + "0" * 32 + '"', "*", ""])
def test_revisions_that_are_none(target: Target, stored: dict[str, str], value: str) -> None:
    path = f"{stored['Path']}/metadata/note"
    assert target.ask("PUT", path, b"x", {"If-Match": value}).status == 400
