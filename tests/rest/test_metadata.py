"""``/…/{id}/metadata``: the whole life of a metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rest.anything import examples
from tests.rest.conftest import Serve, Served

from hornburg.testing import DatasetFactory

FILE = DatasetFactory("MR").instance()
NAMES = {"mine": 1024, "other": 5000}


def etag(revision: int, content: bytes) -> str:
    return f'"{revision}-{hashlib.md5(content).hexdigest()}"'


async def started(serve: Serve, **options: Any) -> tuple[Served, dict[str, Any], str]:
    served = await serve(UserMetadata=NAMES, **options)
    ids = (await served.upload(FILE))[0]
    return served, ids, f"/instances/{ids['ID']}/metadata"


async def test_core_metadata_in_the_order_of_numbers(serve: Serve) -> None:
    served, ids, url = await started(serve)
    names = (await served.client.get(url)).json()
    assert names[:2] == ["IndexInSeries", "ReceptionDate"]
    assert {"Origin", "TransferSyntax", "SopClassUid", "RemoteIP", "PixelDataOffset"} <= set(names)
    numbers = (await served.client.get(f"{url}?numeric")).json()
    assert numbers == sorted(numbers)
    assert len(numbers) == len(names)
    values = (await served.client.get(f"{url}?expand")).json()
    assert set(values) == set(names)
    assert values["Origin"] == "RestApi"
    assert (await served.client.get(f"{url}?expand&numeric")).json()["8"] == "RestApi"
    study = (await served.client.get(f"/studies/{ids['ParentStudy']}/metadata")).json()
    assert "LastUpdate" in study


async def test_get_by_name_and_number(serve: Serve) -> None:
    served, _, url = await started(serve)
    for name in ("Origin", "8"):
        response = await served.client.get(f"{url}/{name}")
        assert response.text == "RestApi"
        assert response.headers["content-type"].startswith("text/plain")
        assert response.headers["etag"] == etag(0, b"RestApi")
    for name in ("LastUpdate", "1024", "nope", "99", "origin"):
        assert (await served.client.get(f"{url}/{name}")).status_code == 404
    assert (await served.client.get("/instances/nope/metadata/Origin")).status_code == 404
    assert (await served.client.get("/instances/nope/metadata")).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        "Müller 山田".encode(),
        b"\0\x01",
        b"\xff\xfe",
        bytes(range(256)),
        b"\xf4\x8f\xbe\x80",
    ],
)
async def test_any_bytes_come_back(serve: Serve, content: bytes) -> None:
    served, _, url = await started(serve)
    response = await served.client.put(f"{url}/mine", content=content)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["etag"] == etag(0, content)
    got = await served.client.get(f"{url}/1024")
    assert got.content == content
    assert got.headers["etag"] == etag(0, content)
    values = (await served.client.get(f"{url}?expand")).json()
    assert values["mine"] == content.decode(errors="replace")


async def test_markup_is_plain_text(serve: Serve) -> None:
    served, _, url = await started(serve)
    await served.client.put(f"{url}/mine", content=b"<script>alert(1)</script>")
    response = await served.client.get(f"{url}/mine", headers={"Accept": "text/html"})
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("name", "status"),
    [("Origin", 403), ("8", 403), ("1023", 403), ("65536", 403), ("-1", 403), ("0", 403),
     ("nope", 404), ("Mine", 404)],
)  # fmt: skip
async def test_what_may_not_be_changed(serve: Serve, name: str, status: int) -> None:
    served, _, url = await started(serve)
    assert (await served.client.put(f"{url}/{name}", content=b"x")).status_code == status
    assert (await served.client.delete(f"{url}/{name}")).status_code == status
    assert (await served.client.get(f"{url}/Origin")).text == "RestApi"


async def test_changes_are_logged(serve: Serve) -> None:
    served, ids, url = await started(serve)
    study = f"/studies/{ids['ParentStudy']}/metadata"
    await served.client.put(f"{url}/mine", content=b"x")
    await served.client.put(f"{study}/5000", content=b"y")
    await served.client.delete(f"{url}/mine")
    assert (await served.client.delete(f"{url}/mine")).status_code == 404
    logged = [
        (one["ChangeType"], one["ResourceType"])
        for one in (await served.client.get("/changes?limit=1000")).json()["Changes"]
        if one["ChangeType"].startswith("Updated")
    ]
    assert logged == [
        ("UpdatedMetadata", "Instance"),
        ("UpdatedMetadata", "Study"),
        ("UpdatedMetadata", "Instance"),
    ]


async def test_revisions(serve: Serve) -> None:
    served, _, url = await started(serve)
    url += "/mine"
    put = served.client.put
    assert (await put(url, content=b"a", headers={"If-Match": etag(3, b"z")})).status_code == 200
    assert (await put(url, content=b"b")).headers["etag"] == etag(1, b"b")
    late = await put(url, content=b"c", headers={"If-Match": etag(0, b"a")})
    assert (late.status_code, late.json()["OrthancStatus"]) == (409, 43)
    for wrong in ("*", "1", '"1"', ""):
        assert (await put(url, content=b"c", headers={"If-Match": wrong})).status_code == 400
    good = await put(url, content=b"c", headers={"If-Match": etag(1, b"b").strip('"')})
    assert good.headers["etag"] == etag(2, b"c")
    get = served.client.get
    assert (await get(url, headers={"If-None-Match": etag(2, b"c")})).status_code == 304
    assert (await get(url, headers={"If-None-Match": etag(1, b"c")})).status_code == 200
    delete = served.client.delete
    assert (await delete(url, headers={"If-Match": etag(1, b"c")})).status_code == 409
    assert (await delete(url, headers={"If-Match": etag(2, b"c")})).status_code == 200


async def test_check_revisions(serve: Serve) -> None:
    served, _, url = await started(serve, CheckRevisions=True)
    url += "/mine"
    assert (await served.client.delete(url)).status_code == 409
    assert (await served.client.put(url, content=b"a")).status_code == 200
    assert (await served.client.put(url, content=b"b")).status_code == 409
    headers = {"If-Match": etag(0, b"a")}
    assert (await served.client.put(url, content=b"b", headers=headers)).status_code == 200
    assert (await served.client.delete(url)).status_code == 409
    headers = {"If-Match": etag(1, b"b")}
    assert (await served.client.delete(url, headers=headers)).status_code == 200


async def test_of_two_that_change_at_the_same_time_one_is_late(serve: Serve) -> None:
    import asyncio

    served, _, url = await started(serve, CheckRevisions=True)
    tag = (await served.client.put(f"{url}/mine", content=b"0")).headers["etag"]
    answers = await asyncio.gather(
        *(
            served.client.put(f"{url}/mine", content=b"%d" % one, headers={"If-Match": tag})
            for one in range(1, 9)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_values_are_bounded(serve: Serve) -> None:
    served, _, url = await started(serve)
    assert (await served.client.put(f"{url}/2000", content=bytes(1 << 20))).status_code == 200
    assert (await served.client.put(f"{url}/2001", content=bytes((1 << 20) + 1))).status_code == 413
    statuses = [
        (await served.client.put(f"{url}/{number}", content=b"a" * (1 << 20))).status_code
        for number in range(2001, 2005)
    ]
    assert statuses[-1] == 413


async def test_read_only(serve: Serve) -> None:
    served = await serve(ReadOnly=True)
    assert (await served.client.put("/instances/x/metadata/1024", content=b"")).status_code == 403
    assert (await served.client.delete("/instances/x/metadata/1024")).status_code == 403


def test_any_name_and_header_gives_a_proper_status(tmp_path: Path) -> None:
    with examples(tmp_path, UserMetadata=NAMES) as (served, run):
        ids = run(served.upload(FILE))[0]

        @settings(max_examples=100, deadline=None)
        @given(
            name=st.one_of(st.text(max_size=12), st.integers(-10, 70_000).map(str)),
            content=st.binary(max_size=20),
            tag=st.one_of(
                st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
                st.from_regex(r'"[0-9]{1,20}-[0-9a-f]{32}"', fullmatch=True),
            ),
        )
        def check(name: str, content: bytes, tag: str) -> None:
            run(
                _check(
                    served, f"/instances/{ids['ID']}/metadata/{quote(name, safe='')}", content, tag
                )
            )

        check()


async def _check(served: Served, url: str, content: bytes, tag: str) -> None:
    headers = {"If-Match": tag, "If-None-Match": tag}
    put = await served.client.put(url, content=content, headers=headers)
    got = await served.client.get(url)
    assert put.status_code in (200, 400, 403, 404, 405)
    if put.status_code == 200:
        assert got.content == content
    assert (await served.client.get(url, headers=headers)).status_code < 500
    assert (await served.client.delete(url)).status_code < 500
