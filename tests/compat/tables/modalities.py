"""Other application entities, over REST: /modalities, what is asked of them, /queries, /jobs."""

from __future__ import annotations

from typing import Any

from tests.compat.cases import Family, Ours, Step, case, delete, each, get, post, put
from tests.compat.rules import any_order, without

_NOT_500 = Ours("a mistake of the client's is no internal error", status=400)
_MISSPELT = Ours("a misspelt Allow… would leave a door open", status=400)
_TYPE = Ours("the answer says what is allowed; its number is that of a bad format", status=400)
_NUMBERS = Ours("numbers and sequences may stand in a query as such", status=200)

_ENTRY = {"AET": "NEW", "Host": "192.0.2.7", "Port": 104}
_BAD_ENTRIES: tuple[Any, ...] = (
    b"",
    b"{",
    b"nothing",
    [],
    {},
    ["NEW"],
    ["NEW", "192.0.2.7"],
    ["NEW", "192.0.2.7", 104, "Nobody"],
    ["NEW", "192.0.2.7", 104, "Generic", "more"],
    ["NEW", "192.0.2.7", 0],
    ["NEW", "192.0.2.7", 65536],
    ["NEW", "192.0.2.7", -1],
    {"AET": "NEW", "Host": "192.0.2.7"},
    {"AET": "NEW", "Port": 104},
    {"Host": "192.0.2.7", "Port": 104},
    _ENTRY | {"AllowEcho": "yes"},
    _ENTRY | {"Manufacturer": "Nobody"},
    _ENTRY | {"Timeout": "x"},
)
_GOOD_ENTRIES: tuple[Any, ...] = (
    ["NEW", "192.0.2.7", 104],
    ["NEW", "192.0.2.7", "104"],
    ["NEW", "192.0.2.7", 104, "GE"],
    _ENTRY,
    _ENTRY | {"Port": "104"},
    _ENTRY | {"Manufacturer": "Vitrea", "AllowEcho": False, "AllowStore": False},
    _ENTRY | {"AllowFind": False, "AllowMove": False, "AllowGet": False, "AllowNAction": False},
    _ENTRY | {"AllowStorageCommitment": False, "AllowTranscoding": False},
    _ENTRY | {"UseDicomTls": True, "LocalAet": "ME", "Timeout": 5},
)


_PORT = Ours("a port that is none is out of range", status=400)


def _without_get(value: Any) -> Any:
    """C-GET over REST came with 1.12."""
    return [item for item in value if item != "get"] if isinstance(value, list) else value


def _life(entry: Any) -> tuple[Step, ...]:
    return (
        put("/modalities/new", entry),
        get("/modalities/new/configuration"),
        get("/modalities", any_order),
        delete("/modalities/new"),
        get("/modalities/new"),
    )


_REGISTRY = (
    *each(
        get("/modalities", any_order),
        get("/modalities?expand"),
        get("/modalities/dest", _without_get),
        get("/modalities/nothing"),
        get("/modalities/dest/configuration"),
        get("/modalities/nothing/configuration"),
        get("/modalities/dest/nothing"),
        post("/modalities"),
        delete("/modalities/nothing"),
        *(put("/modalities/bad", entry) for entry in _BAD_ENTRIES),
        put("/modalities/bad", ["NEW", "192.0.2.7", "x"], ours=_PORT),
        put("/modalities/bad", _ENTRY | {"Port": "x"}, ours=_PORT),
        put("/modalities/b%20ad", ["NEW", "192.0.2.7", 104]),
        delete("/modalities/b%20ad"),
    ),
    *(case(f"put {number}", *_life(entry)) for number, entry in enumerate(_GOOD_ENTRIES)),
    case(
        "put twice",
        put("/modalities/new", _ENTRY),
        put("/modalities/new", ["OTHER", "192.0.2.8", 105]),
        get("/modalities?expand"),
        delete("/modalities/new"),
    ),
    case(
        "put a member that is none",
        put("/modalities/misspelt", _ENTRY | {"Nothing": 1}, ours=_MISSPELT),
    ),
)

_TIMES = without(
    "CreationTime",
    "CompletionTime",
    "Timestamp",
    "EffectiveRuntime",
    "OrthancVersion",
    "ErrorDetails",
)
# Since 1.12: the status of DIMSE, and the target of a retrieval.
_JOB = (_TIMES, without("DimseErrorStatus", "TargetAet"))
#: A move is a job since 1.12, and answered as one; 1.10 answers {}.
_MOVED = without("DimseErrorStatus", "TargetAet", "Description", "LocalAet", "Query", "RemoteAet")

_ECHO = each(
    *(
        post(f"/modalities/{name}/echo", body)
        for name in ("pacs", "dest", "gone", "nothing")
        for body in (b"", b"{}")
    ),
    *(
        post("/modalities/pacs/echo", body)
        for body in (
            b"nothing",
            b"[]",
            {"Timeout": 5},
            {"Timeout": "x"},
            {"Timeout": -1},
            {"CheckFind": True},
            {"CheckFind": "x"},
            {"Nothing": 1},
        )
    ),
    post("/modalities/dest/echo", {"CheckFind": True}),
    get("/modalities/pacs/echo"),
    *(
        post("/tools/dicom-echo", body)
        for body in (
            b"",
            b"[]",
            {},
            {"AET": "ARCHIVE", "Host": "127.0.0.1"},
            {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": 1},
            ["ARCHIVE", "127.0.0.1", 1],
            {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": "{pacs.port}"},
            {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": "{gone.port}"},
            {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": "{pacs.port}", "CheckFind": True},
            {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": "{pacs.port}", "Timeout": 5},
        )
    ),
)

_STORE_BODIES: tuple[Any, ...] = (
    "{ct}",
    "{j1.study}",
    "{j1.patient}",
    "{j1.series}",
    ["{ct}", "{j1}"],
    ["{ct}", "{j1.study}", "{anna.patient}"],
    {"Resources": ["{ct}"]},
    {"Resources": ["{j1.study}"], "Synchronous": True},
    {"Resources": ["{ct}"], "Synchronous": True, "Permissive": True},
    {"Resources": ["{ct}"], "LocalAet": "ME"},
    {"Resources": ["{ct}"], "MoveOriginatorAet": "ME", "MoveOriginatorID": 7},
    {"Resources": ["{ct}"], "Timeout": 5},
    {"Resources": ["{ct}"], "Priority": 3},
    {"Resources": []},
    [],
    "nothing",
    ["nothing"],
    ["{ct}", "nothing"],
    b"",
    b"{}",
    b"5",
    '"{ct}"',
    '"nothing"',
    {"Resources": "{ct}"},
    {"Resources": [5]},
    {"Resources": ["nothing"]},
    {"Resources": ["nothing"], "Permissive": True},
    {"Resources": ["{ct}"], "Permissive": "x"},
    {"Resources": ["{ct}"], "Synchronous": "x"},
    {"Resources": ["{ct}"], "Priority": "x"},
    {"Resources": ["{ct}"], "Timeout": "x"},
)
_STORE = each(
    *(post("/modalities/dest/store", body, *_JOB) for body in _STORE_BODIES),
    post("/modalities/gone/store", "{ct}"),
    post("/modalities/dest/store", {"Resources": ["{ct}"], "LocalAet": 5}, ours=_TYPE),
    # Orthanc counts no failure when nobody answers.
    post(
        "/modalities/gone/store",
        {"Resources": ["{ct}"], "Permissive": True},
        *_JOB,
        without("FailedInstancesCount"),
    ),
    post("/modalities/nothing/store", "{ct}"),
    get("/modalities/dest/store"),
    post("/modalities/dest/store-straight", b""),
    post("/modalities/dest/store-straight", b"nothing"),
    post("/modalities/nothing/store-straight", b""),
)

_FINDS: tuple[tuple[str, Any], ...] = (
    ("find-patient", {}),
    ("find-patient", {"PatientID": "CMP1"}),
    ("find-patient", {"0010,0020": "CMP1", "PatientName": ""}),
    ("find-study", {"PatientID": "CMP1"}),
    ("find-study", {"PatientID": "CMP1", "StudyDate": "", "ModalitiesInStudy": ""}),
    ("find-study", {"PatientID": "nobody"}),
    ("find-series", {"PatientID": "CMP1", "StudyInstanceUID": "1.2.100"}),
    ("find-instance", {"PatientID": "CMP1", "StudyInstanceUID": "1.2.100", "SeriesInstanceUID": "1.2.100.1"}),
    ("find-study", {"PatientID": 5}),
    ("find-study", []),
    ("find-study", b""),
    ("find-study", b"nothing"),
    ("find-series", {"PatientID": "CMP1"}),
    ("find-instance", {"PatientID": "CMP1"}),
    ("find", {"PatientID": "CMP1"}),
    ("find", {}),
    ("find", b"x"),
    ("find-worklist", {"PatientID": ""}),
)  # fmt: skip
_FIND = each(
    *(
        post(f"/modalities/pacs/{path}", body, any_order, without("MediaStorageSOPInstanceUID"))
        for path, body in _FINDS
    ),
    post("/modalities/pacs/find-study", {"NotATag": "x"}, ours=_NOT_500),
    post("/modalities/gone/find-study", {"PatientID": "CMP1"}),
    post("/modalities/nothing/find-study", {"PatientID": "CMP1"}),
)


def _query(body: Any, *steps: Step) -> tuple[Step, ...]:
    return (post("/modalities/pacs/query", body, gate=True), *steps)


_Q = "/queries/{stored.ID}"
_STUDIES = {"Level": "Study", "Query": {"PatientID": "CMP1", "StudyDate": ""}}
_TO = {"TargetAet": "DEST", "Synchronous": True}
_BAD_QUERIES: tuple[Any, ...] = (
    b"",
    b"[]",
    {},
    {"Query": {}},
    {"Level": "Nothing"},
    {"Level": "Study", "Query": []},
    {"Level": 5},
    {"Level": "Study", "Normalize": "x"},
    {"Level": "Study", "Query": {"PatientID": "x"}, "Timeout": "x"},
)
_QUERY = (
    *each(
        *(
            post("/modalities/pacs/query", body)
            for body in _BAD_QUERIES
        ),
        # Ours says which tag it is.
        post("/modalities/pacs/query", {"Level": "Study", "Query": {"NotATag": ""}}, ours=_TYPE),
        post("/modalities/pacs/query", {"Level": "Study", "Query": {"PatientID": 5}}, ours=_NUMBERS),
        post("/modalities/gone/query", _STUDIES),
        post("/modalities/nothing/query", _STUDIES),
        get("/queries/nothing"),
        get("/queries/nothing/answers"),
        delete("/queries/nothing"),
    ),
    case(
        "a query",
        *_query(
            _STUDIES,
            get(_Q),
            get(f"{_Q}/level"),
            get(f"{_Q}/modality"),
            get(f"{_Q}/query"),
            get(f"{_Q}/query?simplify"),
            get(f"{_Q}/query?short"),
            get(f"{_Q}/answers"),
            get(f"{_Q}/answers?expand"),
            get(f"{_Q}/answers?expand&simplify"),
            get(f"{_Q}/answers?expand&short"),
            get(f"{_Q}/answers/0"),
            get(f"{_Q}/answers/0/content"),
            get(f"{_Q}/answers/1/content?simplify"),
            get(f"{_Q}/answers/1/content?short"),
            get(f"{_Q}/answers/2/content"),
            get(f"{_Q}/answers/x/content"),
            get(f"{_Q}/answers/-1/content"),
            get(f"{_Q}/answers/2"),
            get(f"{_Q}/nothing"),
            get(f"{_Q}/answers/0/nothing"),
            delete(_Q),
            get(_Q),
        ),
    ),
    case("a query without matches", *_query({"Level": "Study", "Query": {"PatientID": "nobody"}}, get(f"{_Q}/answers"), post(f"{_Q}/retrieve", _TO, *_JOB))),
    case("a query without Query", *_query({"Level": "Patient"}, get(f"{_Q}/query?simplify"), get(f"{_Q}/level"))),
    case("not normalized", *_query({"Level": "Study", "Query": {"PatientID": "CMP1", "Modality": "", "StationName": ""}, "Normalize": False}, get(f"{_Q}/query?simplify"), get(f"{_Q}/answers?expand&simplify"))),
    case("normalized", *_query({"Level": "Study", "Query": {"PatientID": "CMP1", "Modality": "", "StationName": ""}}, get(f"{_Q}/query?simplify"), get(f"{_Q}/answers?expand&simplify"))),
    case("query-series", *_query(_STUDIES, post(f"{_Q}/answers/0/query-series", {"Query": {"Modality": ""}}, gate=True), get(f"{_Q}/level"), get(f"{_Q}/query?simplify"), get(f"{_Q}/answers?expand&simplify", any_order))),
    case("query-instances", *_query(_STUDIES, post(f"{_Q}/answers/0/query-instances", b"{}", gate=True), get(f"{_Q}/level"), get(f"{_Q}/query?simplify"))),
    case("query-studies", *_query({"Level": "Patient", "Query": {"PatientID": "CMP1"}}, post(f"{_Q}/answers/0/query-studies", b"{}", gate=True), get(f"{_Q}/query?simplify"), get(f"{_Q}/answers?expand&simplify", any_order))),
    case("query-studies of a study", *_query(_STUDIES, post(f"{_Q}/answers/0/query-studies", b"{}"))),
    case("query-series of no answer", *_query(_STUDIES, post(f"{_Q}/answers/9/query-series", b"{}"))),
    case("query-series, bad body", *_query(_STUDIES, post(f"{_Q}/answers/0/query-series", b"x"))),
    case("retrieve one", *_query(_STUDIES, post(f"{_Q}/answers/0/retrieve", _TO, *_JOB))),
    case("retrieve all", *_query(_STUDIES, post(f"{_Q}/retrieve", _TO, *_JOB))),
    case("retrieve by title alone", *_query(_STUDIES, post(f"{_Q}/answers/0/retrieve", b"DEST", *_JOB))),
    case("retrieve to nobody", *_query(_STUDIES, post(f"{_Q}/answers/0/retrieve", {"TargetAet": "NOBODY", "Synchronous": True}))),
    case("retrieve no answer", *_query(_STUDIES, post(f"{_Q}/answers/9/retrieve", _TO))),
    case("retrieve, bad body", *_query(_STUDIES, post(f"{_Q}/retrieve", {"TargetAet": 5}, ours=_TYPE))),
    case("retrieve, full", *_query(_STUDIES, post(f"{_Q}/retrieve", _TO | {"Full": True}, *_JOB))),
    case("retrieve, simplified", *_query(_STUDIES, post(f"{_Q}/retrieve", _TO | {"Simplify": True}, *_JOB))),
    case("retrieve later", *_query(_STUDIES, post(f"{_Q}/retrieve", {"TargetAet": "DEST", "Asynchronous": True}), get("/jobs/{stored.ID}", *_JOB, until_done=True))),
)  # fmt: skip

_ONE = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2.100"}], "TargetAet": "DEST"}
_FAILED = Ours("a failure of the other side's is told as a retrieval's is, with 500", status=500)
_MOVE = each(
    *(
        post("/modalities/pacs/move", body, _MOVED)
        for body in (
            b"",
            b"{}",
            {"Level": "Study"},
            {"Level": "Study", "Resources": []},
            _ONE,
            _ONE | {"Level": "Patient", "Resources": [{"PatientID": "CMP1"}]},
            _ONE | {"Resources": [{}]},
            _ONE | {"Resources": ["x"]},
            _ONE | {"Level": "Nothing"},
        )
    ),
    post("/modalities/pacs/move", _ONE | {"TargetAet": "NOBODY"}, ours=_FAILED),
    post(
        "/modalities/pacs/move",
        _ONE | {"Resources": [{"StudyInstanceUID": "1.2.9999"}]},
        ours=_FAILED,
    ),
    post("/modalities/pacs/move", _ONE | {"Resources": [{"NotATag": "x"}]}, ours=_NOT_500),
    post("/modalities/nothing/move", _ONE),
)

_NO_ID = Ours("that is no identifier, here as elsewhere", status=400)
_NO_LIST = Ours("nothing is no list; Orthanc then accepts no transfer syntax", status=400)
_NO_SYNTAX = Ours("a slip of the pen would have every C-STORE refused", status=400)
_LATER = {"Asynchronous": True}
_JOBS = (
    *each(
        *(get(f"/jobs/nothing{end}") for end in ("", "/x")),
        *(post(f"/jobs/nothing/{act}") for act in ("cancel", "pause", "resume", "resubmit")),
    ),
    *(
        case(
            f"job: {name}",
            post(f"/modalities/{to}/store", body | _LATER, gate=True),
            get("/jobs/{stored.ID}", *_JOB, until_done=True),
            post("/jobs/{stored.ID}/pause"),
            post("/jobs/{stored.ID}/resume"),
            post("/jobs/{stored.ID}/cancel"),
            get("/jobs/{stored.ID}", *_JOB, until_done=True),
            get("/jobs/{stored.ID}/nothing"),
            post("/jobs/{stored.ID}/resubmit"),
            get("/jobs/{stored.ID}", *_JOB, until_done=True),
        )
        for name, to, body in (
            ("store", "dest", {"Resources": ["{j1.study}"], "Priority": 7}),
            ("store, permissive", "dest", {"Resources": ["{ct}"], "Permissive": True}),
            ("store, local title", "dest", {"Resources": ["{ct}"], "LocalAet": "ME"}),
            ("store to nobody", "gone", {"Resources": ["{ct}"]}),
        )
    ),
    *each(
        post("/modalities/dest/storage-commitment", b""),
        post("/modalities/dest/storage-commitment", b"{}"),
        post("/modalities/dest/storage-commitment", {"Resources": ["nothing"]}, ours=_NO_ID),
        post("/modalities/dest/storage-commitment", {"DicomInstances": [["x"]]}),
        post("/modalities/nothing/storage-commitment", {"Resources": ["{ct}"]}),
        post("/modalities/gone/storage-commitment", {"Resources": ["{ct}"]}),
        post("/modalities/dest/storage-commitment", {"Resources": ["{ct}"]}),
        get("/storage-commitment/nothing"),
        post("/storage-commitment/nothing/remove"),
        get("/tools/dicom-conformance/x"),
        get("/tools/accepted-transfer-syntaxes/x"),
        get("/tools/unknown-sop-class-accepted"),
        put("/tools/unknown-sop-class-accepted", b""),
        put("/tools/unknown-sop-class-accepted", b"x"),
        put("/tools/accepted-transfer-syntaxes", b"", ours=_NO_LIST),
        put("/tools/accepted-transfer-syntaxes", b"x", ours=_NO_SYNTAX),
        put("/tools/accepted-transfer-syntaxes", {}),
        put("/tools/accepted-transfer-syntaxes", [5]),
    ),
)

FAMILIES = (
    Family("modalities", "connected", _REGISTRY),
    Family("echo", "connected", _ECHO),
    Family("store", "connected", _STORE),
    Family("remote find", "connected", _FIND),
    Family("query", "connected", _QUERY),
    Family("move", "connected", _MOVE),
    Family("jobs", "connected", _JOBS),
)
