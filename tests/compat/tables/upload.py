"""POST /instances: files, archives, forms, encodings, and what is no DICOM."""

from __future__ import annotations

import gzip

from tests.compat.cases import Family, Ours, case, each, get, post
from tests.compat.samples import archive, file, form, made

_CT = file("CT_small.dcm")
_PLAN = file("rtplan.dcm")
_FORM = {"Content-Type": "multipart/form-data; boundary=xyzzy"}
_LISTED = Ours("the files of a form are answered as a list; 1.10 tells nothing of them")


def _one(number: int, **more: str) -> bytes:
    return made("UP1", "Up^Load", "8100", "8100.1", number, **more)


FAMILY = Family(
    "upload",
    "scratch",
    (
        *each(
            post("/instances", _CT),
            post("/instances/", _CT),
            post("/instances?nothing", _CT),
            post("/instances", _CT, headers={"Content-Type": "text/plain"}),
            post("/instances", _CT, headers={"Content-Type": "multipart/form-data"}),
            post("/instances", _CT, headers={"Content-Encoding": "identity"}),
            post("/instances", gzip.compress(_one(1)), headers={"Content-Encoding": "gzip"}),
            post("/instances", gzip.compress(_one(2)), headers={"Content-Encoding": "GZIP"}),
            post(
                "/instances",
                # 1.10 takes the last bytes for the size, and clears that much memory first.
                b"no gzip\0\0\0\0",
                headers={"Content-Encoding": "gzip"},
                ours=Ours("a damaged stream is the client's mistake", status=400),
            ),
            post("/instances", gzip.compress(_CT)),
            post("/instances", b""),
            post("/instances", "garbage" * 100),
            post("/instances", "DICM"),
            post("/instances", {}),
            *(post("/instances", _PLAN[:length]) for length in (100, 132, 140, 200, 400, 2000)),
            post("/instances", _CT[:3000]),
            post("/instances", _CT[:-100]),
            post(
                "/instances",
                archive(
                    ("a.dcm", _one(3)),
                    ("b/readme.txt", b"hello"),
                    ("b/", b""),
                    ("b/empty.dcm", b""),
                    ("b/c.dcm", _CT),
                    ("inner.zip", archive(("a", _one(4)))),
                ),
            ),
            post("/instances", archive(("readme.txt", b"hello"))),
            post("/instances", archive(("a", _one(5))), headers={"Content-Type": "text/plain"}),
            post("/instances", archive(("a", _one(6)))[:-40]),
            post("/instances", archive(), ours=Ours("an archive without files is whole", body=[])),
            post("/instances", form(("a.dcm", _one(7))), headers=_FORM, ours=_LISTED),
            post(
                "/instances",
                form(("a.dcm", _one(8)), ("b.dcm", _one(9))),
                headers=_FORM,
                ours=_LISTED,
            ),
            post("/instances", form(("a.txt", b"hello")), headers=_FORM),
        ),
        case(
            "first values stay",
            post("/instances", made("UP2", "First^Name", "8200", "8200.1", 1, StudyID="one")),
            post("/instances", made("UP2", "Second^Name", "8200", "8200.1", 2, StudyID="two")),
            get("/studies/{stored.ParentStudy}"),
        ),
        case(
            "blanks round identifiers",
            post("/instances", made("  UP3 ", " Name ", "8300", "8300.1", 1), gate=True),
            get("/patients/{stored.ParentPatient}"),
        ),
        case(
            "no patient",
            post("/instances", made("", "", "8400", "8400.1", 1), gate=True),
            get("/patients/{stored.ParentPatient}"),
            tidy=True,
        ),
        *(
            case(
                f"InstanceNumber {number!r}",
                post(
                    "/instances",
                    made(
                        "UP5",
                        "Index",
                        "8500",
                        f"8500.{place}",
                        number,
                        SOPInstanceUID=f"1.2.8500.{place}.1",
                    ),
                ),
                get("{stored.Path}"),
            )
            for place, number in enumerate(("7", "", "-3", "+4", "007"), 1)
        ),
        *(
            case(
                f"indices {numbers} of {expected}",
                *(
                    post(
                        "/instances",
                        made(
                            "UP6",
                            "Status",
                            "8600",
                            f"8600.{place}",
                            index,
                            SOPInstanceUID=f"1.2.8600.{place}.{unique}",
                            CardiacNumberOfImages=expected,
                        ),
                    )
                    for unique, index in enumerate(numbers, 1)
                ),
                get("/series/{stored.ParentSeries}"),
            )
            for place, (numbers, expected) in enumerate(
                (
                    ((1, 2, 3), 3),
                    ((1, 2, 3, 4), 3),
                    ((1, 1), 2),
                    ((0, 1), 2),
                    ((1, 9), 3),
                    (("", 2), 2),
                    ((2, 1), 2),
                    ((1,), 0),
                ),
                1,
            )
        ),
        *(
            case(
                f"expected from {', '.join(counts)}",
                post("/instances", made("UP7", "Expected", "8700", f"8700.{place}", 1, **counts)),
                get("/series/{stored.ParentSeries}"),
                get("/series/{stored.ID}/metadata"),
            )
            for place, counts in enumerate(
                (
                    {"ImagesInAcquisition": 3, "NumberOfTemporalPositions": 2},
                    {"ImagesInAcquisition": 3},
                    {"NumberOfSlices": 3, "NumberOfTimeSlices": 4},
                    {"NumberOfSlices": 3, "NumberOfTimeSlices": 4, "CardiacNumberOfImages": 5},
                    {
                        "ImagesInAcquisition": 2,
                        "NumberOfTemporalPositions": 2,
                        "NumberOfSlices": 3,
                        "NumberOfTimeSlices": 4,
                    },
                ),
                1,
            )
        ),
    ),
)
