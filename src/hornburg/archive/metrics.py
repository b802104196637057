"""Figures for Prometheus: Orthanc's names, and histograms of our own.

Source of the names: Orthanc Book, users/advanced-rest, "Instrumentation with Prometheus".
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hornburg.index.base import Statistics

__all__ = ["Metrics"]

#: Seconds; an ingest is durable within a few milliseconds on a good disk.
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """What the server counts about itself.

    ``enabled`` may change while the server runs (``PUT /tools/metrics``).
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.active_requests = 0
        self._started = time.monotonic()
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "hornburg_http_request_seconds",
            "Time from the head of an HTTP request to the end of its answer",
            ["status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._stores = Histogram(
            "hornburg_store_seconds",
            "Time to make an instance durable, from its last byte",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._by_status = {
            status: self._requests.labels(f"{status}xx") for status in (1, 2, 3, 4, 5)
        }

    def request_done(self, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        if self.enabled:
            self._by_status[min(max(status // 100, 1), 5)].observe(seconds)

    def stored(self, seconds: float) -> None:
        """Count an ingest, whatever became of it."""
        if self.enabled:
            self._stores.observe(seconds)

    def text(self, statistics: Statistics, last_change: int) -> bytes:
        """All figures in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Gauges(self._gauges(statistics, last_change)))
        return generate_latest(registry) + generate_latest(self._registry)

    def _gauges(self, statistics: Statistics, last_change: int) -> dict[str, tuple[str, float]]:
        return {
            "orthanc_count_patients": ("Patients in the archive", statistics.patients),
            "orthanc_count_studies": ("Studies in the archive", statistics.studies),
            "orthanc_count_series": ("Series in the archive", statistics.series),
            "orthanc_count_instances": ("Instances in the archive", statistics.instances),
            "orthanc_disk_size_mb": (
                "Size of the stored files in MB",
                statistics.disk_size / (1 << 20),
            ),
            "orthanc_uncompressed_size_mb": (
                "Size of the files before compression in MB",
                statistics.uncompressed_size / (1 << 20),
            ),
            "orthanc_last_change": ("Number of the newest change", last_change),
            "orthanc_rest_api_active_requests": (
                "HTTP requests that are being answered",
                self.active_requests,
            ),
            "orthanc_up_time_s": (
                "Seconds since the server started",
                time.monotonic() - self._started,
            ),
        }


class _Gauges(Collector):
    def __init__(self, gauges: dict[str, tuple[str, float]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, (text, value) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value)
