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
HOLES = ["hole", "known from", "what keeps it shut", "tests"]

#: What has to be among the holes.
CLASSES = [
    "missing authentication",
    "path traversal",
    "xss by tag",
    "html, csv",
    "zip and gzip bomb",
    "zip path escape",
    "deep nesting",
    "pdu length abuse",
    "ssrf through peers",
    "overwriting files by export",
    "secrets in plain text",
    "csrf",
    "session fixation",
    "request smuggling",
    "header injection",
    "timing of password checks",
    "token confusion in jwt",
    "lua escape",
]


def rows(columns: list[str]) -> Iterator[list[str]]:
    """The rows of the tables with these columns."""
    ours = False
    for line in MANUAL.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            ours = False
        elif cells == columns:
            ours = True
        elif ours and set(cells) != {"---"}:
            yield cells


ROWS = list(rows(COLUMNS))
HOLE_ROWS = list(rows(HOLES))


def test_every_table_is_looked_at():
    lines = [line for line in MANUAL.read_text().splitlines() if line.startswith("| ")]
    heads = sum(line.startswith(("| line ", "| hole ")) for line in lines)
    assert len(ROWS) + len(HOLE_ROWS) + 2 * heads == len(lines)


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


@pytest.mark.parametrize("row", ROWS + HOLE_ROWS, ids=lambda row: row[0])
def test_its_tests_are_there(row):
    for place in quoted(row[-1]):
        path, _, name = place.partition("::")
        assert (ROOT / path).is_file(), path
        if name:
            text = (ROOT / path).read_text()
            assert re.search(rf"^\s*(async )?def {name}\(", text, re.M), place


@pytest.mark.parametrize("row", HOLE_ROWS, ids=lambda row: row[0])
def test_a_hole_is_kept_shut(row):
    assert len(row) == len(HOLES)
    assert row[2].endswith(".")
    assert quoted(row[3]), "no test shows it"


@pytest.mark.parametrize("words", CLASSES)
def test_no_class_of_holes_is_missing(words):
    assert any(words in row[0].lower() for row in HOLE_ROWS)


def test_the_lines_of_the_audit_are_those_of_the_tables():
    named = {name for row in ROWS for name in quoted(row[3])}
    assert named == {check.name for check in CHECKS}


def test_what_the_profile_asks_is_in_the_tables():
    named = {name for row in ROWS for name in quoted(row[2])[::2]}
    # Options of what isn't there yet, or that only bound our own requests.
    assert {demand.option for demand in DEMANDS} <= named
