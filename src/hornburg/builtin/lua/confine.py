"""What the Lua process may not do, whatever a script makes of the interpreter in it."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["confine", "confine_call"]

#: Times the memory limit of the scripts: a message is there as bytes, as a value and in Lua.
_COPIES = 4
_SPARE = 64 << 20


def confine(memory: int) -> None:
    """For the whole life of the process, once everything is imported: it opens no file and no
    socket any more, writes none, starts nothing, and has a bounded address space.

    Args:
        memory: bytes that the scripts may have.
    """
    for which in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        _limit(which, 0)
    # The limit is on the number of a new descriptor; the one that is open stays.
    _limit(resource.RLIMIT_NOFILE, 0)
    _limit(resource.RLIMIT_AS, _address_space() + _COPIES * memory + _SPARE)


def confine_call(seconds: int) -> None:
    """Before each call: a process whose server is gone does not compute for ever."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard < 0 else min(most, hard)
    resource.setrlimit(which, (most, most))


#: Taken while files can still be opened.
_PAGE = resource.getpagesize()


def _address_space() -> int:
    """Bytes of address space that the process has now; a guess where the system doesn't tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 512 << 20
