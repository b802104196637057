"""Queries over REST: answers and errors as Orthanc 1.10 was watched to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rest.remotes import PACS, Network, network

from hornburg.archive.query_remote import MOST_ANSWERS
from hornburg.archive.remote import Model, RemoteError
from hornburg.dicom.elements import Value
from hornburg.dicom.elements_json import elements_of_json

QUERY = "/modalities/pacs/query"
ANSWER = {
    "QueryRetrieveLevel": "STUDY",
    "AccessionNumber": "A1",
    "PatientID": "P1",
    "PatientName": "Doe^John",
    "StudyInstanceUID": "1.2",
    "ProcedureCodeSequence": [{"CodeValue": "1"}],
}
NONE = "8e289db9-0e14-37e1-3ecf-395fd8aae463"


def answering(at: Network, *answers: dict[str, Any]) -> None:
    at.remote.answers = [elements_of_json(one) for one in answers]


async def asked(at: Network, body: dict[str, Any] | None = None, name: str = "pacs") -> str:
    answer = await at.post(f"/modalities/{name}/query", {"Level": "Study", **(body or {})})
    assert answer["Path"] == f"/queries/{answer['ID']}"
    return str(answer["Path"])


async def test_a_query_and_its_answers(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answering(at, ANSWER, {**ANSWER, "StudyInstanceUID": "1.3"})
        query = {"PatientName": "D*", "PatientID": "", "SeriesDescription": "x"}
        path = await asked(at, {"Query": query, "LocalAet": "ME", "Timeout": 4})
        call = at.remote.calls[0]
        assert (call.model, call.target.local_aet, call.target.timeout) == (
            Model.STUDY_ROOT,
            "ME",
            4,
        )
        assert 0x0008103E not in call.identifier
        assert await at.get("/queries") == [path.removeprefix("/queries/")]
        assert await at.get(path) == ["answers", "level", "modality", "query", "retrieve"]
        for part, text in (("level", "Study"), ("modality", "pacs")):
            assert (await at.client.get(f"{path}/{part}")).text == text
        assert await at.get(f"{path}/query?simplify") == query
        assert (await at.get(f"{path}/query"))["0010,0010"] == {
            "Name": "PatientName",
            "Type": "String",
            "Value": "D*",
        }
        assert (await at.get(f"{path}/query?short"))["0010,0010"] == "D*"
        assert await at.get(f"{path}/answers") == ["0", "1"]
        assert await at.get(f"{path}/answers?expand&simplify") == [
            ANSWER,
            {**ANSWER, "StudyInstanceUID": "1.3"},
        ]
        assert (await at.get(f"{path}/answers?expand"))[1]["0020,000d"]["Value"] == "1.3"
        assert await at.get(f"{path}/answers/0") == [
            "content",
            "retrieve",
            "query-series",
            "query-instances",
        ]
        assert (await at.get(f"{path}/answers/0/content"))["0010,0020"]["Name"] == "PatientID"
        assert (await at.get(f"{path}/answers/0/content?short"))["0010,0020"] == "P1"
        assert (await at.get(f"{path}/answers/1/content?simplify"))["StudyInstanceUID"] == "1.3"
        response = await at.client.delete(path)
        assert (response.status_code, response.text) == (200, "")
        assert await at.get("/queries") == []
        assert (await at.client.delete(path)).status_code == 200


async def test_a_query_that_is_not_normalised(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        await asked(at, {"Query": {"SeriesDescription": "x"}, "Normalize": False})
        assert at.remote.calls[0].identifier[0x0008103E] == Value("LO", "x")


async def test_the_manufacturer_is_minded(tmp_path: Path) -> None:
    ge = {**PACS, "Manufacturer": "GE"}
    picky = {**PACS, "Manufacturer": "GenericNoWildcardInDates"}
    async with network(tmp_path, DicomModalities={"ge": ge, "picky": picky}) as at:
        await asked(at, {}, "ge")
        await asked(at, {"Query": {"StudyDate": "*", "PatientID": "*"}}, "picky")
        first, second = at.remote.calls
        assert first.identifier[0x0020000D].content == "*"
        assert second.identifier[0x00080020].content == ""
        assert second.identifier[0x00100020].content == "*"


async def test_queries_that_make_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        cases: list[tuple[Any, tuple[int, int]]] = [
            ("x", (400, 15)),
            ("", (400, 15)),
            ([], (400, 15)),
            ({}, (400, 15)),
            ({"Query": {}}, (400, 15)),
            ({"Level": "Nope"}, (400, 3)),
            ({"Level": 3}, (400, 15)),
            ({"Level": "Study", "Query": []}, (400, 15)),
            ({"Level": "Study", "Query": {"Nope": ""}}, (400, 27)),
            ({"Level": "Study", "Query": {"PatientID": {"a": 1}}}, (400, 5)),
            ({"Level": "Study", "Normalize": "x"}, (400, 15)),
            ({"Level": "Study", "Timeout": "x"}, (400, 15)),
        ]
        for body, expected in cases:
            assert await at.refusal(QUERY, body) == expected, body
        assert await at.refusal("/modalities/nope/query", {"Level": "Study"}) == (404, 7)
        at.remote.failures = [RemoteError("nobody there")]
        assert await at.refusal(QUERY, {"Level": "Study"}) == (500, 9)
        assert await at.get("/queries") == []


async def test_what_is_not_there(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answering(at, ANSWER)
        path = await asked(at)
        for part in ("", "/answers", "/level", "/modality", "/query", "/answers/0/content"):
            response = await at.client.get(f"/queries/{NONE}{part}")
            assert (response.status_code, response.json()["OrthancStatus"]) == (404, 17), part
        assert await at.refusal(f"/queries/{NONE}/retrieve", "X") == (404, 17)
        for number, error in (("1", 3), ("-1", 3), ("x", 5), ("9" * 30, 5)):
            response = await at.client.get(f"{path}/answers/{number}/content")
            assert (response.status_code, response.json()["OrthancStatus"]) == (400, error)
            assert await at.refusal(f"{path}/answers/{number}/retrieve", "X") == (400, error)
        assert await at.refusal(f"{path}/answers/0/query-studies", {}) == (404, 17)


async def test_the_number_of_queries_is_bounded(tmp_path: Path) -> None:
    async with network(tmp_path, QueryRetrieveSize=2) as at:
        paths = [await asked(at) for _ in range(3)]
        assert await at.get("/queries") == sorted(
            path.removeprefix("/queries/") for path in paths[1:]
        )


async def test_more_answers_than_anybody_looks_through(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("hornburg.archive.query_remote.MOST_ANSWERS", 2)
    assert MOST_ANSWERS > 2
    async with network(tmp_path) as at:
        answering(at, ANSWER, ANSWER, ANSWER)
        assert (await at.refusal(QUERY, {"Level": "Study"}))[0] == 413
        assert at.remote.cancelled == 1


async def test_below_an_answer(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answering(at, ANSWER)
        path = await asked(at, {"Timeout": 4})
        body = {"Query": {"Modality": "MR", "StudyInstanceUID": "9"}}
        answer = await at.post(f"{path}/answers/0/query-series", body)
        call = at.remote.calls[-1]
        assert call.target.timeout == 4
        assert call.identifier[0x0020000D].content == "1.2"
        assert call.identifier[0x00100020].content == ""
        assert await at.get(f"{answer['Path']}/query?simplify") == {
            "Modality": "MR",
            "StudyInstanceUID": "1.2",
        }
        await at.post(f"{path}/answers/0/query-instances", {"Timeout": 3})
        assert at.remote.calls[-1].identifier[0x00080052].content == "IMAGE"
        assert at.remote.calls[-1].target.timeout == 3
        assert await at.refusal(f"{path}/answers/0/query-series", "") == (400, 15)
        patients = await at.post(QUERY, {"Level": "Patient"})
        assert await at.get(f"{patients['Path']}/answers/0") == [
            "content",
            "retrieve",
            "query-studies",
            "query-series",
            "query-instances",
        ]
        await at.post(f"{patients['Path']}/answers/0/query-studies", {})
        assert at.remote.calls[-1].identifier[0x00100020].content == "P1"


async def test_retrieve_by_move(tmp_path: Path) -> None:
    shown = {
        "0008,0050": "A1",
        "0008,0052": "STUDY",
        "0010,0020": "P1",
        "0020,000d": "1.2",
    }
    async with network(tmp_path) as at:
        answering(at, ANSWER, {**ANSWER, "StudyInstanceUID": "1.3"})
        path = await asked(at)
        answer = await at.post(f"{path}/answers/0/retrieve", "THERE")
        assert answer == {
            "Description": "REST API",
            "LocalAet": "ORTHANC",
            "Query": [shown],
            "RemoteAet": "PACS",
            "TargetAet": "THERE",
        }
        call = at.remote.calls[-1]
        assert call.destination == "THERE"
        answer = await at.post(f"{path}/answers/0/retrieve", '"THERE"')
        assert answer["TargetAet"] == at.remote.calls[-1].destination == "THERE"
        for body in ('"', '"A" "B"', '"A\\\\B"'):
            assert await at.refusal(f"{path}/retrieve", body) == (400, 15), body
        assert set(call.identifier) == {0x00080005, 0x00080052, 0x0020000D}
        answer = await at.post(f"{path}/retrieve", "")
        assert [one["0020,000d"] for one in answer["Query"]] == ["1.2", "1.3"]
        assert at.remote.calls[-1].destination == "ORTHANC"
        answer = await at.post(f"{path}/retrieve", {"TargetAet": "T", "Simplify": True})
        assert answer["Query"][0]["StudyInstanceUID"] == "1.2"
        answer = await at.post(f"{path}/retrieve", {"Full": True, "Timeout": 2})
        assert answer["Query"][0]["0020,000d"]["Name"] == "StudyInstanceUID"
        assert at.remote.calls[-1].target.timeout == 2
        answer = await at.post(f"{path}/retrieve", {"Synchronous": False})
        await at.jobs.wait(answer["ID"])
        assert at.jobs.status(answer["ID"]).type == "DicomMoveScu"


async def test_a_key_that_the_answer_leaves_out_is_that_of_the_query(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answering(at, {"SeriesInstanceUID": "1.3"})
        path = await asked(at, {"Level": "Series", "Query": {"StudyInstanceUID": "1.2"}})
        await at.post(f"{path}/retrieve", "X")
        assert at.remote.calls[-1].identifier[0x0020000D].content == "1.2"
        await at.post(f"{path}/answers/0/query-instances", {})
        assert at.remote.calls[-1].identifier[0x0020000D].content == "1.2"
        for several in ("1.2\\1.4", "1.*"):
            path = await asked(at, {"Level": "Series", "Query": {"StudyInstanceUID": several}})
            assert await at.refusal(f"{path}/retrieve", "X") == (400, 8)


async def test_an_archive_that_may_not_be_changed_fetches_nothing(tmp_path: Path) -> None:
    async with network(tmp_path, ReadOnly=True) as at:
        answering(at, ANSWER)
        path = await asked(at)
        assert (await at.refusal(f"{path}/retrieve", {"RetrieveMethod": "C-GET"}))[0] == 403
        body = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2"}]}
        assert (await at.refusal("/modalities/pacs/get", body))[0] == 403
        assert [call.service for call in at.remote.calls] == ["C-FIND"]


async def test_retrieve_by_get(tmp_path: Path) -> None:
    modalities = {"pacs": PACS, "own": {**PACS, "RetrieveMethod": "C-GET"}}
    async with network(tmp_path, DicomModalities=modalities) as at:
        answering(at, {**ANSWER, "SOPClassesInStudy": "1.1\\1.2"})
        path = await asked(at)
        answer = await at.post(f"{path}/retrieve", {"RetrieveMethod": "C-GET"})
        assert answer["ReceivedInstancesIds"] == []
        assert at.remote.calls[-1].service == "C-GET"
        assert at.remote.calls[-1].sop_classes == ("1.1", "1.2")
        assert await at.refusal(
            f"{path}/retrieve", {"RetrieveMethod": "C-GET", "TargetAet": "OTHER"}
        ) == (400, 8)
        own = await asked(at, {}, "own")
        await at.post(f"{own}/retrieve", "ORTHANC")
        assert at.remote.calls[-1].service == "C-GET"
        await at.post(f"{own}/retrieve", {"RetrieveMethod": "C-MOVE", "TargetAet": "OTHER"})
        assert at.remote.calls[-1].service == "C-MOVE"


async def test_the_configuration_names_the_way_to_retrieve(tmp_path: Path) -> None:
    async with network(tmp_path, DicomDefaultRetrieveMethod="C-GET") as at:
        answering(at, ANSWER)
        await at.post(f"{await asked(at)}/answers/0/retrieve", "ORTHANC")
        assert at.remote.calls[-1].service == "C-GET"


async def test_retrievals_that_make_no_sense(tmp_path: Path) -> None:
    async with network(tmp_path) as at:
        answering(at, ANSWER)
        path = await asked(at)
        for body, number in (
            ("X" * 20, 15),
            ("[]", 15),
            ("{", 15),
            ({"TargetAet": 3}, 15),
            ({"Timeout": "x"}, 15),
            ({"RetrieveMethod": "C-FLY"}, 3),
            ({"Simplify": 1}, 15),
        ):
            assert await at.refusal(f"{path}/retrieve", body) == (400, number), body
        answering(at, {"PatientID": "P1"})
        path = await asked(at)
        assert await at.refusal(f"{path}/retrieve", "X") == (400, 8)
