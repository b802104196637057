"""The clients are started as the benchmark says, and a failure of one is no figure."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from benchmarks.errors import BenchmarkError

from benchmarks import dcmtk


def _program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are found before all others."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def test_each_association_has_an_equal_part_in_order(programs: Path, tmp_path: Path) -> None:
    _program(programs, "storescu", 'echo "$TCP_NODELAY" "$@"')
    names = [f"{number}.dcm" for number in range(10)]
    taken = dcmtk.store(1234, tmp_path, names, 4, timeout=30)
    said = [(tmp_path / f"storescu-{number}.log").read_text().split() for number in range(4)]
    assert {words[0] for words in said} == {"1"}
    parts = [words[words.index("1234") + 1 :] for words in said]
    assert [len(part) for part in parts] == [2, 3, 2, 3]
    assert list(chain(*parts)) == names
    assert taken.seconds > 0


def test_a_client_that_fails_is_an_error_with_its_words(programs: Path, tmp_path: Path) -> None:
    _program(programs, "storescu", "echo E: refused; exit 3")
    with pytest.raises(BenchmarkError, match=r"storescu failed \(3\): E: refused"):
        dcmtk.store(1234, tmp_path, ["a.dcm"], 1, timeout=30)


def test_a_client_that_hangs_is_ended(programs: Path, tmp_path: Path) -> None:
    _program(programs, "storescu", "exec sleep 600")
    with pytest.raises(BenchmarkError, match="not done in time"):
        dcmtk.store(1234, tmp_path, ["a.dcm", "b.dcm"], 2, timeout=0)


def test_what_findscu_says_is_returned(programs: Path, tmp_path: Path) -> None:
    _program(programs, "findscu", 'echo "$@"')
    _, said = dcmtk.find(1234, tmp_path, ["a.dcm", "b.dcm"], 7)
    assert "--repeat 7" in said
    assert said.split()[-4:] == ["127.0.0.1", "1234", "a.dcm", "b.dcm"]


def test_times_add_up() -> None:
    both = dcmtk.Taken(2.0, 1.0) + dcmtk.Taken(2.0, 0.0)
    assert (both.seconds, both.client_share) == (4.0, 0.25)
