"""Metadata and its whole life, and protection."""

from __future__ import annotations

from tests.compat.cases import Family, case, delete, each, get, put

_AT = "/instances/{ct}/metadata"

_LEVELS = (
    "/patients/{ct.patient}",
    "/studies/{ct.study}",
    "/series/{ct.series}",
    "/instances/{ct}",
    "/series/{counted.series}",
    "/instances/{plan}",
)

_PROTECTED = "/patients/{ct.patient}/protected"

FAMILY = Family(
    "metadata",
    "scratch",
    (
        *each(
            *(get(f"{path}/metadata{form}") for path in _LEVELS for form in ("", "?expand")),
            *(
                get(f"{_AT}/{name}")
                for name in (
                    "Origin",
                    "RemoteIP",
                    "HttpUsername",
                    "RemoteAET",
                    "TransferSyntax",
                    "SopClassUid",
                    "PixelDataOffset",
                    "IndexInSeries",
                    *map(str, range(1, 15)),
                    "LastUpdate",
                    "nothing",
                    "1999",
                )
            ),
            get("/studies/{ct.study}/metadata/7"),
            get("/series/{counted.series}/metadata/4"),
            get("/patients/nothing/metadata"),
            get("/patients/nothing/metadata/1024"),
            put("/patients/nothing/metadata/1024", "x"),
            *(
                put(f"{_AT}/{name}", "x")
                for name in ("1023", "65536", "1", "0", "-1", "RemoteIP", "nothing")
            ),
            *(delete(f"{_AT}/{name}") for name in ("RemoteIP", "nothing", "1999")),
        ),
        *(
            case(
                f"life of {path}",
                put(path, "hello"),
                get(path),
                get(path.rsplit("/", 1)[0]),
                get(f"{path.rsplit('/', 1)[0]}?expand"),
                put(path, "hello again"),
                get(path),
                put(path, ""),
                get(path),
                delete(path),
                get(path),
            )
            for path in (
                f"{_AT}/1024",
                f"{_AT}/65535",
                f"{_AT}/mine",
                "/series/{ct.series}/metadata/mine",
                "/studies/{ct.study}/metadata/mine",
                "/patients/{ct.patient}/metadata/mine",
            )
        ),
        case(
            "by name and number", put(f"{_AT}/mine", "x"), get(f"{_AT}/1500"), delete(f"{_AT}/1500")
        ),
        case("bytes", put(f"{_AT}/1032", "é\n<b>"), get(f"{_AT}/1032"), delete(f"{_AT}/1032")),
        case(
            "revisions",
            put(f"{_AT}/1100", "one"),
            get(f"{_AT}/1100"),
            get(f"{_AT}/1100", headers={"If-None-Match": "{etag}"}),
            get(f"{_AT}/1100", headers={"If-None-Match": '"9-0123456789abcdef0123456789abcdef"'}),
            put(f"{_AT}/1100", "two", headers={"If-Match": '"0-0123456789abcdef0123456789abcdef"'}),
            put(f"{_AT}/1100", "two", headers={"If-Match": "junk"}),
            get(f"{_AT}/1100"),
            put(f"{_AT}/1100", "two", headers={"If-Match": "{etag}"}),
            get(f"{_AT}/1100"),
            delete(f"{_AT}/1100", headers={"If-Match": '"0-0123456789abcdef0123456789abcdef"'}),
            delete(f"{_AT}/1100", headers={"If-Match": "{etag}"}),
            delete(f"{_AT}/1100"),
        ),
        case(
            "protection",
            get(_PROTECTED),
            *(
                step
                for value in ("1", "0", "true", "false", " 1\n", "", "2", "{}")
                for step in (put(_PROTECTED, value), get(_PROTECTED))
            ),
            put(_PROTECTED, "0"),
        ),
    ),
)
