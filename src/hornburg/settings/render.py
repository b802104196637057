"""The options as text: a configuration file with every default, and a table for the manual."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from hornburg.settings.rows import Option, options_of
from hornburg.settings.settings import GROUPS

__all__ = ["render_configuration", "render_table"]

_WIDTH = 96


def render_configuration() -> str:
    """A commented configuration file that sets every option to its default."""
    blocks: list[str] = []
    for group in GROUPS:
        heading = f"  // ---- {_heading(group)} ----\n"
        for option in options_of(group).values():
            blocks.append(heading + _block(option))
            heading = ""
    return "{\n" + ",\n\n".join(blocks) + "\n}\n"


def _heading(group: type) -> str:
    return (group.__doc__ or group.__name__).splitlines()[0].rstrip(".")


def _block(option: Option) -> str:
    value = json.dumps(option.default, indent=2).replace("\n", "\n  ")
    return "\n".join([*_comment(option), f'  "{option.name}": {value}'])


def _comment(option: Option) -> Iterator[str]:
    lines = [option.row.doc, f"Allowed: {option.allowed}."]
    if not option.row.supported:
        lines.append("Not supported yet.")
    for line in lines:
        yield from textwrap.wrap(
            line, _WIDTH, initial_indent="  // ", subsequent_indent="  // ", break_long_words=False
        )


def render_table() -> str:
    """The options as Markdown tables, one per group."""
    parts: list[str] = []
    for group in GROUPS:
        rows = [
            f"### {_heading(group)}",
            "",
            "| option | default | allowed | meaning |",
            "| --- | --- | --- | --- |",
        ]
        rows += [_row(option) for option in options_of(group).values()]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _row(option: Option) -> str:
    default = json.dumps(option.default)
    doc = option.row.doc
    if option.row.ours:
        doc += " (Hornburg's own)"
    if not option.row.supported:
        doc += " *Not supported yet.*"
    cells = (f"`{option.name}`", f"`{default}`", option.allowed, doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
