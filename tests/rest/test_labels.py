"""``/…/{id}/labels`` and ``/tools/labels``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rest.anything import examples
from tests.rest.conftest import Serve, Served

from hornburg.testing import DatasetFactory

FILE = DatasetFactory("MR").instance()


@pytest.mark.parametrize(
    ("level", "key"),
    [("patients", "ParentPatient"), ("studies", "ParentStudy"), ("series", "ParentSeries"), ("instances", "ID")],
)  # fmt: skip
async def test_the_life_of_a_label(served: Served, level: str, key: str) -> None:
    ids = (await served.upload(FILE))[0]
    url = f"/{level}/{ids[key]}/labels"
    assert (await served.client.get(url)).json() == []
    for label in ("to-do", "Done_1", "to-do"):
        response = await served.client.put(f"{url}/{label}", content=b"")
        assert (response.status_code, response.content) == (200, b"")
    assert (await served.client.get(url)).json() == ["Done_1", "to-do"]
    assert (await served.client.get("/tools/labels")).json() == ["Done_1", "to-do"]
    assert (await served.client.get(f"{url}/to-do")).content == b""
    assert (await served.client.get(f"{url}/done_1")).status_code == 404
    for _ in range(2):
        assert (await served.client.delete(f"{url}/to-do")).status_code == 200
    assert (await served.client.get(f"{url}/to-do")).status_code == 404
    assert (await served.client.get(f"/{level}/{ids[key]}")).json()["Labels"] == ["Done_1"]


@pytest.mark.parametrize("label", ["a b", "ä", "a.b", "x" * 65, "a\n", "<b>", "a;b"])
async def test_what_is_no_label(served: Served, label: str) -> None:
    ids = (await served.upload(FILE))[0]
    url = f"/studies/{ids['ParentStudy']}/labels/{quote(label)}"
    assert (await served.client.put(url)).status_code == 400
    assert (await served.client.delete(url)).status_code == 400
    assert (await served.client.get(url)).status_code == 404


async def test_unknown_resources(served: Served) -> None:
    for method, path in (("GET", ""), ("GET", "/a"), ("PUT", "/a"), ("DELETE", "/a")):
        response = await served.client.request(method, f"/series/nope/labels{path}")
        assert response.status_code == 404
    assert (await served.client.get("/tools/labels")).json() == []


async def test_read_only(serve: Serve) -> None:
    served = await serve(ReadOnly=True)
    assert (await served.client.put("/series/x/labels/a")).status_code == 403
    assert (await served.client.delete("/series/x/labels/a")).status_code == 403


def test_any_label_gives_a_proper_status(tmp_path: Path) -> None:
    with examples(tmp_path) as (served, run):
        ids = run(served.upload(FILE))[0]

        @settings(max_examples=100, deadline=None)
        @given(
            st.one_of(st.text(max_size=70), st.from_regex(r"[A-Za-z0-9_-]{1,70}", fullmatch=True))
        )
        def check(label: str) -> None:
            url = f"/studies/{ids['ParentStudy']}/labels/{quote(label, safe='')}"
            response = run(served.client.put(url))
            good = 0 < len(label) <= 64 and label.isascii()
            good = good and all(char.isalnum() or char in "_-" for char in label)
            assert (response.status_code == 200) is good
            assert response.status_code in (200, 400, 404, 405)

        check()
