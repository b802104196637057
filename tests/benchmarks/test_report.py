"""The table: what is compared, and what stands beside it for scale only."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import as_text, put_into
from benchmarks.results import Row, Run


def _run(*rows: Row, scale: str | None = None) -> Run:
    return Run({}, {}, "Hornburg", "Orthanc", {}, scale, list(rows))


def _row(name: str, **figures: list[float]) -> Row:
    return Row(name, "/s", 2.0, figures)


def test_a_third_program_has_a_column_and_no_say() -> None:
    run = _run(
        _row("C-STORE", Hornburg=[200.0], Orthanc=[100.0], storescp=[100.0, 900.0]),
        _row("C-FIND", Hornburg=[10.0], Orthanc=[20.0]),
        scale="storescp",
    )
    lines = as_text(run).splitlines()
    head = next(line for line in lines if line.startswith("operation"))
    assert head.split()[1:4] == ["Hornburg", "Orthanc", "storescp"]
    store = next(line for line in lines if line.startswith("C-STORE"))
    assert store.split() == [
        *("C-STORE", "200", "/s", "100", "/s", "500", "/s"),
        *("2.00", "≥", "2×", "0%", "-", "yes"),
    ]
    find = next(line for line in lines if line.startswith("C-FIND"))
    assert find.split()[-1] == "no"


def test_no_column_for_what_was_not_measured() -> None:
    text = as_text(_run(_row("C-FIND", Hornburg=[10.0], Orthanc=[5.0]), scale="storescp"))
    assert "storescp" not in text


def test_a_section_is_written_anew_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    put_into(page, "First", "- one\n\n| a |\n")
    put_into(page, "Second", "- two\n")
    put_into(page, "First", "- three\n\n| b |\n")
    text = page.read_text()
    assert text.startswith("# Results\n")
    assert text.split("\n## ")[1:] == ["First\n\n- three\n\n| b |\n", "Second\n\n- two\n"]
