"""``find-…`` over REST: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rest.remotes import network

from hornburg.archive.remote import Model, RemoteError
from hornburg.dicom.elements_json import elements_of_json

ANSWER = {
    "PatientID": "P1",
    "PatientName": "Doe",
    "SeriesInstanceUID": "1.3",
    "StudyInstanceUID": "1.2",
}
FIND = "/modalities/pacs/find"


async def test_the_deprecated_finds(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.answers = [elements_of_json(ANSWER)]
        for kind, body, model, tag in (
            ("patient", {}, Model.PATIENT_ROOT, 0x00100040),
            ("study", {"PatientID": "P12"}, Model.STUDY_ROOT, 0x00080090),
            ("study", {"AccessionNumber": "A12"}, Model.STUDY_ROOT, 0x00200010),
            (
                "series",
                {"PatientID": "P12", "StudyInstanceUID": "1.2"},
                Model.STUDY_ROOT,
                0x00080060,
            ),
            (
                "instance",
                {"PatientID": "P12", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3"},
                Model.STUDY_ROOT,
                0x00200013,
            ),
        ):
            assert await at.post(f"{FIND}-{kind}", body) == [ANSWER]
            call = at.remote.calls[-1]
            assert call.model is model
            assert call.identifier[tag].content == ""
            for name, value in elements_of_json(body).items():
                assert call.identifier[name] == value


async def test_finds_that_ask_for_too_much(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        for kind, body in (
            ("study", {}),
            ("study", {"PatientID": "PP"}),
            ("study", {"StudyInstanceUID": "1.2.3"}),
            ("series", {"PatientID": "PPP"}),
            ("series", {"StudyInstanceUID": "1.2.3"}),
            ("instance", {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3"}),
            ("instance", {"PatientID": "PPP", "StudyInstanceUID": "1.2.3"}),
            ("patient", "x"),
            ("patient", {"Nope": ""}),
            ("patient", {"PatientID": [{"a": 1}]}),
        ):
            status, _ = await at.refusal(f"{FIND}-{kind}", body)
            assert status == 400, (kind, body)
        assert await at.refusal("/modalities/nope/find-patient", {}) == (404, 7)
        assert at.remote.calls == []


async def test_patients_with_what_is_below_them(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        at.remote.answers = [elements_of_json(ANSWER)]
        series = {**ANSWER, "Series": [ANSWER]}
        assert await at.post(FIND, {"PatientName": "D*"}) == [{**ANSWER, "Studies": [series]}]
        levels = [call.identifier[0x00080052].content for call in at.remote.calls]
        assert levels == ["PATIENT", "STUDY", "SERIES"]
        assert at.remote.calls[2].identifier[0x0020000D].content == "1.2"


async def test_patients_with_more_studies_than_one_request_asks_for(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("hornburg.rest.modality_find._MOST_STUDIES", 1)
    async with network(tmp_path) as at:
        at.remote.answers = [elements_of_json(ANSWER)] * 2
        assert (await at.refusal(FIND, {}))[0] == 413


async def test_worklists(tmp_path: Path) -> None:
    step = {"ScheduledProcedureStepSequence": [{"Modality": "MR"}]}
    async with network(tmp_path) as at:
        at.remote.answers = [elements_of_json({"PatientID": "P1", **step})]
        assert await at.post(f"{FIND}-worklist", {"Query": step}) == [{"PatientID": "P1", **step}]
        call = at.remote.calls[0]
        assert call.model is Model.WORKLIST
        assert set(call.identifier) == {0x00080005, 0x00400100}
        (full,) = await at.post(f"{FIND}-worklist", {"Query": {}, "Full": True})
        assert full["0010,0020"] == {"Name": "PatientID", "Type": "String", "Value": "P1"}
        (short,) = await at.post(f"{FIND}-worklist", {"Query": {}, "Short": True, "Timeout": 3})
        assert short["0010,0020"] == "P1"
        assert at.remote.calls[-1].target.timeout == 3
        await at.post(f"{FIND}-worklist", {"PatientID": "*"})
        assert at.remote.calls[-1].identifier[0x00100020].content == "*"
        assert await at.refusal(f"{FIND}-worklist", {"Query": 1}) == (400, 15)
        assert await at.refusal(f"{FIND}-worklist", "") == (400, 15)
        at.remote.failures = [RemoteError("not supported")]
        assert await at.refusal(f"{FIND}-worklist", {}) == (500, 9)
