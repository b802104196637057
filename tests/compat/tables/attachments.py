"""Attachments and their whole life."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, case, delete, each, get, post, put
from tests.compat.rules import any_order

_AT = "/instances/{ct}/attachments"
_DICOM = f"{_AT}/dicom"

_PARTS = (
    "data",
    "compressed-data",
    "size",
    "compressed-size",
    "md5",
    "compressed-md5",
    "is-compressed",
    "info",
)

_RANGE = Ours("ranges are answered since Orthanc 1.12.5", status=206)

FAMILY = Family(
    "attachments",
    "scratch",
    (
        *each(
            get(_AT),
            get(f"{_AT}?full"),
            *(get(f"{_DICOM}/{part}") for part in _PARTS),
            get(f"{_AT}/1/size"),
            get(_DICOM, any_order),
            *(get(f"{_AT}/nothing/{part}") for part in ("data", "size", "info")),
            get(f"{_AT}/nothing"),
            get(f"{_AT}/1999"),
            get(f"{_AT}/1999/size"),
            get(f"{_DICOM}/nothing"),
            get("/patients/nothing/attachments"),
            get(f"{_DICOM}/data", headers={"Range": "bytes=0-9"}, ours=_RANGE),
            get(f"{_DICOM}/data", headers={"Range": "bytes=-5"}, ours=_RANGE),
            get(f"{_DICOM}/data", headers={"Range": "junk"}),
            *(put(f"{_AT}/{name}", "x") for name in ("1023", "65536", "1", "-1", "dicom")),
            put(f"{_AT}/nothing", "x"),
            delete(_DICOM),
            delete(f"{_AT}/nothing"),
            delete(f"{_AT}/1999"),
            post(f"{_AT}/nothing/verify-md5"),
            post(f"{_AT}/nothing/compress"),
            put(
                "/patients/nothing/attachments/1024",
                "x",
                ours=Ours("1.10 says 200 and keeps nothing", status=404),
            ),
        ),
        *(
            case(
                f"life of {path}",
                put(path, "hello"),
                get(path.rsplit("/", 1)[0]),
                get(f"{path.rsplit('/', 1)[0]}?full"),
                *(get(f"{path}/{part}") for part in _PARTS),
                put(path, "hello again"),
                get(f"{path}/data"),
                put(path, ""),
                get(f"{path}/data"),
                delete(path),
                get(f"{path}/data"),
                get(path.rsplit("/", 1)[0]),
            )
            for path in (
                f"{_AT}/1024",
                f"{_AT}/65535",
                f"{_AT}/note",
                f"{_AT}/report",
                "/series/{ct.series}/attachments/1024",
                "/studies/{ct.study}/attachments/1024",
                "/patients/{ct.patient}/attachments/1024",
            )
        ),
        case(
            "compress and back",
            post(f"{_DICOM}/verify-md5"),
            post(f"{_DICOM}/compress"),
            *(get(f"{_DICOM}/{part}") for part in ("is-compressed", "size", "md5", "data")),
            post(f"{_DICOM}/compress"),
            post(f"{_DICOM}/verify-md5"),
            get("/instances/{ct}"),
            get("/instances/{ct}/file"),
            post(f"{_DICOM}/uncompress"),
            *(get(f"{_DICOM}/{part}") for part in ("is-compressed", "compressed-size", "data")),
            get("/instances/{ct}/statistics"),
        ),
        case(
            "revisions",
            put(f"{_AT}/1100", "one"),
            get(f"{_AT}/1100/data"),
            get(f"{_AT}/1100/data", headers={"If-None-Match": "{etag}"}),
            get(
                f"{_AT}/1100/data",
                headers={"If-None-Match": '"9-0123456789abcdef0123456789abcdef"'},
            ),
            put(f"{_AT}/1100", "two", headers={"If-Match": '"0-0123456789abcdef0123456789abcdef"'}),
            put(f"{_AT}/1100", "two", headers={"If-Match": "junk"}),
            get(f"{_AT}/1100/data"),
            put(f"{_AT}/1100", "two", headers={"If-Match": "{etag}"}),
            get(f"{_AT}/1100/data"),
            delete(f"{_AT}/1100", headers={"If-Match": '"0-0123456789abcdef0123456789abcdef"'}),
            delete(f"{_AT}/1100", headers={"If-Match": "{etag}"}),
        ),
    ),
)
