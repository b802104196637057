"""``hornburg trail show`` and ``verify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hornburg.cli import main
from hornburg.testing.datasets import DatasetFactory


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    """A configuration whose archive one instance was imported into."""
    (tmp_path / "hornburg.json").write_text(json.dumps({"StorageDirectory": "storage"}))
    (tmp_path / "one.dcm").write_bytes(DatasetFactory().instance())
    configured = str(tmp_path / "hornburg.json")
    assert main(["import", str(tmp_path / "one.dcm"), "--config", configured]) == 0
    return configured


def file_of(configuration: str) -> Path:
    (file,) = (Path(configuration).parent / "storage" / "audit-trail").glob("trail-*.jsonl")
    return file


def shown(capsys, *arguments: str) -> list[dict]:
    capsys.readouterr()
    assert main(["trail", "show", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_import_is_in_the_trail(configuration, capsys):
    lines = shown(capsys, configuration)
    assert [line["action"] for line in lines] == ["trail-file", "start", "upload", "stop"]
    (line,) = shown(capsys, configuration, "--action", "upload")
    assert (line["door"], line["kind"], line["proof"]) == ("command", "inside", "hornburg import")
    assert line["user"]
    (subject,) = line["subjects"]
    for option, value in (
        ("--user", line["user"]),
        ("--patient", subject["PatientID"]),
        ("--study", subject["StudyInstanceUID"]),
        ("--resource", subject["ids"][0]),
        ("--since", line["time"]),
    ):
        assert line in shown(capsys, configuration, option, value), option
    assert not shown(capsys, configuration, "--patient", "somebody else")
    assert not shown(capsys, configuration, "--until", "2000-01-01")
    assert not shown(capsys, configuration, "--since", "2999-01-01T00:00")


@pytest.mark.parametrize(
    ("option", "word", "allowed"),
    [("--action", "deleted", "delete, "), ("--outcome", "denied", "success, refused, failed")],
)
def test_a_word_that_no_line_can_have(configuration, capsys, option, word, allowed):
    """An empty answer would say that nothing of the kind has happened."""
    assert main(["trail", "show", configuration, option, word]) == 2
    said = capsys.readouterr().err
    assert f"'{word}'" in said
    assert allowed in said


def test_people_read_one_line_for_each_event(configuration, capsys):
    capsys.readouterr()
    assert main(["trail", "show", configuration, "--action", "upload"]) == 0
    (row,) = capsys.readouterr().out.splitlines()
    assert "upload" in row
    assert "PatientID=" in row


def test_a_time_that_is_none_is_refused(configuration, capsys):
    assert main(["trail", "show", configuration, "--since", "yesterday"]) == 2
    assert "--since is 'yesterday'" in capsys.readouterr().err


def test_a_whole_trail_is_said_to_be(configuration, capsys):
    assert main(["trail", "verify", configuration]) == 0
    assert "the trail is whole" in capsys.readouterr().out


def test_a_changed_line_is_named_with_its_file(configuration, capsys):
    file = file_of(configuration)
    file.write_bytes(file.read_bytes().replace(b'"upload"', b'"uplaod"'))
    assert main(["trail", "verify", configuration]) == 1
    assert f"wrong: {file.name}:3: line 3 was changed" in capsys.readouterr().out
    assert main(["trail", "verify", configuration, "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["whole"] is False
    assert verdict["findings"][0]["line"] == 3


def test_a_cut_tail_is_found(configuration, capsys):
    file = file_of(configuration)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert main(["trail", "verify", configuration]) == 1
    assert "lines 4 to 4 are missing: they were cut off" in capsys.readouterr().out


def test_where_there_is_none_that_is_said(tmp_path, capsys):
    (tmp_path / "hornburg.json").write_text("{}")
    for command in ("show", "verify"):
        assert main(["trail", command, str(tmp_path / "hornburg.json")]) == 2
        assert "There is no audit trail" in capsys.readouterr().err
