"""Passwords, revisions that are asked for, compression, overwriting, errors without words."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, Step, case, delete, each, get, post, put
from tests.compat.rules import only
from tests.compat.samples import file

_META = "/instances/{ct}/metadata/1100"
_ATTACHED = "/instances/{ct}/attachments/1100"


def _life(path: str, read: str) -> tuple[Step, ...]:
    return (
        put(path, "one"),
        put(path, "two"),
        get(read),
        put(path, "two", headers={"If-Match": '"0-0123456789abcdef0123456789abcdef"'}),
        get(read),
        put(path, "two", headers={"If-Match": "{etag}"}),
        delete(path),
        get(read),
        delete(path, headers={"If-Match": "{etag}"}),
        delete(path),
    )


FAMILY = Family(
    "guard",
    "guarded",
    (
        *each(
            get("/system", only("Name", "CheckRevisions", "IsHttpServerSecure")),
            *(
                get(path, headers={"Authorization": value})
                for path in ("/system", "/nothing", "/")
                for value in (
                    "",
                    "Bearer x",
                    "Basic",
                    "Basic !!!",
                    "Basic YWxpY2U6d3Jvbmc=",
                )
            ),
            get("/nothing"),
            get("/patients/nothing/studies"),
            post("/instances", b""),
            post("/tools/find", "{}"),
            get(
                "/instances/{ct}/attachments?full",
                ours=Ours("ours needs no second copy of the header", body={"dicom": 1}),
            ),
            get("/instances/{ct}/attachments/dicom/is-compressed"),
            get("/instances/{ct}/attachments/dicom/size"),
            get("/instances/{ct}/attachments/dicom/data"),
            get("/instances/{ct}"),
            get("/instances/{ct}/file"),
            get("/instances/{ct}/metadata?expand"),
        ),
        case("revisions of metadata", *_life(_META, _META)),
        case("revisions of attachments", *_life(_ATTACHED, f"{_ATTACHED}/data")),
        case(
            "overwriting",
            put("/instances/{ct}/metadata/1200", "gone with the instance"),
            post("/instances", file("CT_small.dcm")),
            get("/instances/{ct}/metadata"),
        ),
    ),
)
