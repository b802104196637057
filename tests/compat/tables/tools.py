"""Tools."""

from __future__ import annotations

from tests.compat.cases import Case, Family, Ours, Step, case, each, get, post, put
from tests.compat.rules import only

_CATEGORIES = ("dicom", "generic", "http", "jobs", "lua", "plugins", "sqlite")


_NO_LEVEL = Ours("the route is there, its argument is wrong", status=400)


def _and_back(path: str, *values: str, back: str) -> Case:
    steps: list[Step] = []
    for value in values:
        steps += [put(path, value), get(path)]
    return case(f"PUT {path}", *steps, put(path, back))


FAMILY = Family(
    "tools",
    "scratch",
    (
        *each(
            get("/system", only("Name", "DicomAet", "CheckRevisions")),
            get("/tools/default-encoding"),
            get("/tools/log-level"),
            *(get(f"/tools/log-level-{category}") for category in _CATEGORIES),
            get("/tools/log-level-nothing"),
            get("/tools/metrics"),
            get("/tools/generate-uid", ours=_NO_LEVEL),
            get("/tools/generate-uid?level=nothing", ours=_NO_LEVEL),
            get("/tools/generate-uid?level=", ours=_NO_LEVEL),
            put("/tools/log-level", "nothing"),
            put("/tools/log-level", ""),
            put("/tools/log-level", "VERBOSE"),
            put("/tools/log-level-http", "nothing"),
            put("/tools/log-level-nothing", "default"),
            *(post(f"/tools/{name}") for name in ("now", "log-level", "log-level-http")),
            post("/tools/execute-script", "print(42)"),
            Step("GET", "/tools/execute-script"),
            *(post(f"/instances/{name}/export", "/nowhere/x") for name in ("{ct}", "nothing")),
            get("/instances/{ct}/export"),
            get("/plugins"),
            get("/plugins/explorer.js/nothing"),
            *(Step(method, "/plugins") for method in ("PUT", "DELETE")),
            post("/plugins/explorer.js"),
            put("/tools/default-encoding", "nothing"),
            put("/tools/default-encoding", ""),
            put("/tools/metrics", "nothing"),
            post("/tools/bulk-delete", ""),
            post("/tools/bulk-delete", "[]"),
            post("/tools/bulk-delete", "{}"),
            post("/tools/bulk-delete", {"Resources": "x"}),
            post("/tools/bulk-delete", {"Resources": [1]}),
            post("/tools/bulk-delete", {"Resources": ["nothing"]}),
        ),
        _and_back("/tools/default-encoding", "Utf8", "greek", "Windows1251", back="Latin1"),
        _and_back("/tools/log-level", "verbose", "trace", back="default"),
        _and_back("/tools/log-level-http", "verbose", back="default"),
        _and_back("/tools/metrics", "0", "true", "false", back="1"),
        case(
            "the main level is that of the category that says most",
            put("/tools/log-level-dicom", "verbose"),
            get("/tools/log-level"),
            put("/tools/log-level-jobs", "trace"),
            get("/tools/log-level"),
            get("/tools/log-level-lua"),
            put("/tools/log-level-jobs", "default"),
            get("/tools/log-level"),
            put("/tools/log-level", "default"),
            get("/tools/log-level-dicom"),
        ),
    ),
)
