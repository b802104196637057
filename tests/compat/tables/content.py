"""Raw values by path."""

from __future__ import annotations

from tests.compat.cases import Family, Ours, each, get

_NO_NAME = Ours("nothing is at this path, which is no internal error", status=404)

FAMILY = Family(
    "content",
    "stocked",
    each(
        *(get(f"/instances/{{{name}}}/content") for name in ("ct", "plan", "rle", "structures")),
        get("/instances/{ct}/content/"),
        *(
            get(f"/instances/{{ct}}/content/{path}")
            for path in (
                "PatientName",
                "0010-0010",
                "00100010",
                "0010,0010",
                "Rows",
                "ImageType",
                "AccessionNumber",
                "PixelSpacing",
                "0009-1001",
                "OtherPatientIDsSequence",
                "OtherPatientIDsSequence/1/PatientID",
                "PixelData",
                "PixelData/0",
                "PixelData/1",
                "PatientName/0",
                "0010-0011",
                "0002-0010",
                "WindowCenter",
            )
        ),
        *(
            get(f"/instances/{{plan}}/content/{path}")
            for path in (
                "BeamSequence",
                "BeamSequence/0",
                "BeamSequence/1",
                "BeamSequence/a",
                "BeamSequence/0/BeamName",
                "300a-00b0/0/300a-00c2",
                "BeamSequence/0/ControlPointSequence",
                "BeamSequence/0/ControlPointSequence/1",
                "BeamSequence/0/ControlPointSequence/0/NominalBeamEnergy",
                "BeamSequence/BeamName",
                "BeamSequence/0/BeamName/3",
                "BeamSequence/0/PatientName",
            )
        ),
        *(
            get(f"/instances/{{rle}}/content/{path}")
            for path in ("PixelData", "PixelData/0", "PixelData/1", "PixelData/2", "PixelData/3")
        ),
        get("/instances/{ct}/content/nothing", ours=_NO_NAME),
        get("/instances/{plan}/content/BeamSequence/0/nothing", ours=_NO_NAME),
        get(
            "/instances/{plan}/content/BeamSequence/-1",
            ours=Ours("1.10 reads -1 as the first item", status=404),
        ),
        get("/instances/nothing/content"),
        get("/instances/nothing/content/PatientName"),
    ),
)
