"""``hornburg serve``: run the server."""

from __future__ import annotations

import asyncio
import os
import resource
from functools import partial
from pathlib import Path

import uvloop

from hornburg.cli.logs import set_up_logs
from hornburg.server.run import serve as run
from hornburg.settings import load

__all__ = ["serve"]

#: Open files and connections, if the system lets us.
_OPEN_FILES = 8192


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
    _allow_open_files()
    set_up_logs(verbose)
    read = partial(load, configuration, os.environ)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while runner.run(run(read(), read)):
            pass


def _allow_open_files() -> None:
    """A shell usually allows 1,024, which a thousand connections and their files go beyond."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
