"""The tables of ``docs/security.md`` are what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hornburg.security.audit import CHECKS
from hornburg.settings import OPTIONS
from hornburg.settings.hardened import DEMANDS

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "security.md"

COLUMNS = ["line", "what Hornburg does", "options and defaults", "audit", "tests"]


def rows() -> Iterator[list[str]]:
    for line in MANUAL.read_text().splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells == COLUMNS or set(cells) == {"---"}:
            continue
        yield cells


ROWS = list(rows())


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_whole(row):
    assert len(row) == len(COLUMNS)
    assert row[1].endswith(".")
    # A line that is kept is shown by a test.
    assert row[4] or row[1].startswith("Not "), "no test shows it"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_options_and_their_defaults(row):
    words = quoted(row[2])
    assert len(words) % 2 == 0, "an option and its default"
    for name, default in zip(words[::2], words[1::2], strict=True):
        assert json.dumps(OPTIONS[name].default) == default, name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_tests_are_there(row):
    for place in quoted(row[4]):
        path, _, name = place.partition("::")
        assert (ROOT / path).is_file(), path
        if name:
            text = (ROOT / path).read_text()
            assert re.search(rf"^\s*(async )?def {name}\(", text, re.M), place


def test_the_lines_of_the_audit_are_those_of_the_tables():
    named = {name for row in ROWS for name in quoted(row[3])}
    assert named == {check.name for check in CHECKS}


def test_what_the_profile_asks_is_in_the_tables():
    named = {name for row in ROWS for name in quoted(row[2])[::2]}
    # Options of what isn't there yet, or that only bound our own requests.
    assert {demand.option for demand in DEMANDS} <= named
