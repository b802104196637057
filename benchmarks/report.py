"""Writes a run as a table: for the terminal, or as Markdown."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import Row, Run

__all__ = ["as_markdown", "as_text", "put_into"]

_HEAD = """\
# Results

Written by `python -m benchmarks --markdown`; see README.md.
"""
_REACHED = {True: "yes", False: "no", None: "-"}


def as_text(run: Run) -> str:
    """The table for a terminal, with the machine above and the problems below."""
    lines = _table(run)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [_padded(line, widths) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    facts = [f"{name}: {value}" for name, value in _facts(run)]
    return "\n".join([*facts, "", *text, *_problems(run, "! ")])


def as_markdown(run: Run) -> str:
    """A section for RESULTS.md, without its heading."""
    lines = _table(run)
    text = ["| " + " | ".join(line) + " |" for line in lines]
    text.insert(1, "| --- |" + " ---: |" * (len(lines[0]) - 2) + " --- |")
    facts = [f"- {name}: {value}" for name, value in _facts(run)]
    return "\n".join([*facts, "", *text, *_problems(run, "\n- "), ""])


def put_into(page: Path, heading: str, section: str) -> None:
    """Write `section` under `heading` of `page`, which keeps its other sections."""
    mark = "\n## "
    _, *others = page.read_text().split(mark) if page.exists() else [""]
    sections = dict(one.split("\n\n", 1) for one in others)
    sections[heading] = section
    parts = [_HEAD, *(f"{mark}{name}\n\n{text.rstrip()}\n" for name, text in sections.items())]
    page.write_text("".join(parts))


def _padded(line: list[str], widths: list[int]) -> str:
    first = line[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
    return "  ".join([first, *rest]).rstrip()


def _facts(run: Run) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
    return [*run.machine.items(), ("versions", versions), ("settings", settings)]


def _table(run: Run) -> list[list[str]]:
    labels = [run.ours] if run.reference is None else [run.ours, run.reference]
    if run.scale is not None and any(run.scale in row.figures for row in run.rows):
        labels.append(run.scale)
    lines = [["operation", *labels, "ratio", "goal", "spread", "client", "reached"]]
    return lines + [_line(row, run, labels) for row in run.rows]


def _line(row: Row, run: Run, labels: list[str]) -> list[str]:
    ratio = reached = None
    if run.reference is not None:
        ratio = row.ratio(run.ours, run.reference)
        reached = row.reached(run.ours, run.reference)
    compared = [label for label in row.figures if label != run.scale]
    spread = max((row.spread(label) for label in compared), default=None)
    return [
        row.name,
        *(_figure(row.median(label), row.unit) for label in labels),
        "-" if ratio is None else f"{ratio:.2f}",
        row.goal_text(),
        "-" if spread is None else f"{spread:.0%}",
        "-" if row.client_share is None else f"{row.client_share:.0%}",
        "failed" if row.problem else _REACHED[reached],
    ]


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"


def _problems(run: Run, mark: str) -> list[str]:
    return [f"{mark}{row.name}: {row.problem}" for row in run.rows if row.problem]
