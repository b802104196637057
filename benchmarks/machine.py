"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["describe"]


def describe(folder: Path) -> dict[str, str]:
    """Date, processor, memory, kernel, and the disk that `folder` lies on."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{_distribution()}, Linux {platform.release()}",
        "disk": _disk(folder),
        "Python": platform.python_version(),
        "load before": _load(),
    }


def _load() -> str:
    """What others do at the same time: it falls on a server of one thread more than on others."""
    busy = os.getloadavg()[0]
    warning = "" if busy < 0.3 else ", too busy for figures to keep"
    return f"{busy:.2f} (mean of the last minute){warning}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _disk(folder: Path) -> str:
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[2] == number:
            kind, source = rest.split()[:2]
            return f"{kind} on {source}{_spinning(number)}"
    return "unknown"


def _spinning(number: str) -> str:
    block = Path("/sys/dev/block", number)
    for queue in (block / "queue", block.resolve().parent / "queue"):
        if (queue / "rotational").exists():
            turning = (queue / "rotational").read_text().strip() == "1"
            return ", said to be rotating (or virtual)" if turning else ", solid state"
    return ""
