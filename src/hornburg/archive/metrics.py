"""Figures for Prometheus: Orthanc's names, and distributions of our own.

Source of the names: Orthanc Book, users/advanced-rest, "Instrumentation with Prometheus".
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from hornburg.index.base import Statistics

__all__ = ["Metrics"]

#: Seconds; an ingest is durable within a few milliseconds on a good disk.
_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_LABELS = [f"{bound:g}" for bound in _BOUNDS] + ["+Inf"]


class _Times:
    """How long something took, each time. Counted on the event loop alone, so without the locks
    that prometheus_client's own has: it is on the way of every request."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sum += seconds

    def rows(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulated counts by upper bound, and the sum."""
        total, rows = 0, []
        for label, count in zip(_LABELS, self._counts, strict=True):
            total += count
            rows.append((label, float(total)))
        return rows, self._sum


class Metrics(Collector):
    """What the server counts about itself.

    ``enabled`` may change while the server runs (``PUT /tools/metrics``).
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.active_requests = 0
        self._started = time.monotonic()
        self._requests = {status: _Times() for status in range(1, 6)}
        self._stores = _Times()
        self._totals = Statistics(0, 0, 0, 0, 0, 0)
        self._last_change = 0

    def request_done(self, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        if self.enabled:
            self._requests[min(max(status // 100, 1), 5)].add(seconds)

    def stored(self, seconds: float) -> None:
        """Count an ingest, whatever became of it."""
        if self.enabled:
            self._stores.add(seconds)

    def text(self, totals: Statistics, last_change: int) -> bytes:
        """All figures in Prometheus' text format."""
        self._totals, self._last_change = totals, last_change
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for."""
        for name, text, value in self._gauges():
            yield GaugeMetricFamily(name, text, value)
        requests = HistogramMetricFamily(
            "hornburg_http_request_seconds",
            "Time from the head of an HTTP request to the end of its answer",
            labels=["status"],
        )
        for status, times in self._requests.items():
            requests.add_metric([f"{status}xx"], *times.rows())
        yield requests
        stores = HistogramMetricFamily(
            "hornburg_store_seconds", "Time to make an instance durable, from its last byte"
        )
        stores.add_metric([], *self._stores.rows())
        yield stores

    def _gauges(self) -> Iterable[tuple[str, str, float]]:
        totals = self._totals
        yield "orthanc_count_patients", "Patients in the archive", totals.patients
        yield "orthanc_count_studies", "Studies in the archive", totals.studies
        yield "orthanc_count_series", "Series in the archive", totals.series
        yield "orthanc_count_instances", "Instances in the archive", totals.instances
        disk, whole = totals.disk_size / (1 << 20), totals.uncompressed_size / (1 << 20)
        yield "orthanc_disk_size_mb", "Size of the stored files in MB", disk
        yield "orthanc_uncompressed_size_mb", "Size before compression in MB", whole
        yield "orthanc_last_change", "Number of the newest change", self._last_change
        yield (
            "orthanc_rest_api_active_requests",
            "HTTP requests that are being answered",
            self.active_requests,
        )
        up = time.monotonic() - self._started
        yield "orthanc_up_time_s", "Seconds since the server started", up
