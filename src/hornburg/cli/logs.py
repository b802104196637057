"""Where the log goes: lines on standard error, with time and level."""

from __future__ import annotations

import logging
import sys
from typing import Any

from hornburg.security.redaction import LOGS

__all__ = ["set_up_logs"]


class _OneLine(logging.Formatter):
    """Paths and names of files come from outside: what they hold must not look like a line of
    ours, nor move the cursor of a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        line = super().formatMessage(record)
        if line.isprintable():
            return line
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        if LOGS.deidentify and ei[1] is not None:
            return LOGS.stack(ei[1])
        return super().formatException(ei)


def set_up_logs(verbose: bool = False) -> None:
    """Write the log to standard error."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        force=True,
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_OneLine("%(asctime)s %(levelname).1s %(message)s"))
        handler.addFilter(LOGS)
    # Warnings of libraries quote values, too.
    logging.captureWarnings(True)
    logging.getLogger("hornburg").setLevel(logging.DEBUG if verbose else logging.INFO)
    # uvicorn's own lines say what ours have said, but for requests that it could not read.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
