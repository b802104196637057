"""How many jobs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hornburg.settings import Settings

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the engine.

    ``concurrent`` jobs run at a time, ``history`` finished ones are remembered. ``waiting`` is a
    bound that Orthanc doesn't have: each waiting job costs some kilobytes, and whoever submits ten
    thousand that nobody gets to is better told so. ``grace`` is how many seconds a step may go on
    when the server stops.
    """

    concurrent: int = 2
    history: int = 10
    waiting: int = 10_000
    grace: float = 2.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """``ConcurrentJobs``, where 0 is one per processor, and ``JobsHistorySize``."""
        concurrent = settings.concurrent_jobs or os.cpu_count() or 1
        return cls(concurrent, settings.jobs_history_size)
