"""Other servers with the same REST API: /peers, what is asked of them and sent to them."""

from __future__ import annotations

from typing import Any

from tests.compat.cases import Case, Family, Ours, Step, case, delete, each, get, post, put
from tests.compat.rules import Rule, any_order, only, without
from tests.compat.samples import file

_NO_SCHEME = Ours("a URL says http or https", status=400)
_CREDENTIALS = Ours("credentials in a URL would be shown and logged with it", status=400)
_QUERY = Ours("the base of a REST API has no query", status=400)
_HEADER = Ours("headers that say where a message goes or ends would smuggle requests", status=400)
_HARDWARE = Ours("keys in hardware are not supported, and so are not accepted", status=400)
_TYPE = Ours("a user name is a text", status=400)
_NO_BODY = Ours("a body that is no JSON is a mistake of the client's, not of the path", status=400)
_IN_JOBS = Ours("header values are secrets, and jobs are seen by many", status=200)

_BAD: tuple[Any, ...] = (
    b'"http://a/"',
    [],
    ["http://a/", "u"],
    ["http://a/", "u", "p", "x"],
    {},
    {"Url": ""},
    {"Url": 5},
    {"Url": "ftp://a/"},
    {"Url": "http://a/", "Password": "p"},
    {"Url": "http://a/", "Timeout": "x"},
    {"Url": "http://a/", "Timeout": "7"},
    {"Url": "http://a/", "Timeout": -1},
    {"Url": "http://a/", "HttpHeaders": []},
    {"Url": "http://a/", "HttpHeaders": {"X": 5}},
    {"Url": "http://a/", "Own": {"a": 1}},
    {"Url": "http://a/", "Own": None},
    {"Url": "http://a/", "Own": 1.5},
    {"Url": "http://a/", "Pkcs11": "true"},
    {"Url": "https://a/", "CertificateFile": "/nowhere"},
)
_GOOD: tuple[Any, ...] = (
    ["http://a/"],
    ["http://a"],
    ["http://a:8042/x/", "u", "p"],
    {"Url": "http://a/"},
    {"URL": "http://a"},
    {"Url": "http://a/", "Username": "u"},
    {"Url": "http://a/", "Username": "u", "Password": "p", "Timeout": 4, "Own": "v", "N": 5},
    {"Url": "http://a/", "Username": "", "Password": ""},
    {"Url": "http://a/", "HttpHeaders": {"X": "y", "A": "b"}},
    {"Url": "http://a/", "Own": True},
    {"Url": "https://a/", "CertificateKeyFile": "/nowhere"},
    {"Url": "http://a/", "Pkcs11": False},
)
_STRICTER: tuple[tuple[Any, Ours], ...] = (
    (b"", _NO_BODY),
    (b"{", _NO_BODY),
    (["a:80"], _NO_SCHEME),
    (["//a"], _NO_SCHEME),
    (["http://a/", 5, 6], _TYPE),
    ({"Url": "http://u:p@a/"}, _CREDENTIALS),
    ({"Url": "http://a/?q"}, _QUERY),
    ({"Url": "http://a/", "HttpHeaders": {"Host": "x"}}, _HEADER),
    ({"Url": "http://a/", "HttpHeaders": {"X": "a\r\nb"}}, _HEADER),
    ({"Url": "http://a/", "Pkcs11": True}, _HARDWARE),
)


def _life(entry: Any) -> tuple[Step, ...]:
    return (
        put("/peers/new", entry),
        get("/peers/new/configuration"),
        get("/peers", any_order),
        delete("/peers/new"),
        get("/peers/new"),
    )


_REGISTRY = (
    *each(
        get("/peers", any_order),
        get("/peers?expand"),
        get("/peers/pacs"),
        get("/peers/nothing"),
        get("/peers/pacs/configuration"),
        get("/peers/full/configuration"),
        get("/peers/nothing/configuration"),
        get("/peers/pacs/nothing"),
        post("/peers"),
        post("/peers/pacs"),
        delete("/peers/nothing"),
        *(put("/peers/bad", entry) for entry in _BAD),
        put("/peers/b%20ad", ["http://a/"]),
        *(put(f"/peers/{name}", ["http://a/"]) for name in ("a.b", "a:b", "%C3%A9", "a%2Fb")),
        put("/peers", []),
        delete("/peers"),
        put("/peers/pacs/configuration", []),
        delete("/peers/pacs/system"),
        put("/peers/pacs/store", []),
        get("/peers/pacs/store-straight"),
        get("/peers/pacs/configuration/nothing"),
    ),
    *(case(f"put {number}", *_life(entry)) for number, entry in enumerate(_GOOD)),
    *(
        case(
            f"put stricter {number}",
            put("/peers/strict", entry, ours=ours),
        )
        for number, (entry, ours) in enumerate(_STRICTER)
    ),
    case(
        "put twice",
        put("/peers/new", ["http://a/"]),
        put("/peers/new", ["http://b/", "u", "p"]),
        get("/peers/new/configuration"),
        delete("/peers/new"),
    ),
)

_SYSTEM = each(
    *(get(f"/peers/{name}/system") for name in ("pacs", "full", "gone", "nothing")),
    # A 404 or 401 of a peer is an error of its own number.
    get("/peers/elsewhere/system"),
    post("/peers/pacs/system"),
)

_BODIES: tuple[Any, ...] = (
    "{ct}",
    '"{ct}"',
    "{j1.study}",
    ["{ct}", "{j1}"],
    {"Resources": ["{ct}"]},
    {"Resources": ["{j1.study}"], "Synchronous": True},
    {"Resources": ["{ct}"], "Permissive": True, "Priority": 3},
    {"Resources": ["{ct}"], "Transcode": "1.2.840.10008.1.2.1"},
    {"Resources": []},
    [],
    b"",
    b"{}",
    b"5",
    "nothing",
    ["nothing"],
    ["{ct}", "nothing"],
    {"Resources": "{ct}"},
    {"Resources": [5]},
    {"Resources": ["00000000-00000000-00000000-00000000-00000000"]},
    {"Resources": ["{ct}"], "Compress": "x"},
    {"Resources": ["{ct}"], "Transcode": "1.2.3"},
    {"Resources": ["{ct}"], "Transcode": 5},
    {"Resources": ["{ct}"], "Permissive": "x"},
    {"Resources": ["{ct}"], "Priority": "x"},
    {"Resources": ["{ct}"], "Priority": 1.5},
    {"Resources": ["{ct}"], "Synchronous": "x"},
    {"Resources": ["{ct}"], "Asynchronous": 1},
    {"Resources": ["{ct}"], "Synchronous": True, "Asynchronous": True},
    {"Resources": ["{ct}"], "Transcode": ""},
    {"Resources": ["{ct}"], "Unknown": 1},
    {"Resources": None},
    {"resources": ["{ct}"]},
    [["{ct}"]],
    [""],
    " {ct} ",
    "null",
    "[",
)
_STORE = each(
    *(post("/peers/pacs/store", body) for body in _BODIES),
    # Compressed by other versions of zlib.
    post("/peers/pacs/store", {"Resources": ["{ct}"], "Compress": True}, without("Size")),
    post("/peers/full/store", {"Resources": ["{ct}"]}, ours=_IN_JOBS),
    *(post(f"/peers/{name}/store", "{ct}") for name in ("gone", "elsewhere", "nothing")),
    # Orthanc counts no failures of a permissive job.
    post(
        "/peers/gone/store",
        {"Resources": ["{ct}"], "Permissive": True},
        without("FailedInstancesCount", "Size", "SizeMB"),
    ),
    get("/peers/pacs/store"),
    post("/peers/pacs/store-straight", b""),
    post("/peers/pacs/store-straight", file("CT_small.dcm")),
    post("/peers/pacs/store-straight", b"nothing"),
    post("/peers/gone/store-straight", b"nothing"),
    post("/peers/nothing/store-straight", b""),
)

#: Times are those of the moment.
_JOB = without("CompletionTime", "CreationTime", "EffectiveRuntime", "ID", "Timestamp")
#: Of an instance that nobody took, Orthanc counts the bytes.
_FAILED = without("ErrorDetails", "Size")


def _later(name: str, peer: str, rules: tuple[Rule, ...], **more: Any) -> Case:
    """A job in its end, and what may be done with it then."""
    return case(
        f"job: {name}",
        post(f"/peers/{peer}/store", {"Resources": ["{ct}", "{j1.study}"], **more}, only()),
        get("/jobs/{stored.ID}", _JOB, *rules, until_done=True),
        *(post(f"/jobs/{{stored.ID}}/{act}") for act in ("pause", "resume", "cancel")),
        post("/jobs/{stored.ID}/resubmit"),
        get("/jobs/{stored.ID}", _JOB, *rules, until_done=True),
        get("/jobs/{stored.ID}/nothing"),
    )


_JOBS = (
    _later("asynchronous", "pacs", (), Asynchronous=True),
    _later("not synchronous, with a priority", "pacs", (), Synchronous=False, Priority=7),
    _later("compressed", "pacs", (without("Size"),), Asynchronous=True, Compress=True),
    _later("to nobody", "gone", (_FAILED,), Asynchronous=True),
)

FAMILY = Family("peers", "connected", (*_REGISTRY, *_SYSTEM, *_STORE, *_JOBS))
