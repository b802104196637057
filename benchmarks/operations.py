"""What is measured, on which data, and what Hornburg shall reach against Orthanc."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from unicodedata import normalize

from benchmarks.errors import BenchmarkError
from benchmarks.load import Request, Upload
from benchmarks.servers import Server
from hornburg.testing import DatasetFactory
from hornburg.testing.people import FAMILY_NAMES

__all__ = ["LOOKUPS", "MEMORY_MARGIN_MB", "UPLOADS", "Archive", "Lookup", "UploadOperation"]

MEMORY_MARGIN_MB = 150
_TARGETS = 500
_QUERIES = 50


@dataclass(frozen=True, slots=True)
class UploadOperation:
    """POST of made-up instances to an empty server; `quick` is the smaller set."""

    name: str
    what: Upload
    quick: Upload
    goal: float


UPLOADS = [
    UploadOperation(
        "POST /instances, 8 KB",
        Upload("MR", patients=50, studies=1, series=2, instances=20),
        Upload("MR", patients=10, studies=1, series=2, instances=20),
        1.5,
    ),
    UploadOperation(
        "POST /instances, 512 KB",
        Upload("CT", patients=5, studies=1, series=1, instances=100),
        Upload("CT", patients=1, studies=1, series=1, instances=100),
        1.5,
    ),
]


def _without_accents(text: str) -> str:
    return normalize("NFD", text).encode("ascii", "ignore").decode()


class Archive:
    """The loaded archive: two studies of two series of 20 instances for each patient."""

    def __init__(self, patients: int) -> None:
        self.what = Upload("MR", patients=patients, studies=2, series=2, instances=20)
        self._factory = DatasetFactory("MR", seed=self.what.seed)

    @property
    def studies(self) -> int:
        return self.what.patients * 2

    def spread(self, count: int) -> list[tuple[int, int]]:
        """Patient and study numbers, spread over the whole archive, no pair twice."""
        count = min(count, self.studies)
        numbers = (index * self.studies // count for index in range(count))
        # A step that shares no factor with the count leaves no order for a cache to follow.
        step = next(step for step in (379, 383, 389) if count % step)
        order = list(numbers)
        return [divmod(order[index * step % count], 2) for index in range(count)]

    def accession_numbers(self) -> list[str]:
        found = (self._factory.identity(*pair) for pair in self.spread(_QUERIES))
        return [identity.accession_number for identity in found]

    def name_patterns(self) -> list[str]:
        """The first five letters of a family name.

        Whether `Marti*` finds Martínez differs between servers: such beginnings are left out.
        """
        names = {self._factory.identity(*pair).patient_name for pair in self.spread(400)}
        starts = {name[:5] for name in names if name.isascii()}
        accented = {_without_accents(name)[:5] for name in FAMILY_NAMES if not name.isascii()}
        return [f"{start}*" for start in sorted(starts - accented)][:_QUERIES]

    def date_ranges(self) -> list[str]:
        """Two weeks each, which some sixteen studies of 2,500 fall into."""
        days = (self._factory.identity(*pair).study_date for pair in self.spread(_QUERIES))
        ends = ((day, date.fromisoformat(day) + timedelta(days=13)) for day in days)
        return sorted({f"{day}-{end:%Y%m%d}" for day, end in ends})


@dataclass(frozen=True, slots=True)
class Lookup:
    """A read of the loaded archive.

    `requests` makes the requests for one server (identifiers are the same on all), `check`
    looks at one answer and returns what must be the same on every server.
    """

    name: str
    goal: float
    requests: Callable[[Server, Archive], list[Request]]
    check: Callable[[bytes], Any]


def _every(listed: list[str], count: int = _TARGETS) -> list[str]:
    """Up to `count` of them, spread evenly; sorted first, so that all servers get the same."""
    listed = sorted(listed)
    step = max(1, len(listed) // count)
    return listed[::step][:count]


def _gets(listing: str, pattern: str) -> Callable[[Server, Archive], list[Request]]:
    def requests(server: Server, _: Archive) -> list[Request]:
        identifiers = _every(server.get(listing))
        return [Request("GET", pattern.format(identifier)) for identifier in identifiers]

    return requests


def _finds(
    tag: str, values: Callable[[Archive], list[str]]
) -> Callable[[Server, Archive], list[Request]]:
    def requests(_: Server, archive: Archive) -> list[Request]:
        return [
            Request(
                "POST",
                "/tools/find",
                json.dumps({"Level": "Study", "Expand": True, "Query": {tag: value}}),
            )
            for value in values(archive)
        ]

    return requests


def _same_study(body: bytes) -> Any:
    answer = json.loads(body)
    if len(answer["Series"]) != 2:
        raise BenchmarkError(f"a study has {len(answer['Series'])} series instead of 2")
    tags = answer["MainDicomTags"]
    return answer["ID"], sorted(answer["Series"]), tags["StudyInstanceUID"], tags["StudyDate"]


def _same_tags(body: bytes) -> Any:
    answer = json.loads(body)
    if len(answer) < 50:
        raise BenchmarkError(f"/tags has {len(answer)} tags only")
    return sorted((tag, item["Name"], str(item["Value"])) for tag, item in answer.items())


def _same_found(body: bytes) -> Any:
    answer = json.loads(body)
    if not answer:
        raise BenchmarkError("a query that must find studies found none")
    return sorted((one["ID"], one["MainDicomTags"]["StudyInstanceUID"]) for one in answer)


LOOKUPS = [
    Lookup("GET /studies/{id}", 1.2, _gets("/studies", "/studies/{}"), _same_study),
    Lookup("GET /instances/{id}/tags", 3.0, _gets("/instances", "/instances/{}/tags"), _same_tags),
    Lookup("GET /instances/{id}/file", 1.2, _gets("/instances", "/instances/{}/file"), bytes),
    Lookup(
        "POST /tools/find, exact",
        5.0,
        _finds("AccessionNumber", Archive.accession_numbers),
        _same_found,
    ),
    Lookup(
        "POST /tools/find, wildcard",
        5.0,
        _finds("PatientName", Archive.name_patterns),
        _same_found,
    ),
    Lookup(
        "POST /tools/find, date range",
        5.0,
        _finds("StudyDate", Archive.date_ranges),
        _same_found,
    ),
]
