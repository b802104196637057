"""``hornburg import`` and a server that starts, as a user sees them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from hornburg.cli import main
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "hornburg.json"
    file.write_text(json.dumps({"StorageDirectory": "storage", "HttpPort": 0}))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten instances: six files, three in a ZIP archive, one damaged; and a text."""
    made = tmp_path / "input" / "deep"
    made.mkdir(parents=True)
    for number in range(6):
        (made / f"{number}.dcm").write_bytes(MAKE.instance(instance=number))
    with zipfile.ZipFile(made.parent / "more.zip", "w") as archive:
        for number in range(6, 9):
            archive.writestr(f"x/{number}", MAKE.instance(instance=number))
    (made / "damaged").write_bytes(MAKE.instance(instance=9)[:-100])
    (made / "notes.txt").write_text("hello " * 50)
    (made / "empty").touch()
    return made.parent


def test_import_and_again(
    configuration: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.jsonl"
    arguments = ["import", str(folder), "-c", str(configuration), "--report", str(report)]
    assert main(arguments) == 1
    out = capsys.readouterr().out.split()
    assert out[:2] == ["stored", "9"]
    assert "damaged:" in " ".join(out)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(lines) == 10
    assert sum(line["stored"] for line in lines) == 9
    refused = [line for line in lines if line["refused"]]
    assert [Path(line["path"]).name for line in refused] == ["damaged"]

    (folder / "deep" / "damaged").unlink()
    assert main(arguments) == 0
    out = capsys.readouterr().out.split()
    assert out[:5] == ["stored", "0", "already", "there", "9"]


def test_import_goes_on_after_it_was_broken_off(configuration: Path, folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hornburg", "import", str(folder), "-c", str(configuration)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    (folder / "deep" / "damaged").unlink()
    assert main(["import", str(folder), "-c", str(configuration)]) == 0


def test_damaged_members_of_a_zip_are_told(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("good", MAKE.instance(instance=1))
        archive.writestr("cut", MAKE.instance(instance=2)[:-100])
        archive.writestr("notes.txt", "hello " * 50)
    assert main(["import", str(tmp_path / "m.zip"), "-c", str(configuration)]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "stored 1 " in out and "refused 1 " in out
    assert "m.zip: cut: " in out


def test_a_dicomdir_is_no_reason_to_complain(configuration: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    medium.mkdir()
    shutil.copy(get_testdata_file("DICOMDIR"), medium)
    (medium / "IM1").write_bytes(MAKE.instance())
    assert main(["import", str(medium), "-c", str(configuration)]) == 0


def test_a_report_that_cant_be_written(
    configuration: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["import", str(folder), "-c", str(configuration), "--report", "/nowhere/x"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_import_of_nothing(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "-c", str(configuration)]) == 2
    assert capsys.readouterr().err == (
        "hornburg: error: hornburg import PATH ...: name a file or a folder\n"
    )
    assert main(["import", "/nowhere/at/all", "-c", str(configuration)]) == 1
    assert "No such file" in capsys.readouterr().out


def test_serve_without_a_configuration(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hornburg", "serve"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HORNBURG__HTTP_PORT": "0"},
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "the data is in" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    said = "".join(lines)
    assert "listens on http://127.0.0.1:" in said
    assert str(tmp_path / "HornburgStorage") in said
    assert (tmp_path / "HornburgStorage").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"HttpPort": "x"}, "HttpPort"),
        ({"RemoteAccessAllowed": True}, "RegisteredUsers"),
        ({"ExtraMainDicomTags": {"Study": ["NoSuchTag"]}}, "NoSuchTag"),
        ({"StorageDirectory": "/proc/none"}, "/proc/none"),
        (
            {
                "HttpBindAddresses": ["192.0.2.1"],
                "RemoteAccessAllowed": True,
                "RegisteredUsers": {},
            },
            "192.0.2.1",
        ),
    ],
)
def test_serve_says_in_one_line_why_it_does_not(
    tmp_path: Path,
    options: dict[str, object],
    said: str,
) -> None:
    file = tmp_path / "hornburg.json"
    file.write_text(json.dumps({"HttpPort": 0, **options}))
    finished = subprocess.run(
        [sys.executable, "-m", "hornburg", "serve", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 2
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("hornburg: error: ")
    assert said in last
    assert "Traceback" not in finished.stderr


def test_two_servers_on_one_folder(tmp_path: Path, configuration: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "hornburg", "serve", str(configuration)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stderr is not None
    for line in first.stderr:
        if "the data is in" in line:
            break
    second = subprocess.run(
        [sys.executable, "-m", "hornburg", "serve", str(configuration)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    assert second.returncode == 2
    assert "in use" in second.stderr
