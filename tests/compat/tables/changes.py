"""What happened."""

from __future__ import annotations

from tests.compat.cases import Family, case, delete, each, get, post
from tests.compat.samples import made

_QUERIES = (
    "",
    "?limit=4",
    "?limit=5&since=3",
    "?since=9999",
    "?last",
    "?last=5",
    "?last&since=2",
    "?limit=1000",
    "?since=2&limit=2",
    "?limit=0",
)

READING = Family("changes", "stocked", each(*(get(f"/changes{query}") for query in _QUERIES)))

CLEARING = Family(
    "changes, written",
    "scratch",
    (
        case(
            "clear",
            post("/instances", made("CHG1", "Change", "9100", "9100.1", 1)),
            delete("/changes"),
            get("/changes"),
            post("/instances", made("CHG1", "Change", "9100", "9100.1", 2)),
            get("/changes"),
        ),
        case(
            "of deleted resources",
            delete("/changes"),
            post("/instances", made("CHG2", "Change", "9200", "9200.1", 1)),
            post("/instances", made("CHG2", "Change", "9200", "9200.1", 2)),
            delete("{stored.Path}"),
            get("/changes"),
        ),
        case(
            "of the same instance again",
            delete("/changes"),
            post("/instances", made("CHG1", "Change", "9100", "9100.1", 1)),
            get("/changes"),
        ),
        case("clear exports", delete("/exports"), get("/exports")),
    ),
)
