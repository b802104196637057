"""The load generator, a process of its own: `python -m benchmarks.client < job.json`.

A job is one JSON object: `port`, `connections`, `authorization` (a header, may be empty), and either `upload` (what to make up and POST
to /instances, each file once) or `requests` (a list of [method, path, body]) with `seconds` to
send them in turn. The answer on standard output is one JSON object.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.connection import Connection, encode_request
from hornburg.testing import DatasetFactory

Request = tuple[bytes, bytes]
_MOST_ERRORS = 5


class _Worker(threading.Thread):
    """One connection, which sends what `requests` gives until it ends or time is over."""

    def __init__(
        self, port: int, requests: Callable[[], Request | None], start: threading.Barrier
    ) -> None:
        super().__init__(daemon=True)
        self.connection = Connection(port)
        self.statuses: Counter[int] = Counter()
        self.stored = 0
        self.received = 0
        self.errors: list[str] = []
        self._requests = requests
        self._start = start

    def run(self) -> None:
        self._start.wait()
        while (request := self._requests()) is not None and len(self.errors) < _MOST_ERRORS:
            try:
                status, body = self.connection.request(*request)
            except (OSError, ValueError) as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                self.connection.close()
                continue
            self.statuses[status] += 1
            self.received += len(body)
            if status != 200:
                self.errors.append(f"{status} {body[:300]!r}")
            elif b'"Success"' in body:
                self.stored += 1
        self.connection.close()


def _uploads(job: dict[str, Any]) -> Callable[[], Request | None]:
    """Each file once; made beforehand, or on the way when `ahead` is false."""
    what, given = job["upload"], job["authorization"]
    factory = DatasetFactory(what["kind"], size=what.get("size"), seed=what["seed"])
    files: Iterator[bytes] = factory.archive(**what["numbers"])
    requests: Iterator[Request] = (
        (encode_request("POST", "/instances", file, "application/dicom", given), file)
        for file in files
    )
    if what["ahead"]:
        requests = iter(list(requests))
    lock = threading.Lock()

    def take() -> Request | None:
        with lock:
            return next(requests, None)

    return take


def _in_turn(job: dict[str, Any]) -> Callable[[], Request | None]:
    encoded: list[Request] = []
    for method, path, body in job["requests"]:
        raw = None if body is None else body.encode()
        head = encode_request(method, path, raw, authorization=job["authorization"])
        encoded.append((head, raw or b""))
    endless = itertools.cycle(encoded)
    end: list[float] = []

    def take() -> Request | None:
        if not end:
            end.append(time.perf_counter() + job["seconds"])
        return next(endless) if time.perf_counter() < end[0] else None

    return take


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job; the clock runs from the first request to the last answer."""
    requests = _uploads(job) if "upload" in job else _in_turn(job)
    start = threading.Barrier(job["connections"] + 1)
    workers = [_Worker(job["port"], requests, start) for _ in range(job["connections"])]
    for worker in workers:
        worker.start()
    start.wait()
    begin, busy = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begin
    statuses: Counter[int] = sum((worker.statuses for worker in workers), Counter())
    return {
        "seconds": seconds,
        "client_cpu_seconds": time.process_time() - busy,
        "requests": statuses.total(),
        "statuses": {str(status): count for status, count in statuses.items()},
        "stored": sum(worker.stored for worker in workers),
        "received": sum(worker.received for worker in workers),
        "reconnects": sum(worker.connection.reconnects for worker in workers),
        "errors": [error for worker in workers for error in worker.errors][:_MOST_ERRORS],
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
