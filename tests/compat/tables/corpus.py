"""Every small file that pydicom ships: is it taken, under which identifiers, with which tags?"""

from __future__ import annotations

from tests.compat.cases import Case, Family, Ours, case, get, post
from tests.compat.rules import Rule, names, without, yen
from tests.compat.samples import corpus, file

_NAMELESS = Ours("a file without its identifiers is a bad file, not a missing page", status=400)

#: What ours answers otherwise.
_UPLOADS = dict.fromkeys(
    (
        "JPEGLSNearLossless_08.dcm",
        "JPEGLSNearLossless_16.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "UN_sequence.dcm",
        "chrSQEncoding.dcm",
        "chrSQEncoding1.dcm",
        "empty_charset_LEI.dcm",
        "meta_missing_tsyntax.dcm",
        "nested_priv_SQ.dcm",
        "no_meta_group_length.dcm",
        "priv_SQ.dcm",
    ),
    _NAMELESS,
)


#: Files whose texts 1.10 converts wrongly: escape sequences are left in, or half of them.
_GARBLED = {"chrH32.dcm", "chrJapMultiExplicitIR6.dcm"}

#: What does not count in files that need it.
_RULES: dict[str, tuple[Rule, ...]] = {
    # Its character set is ISO-IR 13, and its private creators have the VR UN, which 1.10 does not
    # take for creators (PS3.5 7.8.1).
    "J2K_pixelrep_mismatch.dcm": (yen, without("PrivateCreator")),
}


def _of(name: str) -> Case:
    rules = _RULES.get(name, ())
    texts = (
        ()
        if name in _GARBLED
        else (
            get("/patients/{stored.ParentPatient}", *rules),
            get("/studies/{stored.ParentStudy}", *rules),
            get("/series/{stored.ParentSeries}", *rules),
            get("/instances/{stored.ID}/tags", names, *rules),
            get("/instances/{stored.ID}/simplified-tags", names, *rules),
        )
    )
    return case(
        name,
        post("/instances", file(name), gate=True, ours=_UPLOADS.get(name)),
        get("/instances/{stored.ID}/metadata?expand"),
        get("/instances/{stored.ID}/header"),
        get("/instances/{stored.ID}/content"),
        *texts,
        tidy=True,
    )


#: Ours takes it; 1.10 needs seconds to refuse it.
_LEFT_OUT = {"SC_rgb_jpeg.dcm"}

FAMILY = Family("corpus", "scratch", tuple(_of(name) for name in corpus() if name not in _LEFT_OUT))
