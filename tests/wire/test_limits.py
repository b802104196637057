"""What a server allows itself."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest


def test_more_files_than_a_shell_allows(server: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= 1024:
        pytest.skip("the system allows no more than 1,024 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        running = server()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = Path(f"/proc/{running.process.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(line.split()[3]) > 1024
