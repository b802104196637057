"""``/instances/{id}/export``: written inside of the allowed folders, and nowhere else."""

from __future__ import annotations

import os

import pytest
from tests.rest.conftest import Served

from hornburg.testing import DatasetFactory

ON = {"RestApiWriteToFileSystemEnabled": True}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    return folder


async def stored(served: Served) -> tuple[str, bytes]:
    file = DatasetFactory().instance()
    (answer,) = await served.upload(file)
    return f"/instances/{answer['ID']}/export", file


def files_of(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


async def test_switched_off_by_default(serve, out):
    served = await serve(ExportDirectories=[str(out)])
    route, _ = await stored(served)
    answer = await served.client.post(route, content=str(out / "a.dcm"))
    assert answer.status_code == 403
    assert "RestApiWriteToFileSystemEnabled" in answer.json()["Details"]
    assert files_of(out) == []


async def test_no_folder_is_allowed_by_default(serve, out):
    served = await serve(**ON)
    route, _ = await stored(served)
    answer = await served.client.post(route, content=str(out / "a.dcm"))
    assert answer.status_code == 403
    assert "ExportDirectories" in answer.json()["Details"]
    assert files_of(out) == []


@pytest.mark.parametrize("path", ["{out}/a.dcm", "{out}/deep/a.dcm", "a.dcm", "deep/../a.dcm"])
async def test_inside_of_the_folders(serve, out, path):
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, file = await stored(served)
    answer = await served.client.post(route, content=path.format(out=out))
    assert (answer.status_code, answer.json()) == (200, {})
    (name,) = files_of(out)
    assert (out / name).read_bytes() == file
    assert (out / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "path",
    [
        "{tmp}/a.dcm",
        "../a.dcm",
        "deep/../../a.dcm",
        "{out}/../a.dcm",
        "{out}x/a.dcm",
        "/etc/hornburg-test",
        "link/a.dcm",
        "//{tmp}/a.dcm",
        "\\\\host\\share\\..\\..\\a.dcm/../../a.dcm",
    ],
)
async def test_outside_is_refused_and_the_disk_unchanged(serve, out, tmp_path, path):
    (out / "link").symlink_to(tmp_path)
    (tmp_path / "outx").mkdir()
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, _ = await stored(served)
    before = files_of(tmp_path / "outx"), sorted(os.listdir(tmp_path))
    answer = await served.client.post(route, content=path.format(out=out, tmp=tmp_path))
    assert answer.status_code == 403, answer.text
    assert str(tmp_path) not in answer.json()["Details"]
    assert (files_of(tmp_path / "outx"), sorted(os.listdir(tmp_path))) == before
    assert not os.path.exists("/etc/hornburg-test")


async def test_a_link_that_stays_inside_is_followed(serve, out):
    (out / "link").symlink_to(out / "deep")
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, _ = await stored(served)
    assert (await served.client.post(route, content="link/a.dcm")).status_code == 200
    assert files_of(out / "deep") == ["a.dcm"]


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_nothing_is_written_over(serve, out, tmp_path, kind):
    victim = tmp_path / "victim"
    victim.write_text("before")
    if kind == "file":
        (out / "a.dcm").write_text("before")
    else:
        (out / "a.dcm").symlink_to(victim)
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, _ = await stored(served)
    assert (await served.client.post(route, content="a.dcm")).status_code == 409
    assert (out / "a.dcm").read_text() == victim.read_text() == "before"


@pytest.mark.parametrize("path", ["", "a\0b", "deep/", "..", "x" * 5000, b"\xff"])
async def test_what_is_no_path_of_a_file(serve, out, path):
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, _ = await stored(served)
    content = path if isinstance(path, bytes) else path.encode()
    assert (await served.client.post(route, content=content)).status_code == 400
    assert files_of(out) == []


async def test_a_folder_that_is_not_there_and_an_unknown_instance(serve, out):
    served = await serve(**ON, ExportDirectories=[str(out)])
    route, _ = await stored(served)
    failed = await served.client.post(route, content="none/a.dcm")
    assert (failed.status_code, failed.json()["OrthancStatus"]) == (500, 14)
    other = route.replace(route.split("/")[2], "0" * 8 + "-00000000" * 4)
    assert (await served.client.post(other, content="a.dcm")).status_code == 404
    assert files_of(out) == []
