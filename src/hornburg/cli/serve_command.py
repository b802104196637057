"""``hornburg serve``: run the server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import uvloop

from hornburg.cli.logs import set_up_logs
from hornburg.server import serve as run
from hornburg.settings import load

__all__ = ["serve"]


def serve(*configuration: Path, verbose: bool = False) -> None:
    """Run the server until Ctrl+C or SIGTERM.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as Orthanc's; without any, the defaults hold
        and the data is in the folder HornburgStorage.
    verbose
        Write more to the log.
    """
    # What the server writes is readable by its own user alone.
    os.umask(0o077)
    set_up_logs(verbose)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while runner.run(run(load(configuration, os.environ))):
            pass
