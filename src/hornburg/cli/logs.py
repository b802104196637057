"""Where the log goes: lines on standard error, with time and level."""

from __future__ import annotations

import logging
import sys

__all__ = ["set_up_logs"]


def set_up_logs(verbose: bool = False) -> None:
    """Write the log to standard error."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname).1s %(message)s",
        force=True,
    )
    logging.getLogger("hornburg").setLevel(logging.DEBUG if verbose else logging.INFO)
    # uvicorn's own lines say what ours have said, but for requests that it could not read.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
