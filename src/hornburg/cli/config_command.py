"""``hornburg config``: every option, its default and what it is for."""

from __future__ import annotations

import sys

from hornburg.settings import render_configuration, render_table

__all__ = ["config"]


def config(*, markdown: bool = False) -> None:
    """Print a commented configuration file with every option and its default.

    Parameters
    ----------
    markdown
        Print tables for the manual instead.
    """
    sys.stdout.write(render_table() if markdown else render_configuration())
    sys.stdout.flush()
