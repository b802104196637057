"""HTTP itself: methods, forms of paths, folders, what is not there."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, Step, each, get, post, put
from tests.compat.rules import only

_METHODS = [
    ("DELETE", "/instances"),
    ("PUT", "/instances"),
    ("PUT", "/instances/{ct}"),
    ("POST", "/instances/{ct}"),
    ("POST", "/instances/{ct}/metadata/1024"),
    ("PUT", "/changes"),
    ("GET", "/tools/find"),
    ("GET", "/tools/lookup"),
    ("GET", "/tools/reset"),
    ("GET", "/tools/shutdown"),
    ("DELETE", "/system"),
    ("POST", "/system"),
    ("POST", "/"),
]

_HEAD = Ours("HEAD is answered as GET without the body (RFC 9110 9.3.2)")

_OVERRIDE = Ours("a link must not change anything: no method in disguise")

FAMILY = Family(
    "http",
    "stocked",
    each(
        *(Step(method, path) for method, path in _METHODS),
        Step("HEAD", "/instances", ours=_HEAD),
        get("/system?_method=PUT", ours=_OVERRIDE),
        get("/system", headers={"X-HTTP-Method-Override": "PUT"}, ours=_OVERRIDE),
        Step("PATCH", "/instances", ours=Ours("RFC 9110 15.5.6", status=405)),
        Step("DELETE", "/nothing"),
        get("/nothing"),
        get("/Instances"),
        get("/instances/{ct}/nothing"),
        get("/system/", only("Name")),
        get("//system", only("Name")),
        get("/system//", only("Name")),
        get("/./system", only("Name")),
        get("/instances/../system", only("Name")),
        get("/%73ystem", only("Name")),
        get("/instances//{ct}"),
        get("/system?nothing=1", only("Name")),
        get("/system", only("Name"), headers={"Accept": "text/html"}),
        get("/system", only("Name"), headers={"Accept": "image/png"}),
        get("/system", only("Name"), headers={"Cookie": "a=b; c"}),
        get("/exports"),
        get("/modalities"),
        get("/modalities?expand"),
        get("/peers"),
        get("/peers?expand"),
        get("/jobs"),
        get("/jobs?expand"),
        get("/queries"),
        get("/plugins/nothing"),
        get("/jobs/nothing"),
        get("/app/nothing"),
        post("/system?_method=GET"),
        put("/nothing"),
    ),
)
