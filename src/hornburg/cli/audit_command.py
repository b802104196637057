"""``hornburg audit``: how safe a configuration is, line by line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import cyclopts
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hornburg.security.audit import Grade, Report
from hornburg.security.audit import audit as run
from hornburg.settings import load

__all__ = ["audit"]

_STYLES = {Grade.PASS: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


def audit(
    *configuration: Path,
    as_json: Annotated[bool, cyclopts.Parameter(name="--json", negative="")] = False,
) -> int:
    """Grade a configuration against the security checklist; exit status 1 when something fails.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    as_json
        Print the report for programs.
    """
    report = run(load(configuration, os.environ))
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
    return 1 if report.count(Grade.FAIL) else 0


def _print(report: Report) -> None:
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        # One line each, for grep and mail: a line to copy must not be broken in two.
        for check, verdict in report.lines:
            print(f"{verdict.grade.value} {check.title}: {verdict.found}")
            if verdict.grade is not Grade.PASS:
                print(f"     {check.why}\n     to do: {verdict.fix}")
        print(report.summary)
        return
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), expand=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check, verdict in report.lines:
        lines = Text(f"{check.title}: {verdict.found}")
        if verdict.grade is not Grade.PASS:
            lines.append(f"\n{check.why}", style="dim")
            lines.append(f"\nto do: {verdict.fix}", style="cyan")
        table.add_row(Text(verdict.grade.value, style=_STYLES[verdict.grade]), lines)
    console.print(table)
    console.print(report.summary)
